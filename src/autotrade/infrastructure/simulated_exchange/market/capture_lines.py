"""Reading a raw capture: its lines, its JSON, and decimal texts as whole numbers."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson

from autotrade.infrastructure.simulated_exchange.market.errors import MarketSourceError

SNAPSHOT_SYMBOL = re.compile(rb"[?&]symbol=([A-Z0-9]+)")
LINE = re.compile(rb"^(?:(?P<url>https?://\S+) -> )?(?P<time>\d+(?:\.\d+)?):? (?P<body>\{.*)$")


def read_lines(path: Path) -> Iterator[bytes]:
    """The file's lines; MarketSourceError where it cannot be read."""
    try:
        with path.open("rb") as raw:
            is_gzip = raw.read(2) == b"\x1f\x8b"
        with gzip.open(path, "rb") if is_gzip else path.open("rb") as stream:
            for line in stream:
                yield line.rstrip(b"\r\n")
    except (OSError, EOFError, zlib.error) as error:
        raise MarketSourceError(f"expected a readable capture, {path}: {error}") from error


def looks_like_capture(lines: Sequence[bytes]) -> bool:
    """True if a file that begins with `lines` is a capture of one of the two forms."""
    matches = [LINE.match(line) for line in lines if not line.startswith(b"wss://")]
    return bool(matches) and all(
        match and (b'"stream"' in line or b'"lastUpdateId"' in line or b'"e":' in line)
        for match, line in zip(
            matches, (line for line in lines if not line.startswith(b"wss://")), strict=True
        )
    )


def parse_json(body: bytes) -> dict[str, Any]:
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MarketSourceError(
            f"expected JSON in every line of the capture, was {body[:60]!r}: {error}"
        ) from error
    if not isinstance(parsed, dict):
        raise MarketSourceError(f"expected a JSON object, was {body[:60]!r}")
    return parsed


def message_data(body: bytes) -> dict[str, Any]:
    parsed = parse_json(body)
    data = parsed.get("data", parsed)
    return data if isinstance(data, dict) else {}


_SCALE: int = 8
"""Binance writes eight decimal places."""


SCALED_ONE = 100_000_000


def grid_unit(size: Decimal) -> int:
    return int(size * SCALED_ONE)


def count_units(text: str, unit: int) -> int:
    """The number of units of 1e-8 * `unit` in a decimal text."""
    whole, _, fraction = text.partition(".")
    scaled = int(whole) * SCALED_ONE + int(fraction.ljust(_SCALE, "0") or 0)
    count, rest = divmod(scaled, unit)
    if rest or len(fraction) > _SCALE:
        raise MarketSourceError(
            f"expected multiples of {Decimal(unit) / SCALED_ONE}, was {text}: "
            "the filters changed within the capture"
        )
    return count


def note_places(places: list[int], rows: list[list[str]]) -> None:
    """Raise the numbers of decimal places (price, amount) to those in `rows`."""
    for row in rows:
        for index in (0, 1):
            used = len(row[index].partition(".")[2].rstrip("0"))
            places[index] = max(places[index], used)
