"""When must a backtest look? Where nothing can happen, and which prices end that.

A deal is at rest when its BUY is done and its target and stop both work on the exchange, untouched,
and no monitor waits for anything. Then only a price can move it: the market above the target, at or
under the stop, or so low that the loss monitor's next level is met. Whatever is not at rest needs
every point of every candle.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_FLOOR

from autotrade.domain.entities.deal import Deal
from autotrade.domain.entities.order import Order
from autotrade.domain.entities.order_state import OrderStatus
from autotrade.domain.settings import StopLossMonitorSettings
from autotrade.domain.state import TradingState
from autotrade.infrastructure.backtest.pair_market import PairMarket

NEVER = 1 << 60


@dataclass(frozen=True, slots=True)
class QuietRange:
    """Prices in ticks: at or under `lower`, or at or over `upper`, something may happen. It may
    also be that nothing does: the range is never too wide, at most a few ticks too narrow."""

    lower: int
    upper: int

    def holds(self, price: int) -> bool:
        return self.lower < price < self.upper


EVERYWHERE = QuietRange(-1, NEVER)


class Attention:
    def __init__(self, settings: StopLossMonitorSettings, state: TradingState) -> None:
        self._settings, self._state = settings, state

    def restless(self, symbol: str) -> set[int]:
        """The pair's open deals that need more than prices."""
        deals = self._state.deals.open_deals(symbol)
        return {deal.id for deal in deals if not self._is_at_rest(deal)}

    def _is_at_rest(self, deal: Deal) -> bool:
        deals = self._state.deal_service
        if deal.exit_reason is not None or deal.watch_since_ts is not None:
            return False
        return (
            _rests(deals.stop(deal))
            and _rests(deals.target(deal))
            and deals.is_entry_done(deal)
            and not deals.doubtful(deal)
        )

    def quiet_range(self, pair: PairMarket) -> QuietRange:
        """Of a pair whose deals are all at rest."""
        lower, upper = EVERYWHERE.lower, EVERYWHERE.upper
        for deal in self._state.deals.open_deals(pair.symbol):
            target = self._state.deal_service.target(deal)
            stop = self._state.deal_service.stop(deal)
            assert target is not None and target.price is not None
            assert stop is not None and stop.stop_price is not None
            upper = min(upper, int(target.price / pair.tick) + 1)
            lower = max(lower, int(stop.stop_price / pair.tick), self._loss_price(deal, pair))
        return QuietRange(lower, upper)

    def _loss_price(self, deal: Deal, pair: PairMarket) -> int:
        """At or under this price the loss monitor may have something to say."""
        settings = self._settings
        if not settings.enabled:
            return -1
        percent = settings.orderbook_percent if deal.warned else settings.warning_percent
        bid = deal.average_entry * (1 - percent / 100) / pair.tick
        return pair.model.price_whose_bid_reaches(int(bid.to_integral_value(ROUND_FLOOR)) + 1)


def _rests(order: Order | None) -> bool:
    return (
        order is not None and order.status is OrderStatus.OPEN and order.cancel_requested_ts is None
    )
