"""From a file to raw tables: the kind is found in the first bytes, not in the name."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePath
from typing import IO, Any

import pyarrow as pa  # type: ignore[import-untyped]

from autotrade.infrastructure.market_history.candle_files import METADATA_KEY
from autotrade.infrastructure.market_history.errors import MarketHistoryError, NotCandles
from autotrade.infrastructure.market_history.importers.columns import RawTable
from autotrade.infrastructure.market_history.importers.file_names import Description
from autotrade.infrastructure.market_history.importers.json_tables import read_json
from autotrade.infrastructure.market_history.importers.text_tables import TextShape, read_text

_CHECKSUM_SUFFIX = ".CHECKSUM"
_SNIFFED_BYTES = 65_536
_DAMAGE = (OSError, EOFError, zipfile.BadZipFile, zlib.error, pa.ArrowException, ValueError)


@dataclass(frozen=True, slots=True)
class Member:
    """One readable thing: the file itself, or a file inside its zip."""

    path: PurePath
    """Where it is, the name inside a zip last."""
    open: Any
    """Called, it gives a binary stream from the beginning."""


@contextmanager
def damage_named(path: Path) -> Iterator[None]:
    """Errors of readers become one sentence that names the file."""
    try:
        yield
    except MarketHistoryError as error:
        if str(path) in str(error):
            raise
        raise type(error)(f"{path}: {error}") from error
    except _DAMAGE as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise MarketHistoryError(
            f"{path}: expected a whole file, was a damaged one ({reason}); get it again"
        ) from error


def members(path: Path) -> Iterator[Member]:
    """The file's parts: one, or those of a zip; gzip is unpacked. Verifies a `.CHECKSUM` file."""
    _verify_checksum(path)
    with path.open("rb") as stream:
        magic = stream.read(4)
    if magic[:2] == b"PK":
        with zipfile.ZipFile(path) as archive:
            names = [info.filename for info in archive.infolist() if not info.is_dir()]
            names = [name for name in names if not name.endswith(_CHECKSUM_SUFFIX)]
            if not names:
                raise NotCandles("expected files in the zip, was none")
            for name in names:
                yield Member(path / PurePath(name).name, partial(archive.open, name))
    elif magic[:2] == b"\x1f\x8b":
        yield Member(path, partial(gzip.open, path, "rb"))
    else:
        yield Member(path, partial(path.open, "rb"))


def shape_of(member: Member) -> TextShape | None:
    """How its text is laid out; None when it is not a text table."""
    with member.open() as stream:
        head = stream.read(_SNIFFED_BYTES)
    if head[:4] in (b"PAR1", b"FEA1") or head[:6] == b"ARROW1" or head[:2] == b"PK":
        return None
    if head.lstrip()[:1] in (b"[", b"{"):
        return None
    return TextShape.of(head)


def read_table(member: Member) -> RawTable:
    """The whole member as columns. Raises `MarketHistoryError` kinds and `_DAMAGE`."""
    with member.open() as stream:
        data = stream.read()
    if not data.strip():
        raise MarketHistoryError("expected candles, was an empty file")
    if data[:4] == b"PAR1":
        import pyarrow.parquet as pq  # type: ignore[import-untyped]

        return _of_arrow(pq.read_table(io.BytesIO(data)), "Parquet")
    if data[:6] == b"ARROW1" or data[:4] == b"FEA1":
        from pyarrow import feather  # type: ignore[import-untyped]

        return _of_arrow(feather.read_table(io.BytesIO(data)), "Feather")
    if data.lstrip()[:1] in (b"[", b"{"):
        return read_json(data)
    return read_text(io.BytesIO(data), TextShape.of(data[:_SNIFFED_BYTES]))


def _of_arrow(table: Any, format: str) -> RawTable:
    raw = RawTable({name: table[name] for name in table.column_names}, format)
    own = (table.schema.metadata or {}).get(METADATA_KEY)
    if own is not None:
        about = json.loads(own)
        raw.told = Description(about.get("exchange"), about.get("symbol"), about.get("timeframe"))
    return raw


def _verify_checksum(path: Path) -> None:
    """Binance's archive has a file with the SHA-256 beside every zip; it is used if it is there."""
    beside = path.with_name(path.name + _CHECKSUM_SUFFIX)
    if not beside.exists():
        return
    words = beside.read_text(encoding="utf-8").split()
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        _feed(digest, stream)
    if not words or words[0].lower() != digest.hexdigest():
        raise MarketHistoryError(
            f"expected the SHA-256 that {beside.name} names, was {digest.hexdigest()}; "
            "get the file again"
        )


def _feed(digest: Any, stream: IO[bytes]) -> None:
    while part := stream.read(1 << 20):
        digest.update(part)
