"""Public questions by REST: time, rules, closed candles. Exact strings in, domain values out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from autotrade.application.ports import ExchangeUnreachable
from autotrade.domain.entities.candle import TIMEFRAME_MS, Candle
from autotrade.domain.entities.currency_pair import MarketRules
from autotrade.infrastructure.connectors.connector_settings import ConnectorSettings
from autotrade.infrastructure.connectors.error_normalizer import BAD_SYMBOL, Outcome, normalize
from autotrade.infrastructure.connectors.exchange_clock import ExchangeClock
from autotrade.infrastructure.connectors.market_rules import (
    MarketDirectory,
    market_id,
    unknown_symbol,
    weight_limit_of,
)
from autotrade.infrastructure.connectors.weight_governor import WeightGovernor

if TYPE_CHECKING:
    from autotrade.infrastructure.connectors.tapped_client import TappedBinance

PAGE = 1_000


def candle_of_row(row: Sequence[Any]) -> Candle:
    """One row of GET klines."""
    return Candle(
        int(row[0]), float(row[1]), float(row[2]), float(row[3]), float(row[4]), float(row[5])
    )


def candle_of_line(line: Mapping[str, Any]) -> Candle:
    """The `k` of a kline message."""
    return Candle(
        int(line["t"]),
        float(line["o"]),
        float(line["h"]),
        float(line["l"]),
        float(line["c"]),
        float(line["v"]),
    )


class MarketQuestions:
    """Asks through the market-data client, so never in the way of an order."""

    def __init__(
        self,
        client: TappedBinance,
        settings: ConnectorSettings,
        clock: ExchangeClock,
        governor: WeightGovernor,
        directory: MarketDirectory,
    ) -> None:
        self._client, self._settings = client, settings
        self._clock, self._governor = clock, governor
        clock.on_set = governor.clock_was_set  # whose ban's end is told in that clock
        self.directory = directory

    async def server_time(self) -> int:
        answer = await self._client.public_get_time()
        return int(answer["serverTime"])

    async def measure_clock(self) -> None:
        """At start; raises `ExchangeUnreachable` with the address and what to do. Where nothing
        takes a connection the address is wrong or the exchange is not there: that is said at once
        instead of waited for."""
        try:
            await self._clock.measure(self.server_time)
        except Exception as error:
            failure = normalize(error, self._settings.secrets)
            where = self._client.urls["api"]["public"]
            if self._settings.transport.tls_port is not None:
                where += f" (127.0.0.1:{self._settings.transport.tls_port})"
            raise ExchangeUnreachable(
                f"expected an answer from {where}, was {failure.message}; look whether the "
                "exchange runs and the network reaches it, then start again",
                may_pass=failure.may_pass and failure.outcome is not Outcome.NOT_SENT,
            ) from error

    async def rules(self, symbols: Sequence[str]) -> dict[str, MarketRules]:
        """Filters of these pairs as they are now; the client learns the same markets."""
        wanted = orjson.dumps([market_id(symbol) for symbol in symbols]).decode()
        answer = await self._market_info(symbols, {"symbols": wanted})
        limit = weight_limit_of(answer)
        if limit is not None:
            self._governor.limit = limit
        learnt = {self.directory.learn(market): market for market in answer["symbols"]}
        for symbol in symbols:
            if symbol not in learnt:
                await self._refuse_unknown([symbol])
        known = dict(self._client.markets or {})
        parsed = [self._client.parse_market(market) for market in learnt.values()]
        known.update({market["symbol"]: market for market in parsed})
        self._client.set_markets(list(known.values()))
        rules = {symbol: self.directory.rules(symbol) for symbol in symbols}
        return {symbol: rule for symbol, rule in rules.items() if rule is not None}

    async def _market_info(self, symbols: Sequence[str], params: Mapping[str, str]) -> Any:
        try:
            return await self._client.public_get_exchangeinfo(params)
        except Exception as error:
            failure = normalize(error, self._settings.secrets)
            if params and failure.code == BAD_SYMBOL:
                await self._refuse_unknown(symbols)
            raise ExchangeUnreachable(
                f"expected the market info of {', '.join(symbols)}, was {failure.message}; "
                "look at the network and start again",
                may_pass=failure.may_pass,
            ) from error

    async def _refuse_unknown(self, symbols: Sequence[str]) -> None:
        answer = await self._market_info(symbols, {})
        listed = [f"{row['baseAsset']}/{row['quoteAsset']}" for row in answer["symbols"]]
        for symbol in symbols:
            if symbol not in listed:
                raise unknown_symbol(symbol, listed)

    async def closed_candles(
        self,
        symbol: str,
        timeframe: str,
        *,
        count: int,
        first_open_ts: int | None = None,
        last_open_ts: int | None = None,
    ) -> list[Candle]:
        """The last `count` closed candles up to `last_open_ts`, oldest first; the open one never.

        A candle that closed within the clock's own uncertainty counts as open: better late than
        wrong, the stream or the next question brings it.
        """
        step = TIMEFRAME_MS[timeframe]
        newest_closed = int(self._clock.exact_ms() - self._uncertainty_ms()) // step * step - step
        last = newest_closed if last_open_ts is None else min(last_open_ts, newest_closed)
        first = last - (count - 1) * step if first_open_ts is None else first_open_ts
        candles: dict[int, Candle] = {}
        start = first
        while start <= last:
            rows = await self._client.public_get_klines(
                {
                    "symbol": market_id(symbol),
                    "interval": timeframe,
                    "startTime": start,
                    "endTime": last + step - 1,
                    "limit": PAGE,
                }
            )
            for row in rows:
                candle = candle_of_row(row)
                if first <= candle.open_ts <= last:
                    candles[candle.open_ts] = candle
            if len(rows) < PAGE:
                break
            start = int(rows[-1][0]) + step
        return [candles[open_ts] for open_ts in sorted(candles)][-count:]

    def _uncertainty_ms(self) -> float:
        return self._clock.round_trip_ms * self._clock.speed
