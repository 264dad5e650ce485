"""Numbers and times as screens show them. Nothing here rounds money."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal


def format_number(value: Decimal | float | int | None) -> str:
    """Plain digits without exponent or trailing zeros; `-` for nothing."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value + 0.0:.6g}"
    text = f"{Decimal(value):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def format_signed(value: Decimal) -> str:
    """As `format_number`, with a plus sign where something was won."""
    return f"+{format_number(value)}" if value > 0 else format_number(value)


def format_short(value: Decimal, digits: int = 8) -> str:
    """At most `digits` decimals, for averages that never end. For the eye only."""
    return format_number(round(value, digits))


def format_time(ts_ms: int | None) -> str:
    """Milliseconds UTC as `2024-08-08 12:03:00.100`."""
    if ts_ms is None:
        return "-"
    moment = datetime.fromtimestamp(ts_ms / 1000, UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{ts_ms % 1000:03d}"


def format_amounts(amounts: dict[str, Decimal]) -> str:
    """`0.1 USDT, 0.00002 ETH`; `-` for nothing."""
    words = [f"{format_number(amount)} {asset}" for asset, amount in sorted(amounts.items())]
    return ", ".join(words) or "-"
