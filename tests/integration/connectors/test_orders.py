"""Orders through the real library to the real embedded exchange over TLS on loopback."""

from __future__ import annotations

from decimal import Decimal

import pytest
import pytest_asyncio

from autotrade.domain.commands import QueryBalances, TimeInForce
from autotrade.domain.entities.order import OrderType
from autotrade.domain.events import (
    BalancesUpdated,
    CancelOutcomeUnknown,
    CancelRejected,
    MarketRulesUpdated,
    OrderAccepted,
    OrderCanceled,
    OrderFilled,
    OrderNotFound,
    OrderOutcomeUnknown,
    OrderRejected,
    OrderReported,
    RejectReason,
)
from autotrade.infrastructure.connectors.ccxt_connector import CcxtExchangeConnector
from autotrade.infrastructure.simulated_exchange.core.types import MarketStatus
from autotrade.infrastructure.simulated_exchange.wire.keys import ApiKey
from tests.integration.connectors.commands import BTC, buy, cancel, cancel_oco, oco, query
from tests.integration.connectors.conftest import Connect
from tests.integration.connectors.venue import API_SECRET, Collector, TestVenue, eventually


@pytest_asyncio.fixture
async def connector(connect: Connect) -> CcxtExchangeConnector:
    connection = await connect()
    assert connection.connector is not None
    await connection.feed.rules([BTC])
    return connection.connector


async def test_a_resting_order_is_accepted_and_canceled(connector: CcxtExchangeConnector) -> None:
    (accepted,) = await connector.execute(buy("at-1"))
    assert isinstance(accepted, OrderAccepted)
    assert accepted.order_id == "at-1"
    (canceled,) = await connector.execute(cancel("at-1"))
    assert isinstance(canceled, OrderCanceled)
    assert (canceled.order_id, canceled.exchange_id) == ("at-1", accepted.exchange_id)
    assert canceled.filled_total == 0


async def test_a_taker_fills_with_its_fees_at_exact_prices(
    connector: CcxtExchangeConnector,
) -> None:
    accepted, *fills = await connector.execute(buy("at-1", "60000.02", "1.5"))
    assert isinstance(accepted, OrderAccepted)
    assert [(fill.price, fill.amount) for fill in fills if isinstance(fill, OrderFilled)] == [
        (Decimal("60000.01"), Decimal(1)),
        (Decimal("60000.02"), Decimal("0.5")),
    ]
    first = fills[0]
    assert isinstance(first, OrderFilled)
    assert (first.fee, first.fee_asset, first.is_maker) == (Decimal("0.001"), "BTC", False)


async def test_the_part_of_an_ioc_that_finds_nobody_is_canceled(
    connector: CcxtExchangeConnector,
) -> None:
    events = await connector.execute(buy("at-1", "60000.01", "1.5", time_in_force=TimeInForce.IOC))
    assert [type(event) for event in events] == [OrderAccepted, OrderFilled, OrderCanceled]
    canceled = events[-1]
    assert isinstance(canceled, OrderCanceled)
    assert (canceled.filled_total, canceled.reason) == (Decimal(1), "expired")


@pytest.mark.parametrize("stop_limit", [None, "57900"])
async def test_an_order_list_is_accepted_leg_by_leg_and_canceled_whole(
    connector: CcxtExchangeConnector, stop_limit: str | None
) -> None:
    accepted = await connector.execute(oco("at-2", stop_limit=stop_limit))
    assert {event.order_id for event in accepted if isinstance(event, OrderAccepted)} == {
        "at-2-target",
        "at-2-stop",
    }
    canceled = await connector.execute(cancel_oco("at-2"))
    assert {event.order_id for event in canceled if isinstance(event, OrderCanceled)} == {
        "at-2-target",
        "at-2-stop",
    }


async def test_canceling_one_leg_reports_both(connector: CcxtExchangeConnector) -> None:
    await connector.execute(oco("at-2"))
    canceled = await connector.execute(cancel("at-2-target"))
    assert {event.order_id for event in canceled if isinstance(event, OrderCanceled)} == {
        "at-2-target",
        "at-2-stop",
    }


