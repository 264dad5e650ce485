"""A backtest's result in words and columns."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

Result = Mapping[str, Any]


def table_of(result: Result) -> list[str]:
    """The lines that a person reads after a run."""
    rows = _rows(result)
    width = max(len(name) for name, _ in rows)
    modelled = ["These candles are modelled: nothing of them was ever recorded."]
    return [
        *[f"{name:<{width}}  {value}" for name, value in rows],
        "",
        *(modelled if result["is_modelled"] else []),
        *result["verdict"]["sentences"],
    ]


def verdict_of(result: Result) -> str:
    return str(result["verdict"]["level"])


def comparison(first: Result, second: Result) -> list[tuple[str, str, str]]:
    """Both results' rows side by side, then the settings in which they differ."""
    other = dict(_rows(second))
    rows = [(name, value, other.get(name, "-")) for name, value in _rows(first)]
    rows.append(("verdict", verdict_of(first), verdict_of(second)))
    left, right = _settings(first), _settings(second)
    for name in sorted({*left, *right}):
        if left.get(name) != right.get(name):
            rows.append((name, str(left.get(name, "-")), str(right.get(name, "-"))))
    return rows


def _settings(result: Result) -> dict[str, Any]:
    found = {
        f"{section}.{name}": value
        for section, values in result["settings"].items()
        for name, value in values.items()
    }
    found |= {f"backtest.{name}": value for name, value in result["assumptions"].items()}
    found |= {
        f"{pair['pair']} {name}": value
        for pair in result["pair_settings"]
        for name, value in pair.items()
    }
    return found


def _rows(result: Result) -> list[tuple[str, str]]:
    statistics = result["statistics"]
    refused = ", ".join(f"{name} {count}" for name, count in result["refused"].items())
    return [
        ("pairs", ", ".join(result["pairs"])),
        ("range", f"{_time(result['from_ms'])} to {_time(result['to_ms'])} UTC"),
        ("candles", f"{result['candles']} of {result['timeframe']}, "
                    f"{result['skipped_candles']} skipped, {result['missing_candles']} missing"),
        ("signals", f"{result['signals']}" + (f", refused: {refused}" if refused else "")),
        ("deals", f"{result['deals']} closed, {result['deals_won']} won, "
                  f"{result['deals_canceled']} canceled, {result['deals_open']} open at the end"),
        ("net result", f"{_money(result['pnl_net'])} after {_money(result['fees'])} of fees"),
        ("total return", _percent(statistics["total_return"])),
        ("annual return", _percent(statistics["annual_return"])),
        ("buy and hold", _percent(statistics["buy_and_hold_return"])),
        ("max drawdown", _percent(statistics["max_drawdown"])),
        ("exposure", _percent(statistics["exposure"])),
        ("Sharpe, Sortino", f"{_number(statistics['sharpe'])}, {_number(statistics['sortino'])}"),
        ("profit factor", _number(statistics["profit_factor"])),
        ("average deal", _number(statistics["expectancy"], 4)),
        ("break-even fee", _percent(statistics["break_even_fee_rate"], 4)),
        ("run", f"{result['run_seconds']:.2f} s, {result['candles_per_second']} candles/s"),
        ("journal", f"{result['journal_rows']} rows, sha256 {result['journal_sha256']}"),
        ("stored as", str(result["id"])),
    ]  # fmt: skip


def _time(ts_ms: int) -> str:
    return f"{datetime.fromtimestamp(ts_ms / 1000, UTC):%Y-%m-%d %H:%M}"


def _money(value: object) -> str:
    return f"{float(str(value)):,.2f}"


def _percent(share: float | None, digits: int = 2) -> str:
    return "-" if share is None else f"{100 * share:.{digits}f} %"


def _number(value: float | None, digits: int = 2) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
