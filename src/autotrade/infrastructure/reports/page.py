"""The page: a result and what is drawn of it as one HTML file.

Style, script, charts and data all stand in the file; its content security policy forbids the
browser to load anything, so it looks the same with and without a network. The charts are
TradingView Lightweight Charts (Apache-2.0), taken from the package `litecharts` when a report is
made; their licence header and logo stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from autotrade.infrastructure.reports import figures
from autotrade.infrastructure.reports.drawings import distribution, find_heat_map, heat_map
from autotrade.infrastructure.reports.markup import (
    data_script,
    paragraphs,
    section,
    table,
    text,
)
from autotrade.infrastructure.reports.provenance import data_and_settings

MARKED_DEALS_MAX = 3_000
"""Of all charts together; more arrows than that cover the candles and slow the browser down."""
POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
NOTICE = "TradingView Lightweight Charts\u2122, Copyright (c) 2025 TradingView, Inc."
NOTICE_ADDRESS = "https://www.tradingview.com/"
CROWDED_MARKS, OPENING_CANDLES = 400, 240
"""With more marks than this a candle chart opens at its last candles, where they can be told
apart."""
MODELLED = "These candles are modelled: nothing of them was ever recorded."
_VERDICT_KINDS = {
    "loses money": "bad",
    "no evidence of an edge": "open",
    "some evidence of an edge": "good",
}

Result = Mapping[str, Any]


def page_of(result: Result, charts: Mapping[str, Any] | None) -> str:
    """The whole file. `charts` None: a result that was kept without anything to draw."""
    title = f"{', '.join(result['pairs'])} {result['timeframe']}, {result['strategy']}"
    drawn = find_heat_map(result)
    parts = [
        _head(f"Backtest {result['id']}: {title}"),
        _summary(result, title),
        *(_charts(charts) if charts else [_no_charts()]),
        section("Net result over two settings", heat_map(drawn) if drawn else ""),
        _statistics(result),
        _other_futures(result),
        _lookahead(result),
        data_and_settings(result),
        _foot(result),
        _scripts(charts) if charts else "",
        "</body>\n</html>\n",
    ]
    return "\n".join(part for part in parts if part)


def _head(title: str) -> str:
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{text(POLICY)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{text(title)}</title>\n<style>\n{_own('page.css')}</style>\n</head>\n<body>"
    )


def _own(name: str) -> str:
    return files("autotrade.infrastructure.reports").joinpath(name).read_text(encoding="utf-8")


def _summary(result: Result, title: str) -> str:
    quote = result["pairs"][0].partition("/")[2]
    statistics = result["statistics"]
    verdict = result["verdict"]
    kind = _VERDICT_KINDS.get(verdict["level"], "open")
    interval = figures.interval_of(statistics, "sharpe", figures.number)
    tiles = [
        (figures.money(result["pnl_net"]), f"{quote}, net result of closed deals"),
        (figures.percent(statistics["total_return"]), "total return"),
        (figures.percent(statistics["buy_and_hold_return"]), "buy and hold"),
        (figures.percent(statistics["max_drawdown"]), "max drawdown"),
        (
            figures.number(statistics["sharpe"]),
            f"Sharpe ratio, 95 %: {interval}" if interval else "Sharpe ratio",
        ),
        (f"{result['deals']:,}", f"closed deals, {figures.percent(statistics['win_rate'])} won"),
    ]
    boxes = "\n".join(
        f'<div class="tile"><b>{text(value)}</b><span>{text(name)}</span></div>'
        for value, name in tiles
    )
    return "\n".join(
        [
            f"<header>\n<h1>{text(title)}</h1>",
            f'<p class="under">{figures.moment(result["from_ms"])} to '
            f"{figures.moment(result['to_ms'])} UTC, {result['candles']:,} candles, backtest "
            f"{text(result['id'])}</p>\n</header>",
            f'<p class="modelled">{text(MODELLED)}</p>' if result["is_modelled"] else "",
            f'<div class="verdict {kind}"><strong>Verdict: {text(verdict["level"])}</strong>',
            paragraphs(verdict["sentences"]),
            "</div>",
            f'<div class="tiles">\n{boxes}\n</div>',
        ]
    )


def _no_charts() -> str:
    return section(
        "Charts", paragraphs(["This result was kept without curves and candles to draw."])
    )


def _charts(charts: Mapping[str, Any]) -> list[str]:
    deals = charts["deals"]
    legend = (
        '<p class="legend"><i style="background:var(--accent)"></i>worth of the account'
        '<i style="background:var(--held)"></i>buying and holding'
        '<i style="background:var(--loss)"></i>drawdown, percent of the last peak</p>'
    )
    months = table(
        ["month", "return>", "buy and hold>", "deals>", "net result of deals>"],
        [
            (
                row["month"],
                figures.percent(row["return"]),
                figures.percent(row["held"]),
                f"{row['deals']:,}",
                figures.money(row["net"]),
            )
            for row in charts["months"]
        ],
    )
    return [
        section("Equity and drawdown", '<div class="chart curve" id="curve"></div>', legend),
        *[_candles(part, number, deals) for number, part in enumerate(charts["candles"])],
        section("Results of deals", distribution([deal[7] for deal in deals]), _exits(deals)),
        section("Months", months, note="UTC; the return counts what is still held"),
    ]


def _candles(part: Mapping[str, Any], number: int, deals: list[list[Any]]) -> str:
    own = sum(deal[1] == part["pair"] for deal in deals)
    marked = len(_marked(part["pair"], deals))
    notes = []
    if part["timeframe"] != part["tested_timeframe"]:
        notes.append(
            f"Drawn as {part['timeframe']} candles to keep the page small; the test itself saw "
            f"every {part['tested_timeframe']} candle."
        )
    if marked < own:
        notes.append(f"The last {marked:,} of {own:,} deals are marked.")
    if _opens_at(part, marked) is not None:
        notes.append(
            f"It opens at the last {OPENING_CANDLES} candles; drag it, or zoom with the wheel, to "
            "see the others."
        )
    legend = (
        '<p class="legend"><i style="background:var(--accent)"></i>entry, at its average price'
        '<i style="background:var(--gain)"></i>exit with a gain'
        '<i style="background:var(--loss)"></i>exit with a loss</p>'
    )
    chart = f'<div class="chart candles" id="candles-{number}"></div>'
    return section(f"{part['pair']} and its deals", chart, legend, note=" ".join(notes))


def _marked(pair: str, deals: list[list[Any]]) -> list[list[Any]]:
    return [deal for deal in deals[-MARKED_DEALS_MAX:] if deal[1] == pair]


def _opens_at(part: Mapping[str, Any], marked: int) -> int | None:
    """The first candle that is seen at the beginning; None: all of them are."""
    count = len(part["rows"])
    is_crowded = 2 * marked > CROWDED_MARKS and count > OPENING_CANDLES
    return count - OPENING_CANDLES if is_crowded else None


def _exits(deals: list[list[Any]]) -> str:
    reasons: dict[str, list[float]] = {}
    for deal in deals:
        reasons.setdefault(deal[8], []).append(deal[6])
    return table(
        ["how deals ended", "deals>", "net result>", "average>"],
        [
            (
                reason.replace("_", " "),
                f"{len(results):,}",
                figures.money(sum(results)),
                figures.money(sum(results) / len(results)),
            )
            for reason, results in sorted(reasons.items())
        ],
    )


def _statistics(result: Result) -> str:
    statistics = result["statistics"]
    parts = []
    for title, rows in figures.GROUPS:
        parts.append(f"<h3>{text(title)}</h3>")
        parts.append(
            table(
                ["figure", "value>", "95 % interval>", "what it says"],
                [
                    (
                        name,
                        figures.value_of(statistics, field, shown),
                        figures.interval_of(statistics, field, shown),
                        figures.meaning_of(statistics, field, meaning),
                    )
                    for field, name, shown, meaning in rows
                ],
                kind="figures",
            )
        )
    return section(
        "Statistics",
        *parts,
        note="Intervals by bootstrap: returns drawn anew in blocks, deals one by one. Amounts in "
        f"{result['pairs'][0].partition('/')[2]}.",
    )


def _other_futures(result: Result) -> str:
    """Monte Carlo on deals, and on candles where it was asked for."""
    columns = ["", "1 %>", "5 %>", "25 %>", "50 %>", "75 %>", "95 %>", "99 %>", "this run>"]
    parts = []
    deals = result.get("monte_carlo_deals")
    if deals:
        drawn, shuffled = deals["resample"], deals["shuffle"]
        parts += [
            "<h3>The same deals again</h3>",
            table(
                columns,
                [
                    _quantiles("end, deals drawn anew", drawn, "final_equity", figures.money),
                    _quantiles("drawdown, drawn anew", drawn, "max_drawdown", figures.percent),
                    _quantiles("drawdown, reordered", shuffled, "max_drawdown", figures.percent),
                ],
            ),
            paragraphs(
                [
                    f"Of {drawn['runs']:,} runs of deals drawn anew, "
                    f"{figures.percent(drawn['probability_of_loss'])} end with a loss."
                ]
            ),
        ]
    candles = result.get("monte_carlo_candles")
    if candles:
        parts += [
            "<h3>Other markets</h3>",
            table(
                columns,
                [
                    _quantiles("net result", candles, "net", figures.money),
                    _quantiles("total return", candles, "total_return", figures.percent),
                    _quantiles("max drawdown", candles, "max_drawdown", figures.percent),
                ],
            ),
            paragraphs([candles["sentence"]]),
        ]
    return section("What else could have happened", *parts)


def _quantiles(
    name: str, found: Mapping[str, Any], field: str, shown: figures.Format
) -> tuple[str, ...]:
    quantiles = found[f"{field}_quantiles"].values()
    return (name, *(shown(value) for value in quantiles), shown(found[f"observed_{field}"]))


def _lookahead(result: Result) -> str:
    found = result.get("lookahead")
    return section("Look-ahead check", paragraphs([found["sentence"]])) if found else ""


def _foot(result: Result) -> str:
    return (
        f"<footer>\n<p>Made by AutoTrade {text(result.get('version', ''))}. Nothing here is a "
        "promise: a backtest shows one past under its assumptions.</p>\n"
        f'<p>Charts: {NOTICE} <a href="{NOTICE_ADDRESS}" rel="noreferrer">'
        f"{NOTICE_ADDRESS}</a>, Apache License 2.0.</p>\n"
        "</footer>"
    )


def _scripts(charts: Mapping[str, Any]) -> str:
    drawn = {
        "curve": charts["curve"],
        "candles": [
            {
                "decimals": part["decimals"],
                "rows": part["rows"],
                "opens_at": _opens_at(part, len(_marked(part["pair"], charts["deals"]))),
                "deals": [
                    [deal[2], deal[3], deal[4], deal[5], deal[6]]
                    for deal in _marked(part["pair"], charts["deals"])
                ],
            }
            for part in charts["candles"]
        ],
    }
    return "\n".join(
        [
            data_script("charts", drawn),
            f"<script>\n{_chart_library()}\n</script>",
            f"<script>\n{_own('page.js')}</script>",
        ]
    )


def _chart_library() -> str:
    """The charts' own script, with its licence header; it must not end our element."""
    place = files("litecharts").joinpath("js").joinpath("lightweight-charts.js")
    script = place.read_text(encoding="utf-8")
    if "</script" in script.lower():
        raise ValueError("expected a script without an end tag in it, was lightweight-charts.js")
    return script
