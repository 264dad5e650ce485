"""StopLossMonitor: three levels under the entry, above the stop that rests on the exchange.

At `warning_percent` it says so. At `orderbook_percent` it asks the book: with a wall or a bid
surplus under the price it may wait, no longer than `hold_seconds_max`. At `emergency_percent` it
leaves at once.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from autotrade.domain.entities.deal import Deal, ExitReason
from autotrade.domain.entities.ticker import Ticker
from autotrade.domain.events import ExitDecided, LossWarned, LossWatched
from autotrade.domain.services.market_data.orderbook_analyzer import OrderBookMetrics
from autotrade.domain.settings import StopLossMonitorSettings
from autotrade.domain.state import Record

BID_SURPLUS_PERCENT = 20.0
"""Imbalance from which bids outweigh asks enough to wait for."""

Analyze = Callable[[], OrderBookMetrics]


class StopLossMonitor:
    def __init__(self, settings: StopLossMonitorSettings) -> None:
        self._settings = settings
        self._warning = -settings.warning_percent
        self._orderbook = -settings.orderbook_percent
        self._emergency = -settings.emergency_percent

    def watch(self, deal: Deal, ticker: Ticker, analyze: Analyze, ts: int) -> list[Record]:
        """Look at one deal that holds something; the bid is what a SELL would get."""
        if not self._settings.enabled or deal.exit_reason is not None or not deal.bought:
            return []
        change = (ticker.bid / deal.average_entry - 1) * 100
        if change <= self._emergency:
            text = f"loss {change:.2f}% <= {self._emergency}% (emergency)"
            return [self._exit(deal, ExitReason.EMERGENCY, text, ts)]
        if change <= self._orderbook:
            return self._at_orderbook_level(deal, ticker, change, analyze, ts)
        if deal.watch_since_ts is not None:
            text = f"loss {change:.2f}% is above {self._orderbook}% again"
            return [LossWatched(ts=ts, deal_id=deal.id, is_watching=False, text=text)]
        if change <= self._warning and not deal.warned:
            text = f"loss {change:.2f}% <= {self._warning}% (warning)"
            return [LossWarned(ts=ts, deal_id=deal.id, change_percent=change, text=text)]
        return []

    def _at_orderbook_level(
        self, deal: Deal, ticker: Ticker, change: Decimal, analyze: Analyze, ts: int
    ) -> list[Record]:
        since = deal.watch_since_ts
        held_ms_max = self._settings.hold_seconds_max * 1000
        if since is not None and ts - since > held_ms_max:
            text = (
                f"loss {change:.2f}% <= {self._orderbook}% for "
                f"{(ts - since) / 1000:.0f} s > {self._settings.hold_seconds_max:g} s"
            )
            return [self._exit(deal, ExitReason.STOP_LOSS, text, ts)]
        support = self._support(analyze(), ticker)
        if support is None:
            text = f"loss {change:.2f}% <= {self._orderbook}% and no support in the book"
            return [self._exit(deal, ExitReason.STOP_LOSS, text, ts)]
        if since is not None:
            return []
        text = f"loss {change:.2f}% <= {self._orderbook}%, waiting: {support}"
        return [LossWatched(ts=ts, deal_id=deal.id, is_watching=True, text=text)]

    @staticmethod
    def _support(metrics: OrderBookMetrics, ticker: Ticker) -> str | None:
        """What in the book may hold the price, as a sentence, or None."""
        if metrics.reject is not None:
            return None
        if metrics.support_price is not None and metrics.support_price <= float(ticker.bid):
            return f"wall of {metrics.support_quote:.0f} at {metrics.support_price:g}"
        if metrics.imbalance_percent >= BID_SURPLUS_PERCENT:
            return f"bids outweigh asks by {metrics.imbalance_percent:.0f}%"
        return None

    @staticmethod
    def _exit(deal: Deal, reason: ExitReason, text: str, ts: int) -> ExitDecided:
        return ExitDecided(ts=ts, deal_id=deal.id, reason=reason, text=text)
