"""The log that people tail: one line per outcome, with its reason and its numbers."""

from __future__ import annotations

from decimal import Decimal as D

from autotrade.application.narrator import Narrator, plain
from autotrade.domain import events as e
from autotrade.domain.entities.order import OrderSide
from autotrade.domain.state import Record
from tests.engine_harness import SYMBOL, EngineHarness


class Tale:
    """A harness whose every event is told."""

    def __init__(self) -> None:
        self.bot = EngineHarness()
        self.narrator = Narrator(self.bot.state)
        self.lines: list[str] = []
        process = self.bot.engine.process

        def tell(event: e.Event) -> list[Record]:
            records = process(event)
            self.lines.extend(self.narrator.tell(event, records))
            return records

        self.bot.engine.process = tell  # type: ignore[method-assign]

    def signal(self) -> str:
        before = len(self.bot.records)
        self.bot.signal()
        tick = e.TimerTicked(ts=self.bot.ts)
        (line,) = self.narrator.tell(tick, self.bot.records[before:])
        return line


def test_approved_signal_is_one_line() -> None:
    line = Tale().signal()
    assert line.startswith("signal ETH/USDT macd_cross 2000 | book ")
    assert " spread 0.00% imbalance +0% conf 0." in line
    assert line.endswith("| deal 1 opened | BUY 0.0499 @ 2000 sent | SELL pending @ 2030")


def test_refused_signal_says_the_check_and_its_decision() -> None:
    tale = Tale()
    tale.bot.send(e.OperatorRequested, action=e.OperatorAction.PAUSE, by="kim")
    assert tale.lines == ["operator (kim): pause"]
    line = tale.signal()
    assert "| refused: " in line
    assert line.endswith("(D1)")


def test_fills_exits_and_the_result() -> None:
    tale = Tale()
    tale.signal()
    bot = tale.bot
    bot.fill("at1-1-B1", "0.02", trade_id="a")
    bot.fill("at1-1-B1", trade_id="b")
    for leg in ("at1-1-T1", "at1-1-S1"):
        bot.accept(leg)
    bot.fill("at1-1-T1", "0.0498", "2030", trade_id="c")
    bot.ts += 5
    bot.fill("at1-1-T1", "0.0498", "2030", trade_id="c")
    bot.cancel("at1-1-S1", reason="expired")
    bot.cancel("at1-1-S1", reason="expired")
    assert tale.lines == [
        "deal 1 BUY filled 0.02 of 0.0499 @ 2000 fee 0.00002 ETH",
        "deal 1 BUY filled 0.0499 @ 2000 fee 0.0000299 ETH",
        "deal 1 SELL 0.0498 @ 2030 with STOP 1940 sent",
        "deal 1 SELL filled 0.0498 @ 2030 fee 0.101094 USDT",
        "deal 1 STOP expired",
        "deal 1 dust 0.0000501 ETH kept",
        "deal 1 closed: target reached | ETH/USDT net +1.2931 USDT (gross +1.4940, fees 0.2009)",
    ]


def test_fills_of_one_turn_are_told_each() -> None:
    """The loop publishes after it has worked off a whole batch."""
    tale = Tale()
    tale.signal()
    bot, narrator = tale.bot, tale.narrator
    fills = []
    for trade_id, amount in (("a", "0.02"), ("b", "0.0299")):
        fills.append(
            e.OrderFilled(
                ts=bot.ts,
                order_id="at1-1-B1",
                exchange_id="x",
                trade_id=trade_id,
                symbol=SYMBOL,
                side=OrderSide.BUY,
                price=D(2000),
                amount=D(amount),
                fee=D(0),
                fee_asset="ETH",
                is_maker=False,
                exchange_ts=0,
            )
        )
        bot.state.apply(fills[-1])
    assert [narrator.tell(fill, []) for fill in (*fills, fills[0])] == [
        ["deal 1 BUY filled 0.02 of 0.0499 @ 2000 fee 0 ETH"],
        ["deal 1 BUY filled 0.0499 @ 2000 fee 0 ETH"],
        [],
    ]


def test_losses_cancels_questions_and_refusals_have_their_reason() -> None:
    tale = Tale()
    tale.signal()
    bot = tale.bot
    bot.accept("at1-1-B1")
    bot.fill("at1-1-B1")
    bot.unknown("at1-1-S1")
    bot.reject("at1-1-T1", message="Filter failure: NOTIONAL")
    assert tale.lines[1:] == [
        "deal 1 SELL 0.0498 @ 2030 with STOP 1940 sent",
        "deal 1 STOP at1-1-S1 outcome unknown: timed out",
        "deal 1 asks for at1-1-S1: outcome unknown",
        "deal 1 SELL at1-1-T1 refused: Filter failure: NOTIONAL (other)",
    ]
    tale = Tale()
    tale.signal()
    bot = tale.bot
    bot.fill("at1-1-B1")
    bot.accept("at1-1-S1")
    bot.accept("at1-1-T1")
    bot.price("1980")
    bot.price("1950")
    assert tale.lines[2:] == [
        "deal 1 loss -1.00% <= -0.7% (warning)",
        "deal 1 leaves (EMERGENCY): loss -2.50% <= -2% (emergency)",
        "deal 1 cancel sent: emergency",
    ]


def test_canceled_deal_and_connection() -> None:
    tale = Tale()
    tale.signal()
    bot = tale.bot
    bot.reject("at1-1-B1", message="insufficient balance")
    bot.send(e.ChannelLost, channel=e.Channel.MARKET_DATA, symbol=SYMBOL, text="silent for 15 s")
    bot.send(e.ChannelRestored, channel=e.Channel.MARKET_DATA, symbol=SYMBOL)
    bot.send(e.Reconciled, trigger="timer", differences=0)
    bot.send(e.Reconciled, trigger="reconnect", differences=2)
    assert tale.lines == [
        "deal 1 BUY at1-1-B1 refused: insufficient balance (other)",
        "deal 1 the exchange refused the BUY: insufficient balance",
        "deal 1 canceled: the exchange refused the BUY: insufficient balance",
        "market_data lost of ETH/USDT: silent for 15 s",
        "market_data restored of ETH/USDT",
        "reconciled (reconnect): 2 facts were missing",
    ]


def test_orders_of_others_are_not_told() -> None:
    tale = Tale()
    tale.bot.send(e.OrderAccepted, order_id="by-hand", exchange_id="1", exchange_ts=0)
    tale.bot.send(
        e.OrderCanceled, order_id="by-hand", exchange_id="1", filled_total=D(0), reason="canceled"
    )
    tale.bot.send(
        e.OrderFilled,
        order_id="by-hand",
        exchange_id="1",
        trade_id="1",
        symbol=SYMBOL,
        side=OrderSide.BUY,
        price=D(1),
        amount=D(1),
        fee=D(0),
        fee_asset="USDT",
        is_maker=True,
        exchange_ts=0,
    )
    assert tale.lines == []


def test_numbers_are_plain() -> None:
    assert plain(D("1E+3")) == "1000"
    assert plain(D("0.0500")) == "0.05"
    assert plain(D("0.00000001")) == "0.00000001"
    assert plain(None) == "market"
