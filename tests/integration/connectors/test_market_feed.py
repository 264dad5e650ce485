"""Candles, prices and books through real sockets, with every one of them lost now and then."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest

from autotrade.application.ports import ExchangeUnreachable, UnknownSymbol
from autotrade.domain.entities.orderbook import OrderBook
from autotrade.domain.events import (
    CandleClosed,
    Channel,
    ChannelLost,
    ChannelRestored,
    OrderBookUpdated,
    TickerUpdated,
)
from autotrade.infrastructure.connectors import exchange_clock
from autotrade.infrastructure.connectors.market_feed import CcxtMarketDataFeed
from autotrade.infrastructure.connectors.market_streams import StreamKind
from tests.integration.connectors.commands import BTC
from tests.integration.connectors.conftest import Connect
from tests.integration.connectors.venue import (
    HISTORY_COUNT,
    MIDDLE,
    MINUTE_MS,
    START_TS,
    Collector,
    TestVenue,
    eventually,
)

BOTH = ["BTC/USDT", "ETH/USDT"]


async def started(connect: Connect, sink: Collector, **changes: object) -> CcxtMarketDataFeed:
    connection = await connect(**changes)
    await connection.feed.start(BOTH, "1m", sink)
    return connection.feed


def opened(sink: Collector, symbol: str = "BTC/USDT") -> list[int]:
    """Which minutes of a symbol were delivered, counted from the start."""
    return [
        (event.candle.open_ts - START_TS) // MINUTE_MS
        for event in sink.of(CandleClosed)
        if event.symbol == symbol
    ]


async def test_a_closed_candle_follows_the_book_of_its_moment(
    venue: TestVenue, connect: Connect
) -> None:
    sink = Collector()
    await started(connect, sink)
    venue.trade("BTCUSDT", 6_000_500, 2_000)
    venue.advance(MINUTE_MS)
    await sink.until(lambda: opened(sink) == [0])
    kinds = [type(event) for event in sink.events if getattr(event, "symbol", "") == "BTC/USDT"]
    assert kinds == [OrderBookUpdated, CandleClosed]
    (closed,) = [event for event in sink.of(CandleClosed) if event.symbol == "BTC/USDT"]
    assert (closed.candle.close, closed.candle.volume) == (60005.0, 0.02)
    assert closed.ts >= START_TS + MINUTE_MS, "known only after its end"


async def test_an_exchange_that_loses_its_speed_is_asked_in_its_own_time(
    venue: TestVenue, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stands still where a thousandfold speed was measured; its streams tell so."""
    monkeypatch.setattr(exchange_clock, "HEARD_SECONDS_MAX", 1e6)
    sink = Collector()
    connection = await connect(speed=1_000.0)
    await connection.feed.start(BOTH, "1m", sink)
    clock, now_ms = connection.clock, venue.exchange.now
    venue.trade("BTCUSDT", 6_000_300)
    await eventually(lambda: connection.feed.trades_seen)
    await eventually(lambda: clock.now_ms() > now_ms + 10_000)
    assert clock.signing_ms() <= venue.exchange.now


async def test_prices_carry_best_bid_and_ask_and_the_last_trade(
    venue: TestVenue, connect: Connect
) -> None:
    sink = Collector()
    await started(connect, sink)
    venue.trade("BTCUSDT", 6_000_300)
    venue.book("BTCUSDT", 6_000_200)
    await sink.until(lambda: any(str(t.price) == "60003.00000000" for t in sink.of(TickerUpdated)))
    ticker = sink.of(TickerUpdated)[-1]
    assert (ticker.symbol, float(ticker.bid), float(ticker.ask)) == ("BTC/USDT", 60001.99, 60002.01)


async def test_the_book_equals_the_exchanges_after_changes(
    venue: TestVenue, connect: Connect
) -> None:
    sink = Collector()
    feed = await started(connect, sink)
    for step in range(30):
        venue.book("BTCUSDT", 6_000_000 + step * 3)
        venue.tick()
    update_id, bids, asks = venue.exchange.depth("BTCUSDT", 100)
    await sink.until(lambda: sink.of(OrderBookUpdated)[-1].book.update_id == update_id)
    book = sink.of(OrderBookUpdated)[-1].book
    assert list(book.bids) == [(float(price), float(amount)) for price, amount in bids]
    assert list(book.asks) == [(float(price), float(amount)) for price, amount in asks]
    assert feed.book_resyncs == 0


