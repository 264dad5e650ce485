"""Questions about a deal in the compiled kernel, and the few things that all of it does."""

from __future__ import annotations

from autotrade.infrastructure.backtest.kernel_arithmetic import (
    share_of_average,
)
from autotrade.infrastructure.backtest.kernel_layout import (
    ANSWER_MS_MAX,
    BOUGHT,
    BUY_CANCELING,
    BUY_STATE,
    BUY_WAITS_SINCE,
    COST,
    DEAL,
    DEALS_AT,
    DUE_TS,
    DUST_IN,
    DUST_OUT,
    EMERGENCY_BID,
    EMERGENCY_LEVEL,
    EXCHANGE_LEVEL,
    FEE_BASE,
    FILLED,
    FINE,
    FULL,
    IS_LEAVING,
    IS_LOSS_WATCHED,
    IS_OPEN,
    KIND,
    LATENCY,
    LEVEL_DIVISOR,
    LOT_UNITS,
    LOTS_MAX,
    LOTS_MIN,
    NOTIONAL_DIVISOR,
    NOTIONAL_MIN,
    ORDERBOOK_BID,
    ORDERBOOK_LEVEL,
    PARTIAL,
    QUEUE_END,
    QUEUE_FIELDS,
    SELL_CANCELING,
    SELL_STATE,
    SELL_WAITS_SINCE,
    SOLD,
    STOP_CANCELING,
    STOP_LEVEL,
    STOP_STATE,
    SUBMITTED,
    TIE,
    TROUBLE,
    TURNOVER_MIN,
    UNPROTECTED_TS,
    WARNING_BID,
    WARNING_LEVEL,
    WORKING,
    Integers,
    compiled,
)


@compiled
def give_up(walk: Integers, trouble: int) -> None:
    """Leave the combination to the engine; the first reason is kept."""
    if walk[TROUBLE] == FINE:
        walk[TROUBLE] = trouble


@compiled
def send(walk: Integers, kind: int, deal: int, ts: int) -> None:
    place = walk[QUEUE_END]
    if place >= DEALS_AT:
        give_up(walk, FULL)
        return
    walk[place + DUE_TS] = ts + walk[LATENCY]
    walk[place + KIND] = kind
    walk[place + DEAL] = deal
    walk[QUEUE_END] = place + QUEUE_FIELDS


# --- questions about a deal ---------------------------------------------------------------------


@compiled
def held_units(walk: Integers, deal: int) -> int:
    """Base currency that the deal holds."""
    lot = walk[LOT_UNITS]
    gained = walk[deal + BOUGHT] * lot + walk[deal + DUST_IN] - walk[deal + FEE_BASE]
    return gained - walk[deal + SOLD] * lot - walk[deal + DUST_OUT]


@compiled
def lots_down(walk: Integers, units: int) -> int:
    """The largest amount that the lot size allows, 0 when it is below the least."""
    if units <= 0:
        return 0
    lots = min(units // walk[LOT_UNITS], walk[LOTS_MAX])
    return lots if lots >= walk[LOTS_MIN] else 0


@compiled
def sellable(walk: Integers, lots: int, price: int) -> bool:
    return lots > 0 and lots * price >= walk[TURNOVER_MIN]


@compiled
def is_held(state: int) -> bool:
    """The exchange may hold such an order."""
    return SUBMITTED <= state <= PARTIAL


@compiled
def has_open_exits(walk: Integers, deal: int) -> bool:
    return is_held(walk[deal + SELL_STATE]) or is_held(walk[deal + STOP_STATE])


@compiled
def is_at_rest(walk: Integers, deal: int) -> bool:
    return (
        not walk[deal + IS_LEAVING]
        and walk[deal + STOP_STATE] == WORKING
        and not walk[deal + STOP_CANCELING]
        and walk[deal + SELL_STATE] == WORKING
        and not walk[deal + SELL_CANCELING]
        and walk[deal + BUY_STATE] >= FILLED
    )


@compiled
def is_silent(walk: Integers, deal: int, ts: int) -> bool:
    """An order has waited so long for an answer that the engine would ask after it."""
    buy, sell, stop = walk[deal + BUY_STATE], walk[deal + SELL_STATE], walk[deal + STOP_STATE]
    waits = is_held(buy) and (buy == SUBMITTED or walk[deal + BUY_CANCELING] != 0)
    if waits and ts - walk[deal + BUY_WAITS_SINCE] > ANSWER_MS_MAX:
        return True
    waits = (is_held(sell) and (sell == SUBMITTED or walk[deal + SELL_CANCELING] != 0)) or (
        is_held(stop) and (stop == SUBMITTED or walk[deal + STOP_CANCELING] != 0)
    )
    return waits and ts - walk[deal + SELL_WAITS_SINCE] > ANSWER_MS_MAX


@compiled
def track_protection(walk: Integers, deal: int, ts: int) -> None:
    """Since when what the deal holds has been without a stop."""
    is_at_risk = False
    if walk[deal + IS_OPEN] and walk[deal + BOUGHT] > 0:
        lots = lots_down(walk, held_units(walk, deal))
        if lots > 0:
            worth = float(lots) * float(walk[deal + COST]) / float(walk[deal + BOUGHT])
            least = float(walk[NOTIONAL_MIN]) / float(walk[NOTIONAL_DIVISOR])
            if abs(worth - least) <= 1e-9 * least and walk[deal + COST] % walk[deal + BOUGHT] != 0:
                give_up(walk, TIE)
            is_at_risk = worth >= least
    if is_at_risk and not WORKING <= walk[deal + STOP_STATE] <= PARTIAL:
        if walk[deal + UNPROTECTED_TS] < 0:
            walk[deal + UNPROTECTED_TS] = ts
    else:
        walk[deal + UNPROTECTED_TS] = -1


@compiled
def set_levels(walk: Integers, deal: int) -> None:
    """What follows from the average entry: the stop's price, and the bids of the loss levels."""
    cost, bought, parts = walk[deal + COST], walk[deal + BOUGHT], walk[LEVEL_DIVISOR]
    warning, orderbook = walk[WARNING_LEVEL], walk[ORDERBOOK_LEVEL]
    emergency = walk[EMERGENCY_LEVEL]
    walk[deal + STOP_LEVEL], is_sure = share_of_average(cost, bought, walk[EXCHANGE_LEVEL], parts)
    if walk[IS_LOSS_WATCHED]:
        walk[deal + WARNING_BID], sure = share_of_average(cost, bought, warning, parts)
        is_sure = is_sure and sure
        walk[deal + ORDERBOOK_BID], sure = share_of_average(cost, bought, orderbook, parts)
        is_sure = is_sure and sure
        walk[deal + EMERGENCY_BID], sure = share_of_average(cost, bought, emergency, parts)
        is_sure = is_sure and sure
    if not is_sure:
        give_up(walk, TIE)
