"""The exchange's documented examples, read in place, as our events."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from autotrade.domain.entities.order import OrderSide
from autotrade.domain.events import (
    Event,
    OrderAccepted,
    OrderCanceled,
    OrderFilled,
    OrderRejected,
    OrderReported,
)
from autotrade.infrastructure.connectors import event_translation as translate
from tests.recordings import recording

RUST, PYTHON, NET = "payloads/nautilus_binance/spot", "payloads/nautilus_binance_py", "payloads"


def stored(name: str) -> Any:
    data = json.loads(recording(name).read_text())
    return data["data"] if isinstance(data, dict) and "data" in data else data


def answer_of(name: str) -> Any:
    """These files hold verb, path and a flag above the answer."""
    text = recording(f"{NET}/binance_net/Endpoints/Spot/{name}.txt").read_text(encoding="utf-8-sig")
    return json.loads(text[text.index("{") :])


def of_report(name: str) -> list[Event]:
    return translate.of_execution_report(stored(name), "ETH/USDT", 7)


@pytest.mark.recorded
def test_a_new_order_is_accepted() -> None:
    (event,) = of_report(f"{RUST}/user_data_json/execution_report_new.json")
    assert event == OrderAccepted(
        ts=7,
        order_id="x-TD67BGP9-T0000000000000",
        exchange_id="12345678",
        exchange_ts=1709654400000,
    )


@pytest.mark.recorded
def test_a_trade_is_a_fill_with_its_fee() -> None:
    (event,) = of_report(f"{RUST}/user_data_json/execution_report_trade.json")
    assert event == OrderFilled(
        ts=7,
        order_id="x-TD67BGP9-T0000000000000",
        exchange_id="12345678",
        trade_id="98765432",
        symbol="ETH/USDT",
        side=OrderSide.BUY,
        price=Decimal(2500),
        amount=Decimal(1),
        fee=Decimal("0.001"),
        fee_asset="ETH",
        is_maker=True,
        exchange_ts=1709654401000,
    )


@pytest.mark.recorded
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (f"{RUST}/user_data_json/execution_report_canceled.json", "canceled"),
        (f"{RUST}/user_data_json/execution_report_expired.json", "expired"),
        (
            f"{PYTHON}/ws_messages/ws_spot_execution_report_trade_prevention.json",
            "expired_in_match",
        ),
        (f"{PYTHON}/ws_messages/ws_spot_execution_report_trade_l_zero_expired.json", "expired"),
    ],
)
def test_an_order_that_rests_no_more_is_canceled(name: str, reason: str) -> None:
    (event,) = of_report(name)
    assert isinstance(event, OrderCanceled)
    assert (event.reason, event.filled_total) == (reason, Decimal(0))


@pytest.mark.recorded
def test_a_cancel_that_is_still_pending_says_nothing_yet() -> None:
    assert of_report(f"{PYTHON}/ws_messages/ws_spot_execution_report_pending_cancel.json") == []


@pytest.mark.recorded
def test_a_trade_of_nothing_is_no_fill() -> None:
    name = f"{PYTHON}/ws_messages/ws_spot_execution_report_trade_l_zero_partial.json"
    assert of_report(name) == []


@pytest.mark.recorded
def test_a_trade_without_a_price_must_be_asked_for() -> None:
    with pytest.raises(ValueError, match="a trade with a price"):
        of_report(f"{PYTHON}/ws_messages/ws_spot_execution_report_trade_l_zero.json")


@pytest.mark.recorded
def test_a_rejected_order_keeps_the_exchanges_word() -> None:
    (event,) = of_report(f"{PYTHON}/ws_messages/ws_spot_execution_report_rejected.json")
    assert isinstance(event, OrderRejected)
    assert event.message == "GTX_ORDER_REJECT"


@pytest.mark.recorded
def test_the_full_answer_has_every_fill() -> None:
    answer = stored(f"{RUST}/http_json/new_order_full_response.json")
    accepted, *fills = translate.of_placement(answer, "BTC/USDT", 7)
    assert isinstance(accepted, OrderAccepted)
    assert [fill.trade_id for fill in fills if isinstance(fill, OrderFilled)] == [
        "56",
        "57",
        "58",
        "59",
        "60",
    ]
    assert sum(fill.amount for fill in fills if isinstance(fill, OrderFilled)) == 10
    first = fills[0]
    assert isinstance(first, OrderFilled)
    assert (first.price, first.fee, first.side) == (Decimal(4000), Decimal(4), OrderSide.SELL)


@pytest.mark.recorded
def test_a_cancels_answer_names_the_original_order() -> None:
    event = translate.of_cancel(stored(f"{RUST}/http_json/cancel_order_response.json"), 7)
    assert (event.order_id, event.exchange_id) == ("myOrder1", "4")


@pytest.mark.recorded
def test_an_order_is_reported_as_it_stands() -> None:
    event = translate.of_order(stored(f"{RUST}/http_json/order_response.json"), "myOrder1", 7)
    assert event == OrderReported(
        ts=7,
        order_id="myOrder1",
        exchange_id="1",
        is_open=True,
        filled_total=Decimal(0),
        reason="NEW",
    )


@pytest.mark.recorded
def test_a_row_of_our_trades_is_a_fill() -> None:
    (row,) = stored(f"{RUST}/http_json/account_trades_response.json")
    fill = translate.of_trade(row, "at-1", "BNB/BTC", 7)
    assert (fill.order_id, fill.trade_id, fill.fee, fill.fee_asset) == (
        "at-1",
        "28457",
        Decimal("10.1"),
        "BNB",
    )


@pytest.mark.recorded
def test_an_order_lists_answer_accepts_both_legs() -> None:
    events = translate.of_list_placement(answer_of("Trading/PlaceOcoOrderList"), "LTC/BTC", 7)
    assert [(type(event), event.order_id) for event in events] == [  # type: ignore[attr-defined]
        (OrderAccepted, "44nZvqpemY7sVYgPYbvPih"),
        (OrderAccepted, "NuMp0nVYnciDiFmVqfpBqK"),
    ]


@pytest.mark.recorded
def test_a_canceled_list_names_both_original_orders() -> None:
    reports = answer_of("Trading/CancelOcoOrder")["orderReports"]
    assert [translate.of_cancel(report, 7).order_id for report in reports] == [
        "pO9ufTiFGg3nw2fOdgeOXa",
        "TXOvglzXuaubXAaENpaRCB",
    ]


@pytest.mark.recorded
def test_fees_count_everything_that_is_charged_and_no_discount() -> None:
    rates = translate.fee_rates_of(answer_of("Account/GetCommissionRates"))
    assert rates == (Decimal("0.00000280"), Decimal("0.00000292"))


@pytest.mark.recorded
def test_balances_that_are_zero_are_left_out() -> None:
    account = stored(f"{RUST}/http_json/account_response.json")
    balances = translate.balances_of(account)
    assert all(balance.total > 0 for balance in balances)
    told = {
        row["asset"] for row in account["balances"] if float(row["free"]) or float(row["locked"])
    }
    assert {balance.asset for balance in balances} == told


def test_a_cancel_is_reported_by_our_id_not_by_the_cancel_requests() -> None:
    report = {"c": "cancel-request", "C": "at-1", "i": 5, "x": "CANCELED", "X": "CANCELED"}
    (event,) = translate.of_execution_report(report | {"z": "0.3", "T": 9}, "BTC/USDT", 7)
    assert event == OrderCanceled(
        ts=7, order_id="at-1", exchange_id="5", filled_total=Decimal("0.3"), reason="canceled"
    )


def test_an_order_that_trades_and_expires_at_once_gives_both_facts() -> None:
    report = {
        **{"c": "at-1", "C": "", "i": 5, "x": "TRADE", "X": "EXPIRED_IN_MATCH", "z": "2", "T": 9},
        **{"t": 3, "L": "10", "l": "2", "n": "0", "N": None, "m": False, "S": "SELL"},
    }
    events = translate.of_execution_report(report, "BTC/USDT", 7)
    assert [type(event) for event in events] == [OrderFilled, OrderCanceled]
