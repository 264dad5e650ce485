"""Records <-> JSON, exactly.

Decimal is a plain string (no exponent), an enum its value, a tuple a list. Whatever is written was
decoded again and compared first, so a row that could not be read back is refused when it is made,
not found during recovery. That also keeps NaN and Infinity floats out, which JSON has no word for.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from decimal import Decimal
from types import ModuleType
from typing import Any, Generic, TypeVar

import msgspec
import orjson

from autotrade.domain import commands, decisions, events
from autotrade.domain.commands import Command
from autotrade.domain.decisions import Decision
from autotrade.domain.events import Event

_PLAIN_EXPONENT_MAX = 64

T = TypeVar("T")


class CodecFault(ValueError):
    """A value that JSON cannot hold exactly, or JSON that is not such a value."""


class UnknownRecordType(CodecFault):
    """The journal names a type that this version does not have."""


def _to_json(value: object) -> str | float:
    """orjson asks here for what it does not know itself."""
    if isinstance(value, Decimal):
        if value.is_nan():
            raise CodecFault("expected an amount, was Decimal NaN; look at what computed it")
        text = str(value)
        if "E" in text and abs(value.adjusted()) <= _PLAIN_EXPONENT_MAX:
            return format(value, "f")
        return text
    if isinstance(value, float):
        return float(value)  # numpy's float64 is a float, yet orjson knows only the plain one
    raise TypeError(f"expected a JSON value, was {type(value).__name__}")


def dump_json(value: object, option: int = 0) -> bytes:
    """Plain data as compact JSON; raises `CodecFault`."""
    try:
        return orjson.dumps(value, default=_to_json, option=option)
    except orjson.JSONEncodeError as error:
        cause = error.__cause__ or error
        raise CodecFault(f"{type(value).__name__} cannot be written as JSON: {cause}") from error


class DataclassCodec(Generic[T]):
    """Encodes and decodes one dataclass; `prove` decodes and compares whatever is encoded."""

    def __init__(self, item_type: type[T], *, prove: bool) -> None:
        self.item_type = item_type
        self._decoder = msgspec.json.Decoder(item_type)
        self._prove = prove

    def encode(self, item: T) -> bytes:
        data = dump_json(item)
        if self._prove:
            try:
                back = self._decoder.decode(data)
            except msgspec.ValidationError as error:
                raise self._unwritable(str(error)) from error
            if back != item:
                raise self._unwritable("read back it differs")
        return data

    def decode(self, data: bytes) -> T:
        try:
            return self._decoder.decode(data)
        except msgspec.MsgspecError as error:
            raise CodecFault(
                f"expected the data of {self.item_type.__name__}, was: {error}; "
                "read it with the version of AutoTrade that wrote it"
            ) from error

    def _unwritable(self, reason: str) -> CodecFault:
        return CodecFault(
            f"{self.item_type.__name__} cannot be written as JSON: {reason}; "
            "every number must be finite and every field of its declared type"
        )


@dataclass(frozen=True, slots=True)
class RecordType:
    """One class whose records the journal takes."""

    name: str
    kind: str
    """event, decision or command."""
    has_deal: bool
    codec: DataclassCodec[Any]


def _kind(record_class: type) -> str | None:
    for base, kind in ((Event, "event"), (Command, "command"), (Decision, "decision")):
        if issubclass(record_class, base) and (record_class is Decision or record_class != base):
            return kind
    return None


def _record_types(*modules: ModuleType) -> dict[type, RecordType]:
    found: dict[type, RecordType] = {}
    for module in modules:
        for name, value in vars(module).items():
            if not isinstance(value, type) or value.__module__ != module.__name__:
                continue
            kind = _kind(value) if dataclasses.is_dataclass(value) else None
            if kind is not None:
                has_deal = "deal_id" in {field.name for field in dataclasses.fields(value)}
                codec: DataclassCodec[Any] = DataclassCodec(value, prove=True)
                found[value] = RecordType(name, kind, has_deal, codec)
    return found


RECORD_TYPES = _record_types(events, commands, decisions)
"""By class. A new record class in those modules is here without further ado."""

RECORD_TYPES_BY_NAME = {entry.name: entry for entry in RECORD_TYPES.values()}


def record_type(record: object) -> RecordType:
    """Raises `UnknownRecordType` for what is not an event, decision or command."""
    try:
        return RECORD_TYPES[type(record)]
    except KeyError:
        raise UnknownRecordType(
            f"expected an event, a decision or a command, was {type(record).__name__}; "
            "define it in domain/events.py, commands.py or decisions.py"
        ) from None


def record_type_named(name: str) -> RecordType:
    """Raises `UnknownRecordType` for a name that this version does not know."""
    try:
        return RECORD_TYPES_BY_NAME[name]
    except KeyError:
        raise UnknownRecordType(
            f"the journal holds a record of type {name}, which this version of AutoTrade does not "
            "know; read it with the version that wrote it or with a newer one"
        ) from None


def to_row_data(record: object) -> dict[str, Any]:
    """The `data` of a row as JSON-ready values; raises `CodecFault`."""
    data: dict[str, Any] = orjson.loads(record_type(record).codec.encode(record))
    return data


def from_row_data(type_name: str, data: dict[str, Any]) -> object:
    """The record that `to_row_data` was given; raises `CodecFault`."""
    entry = record_type_named(type_name)
    try:
        return msgspec.convert(data, entry.codec.item_type)
    except msgspec.ValidationError as error:
        raise CodecFault(
            f"expected the data of {type_name}, was: {error}; "
            "read it with the version of AutoTrade that wrote it"
        ) from error


def decode_record(type_name: str, data: bytes) -> object:
    """The same from the row's bytes, without a dict between."""
    return record_type_named(type_name).codec.decode(data)
