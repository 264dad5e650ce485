"""Where prices go: regimes, volatility and returns of a common factor and of each pair.

A pair's log price is `common_sd * F(t) + own(t)`. F is one factor for all pairs. Its minute returns
are `s * (drift + sqrt(w) * z)`: z standard normal; w inverse-gamma with mean 1, so that a minute's
shock is Student-t with 6 degrees of freedom; s the volatility of the minute: a regime's multiple
(semi-Markov: calm, up, down, crash, recovery) times the exponential of two autoregressions, one
slow (half-life 10 h) and one fast (20 min), scaled so that the mean of s**2 is near 1. A pair's own
part has the same s times a fast autoregression of its own. Within the minute both move on a grid
of half seconds. Each random quantity has a stream of its own, seeded by name, so a pair's path
depends on the seed, the session and its symbol alone, not on which other pairs run or how often it
is asked.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, NamedTuple

from autotrade.infrastructure.simulated_exchange.market.listings import Listing

MINUTE_MS = 60_000
GRID_MS = 500
_STEPS = MINUTE_MS // GRID_MS


@dataclass(frozen=True, slots=True)
class Regime:
    """One weather of the market; `drift` in standard deviations of the minute, per minute."""

    mean_minutes: float
    volatility: float
    drift: float
    next: tuple[tuple[str, float], ...]


REGIMES: dict[str, Regime] = {
    "calm": Regime(80, 0.75, 0.0, (("up", 0.48), ("down", 0.47), ("crash", 0.05))),
    "up": Regime(70, 1.0, 0.10, (("calm", 0.65), ("down", 0.29), ("crash", 0.06))),
    "down": Regime(70, 1.1, -0.085, (("calm", 0.6), ("up", 0.32), ("crash", 0.08))),
    "crash": Regime(14, 2.6, -0.5, (("recovery", 0.8), ("down", 0.2))),
    "recovery": Regime(40, 1.6, 0.25, (("up", 0.4), ("calm", 0.6))),
}

_SLOW = (math.exp(-math.log(2) / 600), 0.5)
"""(coefficient per minute, stationary standard deviation) of the slow log volatility"""
_FAST = (math.exp(-math.log(2) / 20), 0.45)
_OWN_FAST = (math.exp(-math.log(2) / 25), 0.4)
_VOLUME = (math.exp(-math.log(2) / 90), 0.75)
_VOLUME_NOISE = 0.4
_LOG_SCALE = -0.41
"""Makes the mean of s**2 about 1 (measured over 360,000 modelled minutes)."""
_MEDIAN_SCALE = 0.575
"""Median of s: the volume of a minute is its median where s is at its own."""


class Minute(NamedTuple):
    """What the whole market feels in one minute."""

    regime: str
    scale: float
    mixing: float
    drift: float

    @property
    def step_sd(self) -> float:
        return self.scale * math.sqrt(self.mixing / _STEPS)

    @property
    def step_drift(self) -> float:
        return self.scale * self.drift / _STEPS


class PairMinute(NamedTuple):
    """What one pair feels in one minute: own volatility and the minute's quote volume."""

    common: Minute
    scale: float
    mixing: float
    quote_volume: float
    activity: float
    """Rate of orders against that of a median minute."""


def stream(seed: int, session: int, name: str) -> Random:
    """The random stream `name` (text seeds do not depend on the interpreter's hash seed)."""
    return Random(f"{seed}/{session}/{name}")


def _autoregress(value: float, parameters: tuple[float, float], rng: Random) -> float:
    coefficient, deviation = parameters
    return coefficient * value + deviation * math.sqrt(1 - coefficient**2) * rng.gauss(0, 1)