async def test_a_gap_in_the_book_is_repaired_at_once_on_the_same_socket(
    venue: TestVenue, connect: Connect
) -> None:
    sink = Collector()
    feed = await started(connect, sink)
    venue.tick()
    sockets = venue.server.open_sockets
    venue.faults.open_depth_gap("BTCUSDT")
    venue.tick()
    venue.tick()
    await eventually(lambda: feed.book_resyncs == 1)
    venue.tick()
    update_id = venue.exchange.depth("BTCUSDT", 100)[0]
    await sink.until(lambda: sink.of(OrderBookUpdated)[-1].book.update_id == update_id)
    assert venue.server.open_sockets == sockets
    assert feed.redials == 0
    assert not sink.of(ChannelLost)


async def test_a_book_that_left_its_snapshot_behind_is_asked_for_anew(
    venue: TestVenue, connect: Connect
) -> None:
    """Levels beyond the snapshot that never change are not in the stream either."""
    sink = Collector()
    feed = await started(connect, sink, book_levels=5, book_snapshot_levels=10)
    best = MIDDLE["BTCUSDT"] - 1
    venue.change("BTCUSDT", bids=tuple((best - step, 0) for step in range(8)))
    update_id, bids, _ = venue.exchange.depth("BTCUSDT", 5)
    await sink.until(
        lambda: any(
            event.book.update_id == update_id
            and list(event.book.bids) == [(float(price), float(amount)) for price, amount in bids]
            for event in sink.of(OrderBookUpdated)
        )
    )
    assert feed.book_resyncs == 1
    assert all(len(event.book.bids) == 5 for event in sink.of(OrderBookUpdated))


async def test_a_book_that_is_asked_for_anew_is_not_in_step_before_it_came(
    venue: TestVenue, connect: Connect
) -> None:
    """A diff that arrives before the question has left must not bring the old book back: who
    listens would be given its holes as the whole book, and never hear of the true one."""
    wholes: list[OrderBook] = []

    class Listener:
        def on_book(self, symbol: str, book: OrderBook) -> None:
            wholes.append(book)

        def on_depth(self, symbol: str, message: Mapping[str, Any]) -> None: ...

        def on_trade(self, symbol: str, message: Mapping[str, Any]) -> None: ...

    connection = await connect(book_levels=5, book_snapshot_levels=10)
    feed, sink = connection.feed, Collector()
    feed.listen(Listener())
    await feed.start([BTC], "1m", sink)
    books = feed._books
    feed._tasks[0].cancel()  # from here on this test looks at the book, nobody else
    best = MIDDLE["BTCUSDT"] - 1
    venue.change("BTCUSDT", bids=tuple((best - step, 0) for step in range(8)))
    update_id = venue.exchange.depth("BTCUSDT", 5)[0]
    await eventually(lambda: feed._client.orderbooks[BTC]["nonce"] == update_id)
    wholes.clear()
    assert books.changed_book(BTC) is None
    assert not books.is_in_step
    books.look(BTC)
    assert not books.is_in_step and not wholes
    await eventually(lambda: (books.look(BTC), books.is_in_step)[1])
    assert [len(book.bids) for book in wholes] == [10]