async def test_a_refused_list_is_refused_for_both_legs(connector: CcxtExchangeConnector) -> None:
    refused = await connector.execute(oco("at-2", target="59000"))
    assert [(event.order_id, event.reason) for event in refused] == [  # type: ignore[attr-defined]
        ("at-2-target", RejectReason.WOULD_TRIGGER),
        ("at-2-stop", RejectReason.WOULD_TRIGGER),
    ]


@pytest.mark.parametrize(
    ("command", "reason", "code"),
    [
        (buy("at-1", "59000", "5"), RejectReason.INSUFFICIENT_BALANCE, -2010),
        (
            buy("at-1", "60100", kind=OrderType.LIMIT_MAKER),
            RejectReason.WOULD_MATCH,
            -2010,
        ),
        (buy("at-1", "300001"), RejectReason.FILTER, -1013),
    ],
)
async def test_the_exchanges_no_has_its_reason(
    connector: CcxtExchangeConnector, command: object, reason: RejectReason, code: int
) -> None:
    (rejected,) = await connector.execute(command)  # type: ignore[arg-type]
    assert isinstance(rejected, OrderRejected)
    assert (rejected.reason, rejected.code) == (reason, code)
    assert rejected.order_id == "at-1"


async def test_a_halted_market_is_named(venue: TestVenue, connector: CcxtExchangeConnector) -> None:
    venue.exchange.set_market_status("BTCUSDT", MarketStatus.HALT)
    (rejected,) = await connector.execute(buy("at-1"))
    assert isinstance(rejected, OrderRejected)
    assert rejected.reason is RejectReason.MARKET_HALTED


@pytest.mark.parametrize(
    ("price", "amount", "words"),
    [
        ("59000.001", "0.01", "ticks of 0.01"),
        ("59000", "0.000001", "steps of 0.00001"),
        ("59000", "0.00008", "notional of at least 5"),
        ("59000", "9001", "from 0.00001 to 9000"),
    ],
)
async def test_a_badly_rounded_order_is_refused_here_and_never_sent(
    venue: TestVenue, connector: CcxtExchangeConnector, price: str, amount: str, words: str
) -> None:
    before = venue.server.requests
    (rejected,) = await connector.execute(buy("at-1", price, amount))
    assert isinstance(rejected, OrderRejected)
    assert rejected.reason is RejectReason.FILTER
    assert words in rejected.message
    assert venue.server.requests == before


async def test_an_answer_that_is_lost_after_execution_leaves_the_outcome_unknown(
    venue: TestVenue, connector: CcxtExchangeConnector
) -> None:
    venue.faults.lose_reply("/order")
    (unknown,) = await connector.execute(buy("at-1"))
    assert isinstance(unknown, OrderOutcomeUnknown)
    (reported,) = await connector.execute(query("at-1"))
    assert isinstance(reported, OrderReported)
    assert (reported.order_id, reported.is_open, reported.reason) == ("at-1", True, "NEW")


@pytest.mark.parametrize("is_executed", [True, False])
async def test_a_time_out_inside_the_exchange_is_asked_about_not_guessed(
    venue: TestVenue, connector: CcxtExchangeConnector, is_executed: bool
) -> None:
    venue.faults.answer_timeout("/order", is_executed=is_executed)
    (unknown,) = await connector.execute(buy("at-1", "60000.01"))
    assert isinstance(unknown, OrderOutcomeUnknown)
    answer = await connector.execute(query("at-1"))
    if is_executed:
        assert [type(event) for event in answer] == [OrderReported, OrderFilled]
    else:
        assert answer == [], "no proof: for a receive window it may still arrive"
        (unknown,) = await connector.execute(query("at-2"))
        assert isinstance(unknown, OrderNotFound), "of this one nothing was ever sent"


