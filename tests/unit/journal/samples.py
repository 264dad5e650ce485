"""Records for tests: a few fixed ones, and random ones of every type from its own type hints."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Sequence
from decimal import Decimal
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from autotrade.domain.commands import CancelOrder, PlaceOrder
from autotrade.domain.decisions import Check, Decision, RefusalReason, Signal
from autotrade.domain.entities.order import OrderRole, OrderSide, OrderType
from autotrade.domain.events import OrderAccepted, SessionReady
from autotrade.infrastructure.journal.journal import JsonlJournal


def ready(ts: int = 1) -> SessionReady:
    return SessionReady(ts=ts)


def accepted(number: int = 1) -> OrderAccepted:
    return OrderAccepted(
        ts=1_000 + number, order_id=f"at-{number}", exchange_id=str(number), exchange_ts=900
    )


def placed(deal_id: int = 7) -> PlaceOrder:
    return PlaceOrder(
        ts=1_700,
        deal_id=deal_id,
        symbol="BTC/USDT",
        order_id=f"at-{deal_id}-b-1",
        role=OrderRole.ENTRY,
        side=OrderSide.BUY,
        type=OrderType.LIMIT,
        amount=Decimal("0.00012"),
        price=Decimal("61234.50"),
    )


def canceled(deal_id: int = 7, reason: str = "stale") -> CancelOrder:
    return CancelOrder(ts=1_800, deal_id=deal_id, symbol="BTC/USDT", order_id="at-1", reason=reason)


def decision(**values: float) -> Decision:
    signal = Signal(
        "BTC/USDT", "macd_orderbook", "1", "macd_cross", 5, 4, Decimal("61234.5"), values
    )
    check = Check("spread", False, "0.41", "0.30", "spread 0.41% > 0.30%", RefusalReason.SPREAD)
    return Decision(
        id="d1",
        ts=5,
        signal=signal,
        approved=False,
        confidence=0.5,
        checks=(check,),
        modifications=(),
        entry_price=None,
        amount=None,
        target_price=None,
        budget=None,
        book={"spread_percent": 0.41, "verdict": "REJECT"},
        conditions={},
    )


def write_journal(path: Path, records: Sequence[object], **options: Any) -> list[int]:
    """A closed journal with these records; returns where each row ends."""

    async def run() -> list[int]:
        journal = JsonlJournal.open(path, **options)
        ends = []
        for record in records:
            journal.append(record)
            ends.append(journal.position.offset)
        await journal.close()
        return ends

    return asyncio.run(run())


def content(path: Path) -> bytes:
    return path.read_bytes()


def size(path: Path) -> int:
    return path.stat().st_size


def extend(path: Path, data: bytes) -> None:
    path.write_bytes(path.read_bytes() + data)


INTEGERS = st.integers(-(2**63), 2**63 - 1)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
DECIMALS = st.one_of(
    st.decimals(allow_nan=False, allow_infinity=True),
    st.integers(-(10**12), 10**12).map(lambda number: Decimal(number).scaleb(-8)),
    st.sampled_from([Decimal("1E+2"), Decimal("0E-8"), Decimal("1E-8"), Decimal("-0")]),
)
_PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    int: INTEGERS,
    float: FLOATS,
    str: TEXTS,
    bool: st.booleans(),
    Decimal: DECIMALS,
    NoneType: st.none(),
}


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    """Any value of a type that a record may have a field of."""
    if hint in _PLAIN:
        return _PLAIN[hint]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(hint)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return instances_of(hint)
    return _generic(get_origin(hint), get_args(hint), hint)


def _generic(origin: Any, arguments: tuple[Any, ...], hint: Any) -> st.SearchStrategy[Any]:
    if origin in (Union, UnionType):
        return st.one_of([values_of(argument) for argument in arguments])
    if origin is tuple and arguments[-1] is Ellipsis:
        return st.lists(values_of(arguments[0]), max_size=3).map(tuple)
    if origin is tuple:
        return st.tuples(*map(values_of, arguments))
    if origin is list:
        return st.lists(values_of(arguments[0]), max_size=3)
    if origin is dict:
        return st.dictionaries(*map(values_of, arguments), max_size=3)
    raise TypeError(f"no strategy for {hint}; the codec needs to be thought about too")


def instances_of(item_type: type) -> st.SearchStrategy[Any]:
    hints = get_type_hints(item_type)
    make: Callable[..., Any] = item_type
    names = [field.name for field in dataclasses.fields(item_type) if field.init]
    return st.builds(make, **{name: values_of(hints[name]) for name in names})
