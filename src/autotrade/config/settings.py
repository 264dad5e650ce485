"""Settings: every value of a run, typed, checked, each with its origin.

Priority: command line > environment > .env > config.json > default. Build it with
`config_loader.load_settings`; the checks that look at several settings at once run there too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import PrivateAttr, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from autotrade.config.schema import (
    DATA_DIR_DEFAULT,
    PAIR_LIST,
    PAIR_SECTION,
    CurrencyPairSettings,
    ExchangeSettings,
    LogSettings,
    RecordingSettings,
)
from autotrade.config.sources import DEFAULT, PROJECT_FOLDER, Layer
from autotrade.domain.entities.currency_pair import CurrencyPair
from autotrade.domain.settings import (
    BuyOrderMonitorSettings,
    DomainSettings,
    OrderbookAnalyzerSettings,
    SignalCooldownSettings,
    StopLossMonitorSettings,
    StrategySettings,
    TradingSettings,
)


@dataclass(frozen=True, slots=True)
class KeySettings:
    """Secrets; every one prints as asterisks."""

    binance_sandbox_api_key: SecretStr | None = None
    binance_sandbox_secret: SecretStr | None = None
    binance_prod_api_key: SecretStr | None = None
    binance_prod_secret: SecretStr | None = None
    binance_prod_private_key_path: Path | None = None


class _LayerSource(PydanticBaseSettingsSource):
    """One layer in pydantic-settings' words."""

    def __init__(self, settings_cls: type[BaseSettings], layer: Layer) -> None:
        super().__init__(settings_cls)
        self._layer = layer

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return self._layer.values.get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        return self._layer.values


class Settings(BaseSettings):
    """Frozen. Sections are the domain's own classes, so a default stands in one place only."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    currency_pairs: tuple[CurrencyPairSettings, ...] = (CurrencyPairSettings(),)
    strategy: StrategySettings = StrategySettings()
    orderbook_analyzer: OrderbookAnalyzerSettings = OrderbookAnalyzerSettings()
    trading: TradingSettings = TradingSettings()
    buy_order_monitor: BuyOrderMonitorSettings = BuyOrderMonitorSettings()
    stop_loss_monitor: StopLossMonitorSettings = StopLossMonitorSettings()
    signal_cooldown: SignalCooldownSettings = SignalCooldownSettings()
    exchange: ExchangeSettings = ExchangeSettings()
    log: LogSettings = LogSettings()
    recording: RecordingSettings = RecordingSettings()
    data_dir: Path = DATA_DIR_DEFAULT
    keys: KeySettings = KeySettings()

    _origins: dict[str, str] = PrivateAttr(default_factory=dict)
    _written: dict[str, str] = PrivateAttr(default_factory=dict)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The layers given as `layers`, strongest first, instead of pydantic's own sources."""
        layers = init_settings.init_kwargs.pop("layers", [])  # type: ignore[attr-defined]
        return (init_settings, *(_LayerSource(settings_cls, layer) for layer in layers))

    def take_origins(self, layers: Iterable[Layer]) -> None:
        """Remember where each value came from; layers strongest first."""
        for layer in layers:
            for path, written in layer.written.items():
                self._origins.setdefault(path, layer.name)
                self._written.setdefault(path, written)

    def origin(self, path: str) -> str:
        """The source of one value: `settings.origin('trading.max_open_deals')`."""
        return self._origins.get(path, DEFAULT)

    def written(self, path: str) -> str:
        """The name under which the user set the value: `--speed`, `EXCHANGE_SPEED` ..."""
        return self._written.get(path, path)

    def to_domain(self) -> DomainSettings:
        """The part that the engine takes."""
        return DomainSettings(
            strategy=self.strategy,
            orderbook_analyzer=self.orderbook_analyzer,
            trading=self.trading,
            buy_order_monitor=self.buy_order_monitor,
            stop_loss_monitor=self.stop_loss_monitor,
            signal_cooldown=self.signal_cooldown,
        )

    def pairs(self) -> list[CurrencyPair]:
        """The pairs as the domain knows them, still without the exchange's rules."""
        return [
            CurrencyPair(
                base=pair.base_currency,
                quote=pair.quote_currency,
                order_life_time=pair.order_life_time,
                deal_quota=pair.deal_quota,
                profit_markup=pair.profit_markup,
                deal_count=pair.deal_count,
            )
            for pair in self.currency_pairs
        ]

    @property
    def data_folder(self) -> Path:
        """`data_dir`, absolute; a relative path starts at the project's folder."""
        return PROJECT_FOLDER / self.data_dir

    @property
    def log_file(self) -> Path:
        return self.data_folder / self.log.file

    @property
    def market_speed(self) -> float:
        """Market time per real time; only the embedded exchange can be fast."""
        return self.exchange.speed if self.exchange.venue == "embedded" else 1.0

    @property
    def market_source(self) -> str:
        """What the embedded exchange plays, as its `--market` / `--recording` say it."""
        if self.exchange.recordings:
            return "recording:" + ",".join(str(path) for path in self.exchange.recordings)
        return self.exchange.market_source


def fold_pairs(layers: list[Layer]) -> Layer:
    """The pairs of all layers as one strongest layer.

    The strongest layer that lists pairs gives the list. A `currency_pair` section (config.json's
    single pair, or CURRENCY_PAIR_* in the environment) then overrides its values in every pair, so
    that one line changes the quota of all of them.
    """
    folded = Layer("pairs")
    pairs: list[dict[str, Any]] = [{}]
    origins: list[dict[str, tuple[str, str]]] = [{}]
    for layer in reversed(layers):
        if PAIR_LIST in layer.values:
            pairs = [dict(pair) for pair in layer.values[PAIR_LIST]]
            origins = [
                {leaf: (layer.name, f"{PAIR_LIST}.{index}.{leaf}") for leaf in pair}
                for index, pair in enumerate(pairs)
            ]
        for leaf, value in layer.values.get(PAIR_SECTION, {}).items():
            for pair, origin in zip(pairs, origins, strict=True):
                pair[leaf] = value
                origin[leaf] = (layer.name, layer.written[f"{PAIR_SECTION}.{leaf}"])
    folded.values[PAIR_LIST] = pairs
    for layer in layers:
        layer.values.pop(PAIR_LIST, None)
        layer.values.pop(PAIR_SECTION, None)
        for path in [path for path in layer.written if path.startswith(PAIR_SECTION)]:
            del layer.written[path]
        for index, origin in enumerate(origins):
            for leaf, (name, written) in origin.items():
                if name == layer.name:
                    layer.written[f"{PAIR_LIST}.{index}.{leaf}"] = written
    return folded
