"""Parts of the wire that need no socket: names, limits, payloads, the shape of the table."""

from __future__ import annotations

import asyncio

import pytest

from autotrade.infrastructure.simulated_exchange.core.types import ExchangeError
from autotrade.infrastructure.simulated_exchange.embedded import EmbeddedOptions, _server_settings
from autotrade.infrastructure.simulated_exchange.process_options import (
    ExchangeProcessOptions,
    add_arguments,
    options_from,
)
from autotrade.infrastructure.simulated_exchange.wire import keys
from autotrade.infrastructure.simulated_exchange.wire.client_socket import cut
from autotrade.infrastructure.simulated_exchange.wire.keys import check_timing
from autotrade.infrastructure.simulated_exchange.wire.limits import LimitSettings, RateLimiter
from autotrade.infrastructure.simulated_exchange.wire.stream_names import parse_stream
from autotrade.infrastructure.simulated_exchange.wire.stream_session import initial_streams


@pytest.mark.parametrize(
    ("text", "kind", "cadence_ms"),
    [
        ("btcusdt@depth", "depth", 1000),
        ("btcusdt@depth@100ms", "depth", 100),
        ("btcusdt@depth20", "partialDepth", 1000),
        ("btcusdt@depth5@100ms", "partialDepth", 100),
        ("btcusdt@kline_1s", "kline", 1000),
        ("btcusdt@kline_1M", "kline", 2000),
        ("btcusdt@kline_1d@+08:00", "kline", 2000),
        ("btcusdt@trade", "trade", 0),
        ("btcusdt@ticker_4h", "windowTicker", 1000),
        ("!miniTicker@arr", "miniTicker", 1000),
        ("!ticker_1d@arr", "windowTicker", 1000),
        ("!bookTicker", "bookTicker", 0),
    ],
)
def test_stream_names(text: str, kind: str, cadence_ms: int) -> None:
    name = parse_stream(text)
    assert name is not None
    assert (name.kind, name.cadence_ms) == (kind, cadence_ms)


@pytest.mark.parametrize(
    "text",
    ["", "btcusdt", "btcusdt@", "BTCUSDT@trade", "btcusdt@depth7", "btcusdt@depth@250ms",
     "btcusdt@kline_7m", "btcusdt@ticker_2h", "!trade@arr", "@trade"],
)  # fmt: skip
def test_names_that_are_no_streams(text: str) -> None:
    assert parse_stream(text) is None


def test_addresses_of_stream_sockets() -> None:
    assert initial_streams("/ws/7", {}) == ([], False)
    assert initial_streams("/stream/ws/7", {}) == ([], False)
    assert initial_streams("/ws/a@trade/b@trade", {}) == (["a@trade", "b@trade"], False)
    assert initial_streams("/stream", {"streams": "a@trade/b@trade"}) == (
        ["a@trade", "b@trade"],
        True,
    )
    assert initial_streams("/wss", {}) is None


def test_what_was_signed() -> None:
    assert keys.rest_payload("a=1&signature=S%3D", "b=2") == (b"a=1b=2", "S=")
    assert keys.rest_payload("a=%20", "") == (b"a=%20", None)
    assert keys.websocket_payload({"b": True, "a": 1, "signature": "x", "c": "z"}) == (
        b"a=1&b=true&c=z"
    )


def test_windows_begin_anew_on_the_exchanges_clock() -> None:
    limiter = RateLimiter(LimitSettings(weight_per_minute=10))
    limiter.spend("a", 10, 59_999)
    with pytest.raises(ExchangeError) as refusal:
        limiter.spend("a", 1, 59_999)
    assert refusal.value.headers == {"Retry-After": "1"}  # type: ignore[attr-defined]
    limiter.spend("b", 10, 59_999)  # another address has its own budget
    limiter.spend("a", 10, 60_000)
    assert limiter.used_weight("a", 60_000) == 10


def test_bans_grow() -> None:
    limiter = RateLimiter(LimitSettings(weight_per_minute=0, refusals_before_ban=0))
    lengths = []
    now = 0
    for _ in range(3):
        with pytest.raises(ExchangeError) as refusal:
            limiter.spend("a", 1, now)
        lengths.append(int(refusal.value.headers["Retry-After"]))  # type: ignore[attr-defined]
        now += lengths[-1] * 1000
    assert lengths == [120, 240, 480]


def test_scaled_limits_grow_with_the_speed_and_real_ones_do_not() -> None:
    scaled = _server_settings(EmbeddedOptions(speed=60.0))
    assert (scaled.limits.weight_per_minute, scaled.window_tolerance) == (360_000, 60.0)
    real = _server_settings(EmbeddedOptions(speed=60.0, rate_limits="real"))
    assert (real.limits.weight_per_minute, real.window_tolerance) == (6_000, 1.0)
    slow = _server_settings(EmbeddedOptions(speed=0.5))
    assert (slow.limits.weight_per_minute, slow.window_tolerance) == (6_000, 1.0)


def test_options_survive_their_command_line() -> None:
    import argparse
    from decimal import Decimal
    from pathlib import Path

    options = ExchangeProcessOptions(
        port=None,
        tls_port=0,
        speed=2.5,
        market="seed:4",
        recordings=(Path("a.gz"), Path("b.gz")),
        symbols=("BTCUSDT",),
        start="2024-01-01",
        minutes=3,
        data_dir=Path("somewhere"),
        balances={"USDT": Decimal("7.5"), "BTC": Decimal(1)},
        fee=Decimal("0.00075"),
        rate_limits="real",
        parent_pipe=True,
    )
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    parser.add_argument("--data-dir", type=Path)
    assert options_from(parser.parse_args(options.to_arguments())) == options


@pytest.mark.parametrize(("tolerance", "ahead_ms_max"), [(1.0, 1_000), (60.0, 180_000)])
def test_an_accelerated_clock_that_is_held_back_takes_what_is_further_ahead(
    tolerance: float, ahead_ms_max: int
) -> None:
    """Binance's own second in real time; three real seconds where the machine cannot keep up."""
    check_timing({"timestamp": str(10**12 + ahead_ms_max - 1)}, 10**12, tolerance)
    with pytest.raises(ExchangeError, match="ahead of the server"):
        check_timing({"timestamp": str(10**12 + ahead_ms_max)}, 10**12, tolerance)


class _Transport(asyncio.Transport):
    """Counts what is asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.aborted = 0

    def abort(self) -> None:
        self.aborted += 1


class _LetGo(_Transport):
    """As CPython 3.11.2 leaves a TLS connection that was closed twice."""

    def abort(self) -> None:
        super().abort()
        raise AttributeError("'NoneType' object has no attribute '_abort'")


def test_a_connection_is_cut_once_and_one_that_has_ended_harms_nobody() -> None:
    for transport in (_Transport(), _LetGo()):
        cut(transport)
        assert transport.aborted == 1
    cut(None)
