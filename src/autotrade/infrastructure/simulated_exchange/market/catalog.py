"""Which market the exchange opens: the model, a raw L2 capture, or candles.

The choice is made by looking into the files. Every refusal is one sentence (`MarketSourceError`).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

from autotrade.infrastructure.simulated_exchange.market.errors import MarketSourceError
from autotrade.infrastructure.simulated_exchange.market.listings import (
    DEFAULT_SYMBOLS,
    LISTINGS,
)
from autotrade.infrastructure.simulated_exchange.market.source import MarketSource

__all__ = [
    "DEFAULT_SEED",
    "DEFAULT_SYMBOLS",
    "LISTINGS",
    "MarketSourceError",
    "RecordingKind",
    "open_market",
    "recording_kind",
]

DEFAULT_SEED = 10
"""Chosen for liveliness, not for profit: of the seeds 1..50 the one on whose first six hours a
plain MACD entry meets most whole deals, winners and losers, early ones weighing most (see
`benchmarks/calibrate_market_model.py seeds` and docs/reference/market_model.md)."""


class RecordingKind(StrEnum):
    """What a recorded file holds."""

    CAPTURE = "raw L2 capture"
    CANDLES = "1-minute candles"


def open_market(
    *,
    seed: int | None = None,
    recordings: Sequence[Path] = (),
    symbols: Sequence[str] | None = None,
    start: str | None = None,
    checkpoint: dict[str, Any] | None = None,
    minutes: int | None = None,
) -> MarketSource:
    """The market to run.

    Without recordings the model: `seed` (default `DEFAULT_SEED`, or the checkpoint's), `symbols`
    (default BTCUSDT, ETHUSDT, SOLUSDT), going on from `checkpoint` if there is one. With recordings
    their replay; `start` (UTC) and `minutes` are for candles. Raises MarketSourceError.
    """
    if symbols is not None and not symbols:
        raise MarketSourceError("expected at least one symbol, were none")
    if not recordings:
        if start is not None or minutes is not None:
            raise MarketSourceError(
                "expected a start and a length only with recorded candles, the model has its own"
            )
        return _open_model(seed, symbols, checkpoint)
    if checkpoint is not None:
        raise MarketSourceError(
            "expected a checkpoint only with the modelled market, were recordings: leave it out"
        )
    kinds = {recording_kind(path) for path in recordings}
    if len(kinds) > 1:
        raise MarketSourceError(
            "expected recordings of one kind, were raw L2 captures and candles: name one kind"
        )
    if kinds == {RecordingKind.CANDLES}:
        from autotrade.infrastructure.simulated_exchange.market.candle_replay import CandleReplay

        return CandleReplay(
            list(recordings),
            symbols,
            seed=DEFAULT_SEED if seed is None else seed,
            start=start,
            minutes=minutes,
        )
    if start is not None or minutes is not None:
        raise MarketSourceError(
            "expected a start and a length only with recorded candles, a capture starts at its "
            "snapshot: leave them out"
        )
    from autotrade.infrastructure.simulated_exchange.market.l2_capture import L2Capture

    return L2Capture(list(recordings), symbols)


def _open_model(
    seed: int | None, symbols: Sequence[str] | None, checkpoint: dict[str, Any] | None
) -> MarketSource:
    from autotrade.infrastructure.simulated_exchange.market.model import ModelMarket

    if checkpoint is not None:
        try:
            kept = int(checkpoint["seed"])
            if seed is not None and seed != kept:
                raise MarketSourceError(
                    f"expected the checkpoint's seed {kept}, was {seed}: "
                    "leave the seed out or start without the checkpoint"
                )
            return ModelMarket(kept, symbols or list(checkpoint["pairs"]), checkpoint=checkpoint)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            if isinstance(error, MarketSourceError):
                raise
            raise MarketSourceError(
                f"expected a whole checkpoint of the modelled market, was a damaged one ({error}): "
                "start without it"
            ) from error
    chosen = DEFAULT_SEED if seed is None else seed
    return ModelMarket(chosen, symbols or DEFAULT_SYMBOLS)


def recording_kind(path: Path) -> RecordingKind:
    """What `path` holds, found out from its first bytes and lines."""
    if not path.exists():
        raise MarketSourceError(f"expected a recording, there is no file {path}")
    if path.is_dir():
        raise MarketSourceError(f"expected a recording, was a folder: {path}; name its files")
    try:
        with path.open("rb") as stream:
            magic = stream.read(4)
    except OSError as error:
        raise MarketSourceError(f"expected a readable recording, {path}: {error}") from error
    if magic == b"PAR1":
        _check_candle_columns(path)
        return RecordingKind.CANDLES
    from autotrade.infrastructure.simulated_exchange.market.capture_lines import (
        looks_like_capture,
        read_lines,
    )

    lines = [line for line in itertools.islice(read_lines(path), 6) if line]
    if magic[:2] != b"PK" and looks_like_capture(lines):
        return RecordingKind.CAPTURE
    raise MarketSourceError(
        "expected a raw L2 capture (lines of a time and Binance's JSON, plain or gzip) or 1-minute "
        f"candles (Parquet), was something else: {path}"
    )


def _check_candle_columns(path: Path) -> None:
    import pyarrow  # type: ignore[import-untyped]
    import pyarrow.parquet  # type: ignore[import-untyped]

    from autotrade.infrastructure.simulated_exchange.market.candle_replay import COLUMNS

    try:
        names = pyarrow.parquet.read_schema(path).names
    except (OSError, pyarrow.ArrowException) as error:
        raise MarketSourceError(f"expected a readable Parquet file, {path}: {error}") from error
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise MarketSourceError(
            f"expected candles with the columns {', '.join(COLUMNS)}, {path} lacks "
            f"{', '.join(missing)}"
        )
