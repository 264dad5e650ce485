"""What can go wrong, by name, and scripts of it: one vocabulary for the fault simulation and for
the embedded exchange on its sockets.

A script is JSON, so that people can write one and a failing run can leave one behind:

    {"faults": [{"at_s": 12.5, "kind": "reply_lost", "count": 2},
                {"at_s": 60, "kind": "user_stream_silent", "duration_s": 30}]}

Times are seconds of the exchange's clock since the script began.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import orjson


class FaultKind(StrEnum):
    # requests and their answers
    REQUEST_LOST = "request_lost"
    REPLY_LOST = "reply_lost"
    """The exchange carried it out; nobody hears of it."""
    REQUEST_DELAYED = "request_delayed"
    REQUEST_DUPLICATED = "request_duplicated"
    SERVER_ERROR = "server_error"
    """HTTP 503; carried out or not."""
    STATUS_UNKNOWN = "status_unknown"
    """-1007; carried out or not."""
    RATE_LIMITED = "rate_limited"
    """429 with Retry-After."""
    BANNED = "banned"
    """418 with Retry-After."""
    CLOCK_SKEW = "clock_skew"
    """-1021 until the clock is measured again."""
    REJECTED = "rejected"
    """A filter says no that our own check did not foresee."""
    KEY_EXPIRED = "key_expired"
    # the account's stream
    USER_STREAM_CLOSED = "user_stream_closed"
    USER_STREAM_SILENT = "user_stream_silent"
    USER_EVENTS_LOST = "user_events_lost"
    USER_EVENTS_REPEATED = "user_events_repeated"
    USER_EVENTS_DELAYED = "user_events_delayed"
    """Each by its own time, so also out of order, and fills overtake the answers to orders."""
    # the market's streams
    MARKET_STREAM_CLOSED = "market_stream_closed"
    MARKET_STREAM_SILENT = "market_stream_silent"
    BOOK_GAP = "book_gap"
    BOOK_STALE = "book_stale"
    BOOK_EMPTY = "book_empty"
    # the exchange and the account
    THIN_MARKET = "thin_market"
    """Orders are filled in many pieces."""
    FILTERS_CHANGED = "filters_changed"
    MARKET_HALTED = "market_halted"
    ORDERS_CANCELED_BY_HAND = "orders_canceled_by_hand"
    TRADED_BY_HAND = "traded_by_hand"
    FUNDS_MOVED = "funds_moved"
    FEE_ASSET_SHORT = "fee_asset_short"
    # the process and its machine
    PROCESS_KILLED = "process_killed"
    """SIGKILL: what the operating system was given stays."""
    POWER_LOST = "power_lost"
    """What was not synced is lost or torn."""
    PROCESS_PAUSED = "process_paused"
    SECOND_PROCESS = "second_process"
    DISK_FULL = "disk_full"
    DISK_ERROR = "disk_error"
    SYNC_FAILED = "sync_failed"
    DISK_SLOW = "disk_slow"
    SNAPSHOT_LOST = "snapshot_lost"
    SNAPSHOT_CORRUPT = "snapshot_corrupt"


@dataclass(frozen=True, slots=True)
class ScriptedFault:
    """One fault: when it begins, for how long (states) or how often (single events) it holds."""

    at_s: float
    kind: FaultKind
    duration_s: float = 0.0
    count: int = 1
    symbol: str | None = None
    """Binance's name of the market; None means any."""


class BadFaultScript(ValueError):
    """A script that cannot be used; says which entry and what was expected."""


def parse_script(data: Any, where: str) -> list[ScriptedFault]:
    """The faults of a decoded script, in the order of their times; raises `BadFaultScript`."""
    if not isinstance(data, dict) or not isinstance(data.get("faults"), list):
        raise BadFaultScript(f'{where}: expected {{"faults": [...]}}, was something else')
    found = [_parse_fault(entry, f"{where}, fault {n}") for n, entry in enumerate(data["faults"])]
    return sorted(found, key=lambda fault: fault.at_s)


def load_script(path: Path) -> list[ScriptedFault]:
    """Raises `BadFaultScript`, also when the file cannot be read."""
    try:
        return parse_script(orjson.loads(path.read_bytes()), str(path))
    except OSError as error:
        raise BadFaultScript(f"{path}: expected a script, was {error.strerror}") from error
    except orjson.JSONDecodeError as error:
        raise BadFaultScript(f"{path}: expected JSON, was not ({error})") from error


def dump_script(faults: Iterable[ScriptedFault]) -> dict[str, Any]:
    """JSON-ready; what is at its default is left out."""
    return {"faults": [_as_json(fault) for fault in faults]}


def _as_json(fault: ScriptedFault) -> dict[str, Any]:
    entry: dict[str, Any] = {"at_s": fault.at_s, "kind": fault.kind.value}
    if fault.duration_s:
        entry["duration_s"] = fault.duration_s
    if fault.count != 1:
        entry["count"] = fault.count
    if fault.symbol is not None:
        entry["symbol"] = fault.symbol
    return entry


def _parse_fault(entry: Any, where: str) -> ScriptedFault:
    if not isinstance(entry, dict):
        raise BadFaultScript(f"{where}: expected an object, was {entry!r}")
    unknown = sorted(set(entry) - {"at_s", "kind", "duration_s", "count", "symbol"})
    if unknown:
        raise BadFaultScript(
            f"{where}: expected at_s, kind, duration_s, count and symbol, was {unknown[0]!r}"
        )
    try:
        kind = FaultKind(entry.get("kind"))
    except ValueError:
        names = ", ".join(FaultKind)
        raise BadFaultScript(
            f"{where}: expected a kind of {names}, was {entry.get('kind')!r}"
        ) from None
    at_s, duration_s = entry.get("at_s"), entry.get("duration_s", 0.0)
    count, symbol = entry.get("count", 1), entry.get("symbol")
    for name, value in (("at_s", at_s), ("duration_s", duration_s)):
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise BadFaultScript(f"{where}: expected {name} in seconds from 0, was {value!r}")
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise BadFaultScript(f"{where}: expected a count from 1, was {count!r}")
    if symbol is not None and not isinstance(symbol, str):
        raise BadFaultScript(f"{where}: expected a symbol like BTCUSDT, was {symbol!r}")
    return ScriptedFault(float(at_s), kind, float(duration_s), count, symbol)
