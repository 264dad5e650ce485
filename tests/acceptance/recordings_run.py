"""Trading over recorded data: the ledger, and the connector's book against the raw capture."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.acceptance.audited import audited, figures_of
from tests.acceptance.book_watch import compare_books, watch_books
from tests.acceptance.configs import write_busy_config, write_config
from tests.acceptance.kill_run import client_of, open_deals
from tests.acceptance.processes import Household

CAPTURE = (
    "depth/binance_BTCUSDT_20240808_raw_ws.jsonl.gz",
    "depth/binance_BTCUSDT_20240809_raw_ws.jsonl.gz",
)
BASES = ("BTC", "ETH", "SOL")
DAY = tuple(f"klines/binance_{base}USDT_1m_20220101_20230930.parquet" for base in BASES)
DAY_MINUTES = 1440


def run_capture(
    folder: Path,
    files: Sequence[Path],
    *,
    speed: float,
    seconds: float | None,
    is_busy: bool,
    book_interval_seconds: float = 0.1,
) -> dict[str, Any]:
    """The bot over the capture, and the connector's feed over it on an exchange of its own where
    nobody trades, so that its update ids are the recorded ones."""
    write = write_busy_config if is_busy else write_config
    config = write(folder / "capture.json", "BTC")
    until = [] if seconds is None else ["--for", f"{seconds:.0f}s"]
    recording = ["--speed", speed, "--recording", *files]
    with Household(folder) as household:
        watched = household.exchange(folder / "watched", *recording)
        bot = household.trade(folder / "bot", *recording, *until, config=config)
        collected = asyncio.run(
            watch_books(watched.announce_file, "BTC/USDT", interval_seconds=book_interval_seconds)
        )
        code = bot.wait_exit(120)
        assert code == 0, bot.said
        return {
            "run": bot.summary(),
            "books": compare_books(files, collected),
            "feed_events": [repr(event) for event in collected.events if "Channel" in repr(event)],
        }


def run_day(
    folder: Path,
    files: Sequence[Path],
    *,
    start: str,
    minutes: int,
    speed: float,
    seconds: float | None,
    exit_seconds_max: float,
    is_busy: bool = False,
) -> dict[str, Any]:
    """The bot over one recorded day of three pairs; the checker looks at the exchange's accounts
    afterwards, brought back from its own files."""
    write = write_busy_config if is_busy else write_config
    config = write(folder / "day.json", *BASES)
    until = [] if seconds is None else ["--for", f"{seconds:.0f}s"]
    recording = ["--recording", *files]
    day = ["--recording-start", start, "--recording-minutes", minutes]
    with Household(folder) as household:
        data_dir = folder / "bot"
        bot = household.trade(data_dir, "--speed", speed, *recording, *day, *until, config=config)
        code = bot.wait_exit(exit_seconds_max)
        assert code == 0, bot.said
        again = household.exchange(
            data_dir, *recording, "--start", start, "--minutes", minutes, "--speed", "0.001"
        )
        deals = [deal["id"] for deal in open_deals(household, data_dir)]
        found = audited(data_dir, client_of(again), deals)
        return {"run": bot.summary(), "audit": figures_of(found)}
