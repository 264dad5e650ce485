"""Every setting that is not the domain's own, and how all of them are named outside.

Cheap to import on purpose: `--help`, the generated documents and the commands that only read the
data folder need names, not validation. Validation is in `settings.py`.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le, Predicate

from autotrade.domain.settings import (
    BuyOrderMonitorSettings,
    OrderbookAnalyzerSettings,
    Percent,
    PositiveDecimal,
    PositiveInt,
    SignalCooldownSettings,
    StopLossMonitorSettings,
    StrategySettings,
    TradingSettings,
    setting,
)

DEFAULT_MARKET_SOURCE = "seed:10"
"""As `simulated_exchange.market.catalog.DEFAULT_SEED`, which says why; a test compares them."""


def is_asset_name(text: str) -> bool:
    """An asset as Binance writes it: capital letters and digits."""
    return text.isascii() and text.isalnum() and text == text.upper() and len(text) <= 20


def is_market_source(text: str) -> bool:
    """`seed:` and a whole number."""
    kind, _, number = text.partition(":")
    return kind == "seed" and number.isascii() and number.isdigit()


AssetName = Annotated[str, Predicate(is_asset_name)]
MarketSourceName = Annotated[str, Predicate(is_market_source)]

PREDICATE_TEXTS: dict[Any, str] = {
    is_asset_name: "an asset's name in capital letters, like USDT",
    is_market_source: "seed: and a whole number, like seed:7",
}


@dataclass(frozen=True, slots=True)
class CurrencyPairSettings:
    base_currency: AssetName = setting("ETH", "what is bought and sold")
    quote_currency: AssetName = setting("USDT", "what it is paid with")
    order_life_time: PositiveInt = setting(
        1, "minutes after which a resting BUY is looked at again, if shorter than the monitor's own"
    )
    deal_quota: PositiveDecimal = setting(
        Decimal("15.0"), "quote currency one deal may spend, fee included"
    )
    profit_markup: Percent = setting(Decimal("1.5"), "percent above the entry where the SELL rests")
    deal_count: PositiveInt = setting(3, "deals open at once on this pair")


@dataclass(frozen=True, slots=True)
class ExchangeSettings:
    venue: Literal["embedded", "demo", "testnet", "binance"] = setting(
        "embedded", "which exchange: the one inside AutoTrade, Binance's demo or testnet, Binance"
    )
    market: Literal["spot"] = setting("spot", "kind of market")
    mode: Literal["simulation", "live"] = setting(
        "simulation",
        "simulation: orders never leave this machine; live: orders go to the venue",
    )
    trading_approved: bool = setting(
        False, "consent to orders with real money; live on venue binance refuses without it"
    )
    speed: Annotated[float, Gt(0), Le(1000)] = setting(
        60.0, "embedded exchange: market time per real time"
    )
    market_source: MarketSourceName = setting(
        DEFAULT_MARKET_SOURCE, "embedded exchange: the modelled market, seed:NUMBER"
    )
    recordings: tuple[Path, ...] = setting(
        (), "embedded exchange: recorded market files to replay instead of the model"
    )
    recording_start: str | None = setting(
        None, "recorded candles: where to begin, UTC, like 2023-03-10 or 2023-03-10T13:30"
    )
    recording_minutes: PositiveInt | None = setting(
        None, "recorded candles: how many minutes to replay; none: to the end of the file"
    )
    attach: Path | None = setting(
        None, "announce file of an embedded exchange that runs already; none: start one"
    )
    recv_window_ms: Annotated[int, Gt(0), Le(60_000)] = setting(
        5_000, "how old a signed request may be when the exchange reads it"
    )
    stale_data_seconds: Annotated[float, Gt(0)] = setting(
        10.0, "real seconds of silence after which market data counts as stale"
    )
    reconcile_interval_seconds: Annotated[float, Gt(0)] = setting(
        30.0, "real seconds between two comparisons with the exchange by REST"
    )


@dataclass(frozen=True, slots=True)
class LogSettings:
    level: Literal["debug", "info", "warning", "error"] = setting(
        "info", "least important line that is shown"
    )
    file: Path = setting(
        Path("logs/autotrade.jsonl"), "JSON lines log; a relative path starts in the data folder"
    )
    file_megabytes: Annotated[float, Gt(0)] = setting(10.0, "size at which the file is rotated")
    file_count: Annotated[int, Ge(0)] = setting(5, "rotated files that are kept")


@dataclass(frozen=True, slots=True)
class RecordingSettings:
    enabled: bool = setting(
        True, "keep what the engine saw of the market, for `replay` and `drift`"
    )
    retention_days: Annotated[float, Gt(0)] = setting(
        30.0, "days after which a session's recording is removed at a start"
    )


SECTIONS: dict[str, type] = {
    "strategy": StrategySettings,
    "orderbook_analyzer": OrderbookAnalyzerSettings,
    "trading": TradingSettings,
    "buy_order_monitor": BuyOrderMonitorSettings,
    "stop_loss_monitor": StopLossMonitorSettings,
    "signal_cooldown": SignalCooldownSettings,
    "exchange": ExchangeSettings,
    "log": LogSettings,
    "recording": RecordingSettings,
}
"""Section of config.json -> the class that holds its names, defaults and bounds."""

DATA_DIR_DEFAULT = Path("data")
DATA_DIR_HELP = "folder of the journal, the snapshots and the log"

KEYS: dict[str, str] = {
    "BINANCE_SANDBOX_API_KEY": "key of demo or testnet",
    "BINANCE_SANDBOX_SECRET": "its secret",
    "BINANCE_PROD_API_KEY": "key of Binance itself",
    "BINANCE_PROD_SECRET": "its secret, for an HMAC key",
    "BINANCE_PROD_PRIVATE_KEY_PATH": "its private key, for an Ed25519 key: a PEM file",
}
"""Secrets. They come from the environment, .env or files in binance_keys/, never config.json."""

PAIR_SECTION, PAIR_LIST = "currency_pair", "currency_pairs"
_ODD_ENVIRONMENT_NAMES = {
    "exchange.trading_approved": "TRADING_APPROVED",
    "data_dir": "AUTOTRADE_DATA_DIR",
}
_ENVIRONMENT_PREFIXES = {"log": "AUTOTRADE_LOG"}


@dataclass(frozen=True, slots=True)
class SettingName:
    """One setting as the world sees it. `path` is how config.json nests it."""

    path: str
    environment: str
    default: object
    help: str
    expected: str

    @property
    def section(self) -> str:
        return self.path.rpartition(".")[0]

    @property
    def leaf(self) -> str:
        return self.path.rpartition(".")[2]


def environment_name(path: str) -> str:
    """`trading.max_open_deals` -> `TRADING_MAX_OPEN_DEALS`."""
    if path in _ODD_ENVIRONMENT_NAMES:
        return _ODD_ENVIRONMENT_NAMES[path]
    section, _, leaf = path.rpartition(".")
    prefix = _ENVIRONMENT_PREFIXES.get(section, section.upper())
    return f"{prefix}_{leaf.upper()}" if prefix else leaf.upper()


def environment_prefixes() -> tuple[str, ...]:
    """Beginnings that belong to us: a name that starts so and is unknown is a mistake."""
    sections = [*SECTIONS, PAIR_SECTION]
    return tuple(f"{_ENVIRONMENT_PREFIXES.get(name, name.upper())}_" for name in sections)


def describe(annotation: Any) -> str:
    """What a value must be, in words for people: `a number above 0 and at most 100`."""
    if typing.get_origin(annotation) is Annotated:
        base, *limits = typing.get_args(annotation)
        predicates = [limit.func for limit in limits if isinstance(limit, Predicate)]
        if predicates:
            return PREDICATE_TEXTS[predicates[0]]
        return f"{describe(base)}{_describe_limits(limits)}"
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Literal:
        return "one of " + ", ".join(str(argument) for argument in arguments)
    if origin is tuple:
        return "a list of paths" if arguments[0] is Path else "NAME=VALUE, separated by commas"
    if origin in (typing.Union, types.UnionType):
        return " or ".join("null" if a is types.NoneType else describe(a) for a in arguments)
    return {
        bool: "true or false",
        int: "a whole number",
        float: "a number",
        Decimal: "a number",
        Path: "a path",
        str: "a text",
    }[annotation]


def _describe_limits(limits: list[Any]) -> str:
    words = []
    for limit in limits:
        match limit:
            case Gt(gt=bound):
                words.append(f"above {bound}")
            case Ge(ge=bound):
                words.append(f"at least {bound}")
            case Le(le=bound):
                words.append(f"at most {bound}")
    return " " + " and ".join(words) if words else ""


def section_settings(section: str, cls: type) -> Iterator[SettingName]:
    """The settings of one section class, in the order they are written there."""
    hints = typing.get_type_hints(cls, include_extras=True)
    for item in fields(cls):
        path = f"{section}.{item.name}"
        assert item.default is not MISSING, f"{path} has no default"
        yield SettingName(
            path=path,
            environment=environment_name(path),
            default=item.default,
            help=item.metadata["help"],
            expected=describe(hints[item.name]),
        )


def all_settings() -> list[SettingName]:
    """Everything that can be set, pairs first; keys are in `KEYS`."""
    found = list(section_settings(PAIR_SECTION, CurrencyPairSettings))
    for section, cls in SECTIONS.items():
        found.extend(section_settings(section, cls))
    found.append(
        SettingName(
            "data_dir", environment_name("data_dir"), DATA_DIR_DEFAULT, DATA_DIR_HELP, "a path"
        )
    )
    return found