class CommonFactor:
    """The market's weather minute by minute and the factor's level on the grid."""

    def __init__(self, seed: int, session: int, start_ts: int, past_minutes: int) -> None:
        self._rng = stream(seed, session, "weather")
        self._steps = stream(seed, session, "factor")
        self.slow = self._rng.gauss(0, _SLOW[1])
        self.fast = self._rng.gauss(0, _FAST[1])
        self.regime = self._rng.choice(("calm", "up", "down"))
        self.minutes_left = self._draw_length(self.regime)
        self.past = [self._next_minute() for _ in range(past_minutes)]
        rng = stream(seed, session, "past factor")
        self.past_returns = [
            minute.scale * (minute.drift + math.sqrt(minute.mixing) * rng.gauss(0, 1))
            for minute in self.past
        ]
        self._grid_ts = start_ts
        self._minute_end = start_ts
        self.level = 0.0
        self.minutes: list[tuple[int, Minute]] = []

    def _draw_length(self, regime: str) -> int:
        mean = REGIMES[regime].mean_minutes
        return max(3, round(mean * math.exp(self._rng.gauss(-0.125, 0.5))))

    def _next_minute(self) -> Minute:
        rng = self._rng
        if self.minutes_left <= 0:
            names, shares = zip(*REGIMES[self.regime].next, strict=True)
            self.regime = rng.choices(names, shares)[0]
            self.minutes_left = self._draw_length(self.regime)
        self.minutes_left -= 1
        self.slow = _autoregress(self.slow, _SLOW, rng)
        self.fast = _autoregress(self.fast, _FAST, rng)
        regime = REGIMES[self.regime]
        scale = regime.volatility * math.exp(self.slow + self.fast + _LOG_SCALE)
        return Minute(self.regime, scale, 2.0 / rng.gammavariate(3.0, 1.0), regime.drift)

    def minute_at(self, ts: int) -> Minute:
        """The weather at `ts`; asked in the order of time, give or take a few minutes."""
        self.advance(ts)
        for end, minute in reversed(self.minutes):
            if end - MINUTE_MS <= ts:
                return minute
        raise AssertionError("the weather of this minute is gone")

    def advance(self, ts: int) -> float:
        """Move to the last grid point at or before `ts`; the factor's level there."""
        while self._grid_ts <= ts:
            if self._grid_ts >= self._minute_end:
                self._minute_end += MINUTE_MS
                minute = self._next_minute()
                self.minutes.append((self._minute_end, minute))
                del self.minutes[:-4]
                self._step_sd, self._step_drift = minute.step_sd, minute.step_drift
            self.level += self._step_drift + self._step_sd * self._steps.gauss(0, 1)
            self._grid_ts += GRID_MS
        return self.level

    def export(self) -> dict[str, Any]:
        return {
            "slow": self.slow,
            "fast": self.fast,
            "regime": self.regime,
            "minutes_left": self.minutes_left,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self.slow, self.fast = float(state["slow"]), float(state["fast"])
        self.regime, self.minutes_left = str(state["regime"]), int(state["minutes_left"])
        if self.regime not in REGIMES:
            raise KeyError(self.regime)


class PairPath:
    """One pair's log price (relative to its start) and its minutes' volume."""

    def __init__(
        self, listing: Listing, factor: CommonFactor, seed: int, session: int, start_ts: int
    ) -> None:
        symbol = listing.market.symbol
        self._listing = listing
        self._factor = factor
        self._rng = stream(seed, session, f"pair {symbol}")
        self._steps = stream(seed, session, f"path {symbol}")
        self.common_sd = listing.minute_sd_bp * 1e-4 * listing.loading
        self.own_sd = listing.minute_sd_bp * 1e-4 * math.sqrt(1 - listing.loading**2)
        self.fast = self._rng.gauss(0, _OWN_FAST[1])
        self.volume = self._rng.gauss(0, _VOLUME[1])
        past_rng = stream(seed, session, f"past {symbol}")
        self.past: list[PairMinute] = []
        self.past_returns: list[float] = []
        for minute, common_return in zip(factor.past, factor.past_returns, strict=True):
            pair_minute = self._next_minute(minute)
            own = pair_minute.scale * math.sqrt(pair_minute.mixing) * past_rng.gauss(0, 1)
            self.past.append(pair_minute)
            self.past_returns.append(self.common_sd * common_return + own)
        self._grid_ts = start_ts
        self._minute_end = start_ts
        self._step_sd = 0.0
        self._own = 0.0
        self.minute = self.past[-1] if self.past else None

    def _next_minute(self, common: Minute) -> PairMinute:
        rng = self._rng
        self.fast = _autoregress(self.fast, _OWN_FAST, rng)
        self.volume = _autoregress(self.volume, _VOLUME, rng)
        mixing = 2.0 / rng.gammavariate(3.0, 1.0)
        scale = self.own_sd * common.scale * math.exp(self.fast - _OWN_FAST[1] ** 2)
        relative = (
            (common.scale / _MEDIAN_SCALE) ** 0.9
            * (common.mixing * mixing) ** 0.25
            * math.exp(self.volume + _VOLUME_NOISE * rng.gauss(0, 1))
        )
        activity = min(3.0, max(0.6, relative**0.4))
        return PairMinute(common, scale, mixing, self._listing.minute_quote * relative, activity)

    def advance(self, ts: int) -> float:
        """The log price at `ts` relative to the start; `minute` is then the minute of `ts`."""
        while self._grid_ts <= ts:
            if self._grid_ts >= self._minute_end:
                common = self._factor.minute_at(self._grid_ts)
                self.minute = self._next_minute(common)
                self._step_sd = self.minute.scale * math.sqrt(self.minute.mixing / _STEPS)
                self._minute_end += MINUTE_MS
            self._own += self._step_sd * self._steps.gauss(0, 1)
            self._grid_ts += GRID_MS
        return self.common_sd * self._factor.advance(ts) + self._own

    def export(self) -> dict[str, float]:
        return {"fast": self.fast, "volume": self.volume}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.fast, self.volume = float(state["fast"]), float(state["volume"])