async def test_a_server_error_is_no_refusal(
    venue: TestVenue, connector: CcxtExchangeConnector
) -> None:
    venue.faults.answer("/order", -1000, "An unknown error occurred.", 500)
    (unknown,) = await connector.execute(buy("at-1"))
    assert isinstance(unknown, OrderOutcomeUnknown)


async def test_a_refused_connection_proves_that_nothing_was_sent(
    venue: TestVenue, connector: CcxtExchangeConnector
) -> None:
    await venue.stop()
    (rejected,) = await connector.execute(buy("at-1"))
    assert isinstance(rejected, OrderRejected)
    assert rejected.reason is RejectReason.UNAVAILABLE


async def test_a_lost_answer_to_a_cancel_is_unknown_too(
    venue: TestVenue, connector: CcxtExchangeConnector
) -> None:
    await connector.execute(buy("at-1"))
    venue.faults.answer_timeout("/order")
    (unknown,) = await connector.execute(cancel("at-1"))
    assert isinstance(unknown, CancelOutcomeUnknown)
    (reported,) = await connector.execute(query("at-1"))
    assert isinstance(reported, OrderReported)
    assert (reported.is_open, reported.reason) == (False, "CANCELED")


async def test_a_cancel_that_came_too_late_is_refused_and_the_fill_is_found(
    connector: CcxtExchangeConnector,
) -> None:
    await connector.execute(buy("at-1", "60000.01"))
    (refused,) = await connector.execute(cancel("at-1"))
    assert isinstance(refused, CancelRejected)
    assert refused.code == -2011
    reported, fill = await connector.execute(query("at-1"))
    assert isinstance(reported, OrderReported)
    assert isinstance(fill, OrderFilled)
    assert (reported.is_open, reported.filled_total) == (False, Decimal("0.01"))
    assert fill.amount == Decimal("0.01")


async def test_the_same_intent_sent_twice_is_one_order(
    venue: TestVenue, connector: CcxtExchangeConnector
) -> None:
    venue.faults.lose_reply("/order")
    await connector.execute(buy("at-1"))
    events = await connector.execute(buy("at-1"))
    assert [type(event) for event in events] == [OrderAccepted, OrderReported]
    assert len(venue.exchange.open_orders("trader")) == 1


async def test_an_order_nobody_knows_is_not_found(connector: CcxtExchangeConnector) -> None:
    (missing,) = await connector.execute(query("at-404"))
    assert isinstance(missing, OrderNotFound)


async def test_balances_and_rules_are_asked_for(connector: CcxtExchangeConnector) -> None:
    balances, rules = await connector.execute(
        QueryBalances(ts=0, deal_id=1, symbol=BTC, reason="test")
    )
    assert isinstance(balances, BalancesUpdated)
    assert isinstance(rules, MarketRulesUpdated)
    assert balances.is_complete
    assert {balance.asset: balance.free for balance in balances.balances} == {
        "USDT": Decimal(100_000),
        "BTC": Decimal(1),
        "ETH": Decimal(10),
    }
    assert rules.rules.tick_size == Decimal("0.01")


async def test_fees_are_the_accounts_own_and_join_the_rules(
    connector: CcxtExchangeConnector,
) -> None:
    assert await connector.fee_rates([BTC]) == {BTC: (Decimal("0.001"), Decimal("0.001"))}


async def test_a_key_that_may_not_trade_is_told_apart(venue: TestVenue, connect: Connect) -> None:
    venue.server.add_key(ApiKey("reader-key", "trader", secret=API_SECRET, can_trade=False))
    connection = await connect(api_key="reader-key")
    assert connection.connector is not None
    await connection.feed.rules([BTC])
    (rejected,) = await connection.connector.execute(buy("at-1"))
    assert isinstance(rejected, OrderRejected)
    assert (rejected.reason, rejected.code) == (RejectReason.PERMISSION, -2015)


