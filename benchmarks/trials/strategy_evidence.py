"""What the shipped strategies are worth on recorded markets, by the real engine, said plainly.

    AUTOTRADE_RECORDINGS=DIR python benchmarks/trials/strategy_evidence.py [--output FILE.md]

Each strategy with its default settings over nine months of one-minute candles of three pairs, an
account of its own for each; a small grid of settings over the last three of them, for the deflated
Sharpe ratio and the probability of backtest overfitting. Writes the document (stdout without
--output). Deterministic; about seven minutes of processor time, in two processes.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from time import perf_counter

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / name) for name in ("", "src")]

from autotrade.application.use_cases.run_realtime_trading import history_needed  # noqa: E402
from autotrade.config.config_loader import load_settings  # noqa: E402
from autotrade.domain.entities.candle import TIMEFRAME_MS  # noqa: E402
from autotrade.infrastructure.backtest.book_model import BookModel  # noqa: E402
from autotrade.infrastructure.backtest.charts import months  # noqa: E402
from autotrade.infrastructure.backtest.equity import (  # noqa: E402
    Floats,
    Times,
    equity_curve,
    market_index,
)
from autotrade.infrastructure.backtest.journal_writer import JournalWriter  # noqa: E402
from autotrade.infrastructure.backtest.loading import DataOrder, load  # noqa: E402
from autotrade.infrastructure.backtest.pair_market import PairMarket  # noqa: E402
from autotrade.infrastructure.backtest.runner import (  # noqa: E402
    Backtest,
    BacktestPlan,
    ClosedDeal,
)
from autotrade.infrastructure.backtest.settings import BacktestSettings  # noqa: E402
from autotrade.infrastructure.market_history import CandleStore  # noqa: E402
from autotrade.infrastructure.market_history.importers.importing import (  # noqa: E402
    read_candle_file,
)
from autotrade.infrastructure.market_history.integrity import time_text  # noqa: E402
from autotrade.infrastructure.reports.figures import (  # noqa: E402
    money,
    number,
    percent,
    probability,
)
from autotrade.infrastructure.statistics import (  # noqa: E402
    DealResult,
    Overfitting,
    Statistics,
    probability_of_backtest_overfitting,
    summarise,
    verdict,
)
from autotrade.infrastructure.statistics.returns import (  # noqa: E402
    daily_samples,
    period_returns,
)

PAIRS = ("BTC/USDT", "ETH/USDT", "SOL/USDT")
FILE_NAME = "klines/binance_{}_1m_20220101_20230930.parquet"
FROM_MS, GRID_FROM_MS, TO_MS = 1_672_531_200_000, 1_688_169_600_000, 1_696_118_400_000
"""2023-01-01, 2023-07-01, 2023-10-01."""
SPLITS = 10
GRIDS: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "macd_orderbook": (
        ("strategy.macd_fast", ("8", "12", "16")),
        ("strategy.macd_slow", ("21", "26", "34")),
    ),
    "volatility_breakout": (
        ("k", ("0.3", "0.5", "0.8")),
        ("trend_candles", ("0", "240")),
    ),
}
"""The default settings are among them."""
DEFAULTS = {"macd_orderbook": ("12", "26"), "volatility_breakout": ("0.5", "0")}
Chosen = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Job:
    folder: Path
    strategy: str
    chosen: Chosen
    symbol: str
    from_ms: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """One account over one pair."""

    times: Times
    worth: Floats
    held: Floats
    deals: tuple[ClosedDeal, ...]
    candles: int
    sha256: str


def run_job(job: Job) -> Outcome:
    overrides: dict[str, tuple[str, object]] = {"strategy.name": ("grid", job.strategy)}
    own = tuple((name, value) for name, value in job.chosen if "." not in name)
    overrides |= {name: ("grid", value) for name, value in job.chosen if "." in name}
    if own:
        overrides["strategy.parameters"] = ("grid", own)
    settings = load_settings(environ={}, overrides=overrides)
    domain, assumptions = settings.to_domain(), BacktestSettings()
    order = DataOrder((job.symbol,), domain.strategy.timeframe, job.from_ms, TO_MS, "binance")
    data = load(CandleStore(job.folder), order, history_needed(domain.strategy), _nothing)
    markets = [PairMarket(series, BookModel.of(assumptions)) for series in data.series]
    pairs = [pair for pair in settings.pairs() if pair.symbol == job.symbol]
    plan = BacktestPlan(domain, assumptions, pairs, markets, data.start_ts)
    run = Backtest(plan, JournalWriter()).run()
    candle_ms = TIMEFRAME_MS[domain.strategy.timeframe]
    span = (plan.start_ts, run.end_ts)
    balance = assumptions.balance
    times, worth = equity_curve(run.fills, markets, *span, balance=balance, candle_ms=candle_ms)
    _, index = market_index(markets, *span, candle_ms)
    held = index / index[0] * float(balance)
    sha256 = markets[0].series.content_sha256()
    return Outcome(times, worth, held, tuple(run.deals), run.candles, sha256)


def _nothing(text: str) -> None:
    """Progress of loading, which nobody waits for here."""


def together(outcomes: Sequence[Outcome]) -> Outcome:
    """Several accounts as one: their worths added up at the same hours."""
    first = outcomes[0]
    for other in outcomes[1:]:
        assert np.array_equal(first.times, other.times), "the accounts cover the same hours"
    return Outcome(
        first.times,
        np.sum([one.worth for one in outcomes], axis=0),
        np.sum([one.held for one in outcomes], axis=0),
        tuple(deal for one in outcomes for deal in one.deals),
        sum(one.candles for one in outcomes),
        "",
    )


def judged(
    outcome: Outcome, trials: int = 1, trial_sharpes: Sequence[float] | None = None
) -> Statistics:
    deals = [DealResult(**asdict(deal)) for deal in outcome.deals if deal.invested > 0]
    return summarise(
        deals, outcome.times, outcome.worth, outcome.times, outcome.held,
        trials=trials, trial_sharpes=trial_sharpes,
    )  # fmt: skip


def daily_returns(outcome: Outcome) -> Floats:
    return period_returns(daily_samples(outcome.times, outcome.worth)[1])


def grid_of(strategy: str) -> list[Chosen]:
    names = [name for name, _ in GRIDS[strategy]]
    values = product(*(values for _, values in GRIDS[strategy]))
    return [tuple(zip(names, chosen, strict=True)) for chosen in values]


# --- the document ---------------------------------------------------------------------------------


def default_rows(outcomes: dict[str, list[Outcome]]) -> list[str]:
    lines = [
        "| strategy | pair | deals | net USDT | fees | return | buy and hold | max drawdown | "
        "Sharpe (95 %) | break-even fee | verdict |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- | ---: | --- |",
    ]
    for strategy, found in outcomes.items():
        for name, one in zip((*PAIRS, "all three"), (*found, together(found)), strict=True):
            figures = judged(one)
            interval = figures.sharpe_interval
            width = f" ({number(interval.low)} to {number(interval.high)})" if interval else ""
            even = figures.break_even_fee_rate
            lines.append(
                f"| {strategy} | {name} | {figures.deals:,} | {money(figures.net_profit)} | "
                f"{money(figures.fees_paid)} | {percent(figures.total_return)} | "
                f"{percent(figures.buy_and_hold_return)} | {percent(figures.max_drawdown)} | "
                f"{number(figures.sharpe)}{width} | "
                f"{'none is low enough' if even is None else percent(even, 4)} | "
                f"{verdict(figures).level.value} |"
            )
    return lines


def window_rows(outcomes: dict[str, list[Outcome]]) -> list[str]:
    strategies = list(outcomes)
    rows = {}
    for strategy, found in outcomes.items():
        one = together(found)
        for row in months(one.times, one.worth, one.held, one.deals):
            rows.setdefault(row["month"], {})[strategy] = row
    heads = [f"{name}, net | return" for name in strategies]
    lines = [
        f"| window | {' | '.join(heads)} | buy and hold |",
        "| --- |" + " ---: |" * (2 * len(strategies) + 1),
    ]
    for month, found in rows.items():
        cells = [f"{money(found[name]['net'])} | {percent(found[name]['return'])}"
                 for name in strategies]  # fmt: skip
        held = percent(found[strategies[0]]["held"])
        lines.append(f"| {month} | {' | '.join(cells)} | {held} |")
    won = [
        f"{name} {sum(found[name]['net'] > 0 for found in rows.values())}" for name in strategies
    ]
    lines += ["", f"Windows with a gain, of {len(rows)}: {', '.join(won)}."]
    return lines


def grid_rows(strategy: str, outcomes: list[list[Outcome]]) -> list[str]:
    """The trials of one strategy over all pairs, and what choosing among them is worth."""
    whole = [together(found) for found in outcomes]
    grid = grid_of(strategy)
    alone = [judged(one) for one in whole]
    sharpes = [figures.sharpe for figures in alone]
    assert all(sharpe is not None for sharpe in sharpes), "every trial dealt on several days"
    known = [sharpe for sharpe in sharpes if sharpe is not None]
    lines = [f"| {' | '.join(name for name, _ in grid[0])} | deals | net USDT | return | Sharpe |"]
    lines.append("| ---: " * (len(grid[0]) + 4) + "|")
    for chosen, figures in zip(grid, alone, strict=True):
        is_default = tuple(value for _, value in chosen) == DEFAULTS[strategy]
        values = " | ".join(value for _, value in chosen)
        mark = " (default)" if is_default else ""
        lines.append(
            f"| {values} | {figures.deals:,} | {money(figures.net_profit)}{mark} | "
            f"{percent(figures.total_return)} | {number(figures.sharpe)} |"
        )
    best = int(np.argmax(known))
    figures = judged(whole[best], len(grid), known)
    matrix = np.stack([daily_returns(one) for one in whole], axis=1)
    different = len({(figures.deals, figures.net_profit) for figures in alone})
    if different < len(grid):
        lines += ["", f"Only {different} of the {len(grid)} trials differ in what they did."]
    lines += ["", _overfitting_text(probability_of_backtest_overfitting(matrix, SPLITS))]
    chosen_text = ", ".join(f"{name}={value}" for name, value in grid[best])
    lines.append(
        f"The best of the {len(grid)} by Sharpe ratio is {chosen_text} with "
        f"{number(figures.sharpe)}; the best of as many without skill is expected to show "
        f"{number(figures.expected_max_sharpe)}. Its deflated Sharpe ratio is "
        f"{probability(figures.deflated_sharpe)}; above 0.95 would be evidence."
    )
    return lines


def _overfitting_text(found: Overfitting) -> str:
    return (
        f"Probability of backtest overfitting {number(found.probability, 3)} over "
        f"{len(found.logits)} combinations of {found.splits} blocks, {found.periods} days; the "
        f"chosen trial loses out of sample with probability "
        f"{number(found.probability_of_loss, 3)}."
    )


def document(defaults: dict[str, list[Outcome]], grids: dict[str, list[list[Outcome]]]) -> str:
    first = next(iter(defaults.values()))
    candles = [f"{pair} {one.candles:,} candles" for pair, one in zip(PAIRS, first, strict=True)]
    parts = [
        "# Evidence about the shipped strategies",
        "",
        "What the two shipped strategies came to on recorded Binance spot candles, by the engine",
        "that trades live. Everything below is written by",
        "`AUTOTRADE_RECORDINGS=DIR python benchmarks/trials/strategy_evidence.py --output",
        "docs/reference/strategy_evidence.md`; the figures are what it measured.",
        "",
        *conclusion(defaults, grids),
        "",
        "## Default settings",
        "",
        f"One-minute candles from {time_text(FROM_MS)} to {time_text(TO_MS)} UTC:",
        f"{', '.join(candles)}. The pairs of the shipped",
        "`config.json` with 100 USDT a deal, an account of 10,000 USDT for each pair, a fee of",
        "0.1 %, a spread of 2 basis points. What is not in a deal lies idle, which is why the",
        "returns are small against those of buying and holding; the Sharpe ratio does not depend",
        "on that, and neither does the break-even fee.",
        "",
        *default_rows(defaults),
        "",
        "## Walk forward",
        "",
        "Consecutive windows of a calendar month, all three pairs. The settings are the shipped",
        "ones, chosen before and never changed, so every window is out of sample.",
        "",
        *window_rows(defaults),
        "",
        "## Choosing settings",
        "",
        f"A small grid over the last three months ({time_text(GRID_FROM_MS)} to",
        f"{time_text(TO_MS)} UTC), all three pairs, every trial counted. The probability of",
        "backtest overfitting is how often the best of the trials in one half of the days ends in",
        "the lower half of them in the other; 0.5 is chance.",
    ]
    for strategy, outcomes in grids.items():
        parts += ["", f"### {strategy}", "", *grid_rows(strategy, outcomes)]
    parts += [
        "",
        "## What this does not show",
        "",
        "Nine months of three pairs that move together are one market, not three. The order book",
        "is a model, even on both sides, so the order-book filter refuses thin markets here and",
        "nothing else; what it adds live is not tested by candles. SHA-256 of the candles, warm-up",
        "of macd_orderbook included: "
        + ", ".join(
            f"{pair} `{one.sha256[:16]}`"
            for pair, one in zip(PAIRS, defaults["macd_orderbook"], strict=True)
        )
        + ".",
        "",
    ]
    return "\n".join(parts)


def conclusion(
    defaults: dict[str, list[Outcome]], grids: dict[str, list[list[Outcome]]]
) -> list[str]:
    """One sentence a strategy, made of the figures and nothing else."""
    lines = []
    for strategy, found in defaults.items():
        figures = judged(together(found))
        trials = [judged(together(one)).net_profit for one in grids[strategy]]
        result = "loses" if figures.net_profit < 0 else "earns"
        before = "loses" if figures.gross_profit < 0 else "earns"
        lines.append(
            f"- **{strategy}** {result} {money(abs(figures.net_profit))} USDT over "
            f"{figures.deals:,} deals with default settings, {money(figures.fees_paid)} of fees "
            f"included; without any fee it {before} {money(abs(figures.gross_profit))}. "
            f"{sum(net > 0 for net in trials)} of {len(trials)} settings of the grid earn "
            f"anything. Verdict: {verdict(figures).level.value}."
        )
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the document here")
    parser.add_argument("--processes", type=int, default=2, metavar="N", help="at once (2)")
    options = parser.parse_args()
    recordings = os.environ.get("AUTOTRADE_RECORDINGS")
    if not recordings:
        sys.stderr.write("expected AUTOTRADE_RECORDINGS to name a folder, was not set\n")
        return 2
    started = perf_counter()
    with tempfile.TemporaryDirectory(prefix="autotrade-evidence-") as folder:
        store = CandleStore(Path(folder))
        for pair in PAIRS:
            for series in read_candle_file(
                Path(recordings) / FILE_NAME.format(pair.replace("/", ""))
            ):
                store.save(series, sources=["recorded"])
        jobs = {
            (strategy, chosen, pair, from_ms): Job(Path(folder), strategy, chosen, pair, from_ms)
            for strategy in GRIDS
            for chosen, from_ms in [
                ((), FROM_MS),
                *((one, GRID_FROM_MS) for one in grid_of(strategy)),
            ]
            for pair in PAIRS
        }
        with ProcessPoolExecutor(options.processes) as pool:
            done = {}
            for number_, (key, outcome) in enumerate(
                zip(jobs, pool.map(run_job, jobs.values()), strict=True), 1
            ):
                done[key] = outcome
                sys.stderr.write(
                    f"{number_} of {len(jobs)} runs, {perf_counter() - started:.0f} s\n"
                )
    defaults = {name: [done[name, (), pair, FROM_MS] for pair in PAIRS] for name in GRIDS}
    grids = {
        name: [[done[name, one, pair, GRID_FROM_MS] for pair in PAIRS] for one in grid_of(name)]
        for name in GRIDS
    }
    text = document(defaults, grids)
    if options.output is None:
        print(text, end="")
    else:
        options.output.write_text(text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
