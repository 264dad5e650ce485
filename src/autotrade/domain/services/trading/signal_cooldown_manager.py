"""SignalCooldownManager: not twice for the same reason, and not right after a loss."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from autotrade.domain.decisions import Check, RefusalReason
from autotrade.domain.services.utils.check_maker import Rule, make_check
from autotrade.domain.settings import SignalCooldownSettings


class SignalCooldownManager:
    """Pure: what happened before comes as arguments, times are milliseconds UTC."""

    def __init__(self, settings: SignalCooldownSettings) -> None:
        self._settings = settings

    def checks(
        self,
        *,
        ts: int,
        entry_price: Decimal,
        last_approved_ts: int | None,
        last_loss_ts: int | None,
        open_entries: Sequence[Decimal],
    ) -> list[Check]:
        """The three questions about one pair; `open_entries` are the prices its deals paid."""
        return [
            _waiting_check(
                RefusalReason.COOLDOWN_SIGNAL,
                "last signal",
                ts,
                last_approved_ts,
                self._settings.after_signal_seconds,
            ),
            _waiting_check(
                RefusalReason.COOLDOWN_LOSS,
                "last loss",
                ts,
                last_loss_ts,
                self._settings.after_loss_seconds,
            ),
            self._distance_check(entry_price, open_entries),
        ]

    def _distance_check(self, entry_price: Decimal, open_entries: Sequence[Decimal]) -> Check:
        """A second deal at the price of the first is the same bet with twice the money."""
        reason, limit = RefusalReason.ENTRY_DISTANCE, self._settings.min_entry_distance_percent
        name, label = reason.value, "distance from open entry"
        if not open_entries:
            text = "no open entry on the pair"
            return make_check(
                name, reason, passed=True, value="none", limit=f"{limit:.2f}%", text=text
            )
        distance = min(abs(entry_price - entry) / entry * 100 for entry in open_entries)
        return Rule(name, reason, label, distance, limit, is_upper=False, unit="%").check()


def _waiting_check(
    reason: RefusalReason, what: str, ts: int, last_ts: int | None, seconds: float
) -> Check:
    name = reason.value
    if last_ts is None:
        text = f"no {what} yet"
        return make_check(
            name, reason, passed=True, value="none", limit=f"{seconds:.0f} s", text=text
        )
    elapsed = (ts - last_ts) / 1000.0
    label, unit = f"time since {what}", " s"
    rule = Rule(name, reason, label, elapsed, seconds, is_upper=False, decimals=0, unit=unit)
    return rule.check()
