"""What settings must keep among each other, and what live orders need."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from autotrade.config.errors import nearest, shown
from autotrade.config.strategy_files import own_names, register_own, strategy_folder
from autotrade.config.strategy_parameters import PARAMETERS
from autotrade.domain.entities.candle import TIMEFRAME_MS
from autotrade.domain.strategies import registry
from autotrade.domain.strategies.base import Strategy, StrategyFault
from autotrade.domain.strategies.parameters import ParameterFault

if TYPE_CHECKING:
    from autotrade.config.settings import Settings

ASCENDING: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "stop_loss_monitor",
        ("warning_percent", "orderbook_percent", "emergency_percent", "exchange_stop_percent"),
    ),
    ("strategy", ("macd_fast", "macd_slow")),
    ("strategy", ("sma_fast", "sma_slow")),
)
"""Settings of one section that must rise strictly in this order."""


def cross_check(settings: Settings) -> list[str]:
    """A sentence for every contradiction between settings; empty when there is none."""
    checks: tuple[Callable[[Settings], list[str]], ...] = (
        _check_order,
        _check_timeframe,
        _check_strategy,
        _check_duplicate_pairs,
        _check_profit,
        _check_mode,
    )
    return [problem for check in checks for problem in check(settings)]


def _check_order(settings: Settings) -> list[str]:
    problems = []
    for section, names in ASCENDING:
        values = getattr(settings, section)
        for lower, upper in pairwise(names):
            low, high = getattr(values, lower), getattr(values, upper)
            if not low < high:
                origins = " and ".join(_where(settings, f"{section}.{n}") for n in (lower, upper))
                problems.append(
                    f"{section}: expected {lower} below {upper}, was {low} and {high} "
                    f"({origins}); change one of them."
                )
    return problems


def _check_timeframe(settings: Settings) -> list[str]:
    if settings.strategy.timeframe in TIMEFRAME_MS:
        return []
    return [
        f"{_where(settings, 'strategy.timeframe')}: expected one of {', '.join(TIMEFRAME_MS)}, "
        f'was "{settings.strategy.timeframe}"; choose one of them.'
    ]


def _check_strategy(settings: Settings) -> list[str]:
    """Also loads the user's own file, if the strategy is one of those."""
    strategy = settings.strategy
    folder = strategy_folder(strategy.folder)
    own = [name for name in own_names(folder) if name not in registry.shipped_names()]
    known = sorted({*registry.names(), *own})
    if strategy.name not in known:
        return [
            f"{_where(settings, 'strategy.name')}: expected one of {', '.join(known)}, was "
            f"{shown(strategy.name)}; the nearest is {nearest(strategy.name, known)}."
        ]
    try:
        if strategy.name in own:
            register_own(strategy.name, folder)
        found = registry.find(strategy.name)
        assert found is not None
        if problems := _check_parameters(settings, found.kind):
            return problems
        if not registry.shares_settings(found.kind) and strategy.timeframe in TIMEFRAME_MS:
            registry.create(strategy)
    except StrategyFault as fault:
        return [f"{_where(settings, 'strategy.name')}: {fault}."]
    return []


def _check_parameters(settings: Settings, kind: type[Strategy]) -> list[str]:
    """One by one, so that each problem is told with the place where it was written."""
    problems = []
    for name, value in settings.strategy.parameters:
        path = f"{PARAMETERS}.{name}"
        try:
            registry.parameters_of(kind, replace(settings.strategy, parameters=((name, value),)))
        except ParameterFault as fault:
            problems.extend(f"{settings.origin(path)}: {text}." for text in fault.problems)
    return problems


def _check_duplicate_pairs(settings: Settings) -> list[str]:
    counts = Counter(pair.symbol for pair in settings.pairs())
    return [
        f"currency_pairs: expected each pair once, was {symbol} {count} times; remove all but one."
        for symbol, count in counts.items()
        if count > 1
    ] + [
        f"currency_pairs.{index}: expected two different currencies, was {pair.symbol}; "
        "change one of them."
        for index, pair in enumerate(settings.pairs())
        if pair.base == pair.quote
    ]


def _check_profit(settings: Settings) -> list[str]:
    """A markup that does not even reach the wanted net profit could never open a deal."""
    wanted = settings.trading.min_net_profit_percent
    return [
        f"{_where(settings, f'currency_pairs.{index}.profit_markup')}: expected more than "
        f"trading.min_net_profit_percent ({wanted}) plus both fees, was {pair.profit_markup} for "
        f"{pair.symbol}; raise it or lower min_net_profit_percent."
        for index, pair in enumerate(settings.pairs())
        if pair.profit_markup <= wanted
    ]


def _check_mode(settings: Settings) -> list[str]:
    if settings.exchange.mode == "live" and settings.exchange.venue == "embedded":
        return [
            f'{_where(settings, "exchange.mode")}: expected "simulation" on venue embedded, was '
            '"live"; set exchange.venue to demo, testnet or binance, or the mode to simulation.'
        ]
    return []


def missing_for_live(settings: Settings) -> list[str]:
    """What live orders still lack, each thing named; empty when they may go out.

    Demo and testnet play with no real money and need keys only.
    """
    keys = settings.keys
    missing = []
    if settings.exchange.mode != "live":
        missing.append("exchange.mode=live (EXCHANGE_MODE=live)")
    if settings.exchange.venue == "binance":
        if keys.binance_prod_api_key is None:
            missing.append("BINANCE_PROD_API_KEY")
        if keys.binance_prod_secret is None and keys.binance_prod_private_key_path is None:
            missing.append("BINANCE_PROD_PRIVATE_KEY_PATH (or BINANCE_PROD_SECRET)")
        if not settings.exchange.trading_approved:
            missing.append("TRADING_APPROVED=true")
    else:
        if keys.binance_sandbox_api_key is None:
            missing.append("BINANCE_SANDBOX_API_KEY")
        if keys.binance_sandbox_secret is None:
            missing.append("BINANCE_SANDBOX_SECRET")
    return missing


def refuse_live_without_consent(settings: Settings) -> list[str]:
    """The refusal of a live run that lacks something: one sentence that names all of it."""
    if settings.exchange.mode != "live":
        return []
    missing = missing_for_live(settings)
    if not missing:
        return []
    return [
        f"Live orders on {settings.exchange.venue} are refused: expected {', '.join(missing)}, "
        "was not set; put it into .env, or set exchange.mode to simulation."
    ]


def _where(settings: Settings, path: str) -> str:
    return f"{settings.origin(path)}: {settings.written(path)}"
