from __future__ import annotations

import asyncio

import pytest

from autotrade.domain.events import Event
from autotrade.infrastructure.connectors.backoff import Backoff
from autotrade.infrastructure.connectors.connector_settings import normal_secret
from autotrade.infrastructure.connectors.event_pump import EventPump
from autotrade.infrastructure.connectors.order_ids import OrderIds
from autotrade.infrastructure.connectors.requests_under_way import RequestsUnderWay
from autotrade.infrastructure.connectors.scrub import scrub
from autotrade.infrastructure.connectors.transport import (
    LoopbackResolver,
    Transport,
    TransportKind,
    TransportRefused,
)


def test_waiting_doubles_to_a_bound_with_jitter_from_the_seed() -> None:
    backoff, twin, other = Backoff(1), Backoff(1), Backoff(2)
    waits = [backoff.next_seconds() for _ in range(12)]
    assert waits == [twin.next_seconds() for _ in range(12)]
    assert waits != [other.next_seconds() for _ in range(12)]
    assert all(0.05 * 2**n <= wait <= 0.1 * 2**n for n, wait in enumerate(waits[:6]))
    assert all(5 <= wait <= 10 for wait in waits[8:])
    backoff.reset()
    assert backoff.next_seconds() <= 0.1


@pytest.mark.parametrize(
    "text",
    [
        "GET https://x/api?timestamp=1&signature=s3cr3t-abc",
        "{'apiKey': 's3cr3t-abc', 'timestamp': 1}",
        '{"signature":"s3cr3t-abc"}',
        "X-MBX-APIKEY: s3cr3t-abc",
        "-----BEGIN PRIVATE KEY-----\ns3cr3t-abc\n-----END PRIVATE KEY-----",
        "key s3cr3t-abc was refused",
    ],
)
def test_secrets_are_scrubbed(text: str) -> None:
    assert "s3cr3t-abc" not in scrub(text, ["s3cr3t-abc"])


def test_an_empty_secret_scrubs_nothing() -> None:
    assert scrub("plain text", ["", "ex"]) == "plain text"


def test_a_pem_from_any_system_reads_the_same() -> None:
    pem = "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----"
    assert normal_secret(pem.replace("\n", "\r\n") + "\r\n\r\n") == pem
    assert normal_secret(" hmac \n") == "hmac"


async def test_only_the_exchanges_domain_resolves_and_only_to_loopback() -> None:
    resolver = LoopbackResolver(4443)
    (found,) = await resolver.resolve("stream.binance.com", 9443)
    assert (found["host"], found["port"]) == ("127.0.0.1", 4443)
    for host in ("binance.com.evil.example", "evilbinance.com", "api.kraken.com", "localhost"):
        with pytest.raises(OSError, match="refused"):
            await resolver.resolve(host)


def test_a_transport_without_its_guard_cannot_be_made() -> None:
    with pytest.raises(TransportRefused, match="TLS port"):
        Transport(TransportKind.LOOPBACK)
    with pytest.raises(TransportRefused, match="live transport"):
        Transport(TransportKind.LIVE, tls_port=1)


def test_exchange_ids_belong_to_one_symbol(monkeypatch: pytest.MonkeyPatch) -> None:
    from autotrade.infrastructure.connectors import order_ids

    monkeypatch.setattr(order_ids, "REMEMBERED_MAX", 2)
    ids = OrderIds("at-")
    ids.learn("BTC/USDT", "7", "at-1")
    ids.learn("ETH/USDT", "7", "at-2")
    assert (ids.find("BTC/USDT", "7"), ids.find("ETH/USDT", "7")) == ("at-1", "at-2")
    ids.learn("ETH/USDT", "8", "at-3")
    assert ids.find("BTC/USDT", "7") is None, "the oldest is forgotten, memory has a bound"
    assert ids.is_ours("at-9")
    assert not ids.is_ours("web_9")


class SlowSink:
    def __init__(self) -> None:
        self.taken: list[int] = []
        self.open = asyncio.Event()
        self.done = asyncio.Event()

    async def put(self, event: Event) -> None:
        await self.open.wait()
        self.taken.append(event.ts)
        if len(self.taken) == 3:
            self.done.set()

    def put_market(self, event: Event) -> None: ...


async def test_the_pump_keeps_the_order_and_tells_an_overflow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from autotrade.infrastructure.connectors import event_pump

    monkeypatch.setattr(event_pump, "CAPACITY", 3)
    overflows: list[int] = []
    sink = SlowSink()
    pump = EventPump(sink, lambda: overflows.append(1))
    for ts in range(4):
        pump.push(Event(ts=ts))
    pump.start()
    sink.open.set()
    await asyncio.wait_for(sink.done.wait(), 5)
    assert (sink.taken, overflows) == ([0, 1, 2], [1])
    await pump.close()


def test_an_order_of_unknown_outcome_may_arrive_for_a_window_after_it_was_signed() -> None:
    clock = [1_000.0]
    under_way = RequestsUnderWay(lambda: clock[0], window_ms=500)
    with under_way.placing(["once", "leg"]):
        clock[0] = 1_900.0
        assert under_way.may_arrive("once")
    assert not under_way.may_arrive("once"), "it was signed at 1,000"
    with under_way.placing(["anew"]) as placing:
        clock[0] = 2_000.0
        under_way.signed_anew(placing)
        clock[0] = 2_200.0
    clock[0] = 2_500.0
    assert under_way.may_arrive("anew")
    clock[0] = 2_501.0
    assert not under_way.may_arrive("anew")
    with under_way.placing(["known"]) as placing:
        placing.is_unknown = False
    assert not under_way.may_arrive("known")
