"""What a fill means to a deal and to the account, in the compiled kernel."""

from __future__ import annotations

from autotrade.infrastructure.backtest.kernel_deal import (
    advance,
)
from autotrade.infrastructure.backtest.kernel_layout import (
    ANSWERED,
    BOUGHT,
    BUY_FILLED,
    BUY_LOTS,
    BUY_PRICE,
    BUY_STATE,
    CASH,
    COST,
    DEAL_FIELDS,
    DEALS_AT,
    DEALS_END,
    FAILURES,
    FEE_BASE,
    FEE_BASE_VALUE,
    FEE_DIVISOR,
    FEE_QUOTE,
    FILL_FEE,
    FILL_FIELDS,
    FILL_LOTS,
    FILL_PRICE,
    FILL_TS,
    FILLED,
    FILLS_END,
    FILLS_LIMIT,
    FIRST_FILL_TS,
    FULL,
    LAST_PRICE,
    LOT_UNITS,
    MONEY_UNITS,
    PARTIAL,
    PROCEEDS,
    SELL_FILLED,
    SELL_LOTS,
    SELL_STATE,
    SOLD,
    STOP_FILLED,
    STOP_LOTS,
    STOP_STATE,
    TURNOVER_MONEY,
    TURNOVER_MONEY_DIVISOR,
    TURNOVER_UNITS,
    WORKING,
    Integers,
    compiled,
)
from autotrade.infrastructure.backtest.kernel_questions import (
    give_up,
    set_levels,
    track_protection,
)


@compiled
def note_fill(walk: Integers, ts: int, price: int, lots: int, fee: int) -> None:
    place = walk[FILLS_END]
    if place >= walk[FILLS_LIMIT]:
        give_up(walk, FULL)
        return
    walk[place + FILL_TS] = ts
    walk[place + FILL_PRICE] = price
    walk[place + FILL_LOTS] = lots
    walk[place + FILL_FEE] = fee
    walk[FILLS_END] = place + FILL_FIELDS


@compiled
def buy_filled(walk: Integers, deal: int, price: int, lots: int, rate: int, ts: int) -> None:
    """The fee is taken in the base currency, cut to its smallest unit."""
    fee = lots * walk[LOT_UNITS] * rate // walk[FEE_DIVISOR]
    walk[deal + BUY_FILLED] += lots
    walk[deal + BUY_STATE] = FILLED if walk[deal + BUY_FILLED] >= walk[deal + BUY_LOTS] else PARTIAL
    walk[deal + BOUGHT] += lots
    walk[deal + COST] += lots * price
    walk[deal + FEE_BASE] += fee
    walk[deal + FEE_BASE_VALUE] += fee * price
    walk[CASH] -= lots * price * walk[TURNOVER_UNITS]
    walk[LAST_PRICE] = price
    if walk[deal + FIRST_FILL_TS] < 0:
        walk[deal + FIRST_FILL_TS] = ts
    set_levels(walk, deal)
    note_fill(walk, ts, price, lots, fee)
    track_protection(walk, deal, ts)
    advance(walk, deal, ts)


@compiled
def sale_filled(
    walk: Integers, deal: int, price: int, lots: int, rate: int, is_stop: bool, ts: int
) -> None:
    """The fee is taken in the quote currency, cut to its smallest unit."""
    turnover = lots * price
    money = turnover * walk[TURNOVER_MONEY] * rate
    fee = money // (walk[TURNOVER_MONEY_DIVISOR] * walk[FEE_DIVISOR])
    if is_stop:
        walk[deal + STOP_FILLED] += lots
        walk[deal + STOP_STATE] = (
            FILLED if walk[deal + STOP_FILLED] >= walk[deal + STOP_LOTS] else PARTIAL
        )
    else:
        walk[deal + SELL_FILLED] += lots
        walk[deal + SELL_STATE] = (
            FILLED if walk[deal + SELL_FILLED] >= walk[deal + SELL_LOTS] else PARTIAL
        )
    walk[deal + SOLD] += lots
    walk[deal + PROCEEDS] += turnover
    walk[deal + FEE_QUOTE] += fee
    walk[deal + FAILURES] = walk[deal + ANSWERED] = 0
    walk[CASH] += turnover * walk[TURNOVER_UNITS] - fee * walk[MONEY_UNITS]
    walk[LAST_PRICE] = price
    note_fill(walk, ts, price, -lots, fee)
    track_protection(walk, deal, ts)
    advance(walk, deal, ts)


@compiled
def free_cash(walk: Integers) -> int:
    """What resting BUYs have not set aside."""
    free = walk[CASH]
    for deal in range(DEALS_AT, walk[DEALS_END], DEAL_FIELDS):
        if WORKING <= walk[deal + BUY_STATE] <= PARTIAL:
            left = (walk[deal + BUY_LOTS] - walk[deal + BUY_FILLED]) * walk[deal + BUY_PRICE]
            free -= left * walk[TURNOVER_UNITS]
    return free
