"""A backtest's result in words and columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autotrade.infrastructure.reports.figures import (
    Format,
    interval_of,
    moment,
    money,
    number,
    percent,
    probability,
    span,
    value_of,
)

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
        ("range", f"{moment(result['from_ms'])} to {moment(result['to_ms'])} UTC"),
        ("candles", f"{result['candles']} of {result['timeframe']}, "
                    f"{result['skipped_candles']} skipped, {result['missing_candles']} missing"),
        ("signals", f"{result['signals']}" + (f", refused: {refused}" if refused else "")),
        ("deals", f"{result['deals']} closed, {result['deals_won']} won, "
                  f"{result['deals_canceled']} canceled, {result['deals_open']} open at the end"),
        ("net result", f"{_money(result['pnl_net'])} after {_money(result['fees'])} of fees"),
        *_curve_rows(statistics),
        *_deal_rows(statistics),
        *_other_rows(result),
        ("run", f"{result['run_seconds']:.2f} s, {result['candles_per_second']} candles/s"),
        ("journal", f"{result['journal_rows']} rows, sha256 {result['journal_sha256']}"),
        ("stored as", str(result["id"])),
    ]  # fmt: skip


def _curve_rows(statistics: Result) -> list[tuple[str, str]]:
    fall = span(statistics["max_drawdown_ms"])
    state = "recovered" if statistics["max_drawdown_recovered"] else "not recovered"
    return [
        ("total return", _ranged(statistics, "total_return", percent)),
        ("annual return", percent(statistics["annual_return"])),
        ("buy and hold", percent(statistics["buy_and_hold_return"])),
        ("exposure", percent(statistics["exposure"])),
        ("max drawdown", f"{_ranged(statistics, 'max_drawdown', percent)}, {fall} long, {state}"),
        ("Sharpe", _ranged(statistics, "sharpe", number)),
        ("Sortino, Calmar", f"{number(statistics['sortino'])}, {number(statistics['calmar'])}"),
    ]


def _deal_rows(statistics: Result) -> list[tuple[str, str]]:
    best, worst = money(statistics["best_deal"]), money(statistics["worst_deal"])
    time = f"{span(statistics['average_deal_ms'])} on average, {span(statistics['median_deal_ms'])}"
    rate = percent(statistics["fee_rate_paid"], 4)
    return [
        ("win rate", _ranged(statistics, "win_rate", percent)),
        ("profit factor", number(statistics["profit_factor"])),
        ("average deal", _ranged(statistics, "expectancy", money)),
        ("best, worst deal", f"{best}, {worst}"),
        ("SQN, of 100", f"{number(statistics['sqn'])}, {number(statistics['sqn_100'])}"),
        ("time in deal", f"{time} in the middle"),
        ("fees paid", f"{money(statistics['fees_paid'])}, {rate} of what was traded"),
        ("break-even fee", _or_reason(statistics, "break_even_fee_rate", 4)),
        ("deflated Sharpe", probability(statistics["deflated_sharpe"])),
    ]


def _other_rows(result: Result) -> list[tuple[str, str]]:
    """What else could have happened, and whether the future was left alone."""
    rows = []
    deals = result.get("monte_carlo_deals")
    if deals:
        ends, falls = (
            deals["resample"]["final_equity_quantiles"],
            deals["shuffle"]["max_drawdown_quantiles"],
        )
        rows.append(
            (
                "deals drawn anew",
                f"end at {money(ends['0.05'])} to {money(ends['0.95'])} (90 %), "
                f"{percent(deals['resample']['probability_of_loss'])} lose; reordered they fall "
                f"by {percent(falls['0.5'])}, 5 % of them by {percent(falls['0.95'])} or more",
            )
        )
    if result.get("monte_carlo_candles"):
        rows.append(("other markets", result["monte_carlo_candles"]["sentence"]))
    if result.get("lookahead"):
        rows.append(("look-ahead", result["lookahead"]["sentence"]))
    return rows


def _ranged(statistics: Result, name: str, shown: Format) -> str:
    """The value, with its 95 % interval where it has one."""
    value, interval = value_of(statistics, name, shown), interval_of(statistics, name, shown)
    return f"{value} (95 %: {interval})" if interval else value


def _or_reason(statistics: Result, name: str, digits: int) -> str:
    reason = statistics["undefined"].get(name)
    return f"- ({reason})" if reason else percent(statistics[name], digits)


def _money(value: object) -> str:
    return f"{float(str(value)):,.2f}"