async def test_a_ban_refuses_orders_here_without_a_request(
    venue: TestVenue, connector: CcxtExchangeConnector
) -> None:
    venue.faults.answer("/order", -1003, "Too many requests.", 429, headers={"Retry-After": "30"})
    (first,) = await connector.execute(buy("at-1"))
    before = venue.server.requests
    (second,) = await connector.execute(buy("at-2"))
    for rejected in (first, second):
        assert isinstance(rejected, OrderRejected)
        assert rejected.reason is RejectReason.RATE_LIMIT
    assert venue.server.requests == before


async def test_a_banned_address_is_not_executed(
    venue: TestVenue, connector: CcxtExchangeConnector
) -> None:
    venue.faults.answer("/order", -1003, "Way too much.", 418, headers={"Retry-After": "120"})
    (rejected,) = await connector.execute(buy("at-1"))
    assert isinstance(rejected, OrderRejected)
    assert (rejected.reason, rejected.code) == (RejectReason.RATE_LIMIT, -1003)
    assert venue.exchange.open_orders("trader") == []


async def test_the_user_stream_tells_the_same_by_our_own_ids(
    venue: TestVenue, connector: CcxtExchangeConnector
) -> None:
    sink = Collector()
    await connector.start(sink)
    await connector.execute(buy("at-1", "60000.01"))
    await connector.execute(buy("at-2"))
    await connector.execute(cancel("at-2"))
    await sink.until(lambda: len(sink.of(OrderCanceled)) == 1)
    assert [event.order_id for event in sink.of(OrderAccepted)] == ["at-1", "at-2"]
    (fill,) = sink.of(OrderFilled)
    assert (fill.order_id, fill.price, fill.symbol) == ("at-1", Decimal("60000.01"), BTC)
    assert sink.of(OrderCanceled)[0].order_id == "at-2"
    assert sink.of(BalancesUpdated)


async def test_orders_of_others_are_counted_and_left_alone(
    venue: TestVenue, connector: CcxtExchangeConnector
) -> None:
    sink = Collector()
    await connector.start(sink)
    await connector.execute(buy("by-hand"))
    await connector.execute(buy("at-2"))
    await sink.until(lambda: bool(sink.of(OrderAccepted)))
    assert [event.order_id for event in sink.of(OrderAccepted)] == ["at-2"]
    assert connector.user_stream is not None
    assert connector.user_stream.foreign_events == 1


async def test_a_triggered_stop_takes_its_target_along(
    venue: TestVenue, connector: CcxtExchangeConnector
) -> None:
    sink = Collector()
    await connector.start(sink)
    await connector.execute(oco("at-2", stop="59990"))
    venue.book("BTCUSDT", 5_998_000)
    venue.trade("BTCUSDT", 5_998_000)
    await sink.until(lambda: bool(sink.of(OrderFilled)))
    assert sink.of(OrderFilled)[0].order_id == "at-2-stop"
    await sink.until(lambda: bool(sink.of(OrderCanceled)))
    assert sink.of(OrderCanceled)[0].order_id == "at-2-target"


async def test_orders_work_with_an_ed25519_key(venue: TestVenue, connect: Connect) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    venue.server.add_key(ApiKey("pem-key", "trader", public_key_pem=public.decode()))
    # as a file written on Windows reads: the library would take the longer text for an RSA key
    connection = await connect(api_key="pem-key", api_secret=private.replace("\n", "\r\n"))
    assert connection.connector is not None
    await connection.feed.rules([BTC])
    sink = Collector()
    await connection.connector.start(sink)
    (accepted,) = await connection.connector.execute(buy("at-1"))
    assert isinstance(accepted, OrderAccepted)
    await sink.until(lambda: bool(sink.of(OrderAccepted)))


async def test_nothing_is_asked_after_close(venue: TestVenue, connect: Connect) -> None:
    connection = await connect()
    assert connection.connector is not None
    await connection.connector.start(Collector())
    await connection.connector.close()
    await eventually(lambda: venue.server.open_sockets == 0)
