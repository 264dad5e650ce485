"""RiskLimits: the gates that have nothing to do with how good a signal is."""

from __future__ import annotations

from decimal import Decimal

from autotrade.domain.decisions import Check, RefusalReason
from autotrade.domain.entities.currency_pair import CurrencyPair
from autotrade.domain.services.utils.check_maker import make_check, number_pair
from autotrade.domain.settings import TradingSettings


class RiskLimits:
    """Each gate may refuse with its reason; all are asked, so that the Decision shows them all."""

    def __init__(self, trading: TradingSettings) -> None:
        self._open_deals_max = trading.max_open_deals

    def checks(
        self,
        *,
        pair: CurrencyPair,
        open_deals_on_pair: int,
        open_deals_total: int,
        free_quote: Decimal | None,
        needed_quote: Decimal,
        is_paused: bool,
        is_ready: bool,
        is_halted: bool,
        stale_text: str | None,
    ) -> list[Check]:
        """`free_quote` is None while the balance is not known; `stale_text` says what is stale."""
        return [
            _state_check(RefusalReason.NOT_READY, is_ready, "ready", "not ready: still recovering"),
            _state_check(RefusalReason.PAUSED, not is_paused, "not paused", "paused"),
            _state_check(
                RefusalReason.HALTED,
                not is_halted,
                f"{pair.symbol} trades on the exchange",
                f"{pair.symbol} is halted on the exchange",
            ),
            _state_check(
                RefusalReason.STALE_DATA,
                stale_text is None,
                "market data is fresh",
                stale_text or "market data is stale",
            ),
            _count_check(
                RefusalReason.DEAL_COUNT,
                f"open deals on {pair.symbol}",
                open_deals_on_pair,
                _deals_max(pair),
            ),
            _count_check(
                RefusalReason.OPEN_DEALS, "open deals", open_deals_total, self._open_deals_max
            ),
            _balance_check(pair.quote, free_quote, needed_quote),
        ]


def _deals_max(pair: CurrencyPair) -> int:
    """What the user allows, and no more deals than the exchange lets have a stop each."""
    if pair.rules is None:
        return pair.deal_count
    return min(pair.deal_count, pair.rules.max_stop_orders)


def _state_check(reason: RefusalReason, passed: bool, good: str, bad: str) -> Check:
    text = good if passed else bad
    return make_check(
        reason.value, reason, passed=passed, value="no" if passed else "yes", limit="no", text=text
    )


def _count_check(reason: RefusalReason, label: str, count: int, count_max: int) -> Check:
    """There must be room for one more."""
    passed = count < count_max
    return make_check(
        reason.value,
        reason,
        passed=passed,
        value=str(count),
        limit=str(count_max),
        text=f"{label} {count} {'<' if passed else '>='} {count_max}",
    )


def _balance_check(quote: str, free: Decimal | None, needed: Decimal) -> Check:
    """Money that is not known to be there is not spent."""
    reason = RefusalReason.BALANCE
    if free is None:
        text = f"free {quote} unknown, {needed:.2f} needed"
        return make_check(
            reason.value, reason, passed=False, value="unknown", limit=f"{needed:.2f}", text=text
        )
    passed = free >= needed
    value, limit = number_pair(free, needed, 2)
    text = f"free {quote} {value} {'>=' if passed else '<'} {limit}"
    return make_check(reason.value, reason, passed=passed, value=value, limit=limit, text=text)
