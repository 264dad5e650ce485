"""The exchange as a child process: announcement, orderly end, kept accounts, busy ports."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from decimal import Decimal
from pathlib import Path

import aiohttp
import orjson
import pytest

from autotrade.infrastructure.simulated_exchange.driver import HandClock
from autotrade.infrastructure.simulated_exchange.embedded import (
    EmbeddedExchange,
    EmbeddedOptions,
)
from autotrade.infrastructure.simulated_exchange.launcher import (
    ExchangeDidNotStart,
    LaunchOptions,
    RunningExchange,
    launch,
)
from autotrade.infrastructure.simulated_exchange.process_options import ExchangeProcessOptions
from tests.integration.simulated_exchange.support import START_TS, ScriptedMarket

COMMAND = [sys.executable, "-m", "autotrade.infrastructure.simulated_exchange.process"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3] / "src")}


async def _launch(data_dir: Path, **changed: object) -> RunningExchange:
    options = ExchangeProcessOptions(
        **{
            "port": 0,
            "tls_port": None,
            "speed": 10.0,
            "market": "seed:3",
            "symbols": ("BTCUSDT",),
            "data_dir": data_dir,
            "balances": {"USDT": Decimal(5_000)},
            **changed,
        }  # type: ignore[arg-type]
    )
    return await launch(LaunchOptions(options, COMMAND, environment=ENVIRONMENT))


class _Signer:
    """Just enough of a client to place an order with the announced key."""

    def __init__(self, running: RunningExchange, session: aiohttp.ClientSession) -> None:
        self.announce = running.announce
        self.session = session

    async def call(self, verb: str, path: str, **params: str) -> dict[str, object]:
        import hashlib
        import hmac
        from urllib.parse import urlencode

        base = f"http://127.0.0.1:{self.announce['port']}/api/v3"
        async with self.session.get(f"{base}/time") as response:
            now = (await response.json())["serverTime"]
        text = urlencode({**params, "timestamp": now})
        secret = str(self.announce["api_secret"]).encode()
        signature = hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()
        headers = {"X-MBX-APIKEY": str(self.announce["api_key"])}
        url = f"{base}/{path}?{text}&signature={signature}"
        async with self.session.request(verb, url, headers=headers) as response:
            return await response.json()


async def test_it_announces_itself_and_ends_with_its_stdin(tmp_path: Path) -> None:
    running = await _launch(tmp_path, tls_port=0)
    try:
        announce = running.announce
        assert announce["pid"] == running.pid
        assert announce == orjson.loads((tmp_path / "exchange.json").read_bytes())
        assert announce["market"].startswith("modelled market, seed 3")
        assert abs(announce["clock"]["wall_ms"] - time.time() * 1000) < 60_000
        assert Path(announce["ca_certificate"]).exists()
        assert announce["port"] != announce["tls_port"]
    finally:
        code = await running.stop()
    assert code == 0
    assert running.final["misses"] == 0
    assert not (tmp_path / "exchange.json").exists()


@pytest.mark.parametrize("is_killed", [False, True])
async def test_accounts_outlive_the_process(tmp_path: Path, is_killed: bool) -> None:
    running = await _launch(tmp_path)
    async with aiohttp.ClientSession() as session:
        client = _Signer(running, session)
        bought = await client.call(
            "POST", "order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.001"
        )
        assert bought["status"] == "FILLED"
        resting = await client.call(
            "POST", "order", symbol="BTCUSDT", side="BUY", type="LIMIT", quantity="0.001",
            price="30000", timeInForce="GTC",
        )  # fmt: skip
        before = await client.call("GET", "account", omitZeroBalances="true")
    if is_killed:
        running.process.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
        await running.process.wait()
    await running.stop()
    again = await _launch(tmp_path, market=None)
    try:
        async with aiohttp.ClientSession() as session:
            client = _Signer(again, session)
            after = await client.call("GET", "account", omitZeroBalances="true")
            assert after["balances"] == before["balances"]
            found = await client.call("GET", "openOrders", symbol="BTCUSDT")
            assert [order["orderId"] for order in found] == [resting["orderId"]]  # type: ignore
            trades = await client.call("GET", "myTrades", symbol="BTCUSDT")
            assert [trade["orderId"] for trade in trades] == [bought["orderId"]]  # type: ignore
            canceled = await client.call(
                "DELETE", "order", symbol="BTCUSDT", orderId=str(resting["orderId"])
            )
            assert canceled["status"] == "CANCELED"
            assert int(canceled["transactTime"]) >= int(resting["transactTime"])  # type: ignore
    finally:
        await again.stop()


async def test_busy_port_is_one_clear_sentence_and_exit_2(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ExchangeDidNotStart) as refusal:
            await _launch(tmp_path, port=port)
    text = str(refusal.value)
    assert text.startswith(
        "the embedded exchange did not start (exit code 2): expected free ports on 127.0.0.1, "
        f"{port}"
    )
    assert "Traceback" not in text


async def test_bad_options_are_one_clear_sentence_and_exit_2(tmp_path: Path) -> None:
    missing = tmp_path / "nothing.gz"
    cases: list[tuple[dict[str, object], str]] = [
        ({"market": "rumour"}, "expected a market like seed:7, was rumour"),
        ({"speed": -1.0}, "expected a speed above 0, was -1.0"),
        ({"market": None, "recordings": (missing,)}, "nothing.gz"),
        ({"symbols": ("NOPEUSDT",)}, "NOPEUSDT"),
    ]
    refusals = await asyncio.gather(
        *(_launch(tmp_path / str(number), **changed) for number, (changed, _) in enumerate(cases)),
        return_exceptions=True,
    )
    for refusal, (_, words) in zip(refusals, cases, strict=True):
        assert isinstance(refusal, ExchangeDidNotStart)
        assert "code 2" in str(refusal)
        assert words in str(refusal)
        assert "Traceback" not in str(refusal)


async def test_damaged_state_is_refused_by_name(tmp_path: Path) -> None:
    folder = tmp_path / "exchange"
    folder.mkdir()
    (folder / "state.jsonl").write_bytes(b'{"snapshot": 7}\n')
    with pytest.raises(ExchangeDidNotStart) as refusal:
        await _launch(tmp_path)
    assert "code 2" in str(refusal.value)
    assert "state.jsonl" in str(refusal.value)


async def test_a_parent_that_dies_takes_the_exchange_along(tmp_path: Path) -> None:
    """The pipe's end is all that the child sees of its parent's death."""
    running = await _launch(tmp_path)
    assert running.process.stdin is not None
    running.process.stdin.close()
    assert await asyncio.wait_for(running.process.wait(), 10) == 0
    await running.stop()


async def test_a_restarted_recording_goes_on_where_it_stood(tmp_path: Path) -> None:
    """Time never runs back for the accounts; a recording that had ended begins anew."""
    options = EmbeddedOptions(port=None, data_dir=tmp_path, history_candles=10)

    def open_again(end_ts: int) -> EmbeddedExchange:
        return EmbeddedExchange(ScriptedMarket(end_ts=end_ts), options, clock=HandClock(START_TS))

    first = open_again(START_TS + 60_000)
    async with first:
        first.driver.advance_to(START_TS + 30_000)
        first.exchange.deposit("main", "USDT", Decimal(5))
        first.server.publish(first.exchange.drain())
        trades = first.exchange.trades("BTCUSDT")
    second = open_again(START_TS + 60_000)
    assert second.exchange.now == START_TS + 30_000
    assert second.exchange.balances("main")["USDT"] == (Decimal(10_005), Decimal(0))
    assert [trade.ts for trade in second.exchange.trades("BTCUSDT")] == [t.ts for t in trades]
    third = open_again(START_TS + 20_000)
    assert third.exchange.now == START_TS
