"""Request weights and order counts: Binance's fixed windows on the exchange's clock.

Weights are counted per IP in windows of a minute, orders per account in windows of ten
seconds and a day. Going on after a 429 ends in a 418 ban of two minutes, doubled each time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from autotrade.infrastructure.simulated_exchange.wire import errors

MINUTE_MS = 60_000
TEN_SECONDS_MS = 10_000
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """Binance's published figures (exchangeInfo, 2026)."""

    weight_per_minute: int = 6_000
    orders_per_10_seconds: int = 100
    orders_per_day: int = 200_000
    raw_requests_per_5_minutes: int = 61_000
    refusals_before_ban: int = 20
    ban_ms: int = 120_000
    ban_ms_max: int = 3 * DAY_MS

    def scaled(self, factor: float) -> LimitSettings:
        """The same limits for a clock that runs `factor` times faster than the wall's."""
        return LimitSettings(
            weight_per_minute=round(self.weight_per_minute * factor),
            orders_per_10_seconds=round(self.orders_per_10_seconds * factor),
            orders_per_day=round(self.orders_per_day * factor),
            raw_requests_per_5_minutes=round(self.raw_requests_per_5_minutes * factor),
            refusals_before_ban=self.refusals_before_ban,
            ban_ms=self.ban_ms,
            ban_ms_max=self.ban_ms_max,
        )


class _Window:
    """A counter that begins anew at each multiple of its length."""

    __slots__ = ("count", "length_ms", "start_ts")

    def __init__(self, length_ms: int) -> None:
        self.length_ms, self.start_ts, self.count = length_ms, -1, 0

    def roll(self, now_ms: int) -> None:
        start = now_ms - now_ms % self.length_ms
        if start != self.start_ts:
            self.start_ts, self.count = start, 0

    def seconds_left(self, now_ms: int) -> int:
        return max(1, -(-(self.start_ts + self.length_ms - now_ms) // 1000))


class _Address:
    __slots__ = ("ban_until_ts", "bans", "refusals", "weight")

    def __init__(self) -> None:
        self.weight = _Window(MINUTE_MS)
        self.refusals, self.bans, self.ban_until_ts = 0, 0, 0


class RateLimiter:
    """Counts what came from each address and account, and refuses what is too much."""

    def __init__(self, settings: LimitSettings) -> None:
        self.settings = settings
        self._addresses: dict[str, _Address] = {}
        self._orders: dict[str, tuple[_Window, _Window]] = {}

    def spend(self, address: str, weight: int, now_ms: int) -> None:
        """Count a request; raises 429 over the budget and 418 for one who goes on."""
        entry = self._addresses.setdefault(address, _Address())
        if now_ms < entry.ban_until_ts:
            left = -(-(entry.ban_until_ts - now_ms) // 1000)
            raise errors.banned(entry.ban_until_ts, left)
        fresh = entry.weight.start_ts
        entry.weight.roll(now_ms)
        if entry.weight.start_ts != fresh:
            entry.refusals = 0
        entry.weight.count += weight
        if entry.weight.count <= self.settings.weight_per_minute:
            return
        entry.refusals += 1
        if entry.refusals > self.settings.refusals_before_ban:
            self._ban(entry, now_ms)
        raise errors.too_much_weight(
            self.settings.weight_per_minute, entry.weight.seconds_left(now_ms)
        )

    def _ban(self, entry: _Address, now_ms: int) -> None:
        length = min(self.settings.ban_ms * 2**entry.bans, self.settings.ban_ms_max)
        entry.bans += 1
        entry.refusals = 0
        entry.ban_until_ts = now_ms + length
        raise errors.banned(entry.ban_until_ts, -(-length // 1000))

    def used_weight(self, address: str, now_ms: int) -> int:
        entry = self._addresses.setdefault(address, _Address())
        entry.weight.roll(now_ms)
        return entry.weight.count

    def take_orders(self, account: str, count: int, now_ms: int) -> None:
        """Count new orders of an account; -1015 with 429 when there are too many."""
        short, day = self._windows(account, now_ms)
        if short.count + count > self.settings.orders_per_10_seconds:
            raise errors.too_many_orders(
                self.settings.orders_per_10_seconds, "10 SECOND", short.seconds_left(now_ms)
            )
        if day.count + count > self.settings.orders_per_day:
            raise errors.too_many_orders(
                self.settings.orders_per_day, "1 DAY", day.seconds_left(now_ms)
            )
        short.count += count
        day.count += count

    def give_back_orders(self, account: str, count: int, now_ms: int) -> None:
        """A filled order does not count as unfilled (Binance lowers the count)."""
        for window in self._windows(account, now_ms):
            window.count = max(0, window.count - count)

    def order_counts(self, account: str, now_ms: int) -> tuple[int, int]:
        short, day = self._windows(account, now_ms)
        return short.count, day.count

    def _windows(self, account: str, now_ms: int) -> tuple[_Window, _Window]:
        windows = self._orders.get(account)
        if windows is None:
            windows = self._orders[account] = (_Window(TEN_SECONDS_MS), _Window(DAY_MS))
        for window in windows:
            window.roll(now_ms)
        return windows

    def describe(self) -> list[dict[str, Any]]:
        """The `rateLimits` member of exchangeInfo."""
        settings = self.settings
        return [
            _limit("REQUEST_WEIGHT", "MINUTE", 1, settings.weight_per_minute),
            _limit("ORDERS", "SECOND", 10, settings.orders_per_10_seconds),
            _limit("ORDERS", "DAY", 1, settings.orders_per_day),
            _limit("RAW_REQUESTS", "MINUTE", 5, settings.raw_requests_per_5_minutes),
        ]

    def weight_state(self, address: str, now_ms: int) -> dict[str, Any]:
        return {
            **_limit("REQUEST_WEIGHT", "MINUTE", 1, self.settings.weight_per_minute),
            "count": self.used_weight(address, now_ms),
        }

    def order_state(self, account: str, now_ms: int) -> list[dict[str, Any]]:
        """rateLimit/order: the limits with the counts of this account."""
        short, day = self.order_counts(account, now_ms)
        return [
            {
                **_limit("ORDERS", "SECOND", 10, self.settings.orders_per_10_seconds),
                "count": short,
            },
            {**_limit("ORDERS", "DAY", 1, self.settings.orders_per_day), "count": day},
        ]


def _limit(kind: str, interval: str, number: int, limit: int) -> dict[str, Any]:
    return {
        "rateLimitType": kind,
        "interval": interval,
        "intervalNum": number,
        "limit": limit,
    }
