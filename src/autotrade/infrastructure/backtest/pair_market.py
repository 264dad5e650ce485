"""One pair of a backtest: its candles in ticks and lots, its filters, its modelled book."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autotrade.domain.entities.candle import Candle
from autotrade.domain.entities.currency_pair import MarketRules
from autotrade.domain.entities.orderbook import Level, OrderBook
from autotrade.infrastructure.backtest.book_model import BookModel
from autotrade.infrastructure.market_history.names import market_id
from autotrade.infrastructure.market_history.series import CandleSeries
from autotrade.infrastructure.simulated_exchange.core.types import Market
from autotrade.infrastructure.simulated_exchange.market.listings import market_on_grid
from autotrade.infrastructure.simulated_exchange.market.source import MarketLevels

Units = NDArray[np.int64]
POINTS = 4
"""Of a candle: open, two extremes, close."""


class PairMarket:
    """Arrays are indexed by candle; `volume_lots` is rounded down to whole lots."""

    def __init__(self, series: CandleSeries, model: BookModel) -> None:
        self.series, self.model = series, model
        self.symbol = series.symbol
        self.market_id = market_id(series.symbol)
        self.market: Market = replace(
            market_on_grid(self.market_id, series.price_decimals, series.amount_decimals),
            base=series.symbol.partition("/")[0],
            quote=series.symbol.partition("/")[2],
        )
        self.tick, self.lot = self.market.tick_size, self.market.lot_size
        price_unit = Decimal(1).scaleb(-series.price_decimals)
        amount_unit = Decimal(1).scaleb(-series.amount_decimals)
        per_price = int(price_unit / self.tick)
        per_amount = int(amount_unit / self.lot)
        self.open = series.units("open") * per_price
        self.high = series.units("high") * per_price
        self.low = series.units("low") * per_price
        self.close = series.units("close") * per_price
        self.volume_lots = series.units("volume") * per_amount
        self._price_scale = float(1 / self.tick)
        self._lot_scale = float(1 / self.lot)

    def __len__(self) -> int:
        return len(self.series)

    def candle(self, index: int) -> Candle:
        row = self.series
        return Candle(
            open_ts=int(row.open_ts[index]),
            open=float(row.open[index]),
            high=float(row.high[index]),
            low=float(row.low[index]),
            close=float(row.close[index]),
            volume=float(row.volume[index]),
        )

    def rules(self, maker_fee: Decimal, taker_fee: Decimal) -> MarketRules:
        """The exchange's filters as the bot learns them."""
        market = self.market
        return MarketRules(
            tick_size=market.tick_size,
            lot_size=market.lot_size,
            minimum_amount=market.minimum_amount,
            maximum_amount=market.maximum_amount,
            minimum_notional=market.minimum_notional,
            minimum_price=market.minimum_price,
            maximum_price=market.maximum_price,
            market_maximum_amount=market.market_maximum_amount,
            bid_price_up=market.bid_multiplier_up,
            bid_price_down=market.bid_multiplier_down,
            ask_price_up=market.ask_multiplier_up,
            ask_price_down=market.ask_multiplier_down,
            maker_fee=maker_fee,
            taker_fee=taker_fee,
            max_stop_orders=market.max_algo_orders,
        )

    # the modelled book

    def volume_before(self, index: int) -> int:
        """Lots of the last candle that had closed when candle `index` ran."""
        return int(self.volume_lots[index - 1]) if index else 0

    def traded_at_a_point(self, index: int) -> int:
        """Lots that the market trades at each point of a candle, a quarter of its volume, so a
        resting order of ours fills in parts where little is traded. Without volume the price is
        seen, and sets off stops, but fills nothing that rests."""
        volume = int(self.volume_lots[index])
        return max(1, volume // POINTS) if volume else 0

    def levels(self, ts: int, price: int, volume_lots: int) -> MarketLevels:
        """The book around a last price, for the core."""
        lots = self.model.level_lots(volume_lots)
        return MarketLevels(
            ts,
            self.market_id,
            tuple(zip(self.model.bids(price), repeat(lots))),
            tuple(zip(self.model.asks(price), repeat(lots))),
            is_snapshot=True,
        )

    def book(self, ts: int, price: int, volume_lots: int) -> OrderBook:
        """The same book as the bot sees it, made when it is looked at."""
        return ModelledBook(self, ts, price, volume_lots)  # type: ignore[return-value]

    def float_levels(self, ticks: range, volume_lots: int) -> tuple[Level, ...]:
        scale = self._price_scale
        amount = self.model.level_lots(volume_lots) / self._lot_scale
        return tuple([(price / scale, amount) for price in ticks])

    def facts(self) -> dict[str, Any]:
        """For the result: which data this was."""
        row = self.series
        return {
            "pair": self.symbol,
            "exchange": row.exchange,
            "timeframe": row.timeframe,
            "candles": len(row),
            "from_ms": int(row.open_ts[0]),
            "to_ms": int(row.open_ts[-1]),
            "sha256": row.content_sha256(),
        }


class ModelledBook:
    """An OrderBook whose levels come into being with the first look: most are never looked at."""

    __slots__ = ("_asks", "_bids", "_pair", "_price", "_volume", "symbol", "ts", "update_id")

    is_empty = False

    def __init__(self, pair: PairMarket, ts: int, price: int, volume_lots: int) -> None:
        self.symbol, self.ts, self.update_id = pair.symbol, ts, 0
        self._pair, self._price, self._volume = pair, price, volume_lots
        self._bids: tuple[Level, ...] | None = None
        self._asks: tuple[Level, ...] | None = None

    @property
    def bids(self) -> tuple[Level, ...]:
        if self._bids is None:
            pair = self._pair
            self._bids = pair.float_levels(pair.model.bids(self._price), self._volume)
        return self._bids

    @property
    def asks(self) -> tuple[Level, ...]:
        if self._asks is None:
            pair = self._pair
            self._asks = pair.float_levels(pair.model.asks(self._price), self._volume)
        return self._asks
