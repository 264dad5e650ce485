"""What a deal would cost and bring, before it is opened."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from autotrade.domain.decisions import Check, RefusalReason
from autotrade.domain.entities.currency_pair import MarketRules
from autotrade.domain.entities.order import ZERO, OrderSide, OrderType
from autotrade.domain.services.utils.decimal_rounding_service import DecimalRoundingService


@dataclass(frozen=True, slots=True)
class DealPlan:
    """Base `amount` to buy at `entry_price`, `sell_amount` of it to sell at `target_price`."""

    budget: Decimal
    amount: Decimal
    entry_price: Decimal
    sell_amount: Decimal
    target_price: Decimal
    net_profit: Decimal
    checks: tuple[Check, ...]


class DealEconomics:
    """Pure arithmetic with the exchange's filters and fees; assumes the dearer case, a fee taken
    in the base asset and a taker's fee on the way in."""

    def __init__(self, min_net_profit_percent: Decimal, stop_percent: Decimal) -> None:
        self._min_net_profit_percent = min_net_profit_percent
        self._stop_percent = stop_percent

    def plan(
        self, rules: MarketRules, budget: Decimal, entry: Decimal, target: Decimal
    ) -> DealPlan:
        """`budget` is quote currency with the fee inside; `entry` and `target` are wishes that the
        filters round (the entry down, the target up)."""
        entry = DecimalRoundingService.price_down(entry, rules)
        target = DecimalRoundingService.price_up(target, rules)
        amount = (
            DecimalRoundingService.amount_down(budget / (entry * (1 + rules.taker_fee)), rules)
            if entry > 0
            else ZERO
        )
        held = amount * (1 - rules.taker_fee)
        sell_amount = DecimalRoundingService.amount_down(held, rules)
        dust_cost = (held - sell_amount) / held * amount * entry if held else ZERO
        proceeds = sell_amount * target * (1 - rules.maker_fee)
        net_profit = proceeds + dust_cost - amount * entry
        checks = (
            self._amount_check(rules, amount, budget),
            self._filter_check(rules, amount, entry),
            self._notional_check(rules, sell_amount, entry),
            self._profit_check(net_profit, budget),
        )
        return DealPlan(budget, amount, entry, sell_amount, target, net_profit, checks)

    @staticmethod
    def _amount_check(rules: MarketRules, amount: Decimal, budget: Decimal) -> Check:
        passed = amount > 0
        return Check(
            name="amount",
            passed=passed,
            value=str(amount),
            limit=str(rules.minimum_amount),
            text=f"amount {amount} for {budget} "
            + ("is enough" if passed else f"is under the exchange's least {rules.minimum_amount}"),
            reason=None if passed else RefusalReason.AMOUNT,
        )

    @staticmethod
    def _filter_check(rules: MarketRules, amount: Decimal, entry: Decimal) -> Check:
        violation = DecimalRoundingService.violation(
            rules, OrderType.LIMIT, OrderSide.BUY, amount=amount, price=entry
        )
        return Check(
            name="buy_filters",
            passed=violation is None,
            value=f"{amount * entry:.4f}",
            limit=str(rules.minimum_notional),
            text=violation or "the BUY keeps the exchange's filters",
            reason=None if violation is None else RefusalReason.MIN_NOTIONAL,
        )

    def _notional_check(self, rules: MarketRules, sell_amount: Decimal, entry: Decimal) -> Check:
        """The smaller leg counts: the stop, at its own price, after the fee in base."""
        notional = sell_amount * entry * (1 - self._stop_percent / 100)
        passed = notional >= rules.minimum_notional
        sign = ">=" if passed else "<"
        return Check(
            name="sell_notional",
            passed=passed,
            value=f"{notional:.4f}",
            limit=str(rules.minimum_notional),
            text=f"SELL at the stop is worth {notional:.2f} {sign} {rules.minimum_notional}",
            reason=None if passed else RefusalReason.MIN_NOTIONAL,
        )

    def _profit_check(self, net_profit: Decimal, budget: Decimal) -> Check:
        percent = net_profit / budget * 100
        passed = percent >= self._min_net_profit_percent
        sign = ">=" if passed else "<"
        return Check(
            name="net_profit",
            passed=passed,
            value=f"{percent:.4f}",
            limit=str(self._min_net_profit_percent),
            text=f"net profit {percent:.2f}% {sign} {self._min_net_profit_percent}%",
            reason=None if passed else RefusalReason.NET_PROFIT,
        )
