"""The embedded exchange as a process: options, announcement, orderly end.

    python main.py exchange [--port 8090] [--tls-port 8443] [--speed 1] [--market seed:7 | ...]

When it serves, it writes `<data-dir>/exchange.json` and one line of JSON on stdout: ports,
certificate authority, key and secret, speed, clock, market. A second line follows when a
recording ends.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import secrets
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson
from filelock import FileLock, Timeout

from autotrade.infrastructure.simulated_exchange.embedded import (
    EmbeddedExchange,
    EmbeddedOptions,
)
from autotrade.infrastructure.simulated_exchange.fault_profile import faults_of
from autotrade.infrastructure.simulated_exchange.market.catalog import (
    MarketSourceError,
    open_market,
)
from autotrade.infrastructure.simulated_exchange.process_options import (
    ExchangeProcessOptions,
    add_arguments,
    options_from,
)
from autotrade.infrastructure.simulated_exchange.state_log import FOLDER, StateDamaged, StateLog

__all__ = ["ExchangeProcessOptions", "build", "run", "serve"]

ANNOUNCE_FILE = "exchange.json"
KEYS_FILE = "keys.json"
LOCK_FILE = "exchange.lock"
LOCK_SECONDS_MAX = 5.0
"""The exchange of a bot that was just killed may still be ending."""
EXIT_OK, EXIT_FAILED, EXIT_USAGE = 0, 1, 2


class UsageError(Exception):
    """An option that cannot be used, in one sentence."""


def _seed_of(market: str | None) -> int | None:
    if market is None:
        return None
    kind, _, number = market.partition(":")
    if kind != "seed" or not number.isdigit():
        raise UsageError(f"expected a market like seed:7, was {market}")
    return int(number)


def build(options: ExchangeProcessOptions) -> EmbeddedExchange:
    """The exchange that the options describe; raises UsageError and its like."""
    if options.speed <= 0:
        raise UsageError(f"expected a speed above 0, was {options.speed}")
    if options.port is None and options.tls_port is None:
        raise UsageError("expected a port or a TLS port, both were off")
    seed = _seed_of(options.market)
    stored = StateLog(options.data_dir).load_market()
    is_same_market = seed is None or (stored or {}).get("seed") == seed
    checkpoint = stored if not options.recordings and is_same_market else None
    source = open_market(
        seed=seed,
        recordings=options.recordings,
        symbols=options.symbols or None,
        start=options.start,
        minutes=options.minutes,
        checkpoint=checkpoint,
    )
    symbols = [market.symbol for market in source.markets]
    faults = None if options.faults is None else faults_of(options.faults, symbols, options.speed)
    key, secret = _own_keys(options.data_dir)
    running = EmbeddedExchange(
        source,
        EmbeddedOptions(
            port=options.port,
            tls_port=options.tls_port,
            speed=options.speed,
            balances=options.balances,
            maker_fee=options.fee,
            taker_fee=options.fee,
            rate_limits=options.rate_limits,
            api_key=key,
            api_secret=secret,
            data_dir=options.data_dir,
        ),
    )
    if faults is not None:
        running.play(faults)
    return running


def _own_keys(data_dir: Path) -> tuple[str, str]:
    """Key and secret of the default account, kept so that other clients need not change theirs."""
    path = data_dir / FOLDER / KEYS_FILE
    try:
        stored = orjson.loads(path.read_bytes())
        return str(stored["api_key"]), str(stored["api_secret"])
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError):
        made = {"api_key": secrets.token_hex(32), "api_secret": secrets.token_hex(32)}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(orjson.dumps(made))
    return made["api_key"], made["api_secret"]


def announcement(running: EmbeddedExchange) -> dict[str, Any]:
    """What a client must know; see `docs/reference/embedded_exchange.md`."""
    certificates = running.certificates
    return {
        "event": "started",
        "pid": os.getpid(),
        "port": running.port,
        "tls_port": running.tls_port,
        "ca_certificate": None if certificates is None else str(certificates.authority.resolve()),
        "api_key": running.options.api_key,
        "api_secret": running.options.api_secret,
        "speed": running.options.speed,
        "clock": running.clock_anchor(),
        "market": running.source.description,
        "symbols": [market.symbol for market in running.source.markets],
        "start_ts": running.source.start_ts,
        "end_ts": running.source.end_ts,
        "faults": running.faults is not None,
    }


def _announce(data_dir: Path, facts: dict[str, Any]) -> None:
    path = data_dir / ANNOUNCE_FILE
    temporary = path.with_name(path.name + ".new")
    temporary.touch(mode=0o600)
    temporary.write_bytes(orjson.dumps(facts))
    os.replace(temporary, path)  # noqa: PTH105 - the atomic one on every platform
    _tell(facts)


def _tell(facts: dict[str, Any]) -> None:
    """One line of JSON on stdout; a parent that is gone is noticed elsewhere."""
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.write(orjson.dumps(facts).decode() + "\n")
        sys.stdout.flush()


def _complain(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")


async def serve(options: ExchangeProcessOptions) -> int:
    """Run the exchange until it is told to end; the exit code. One process a folder."""
    path = options.data_dir / FOLDER / LOCK_FILE
    lock = FileLock(path, thread_local=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=LOCK_SECONDS_MAX)
    except Timeout:
        _complain(
            f"expected the accounts in {path.parent} to be free, were in use by another exchange; "
            "stop that one, or name another folder with --data-dir"
        )
        return EXIT_USAGE
    except OSError as error:
        _complain(_unusable(options, error))
        return EXIT_USAGE
    try:
        return await _serve(options)
    finally:
        lock.release()


async def _serve(options: ExchangeProcessOptions) -> int:
    try:
        running = build(options)
    except (UsageError, MarketSourceError, StateDamaged, ValueError) as error:
        _complain(str(error))
        return EXIT_USAGE
    except OSError as error:
        _complain(_unusable(options, error))
        return EXIT_USAGE
    try:
        await running.start()
    except OSError as error:
        await running.stop()
        _complain(_not_started(options, error))
        return EXIT_USAGE
    stop = asyncio.Event()
    _install_stops(options, stop)
    _announce(options.data_dir, announcement(running))
    if not options.parent_pipe:
        _complain(_greeting(running))
    try:
        return await _until_stopped(running, stop)
    finally:
        figures = running.stats()  # of its life; what is open now is closed by its end
        await running.stop()
        with contextlib.suppress(OSError):
            (options.data_dir / ANNOUNCE_FILE).unlink()
        _tell({"event": "stopped", **figures})


def _greeting(running: EmbeddedExchange) -> str:
    addresses = []
    if running.port is not None:
        addresses.append(f"http://127.0.0.1:{running.port}")
    if running.tls_port is not None:
        addresses.append(f"https://127.0.0.1:{running.tls_port}")
    return (
        f"The embedded exchange serves {' and '.join(addresses)} at speed "
        f"{running.options.speed:g}: {running.source.description}."
        f"{' It makes faults on purpose.' if running.faults else ''} Ctrl+C ends it."
    )


def _not_started(options: ExchangeProcessOptions, error: OSError) -> str:
    """A port that cannot be had names no file; certificates that cannot be written do."""
    if error.filename is not None:
        return _unusable(options, error)
    return (
        f"expected free ports on 127.0.0.1, {_ports_text(options)} could not be opened "
        f"({error.strerror or error}); choose others with --port and --tls-port"
    )


def _unusable(options: ExchangeProcessOptions, error: OSError) -> str:
    place = error.filename or options.data_dir
    return (
        f"expected a usable data folder {options.data_dir}, was refused at {place} "
        f"({error.strerror or error}); make it writable, or name another one with --data-dir"
    )


def _ports_text(options: ExchangeProcessOptions) -> str:
    ports = [str(port) for port in (options.port, options.tls_port) if port is not None]
    return " or ".join(ports)


async def _until_stopped(running: EmbeddedExchange, stop: asyncio.Event) -> int:
    stopped = asyncio.create_task(stop.wait())
    ended = asyncio.create_task(running.driver.ended.wait())
    failure = running.failure
    assert failure is not None
    waiting: set[asyncio.Task[Any]] = {stopped, ended, failure}
    try:
        while True:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if failure in done:
                _complain(f"the exchange's market failed: {failure.exception()!r}")
                return EXIT_FAILED
            if stopped in done:
                return EXIT_OK
            _complain("The recording has ended: prices stand still from here on.")
            _tell({"event": "ended", "exchange_ts": running.exchange.now})
    finally:
        stopped.cancel()
        ended.cancel()


def _install_stops(options: ExchangeProcessOptions, stop: asyncio.Event) -> None:
    """SIGTERM and Ctrl+C end the exchange; with a parent, Ctrl+C is the parent's affair."""
    loop = asyncio.get_running_loop()

    def request_stop() -> None:
        loop.call_soon_threadsafe(stop.set)

    _on_signal(signal.SIGTERM, request_stop)
    if not options.parent_pipe:
        _on_signal(signal.SIGINT, request_stop)
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_wait_for_parent, args=(request_stop,), daemon=True).start()


def _on_signal(number: signal.Signals, action: Callable[[], None]) -> None:
    signal.signal(number, lambda *_: action())


def _wait_for_parent(request_stop: Callable[[], None]) -> None:
    """Read stdin to its end; works with pipes on every platform."""
    with contextlib.suppress(OSError, ValueError):
        while os.read(sys.stdin.fileno(), 1024):
            pass
    with contextlib.suppress(RuntimeError):
        request_stop()


def run(options: ExchangeProcessOptions) -> int:
    """Serve in a fresh event loop; the exit code for the command line."""
    return asyncio.run(serve(options))


def describe(options: ExchangeProcessOptions) -> dict[str, Any]:
    """The options as plain data, for logs (they hold no secrets)."""
    return {name: str(value) for name, value in asdict(options).items()}


def main(arguments: list[str] | None = None) -> int:
    """`python -m autotrade.infrastructure.simulated_exchange.process`, the same without main.py."""
    parser = argparse.ArgumentParser(prog="exchange", description="The embedded exchange alone.")
    add_arguments(parser)
    parser.add_argument("--data-dir", type=Path)
    return run(options_from(parser.parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(main())
