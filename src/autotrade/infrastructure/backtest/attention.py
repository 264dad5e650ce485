"""When must a backtest look? Where nothing can happen, and which prices end that.

A deal is at rest when its BUY is done and its target and stop both work on the exchange, untouched,
and no monitor waits for anything. Then only a price can move it: the market above the target, at or
under the stop, or so low that the loss monitor's next level is met. Whatever is not at rest needs
every point of every candle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR
from typing import TYPE_CHECKING

from autotrade.domain.commands import AnyCommand
from autotrade.domain.entities.deal import Deal
from autotrade.domain.entities.order import Order
from autotrade.domain.entities.order_state import OrderStatus
from autotrade.domain.settings import StopLossMonitorSettings
from autotrade.domain.state import TradingState
from autotrade.infrastructure.backtest.pair_market import PairMarket

if TYPE_CHECKING:
    from autotrade.infrastructure.backtest.timeline import Feed

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
    """What each pair needs now; asked anew only where something has happened."""

    def __init__(
        self,
        settings: StopLossMonitorSettings,
        state: TradingState,
        feeds: Sequence[Feed],
        queue: Sequence[tuple[int, AnyCommand]],
    ) -> None:
        """`queue` holds the commands that are on their way to the exchange."""
        self._settings, self._state, self._queue = settings, state, queue
        self._changed = set(feeds)
        self._busy: set[Feed] = set()
        self._waiting: set[Feed] = set()

    def note(self, feed: Feed) -> None:
        """Something has happened to the pair."""
        self._changed.add(feed)

    def is_busy(self, feed: Feed) -> bool:
        """True while more than prices can move a deal of the pair; else its quiet range holds."""
        self._look()
        return feed in self._busy

    def is_any_busy(self) -> bool:
        self._look()
        return bool(self._busy)

    def needs_timer(self) -> bool:
        """True while a deal waits for a time to come; one whose command is on its way does not."""
        self._look()
        return bool(self._waiting)

    def _look(self) -> None:
        if self._changed:
            for feed in self._changed:
                self._judge(feed)
            self._changed.clear()

    def _judge(self, feed: Feed) -> None:
        symbol = feed.pair.symbol
        deals = self._state.deals.open_deals(symbol)
        restless = {deal.id for deal in deals if not self._is_at_rest(deal)}
        sent = {command.deal_id for _, command in self._queue if command.symbol == symbol}
        self._busy.discard(feed)
        self._waiting.discard(feed)
        if restless - sent:
            self._waiting.add(feed)
        if restless or sent:
            self._busy.add(feed)
        else:
            feed.calm(self._quiet_range(feed.pair, deals) if deals else EVERYWHERE)

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

    def _quiet_range(self, pair: PairMarket, deals: Sequence[Deal]) -> QuietRange:
        """Of a pair whose deals are all at rest."""
        lower, upper = EVERYWHERE.lower, EVERYWHERE.upper
        for deal in deals:
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