async def test_no_diff_is_kept_before_the_snapshot_is_asked_for(
    venue: TestVenue, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """During a ban the question waits, for days at worst: the library would keep all of them."""
    connection = await connect()
    feed, governor, sink = connection.feed, connection.governor, Collector()
    await feed.start([BTC], "1m", sink)
    taken, take, is_over = [], feed._books.take, asyncio.Event()

    def counted(*what: Any) -> None:
        taken.append(what)
        take(*what)

    async def until_over(_: float) -> None:
        await is_over.wait()

    monkeypatch.setattr(feed._books, "take", counted)
    monkeypatch.setattr(governor, "_sleep", until_over)
    governor.note(418, {"Retry-After": "120"})
    venue.faults.open_depth_gap("BTCUSDT")
    for _ in range(20):
        venue.tick()
    await eventually(lambda: len(taken) == 19)
    await eventually(lambda: governor.waits == 1)
    book = feed._client.orderbooks[BTC]
    assert (book["nonce"], book.cache) == (None, [])
    monkeypatch.setattr(governor, "_blocked_until_ms", 0)
    is_over.set()
    update_id = venue.exchange.depth("BTCUSDT", 100)[0]
    await sink.until(lambda: sink.of(OrderBookUpdated)[-1].book.update_id == update_id)
    assert feed.book_resyncs == 1


async def test_diffs_that_overtake_the_snapshot_are_kept(
    venue: TestVenue, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = await connect()
    feed, sink = connection.feed, Collector()
    await feed.start([BTC], "1m", sink)
    client, has_answered, may_arrive = feed._client, asyncio.Event(), asyncio.Event()
    fetch = client.fetch

    async def held(url: str, *rest: Any) -> Any:
        answer = await fetch(url, *rest)
        has_answered.set()
        await may_arrive.wait()
        return answer

    monkeypatch.setattr(client, "fetch", held)
    venue.faults.open_depth_gap("BTCUSDT")
    venue.tick()
    venue.tick()
    await has_answered.wait()
    for _ in range(3):
        venue.tick()
    await eventually(lambda: len(client.orderbooks[BTC].cache) == 3)
    may_arrive.set()
    update_id = venue.exchange.depth("BTCUSDT", 100)[0]
    await sink.until(lambda: sink.of(OrderBookUpdated)[-1].book.update_id == update_id)
    assert feed.book_resyncs == 1


async def test_levels_the_market_left_are_forgotten(venue: TestVenue, connect: Connect) -> None:
    connection = await connect(book_levels=5, book_snapshot_levels=10)
    sink = Collector()
    await connection.feed.start(BOTH, "1m", sink)
    far = MIDDLE["BTCUSDT"] - 1_000
    for step in range(40):
        venue.change("BTCUSDT", bids=((far - step, 1_000),))
    update_id, bids, _ = venue.exchange.depth("BTCUSDT", 5)
    await sink.until(lambda: sink.of(OrderBookUpdated)[-1].book.update_id == update_id)
    assert len(connection.feed._client.orderbooks["BTC/USDT"]["bids"]) <= 12
    book = sink.of(OrderBookUpdated)[-1].book
    assert list(book.bids) == [(float(price), float(amount)) for price, amount in bids]
    assert connection.feed.book_resyncs == 0


@pytest.mark.parametrize("code", [1001, None])
async def test_all_sockets_closed_is_one_loss_one_return_and_no_candle_missed(
    venue: TestVenue, connect: Connect, code: int | None
) -> None:
    sink = Collector()
    feed = await started(connect, sink)
    venue.advance(MINUTE_MS)
    await sink.until(lambda: opened(sink) == [0])
    venue.server.close_all_sockets(code)
    venue.advance(3 * MINUTE_MS)  # three candles close while nobody listens
    await feed._clock.measure(feed._questions.server_time)
    await sink.until(lambda: len(sink.of(ChannelRestored)) == 1)
    venue.advance(MINUTE_MS)
    await sink.until(lambda: opened(sink) == [0, 1, 2, 3, 4])
    await sink.until(lambda: opened(sink, "ETH/USDT") == [0, 1, 2, 3, 4])
    (lost,) = sink.of(ChannelLost)
    assert (lost.channel, lost.symbol) == (Channel.MARKET_DATA, None)
    venue.tick()
    update_id = venue.exchange.depth("BTCUSDT", 100)[0]
    await sink.until(lambda: sink.of(OrderBookUpdated)[-1].book.update_id == update_id)


@pytest.mark.parametrize("kind", list(StreamKind))
async def test_each_socket_is_redialled_alone(
    venue: TestVenue, connect: Connect, kind: StreamKind
) -> None:
    sink = Collector()
    feed = await started(connect, sink)
    feed._streams.drop(kind, "silent")
    await sink.until(lambda: len(sink.of(ChannelRestored)) == 1)
    assert kind.value in sink.of(ChannelLost)[0].text
    venue.trade("BTCUSDT", 6_000_000)
    venue.tick()
    venue.advance(MINUTE_MS)
    await sink.until(lambda: opened(sink) == [0])
    assert feed.redials == 1


async def test_the_feed_outlives_an_exchange_that_is_away(
    venue: TestVenue, connect: Connect
) -> None:
    sink = Collector()
    feed = await started(connect, sink)
    await venue.stop()
    await sink.until(lambda: len(sink.of(ChannelLost)) == 1)
    await eventually(lambda: feed.redials >= 8)
    await venue.start()
    await sink.until(lambda: len(sink.of(ChannelRestored)) == 1)
    venue.advance(MINUTE_MS)
    await sink.until(lambda: opened(sink) == [0])


async def test_a_silent_symbol_is_stale_and_fresh_again(venue: TestVenue, connect: Connect) -> None:
    now = [0.0]
    connection = await connect(stale_seconds=15.0)
    feed = connection.feed
    feed._monotonic = lambda: now[0]
    sink = Collector()
    await feed.start(BOTH, "1m", sink)
    now[0] = 10.0
    venue.tick("ETHUSDT")
    await eventually(lambda: feed._seen["ETH/USDT"] == 10.0)
    now[0] = 16.0
    feed.check_staleness()
    await sink.until(lambda: bool(sink.of(ChannelLost)))
    assert [event.symbol for event in sink.of(ChannelLost)] == ["BTC/USDT"]
    venue.tick("BTCUSDT")
    await sink.until(lambda: bool(sink.of(ChannelRestored)))
    assert [event.symbol for event in sink.of(ChannelRestored)] == ["BTC/USDT"]


async def test_a_socket_that_is_open_but_silent_is_given_up(
    venue: TestVenue, connect: Connect
) -> None:
    now = [0.0]
    connection = await connect()
    feed = connection.feed
    feed._monotonic = lambda: now[0]
    sink = Collector()
    await feed.start(BOTH, "1m", sink)
    now[0] = 16.0
    feed.check_staleness()
    await sink.until(lambda: any(event.symbol is None for event in sink.of(ChannelRestored)))
    assert feed.redials == 2, "depth and quotes; candles and trades may be rare"


async def test_a_candle_that_the_stream_never_brings_is_fetched(
    venue: TestVenue, connect: Connect
) -> None:
    sink = Collector()
    feed = await started(connect, sink, candle_grace_ms=0)
    venue.faults.silent_streams = True
    venue.advance(2 * MINUTE_MS + 1_000)
    await feed._clock.measure(feed._questions.server_time)
    feed._candles.look_for_missing()
    await sink.until(lambda: opened(sink) == [0, 1])
    venue.faults.silent_streams = False
    venue.advance(MINUTE_MS)
    await sink.until(lambda: opened(sink) == [0, 1, 2])


async def test_history_has_closed_candles_only_and_pages(
    venue: TestVenue, connect: Connect
) -> None:
    connection = await connect()
    venue.advance(30_000)
    candles = await connection.feed.history("BTC/USDT", "1m", 1_200)
    assert len(candles) == 1_200
    assert candles[-1].open_ts == START_TS - MINUTE_MS, "the running minute is not in it"
    steps = {b.open_ts - a.open_ts for a, b in pairwise(candles)}
    assert steps == {MINUTE_MS}
    assert candles[-1].volume == HISTORY_COUNT


async def test_what_history_gave_is_not_delivered_again_and_nothing_between_is_missed(
    venue: TestVenue, connect: Connect
) -> None:
    connection = await connect()
    sink = Collector()
    await connection.feed.history("BTC/USDT", "1m", 50)
    venue.advance(2 * MINUTE_MS)  # closes between history and the first message
    await connection.clock.measure(connection.feed._questions.server_time)
    await connection.feed.start(BOTH, "1m", sink)
    venue.advance(MINUTE_MS)
    await sink.until(lambda: len(opened(sink)) == 3)
    assert opened(sink) == [0, 1, 2]


async def test_rules_are_the_exchanges_own(connect: Connect) -> None:
    connection = await connect()
    rules = (await connection.feed.rules(["ETH/USDT"]))["ETH/USDT"]
    assert (str(rules.tick_size), str(rules.lot_size)) == ("0.01", "0.0001")
    assert (rules.has_oco, rules.has_stop_loss, rules.is_trading) == (True, True, True)
    assert connection.governor.limit == 6_000


async def test_an_unknown_pair_names_the_near_ones(connect: Connect) -> None:
    connection = await connect()
    with pytest.raises(UnknownSymbol, match=r"was ETC/USDT, did you mean .*ETH/USDT"):
        await connection.feed.rules(["BTC/USDT", "ETC/USDT"])


async def test_an_exchange_that_is_not_there_is_named_with_its_address(
    venue: TestVenue, connect: Connect
) -> None:
    await venue.stop()
    with pytest.raises(ExchangeUnreachable, match=rf"127\.0\.0\.1:{venue.tls_port}"):
        await connect()


async def test_no_trade_is_lost_under_a_flood(venue: TestVenue, connect: Connect) -> None:
    """P6: the library's own cache loses two thirds of these; the tap sees each of them."""
    sink = Collector()
    connection = await connect()
    seen: list[int] = []

    class Listener:
        def on_book(self, symbol: str, book: object) -> None: ...
        def on_depth(self, symbol: str, message: object) -> None: ...
        def on_trade(self, symbol: str, message: dict[str, int]) -> None:
            seen.append(message["t"])

    connection.feed.listen(Listener())  # type: ignore[arg-type]
    await connection.feed.start(BOTH, "1m", sink)
    for burst in range(20):
        for number in range(1_000):
            venue.trade("BTCUSDT", 6_000_000 + (burst + number) % 5)
        await asyncio.sleep(0)
    await eventually(lambda: len(seen) >= 20_000)
    assert seen == list(range(seen[0], seen[0] + 20_000))
    assert not sink.of(ChannelLost)
