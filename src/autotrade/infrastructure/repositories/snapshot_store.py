"""One snapshot file: the items of one repository as they were right after one row of the journal.

    {
    "format":"autotrade snapshot","version":1,"name":"deals","seq":7,"chain_hash":"<64>",
    "offset":3301,"count":2,
    "items":[
    {"id":1,...},
    {"id":2,...}
    ],
    "checksum":"<64>"}

One item a line, so that people can read and compare it. The checksum is the SHA-256 of every byte
before its own line. A snapshot that is missing or not sound is no disaster: the journal rebuilds
what it held, so reading answers with a `SnapshotProblem` and does not raise.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import msgspec
import msgspec.inspect

from autotrade.infrastructure.journal.chain import JournalPosition
from autotrade.infrastructure.journal.codec import DataclassCodec, dump_json
from autotrade.infrastructure.journal.files import (
    REAL_FILES,
    FileSystem,
    store_faults,
    write_atomically,
)

FORMAT = "autotrade snapshot"
VERSION = 1

T = TypeVar("T")


class SnapshotProblemKind(StrEnum):
    MISSING = "missing"
    UNREADABLE = "unreadable"
    """The disk refused."""
    BAD_JSON = "bad_json"
    WRONG_VERSION = "wrong_version"
    BAD_CHECKSUM = "bad_checksum"
    BAD_ITEM = "bad_item"
    DIFFERENT_MOMENTS = "different_moments"
    """The files of a set were not taken at the same row."""
    NOT_IN_JOURNAL = "not_in_journal"
    """The journal does not have the row at which the snapshot says it was taken."""


@dataclass(frozen=True, slots=True)
class SnapshotProblem:
    """Why there is no snapshot to use. The journal is read from its beginning instead."""

    kind: SnapshotProblemKind
    path: Path
    text: str


@dataclass(frozen=True, slots=True)
class Snapshot(Generic[T]):
    position: JournalPosition
    items: list[T]


class ItemCodec(Protocol[T]):
    """`DataclassCodec` is one; both methods raise ValueError."""

    def encode(self, item: T) -> bytes: ...

    def decode(self, data: bytes) -> T: ...


class _Body(msgspec.Struct):
    format: str
    version: int
    name: str
    seq: int
    chain_hash: str
    offset: int
    count: int
    items: list[msgspec.Raw]
    checksum: str


class _Envelope(msgspec.Struct):
    format: str
    version: int


def item_codec(item_type: type[T]) -> DataclassCodec[T]:
    """For `write_snapshot` and `read_snapshot`. A type with floats is proven on writing: JSON has
    no NaN, and a snapshot that cannot be read would be found only at the next start."""
    hints = msgspec.inspect.type_info(item_type)
    return DataclassCodec(item_type, prove=_holds_float(hints))


def encode_snapshot(name: str, position: JournalPosition, items: Iterable[bytes]) -> bytes:
    """The bytes of a snapshot file; each item is one JSON value without a newline.

    Items are put together as they come: each of orjson's answers keeps its buffer of 4 KB and more
    as long as it lives, about ten times what an order needs.
    """
    lines, count = bytearray(), 0
    for item in items:
        lines += b",\n" if count else b""
        lines += item
        count += 1
    head = (
        f'{{\n"format":"{FORMAT}","version":{VERSION},"name":"{name}","seq":{position.seq},'
        f'"chain_hash":"{position.chain_hash}",\n'
        f'"offset":{position.offset},"count":{count},\n"items":[\n'
    )
    covered = b"".join((head.encode(), lines, b"\n],\n"))
    return covered + _checksum_line(covered)


def write_snapshot(
    path: Path,
    *,
    seq: int,
    chain_hash: str,
    offset: int,
    items: Iterable[Any],
    files: FileSystem = REAL_FILES,
) -> None:
    """Write dataclasses or plain JSON values; after a crash the file is wholly old or new."""
    position = JournalPosition(seq, chain_hash, offset)
    data = encode_snapshot(path.stem, position, map(dump_json, items))
    with store_faults(path, "write"):
        write_atomically(files, path, data)


def read_snapshot(path: Path, codec: ItemCodec[T] | type[T]) -> Snapshot[T] | SnapshotProblem:
    """The snapshot, or why there is none."""
    if isinstance(codec, type):
        codec = item_codec(codec)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return SnapshotProblem(SnapshotProblemKind.MISSING, path, f"{path} is not there")
    except OSError as error:
        text = f"{path} could not be read: {error.strerror or error}"
        return SnapshotProblem(SnapshotProblemKind.UNREADABLE, path, text)
    return _decode(path, data, codec)


def _decode(path: Path, data: bytes, codec: ItemCodec[T]) -> Snapshot[T] | SnapshotProblem:
    kinds = SnapshotProblemKind
    try:
        envelope = msgspec.json.decode(data, type=_Envelope)
        if (envelope.format, envelope.version) != (FORMAT, VERSION):
            return SnapshotProblem(
                kinds.WRONG_VERSION,
                path,
                f"{path}: expected {FORMAT} version {VERSION}, "
                f"was {envelope.format} version {envelope.version}",
            )
        body = msgspec.json.decode(data, type=_Body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return SnapshotProblem(kinds.BAD_JSON, path, f"{path} is not a snapshot: {error}")
    covered = data[: data.rfind(b'"checksum":')]
    if data != covered + _checksum_line(covered) or body.count != len(body.items):
        return SnapshotProblem(
            kinds.BAD_CHECKSUM, path, f"{path}: the checksum does not fit, the file was changed"
        )
    try:
        items = [codec.decode(bytes(item)) for item in body.items]
    except ValueError as error:
        return SnapshotProblem(kinds.BAD_ITEM, path, f"{path}: {error}")
    return Snapshot(JournalPosition(body.seq, body.chain_hash, body.offset), items)


def _checksum_line(covered: bytes) -> bytes:
    return f'"checksum":"{sha256(covered).hexdigest()}"}}\n'.encode()


def _holds_float(info: object) -> bool:
    """Whether a float stands anywhere in a type, as msgspec describes it."""
    if isinstance(info, msgspec.inspect.FloatType):
        return True
    if isinstance(info, msgspec.inspect.Field):
        return _holds_float(info.type)
    if isinstance(info, msgspec.inspect.Type):
        parts = [getattr(info, name) for name in info.__struct_fields__]
        return any(_holds_float(part) for part in parts)
    return isinstance(info, tuple) and any(_holds_float(part) for part in info)
