"""The start card and the summary: what a user reads first and last."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D

from autotrade.infrastructure.terminal.start_card import PairCard, StartCard, render_start_card
from autotrade.infrastructure.terminal.summary import RunSummary, render_summary, summary_json

CARD = StartCard(
    version="1.2.3",
    commit="abcdef01",
    mode="simulation",
    venue="embedded",
    market="modelled from seed 7, nothing recorded",
    pairs=(PairCard("BTC/USDT", D(100), D("0.9"), 3, 5), PairCard("ETH/USDT", D(50), D(1), 2, 5)),
    max_open_deals=9,
    stop_loss_percents=(D("0.7"), D("1.2"), D(2), D(3)),
    data_folder="data",
    exchange_address="127.0.0.1:8443",
    speed=60,
    clock_offset_ms=-12,
)

SUMMARY = RunSummary(
    seconds=180.4,
    signals=9,
    decisions_approved=4,
    decisions_refused={"spread": 2, "cooldown_signal": 3},
    deals_opened=4,
    deals_closed=3,
    deals_canceled=0,
    deals_open=1,
    pnl_net={"USDT": D("1.5000")},
    fees={"USDT": D("0.30"), "BTC": D("0.0000100")},
    latency_us={"p50": 40.0, "p95": 80.0, "p99": 120.0, "max": 900.0},
    reconnects=0,
    unprotected_ms_max=120,
    ledger_difference={"USDT": D("0.000"), "BTC": D(0)},
    resting_orders=["SELL 0.001 BTC/USDT @ 64000"],
    stopped_by="time is up",
)


def test_the_card_says_who_runs_on_what_with_which_limits() -> None:
    text = render_start_card(CARD)
    for words in (
        "AutoTrade 1.2.3 (abcdef01)",
        "simulation on venue embedded, 60 times real time",
        "modelled from seed 7, nothing recorded",
        "127.0.0.1:8443, clock offset -12 ms",
        "BTC/USDT   100 USDT a deal, target +0.9 %, 3 deals at most",
        "9 open deals; loss levels 0.7 % / 1.2 % / 2 % / 3 %",
    ):
        assert words in text
    assert "recovered" not in text
    assert "recovered 2 open deals" in render_start_card(replace(CARD, recovered="2 open deals"))
    assert "real time" in render_start_card(replace(CARD, speed=1))


def test_the_summary_for_machines_has_decimals_as_text() -> None:
    result = summary_json(SUMMARY)
    assert result["decisions"] == {"approved": 4, "refused": {"cooldown_signal": 3, "spread": 2}}
    assert result["deals"] == {"opened": 4, "closed": 3, "canceled": 0, "open": 1}
    assert result["pnl_net"] == {"USDT": "1.5"}
    assert result["fees"] == {"BTC": "0.00001", "USDT": "0.3"}
    assert result["ledger_difference"] == {"BTC": "0", "USDT": "0"}
    assert summary_json(replace(SUMMARY, ledger_difference=None))["ledger_difference"] is None


def test_the_summary_for_people() -> None:
    text = render_summary(SUMMARY)
    assert text.startswith("Summary after 3m (time is up)")
    assert "4 approved, 5 refused: cooldown_signal 3, spread 2" in text
    assert "agrees with the exchange's account in BTC, USDT" in text
    assert "rests        SELL 0.001 BTC/USDT @ 64000" in text


def test_a_ledger_difference_is_shouted() -> None:
    text = render_summary(replace(SUMMARY, ledger_difference={"USDT": D("0.01"), "BTC": D(0)}))
    assert "DIFFERS from the exchange's account by 0.01 USDT" in text
