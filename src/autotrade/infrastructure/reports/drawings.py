"""Drawings of our own, as inline SVG: the distribution of deal results, the heat map of a sweep."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from autotrade.infrastructure.reports.markup import text

WIDTH, HEIGHT = 760, 260
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 12, 40
BARS_MAX = 48
EDGE_SHARE = 0.005
"""What lies beyond this share at either end is counted in the outermost bar, so that one odd deal
does not squeeze all others into a line."""
CELL_WIDTH, CELL_HEIGHT = 74, 30
HEAT_AXIS = 110
HEAT_LABELS_MAX = 40


def distribution(returns: Sequence[float]) -> str:
    """A histogram of deal returns (shares), a bar never crossing zero: left of it all lost."""
    if not returns:
        return ""
    percent = 100.0 * np.asarray(returns, dtype=np.float64)
    low, high = np.quantile(percent, (EDGE_SHARE, 1.0 - EDGE_SHARE))
    low, high = min(float(low), 0.0), max(float(high), 0.0)
    width = _nice_width((high - low) / BARS_MAX) if high > low else 0.1
    # Both sides of zero have a bar of their own as soon as one deal stands there.
    first = min(math.floor(low / width + 1e-9), -1 if percent.min() < 0 else 0)
    end = max(math.ceil(high / width - 1e-9), 1 if percent.max() >= 0 else 0)
    count = end - first
    places = np.clip(np.floor(percent / width + 1e-12).astype(np.int64) - first, 0, count - 1)
    heights = np.bincount(places, minlength=count).tolist()
    tallest = max(heights)
    inner_width, inner_height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    step = inner_width / count
    parts = [_frame("Distribution of deal results", WIDTH, HEIGHT)]
    for number, height in enumerate(heights):
        if not height:
            continue
        size = inner_height * height / tallest
        begin = (first + number) * width
        kind = "gain" if begin >= -width / 2 else "loss"
        parts.append(
            f'<rect class="{kind}" x="{LEFT + number * step + 0.5:.2f}" '
            f'y="{TOP + inner_height - size:.2f}" width="{max(step - 1, 0.5):.2f}" '
            f'height="{size:.2f}"><title>{begin:.4g} % to {begin + width:.4g} %: '
            f"{_deals(height)}</title></rect>"
        )
    parts += _bottom_axis(first, count, width, step)
    parts += [
        f'<text class="axis end" x="{LEFT - 6}" y="{TOP + 10}">{tallest}</text>',
        f'<text class="axis end" x="{LEFT - 6}" y="{TOP + inner_height}">0</text>',
        f'<text class="axis middle" x="{LEFT + inner_width / 2}" y="{HEIGHT - 4}">'
        "net result of a deal, percent of what it invested; height: number of deals</text>",
        "</svg>",
    ]
    return "\n".join(parts)


def _bottom_axis(first: int, count: int, width: float, step: float) -> list[str]:
    floor = HEIGHT - BOTTOM
    zero = LEFT - first * step
    parts = [
        f'<line class="axis" x1="{LEFT}" y1="{floor}" x2="{WIDTH - RIGHT}" y2="{floor}"/>',
        f'<line class="zero" x1="{zero:.2f}" y1="{TOP}" x2="{zero:.2f}" y2="{floor}"/>',
    ]
    every = max(1, math.ceil(count / 8))
    for number in range(count + 1):
        if (first + number) % every == 0:
            parts.append(
                f'<text class="axis middle" x="{LEFT + number * step:.2f}" y="{floor + 15}">'
                f"{(first + number) * width + 0.0:.4g}</text>"
            )
    return parts


def _nice_width(least: float) -> float:
    """The next larger of 1, 2 and 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least * 0.999)


def find_heat_map(result: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The heat map of a result: {"x": {"name", "values"}, "y": the same, "net": rows of y}. A sweep
    keeps it as `heat_map` among its own figures."""
    sweep = result.get("sweep")
    kept = sweep.get("heat_map") if isinstance(sweep, Mapping) else None
    for value in (result, kept, *result.values()):
        if isinstance(value, Mapping) and {"x", "y", "net"} <= set(value):
            return value
    return None


def heat_map(drawn: Mapping[str, Any]) -> str:
    """Net result over two settings; ValueError where rows and columns do not fit the values."""
    columns, rows, net = drawn["x"]["values"], drawn["y"]["values"], drawn["net"]
    if len(net) != len(rows) or any(len(row) != len(columns) for row in net):
        raise ValueError(
            f"expected {len(rows)} rows of {len(columns)} results in the heat map, was "
            f"{len(net)} rows of {sorted({len(row) for row in net})}"
        )
    cells = [[None if value is None else float(value) for value in row] for row in net]
    known = [abs(value) for row in cells for value in row if value is not None]
    largest = max(known, default=0.0) or 1.0
    wide = min(CELL_WIDTH, max(10, 1_100 // max(1, len(columns))))
    width, height = HEAT_AXIS + wide * len(columns) + 8, CELL_HEIGHT * (len(rows) + 2)
    names = (text(drawn["x"]["name"]), text(drawn["y"]["name"]))
    parts = [
        _frame(f"Net result over {drawn['x']['name']} and {drawn['y']['name']}", width, height)
    ]
    for number, value in enumerate(columns):
        if number % _every(len(columns)) == 0:
            parts.append(
                f'<text class="axis middle" x="{HEAT_AXIS + wide * (number + 0.5):.1f}" '
                f'y="{CELL_HEIGHT * (len(rows) + 1) - 12}">{text(value)}</text>'
            )
    for line, (value, row) in enumerate(zip(rows, cells, strict=True)):
        top = CELL_HEIGHT * line + 2
        parts.append(
            f'<text class="axis end" x="{HEAT_AXIS - 6}" y="{top + 19}">{text(value)}</text>'
        )
        for number, cell in enumerate(row):
            place = (HEAT_AXIS + wide * number, top, wide)
            where = f"{names[0]} {text(columns[number])}, {names[1]} {text(value)}"
            parts.append(_cell(cell, largest, place, where))
    parts += [
        f'<text class="axis middle" x="{HEAT_AXIS + wide * len(columns) / 2:.1f}" '
        f'y="{height - 12}">{names[0]}</text>',
        f'<text class="axis" x="2" y="{height - 12}">{names[1]}</text>',
        "</svg>",
    ]
    return "\n".join(parts)


def _cell(value: float | None, largest: float, place: tuple[int, int, int], where: str) -> str:
    left, top, width = place
    box = f'x="{left}" y="{top}" width="{width - 1}" height="{CELL_HEIGHT - 1}"'
    if value is None:
        return f'<rect class="empty" {box}><title>{where}: not run</title></rect>'
    kind = "gain" if value > 0 else "loss"
    shade = 0.08 + 0.72 * abs(value) / largest
    words = (
        f'<text class="cell middle" x="{left + width / 2:.1f}" y="{top + 19}">'
        f"{_short(value)}</text>"
        if width >= 48
        else ""
    )
    return (
        f'<rect class="{kind}" fill-opacity="{shade:.3f}" {box}>'
        f"<title>{where}: {value:,.2f}</title></rect>{words}"
    )


def _every(count: int) -> int:
    return max(1, math.ceil(count / HEAT_LABELS_MAX))


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"


def _frame(title: str, width: float, height: float) -> str:
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" style="max-width:{width:g}px" role="img" '
        f'aria-label="{text(title)}">'
    )


def _deals(count: int) -> str:
    return "1 deal" if count == 1 else f"{count:,} deals"
