"""A deal's services in the compiled kernel: what it does next, and what it makes of a price.

Function by function what TradingEngine, FilledBuyOrderHandler, BuyOrderMonitor, StopLossMonitor and
DealCompletionMonitor do with one deal; where they return commands, a command enters the queue.
"""

from __future__ import annotations

from autotrade.infrastructure.backtest.kernel_arithmetic import (
    multiply_divide,
    multiply_divide_half_even,
)
from autotrade.infrastructure.backtest.kernel_book import (
    bid_of,
)
from autotrade.infrastructure.backtest.kernel_layout import (
    ANSWERED,
    BOUGHT,
    BUDGET,
    BUDGET_FINE_UNITS,
    BUY,
    BUY_AGE_MS,
    BUY_CANCELING,
    BUY_FILLED,
    BUY_LOTS,
    BUY_PRICE,
    BUY_STATE,
    BUY_WAITS_SINCE,
    CANCEL_BUY,
    CANCEL_LIST,
    CANCEL_SELL,
    CANCELED,
    CLOSED_END,
    CLOSED_FIELDS,
    CLOSED_LIMIT,
    COST,
    DEAL_BOUGHT,
    DEAL_CLOSED_TS,
    DEAL_COST,
    DEAL_FEE_BASE_VALUE,
    DEAL_FEE_QUOTE,
    DEAL_NET,
    DEAL_OPENED_TS,
    DEAL_SOLD,
    DEVIATION_LEVEL,
    DUST,
    DUST_COST,
    DUST_IN,
    DUST_IN_COST,
    DUST_OUT,
    DUST_OUT_COST,
    EMERGENCY_BID,
    ENDLESS,
    ENTRY_PRICE,
    ENTRY_SENT_TS,
    EXIT,
    FAILED_TS,
    FAILURES,
    FEE_BASE_VALUE,
    FEE_DIVISOR,
    FEE_QUOTE,
    FEES_BASE_VALUE,
    FEES_QUOTE,
    FILLED,
    FIRST_FILL_TS,
    FULL,
    GRACE_MS,
    IS_ABANDONED,
    IS_BUY_WATCHED,
    IS_LEAVING,
    IS_LOSS_WATCHED,
    IS_OPEN,
    IS_RECREATING,
    IS_WARNED,
    LEVEL_DIVISOR,
    LIST_TARGET,
    LONE_TARGET,
    LOSS_TS,
    LOT_UNITS,
    LOTS_MAX,
    LOTS_MIN,
    MARKET_LOTS_MAX,
    MARKUP,
    MARKUP_DIVISOR,
    MONEY_UNITS,
    NEGATIVE,
    NET,
    OPENED_TS,
    ORDERBOOK_BID,
    PARTIAL,
    PLACE_EXIT,
    PLACE_LIST,
    PLACE_TARGET,
    PROCEEDS,
    QUERY,
    RECREATION_WAIT_MS,
    RECREATIONS,
    RECREATIONS_MAX,
    REFUSED,
    RETRY_MS,
    RETRY_MS_MAX,
    RETRY_TS,
    SELL_CANCELING,
    SELL_FILLED,
    SELL_KIND,
    SELL_LOTS,
    SELL_PRICE,
    SELL_STATE,
    SELL_WAITS_SINCE,
    SILENT,
    SOLD,
    STEPS_MAX,
    STOP_CANCELING,
    STOP_FILLED,
    STOP_FIRED,
    STOP_LEVEL,
    STOP_LOTS,
    STOP_PRICE,
    STOP_STATE,
    SUBMITTED,
    TAKER_FEE,
    TARGET_PRICE,
    TICKER,
    TIE,
    TURNOVER_MIN,
    TURNOVER_UNITS,
    UNPROTECTED_TS,
    WARNING_BID,
    WORKING,
    Integers,
    compiled,
)
from autotrade.infrastructure.backtest.kernel_questions import (
    give_up,
    has_open_exits,
    held_units,
    is_held,
    is_silent,
    lots_down,
    sellable,
    send,
)

# --- the SELL side ------------------------------------------------------------------------------


@compiled
def cancel_exits(walk: Integers, deal: int, ts: int) -> bool:
    """Take target and stop off the exchange; True when a cancel was sent."""
    sell, stop = walk[deal + SELL_STATE], walk[deal + STOP_STATE]
    is_sell_working = WORKING <= sell <= PARTIAL
    is_stop_working = WORKING <= stop <= PARTIAL
    if walk[deal + SELL_KIND] == LIST_TARGET and (is_sell_working or is_stop_working):
        if walk[deal + SELL_CANCELING] or walk[deal + STOP_CANCELING]:
            return False
        if sell < FILLED:
            walk[deal + SELL_CANCELING] = 1
        if stop < FILLED:
            walk[deal + STOP_CANCELING] = 1
        walk[deal + SELL_WAITS_SINCE] = ts
        send(walk, CANCEL_LIST, deal, ts)
        return True
    if (
        is_sell_working
        and walk[deal + SELL_KIND] == LONE_TARGET
        and not walk[deal + SELL_CANCELING]
    ):
        cancel_target(walk, deal, ts)
        return True
    return False


@compiled
def cancel_target(walk: Integers, deal: int, ts: int) -> None:
    walk[deal + SELL_CANCELING] = 1
    walk[deal + SELL_WAITS_SINCE] = ts
    send(walk, CANCEL_SELL, deal, ts)


@compiled
def guard_lone_target(walk: Integers, deal: int, ts: int) -> bool:
    if walk[deal + UNPROTECTED_TS] < 0 or is_held(walk[deal + STOP_STATE]):
        return False
    if bid_of(walk, walk[TICKER]) >= walk[deal + TARGET_PRICE]:
        return False
    lots = lots_down(walk, held_units(walk, deal))
    if ts - walk[deal + UNPROTECTED_TS] < walk[GRACE_MS]:
        return False
    if not sellable(walk, lots, walk[deal + STOP_LEVEL]):
        return False
    if not WORKING <= walk[deal + SELL_STATE] <= PARTIAL or walk[deal + SELL_CANCELING]:
        return False
    cancel_target(walk, deal, ts)
    return True


@compiled
def take_dust(walk: Integers, deal: int, lots: int) -> None:
    needed = lots * walk[LOT_UNITS] - held_units(walk, deal)
    if needed <= 0 or walk[DUST] <= 0:
        return
    cost = multiply_divide_half_even(walk[DUST_COST], needed, walk[DUST])
    walk[deal + DUST_IN] += needed
    walk[deal + DUST_IN_COST] += cost
    walk[DUST] -= needed
    walk[DUST_COST] -= cost


@compiled
def place_sell(
    walk: Integers, deal: int, kind: int, command: int, lots: int, price: int, ts: int
) -> None:
    walk[deal + SELL_KIND], walk[deal + SELL_STATE], walk[deal + SELL_PRICE] = (
        kind,
        SUBMITTED,
        price,
    )
    walk[deal + SELL_LOTS], walk[deal + SELL_FILLED], walk[deal + SELL_CANCELING] = lots, 0, 0
    walk[deal + SELL_WAITS_SINCE] = ts
    send(walk, command, deal, ts)


@compiled
def protect(walk: Integers, deal: int, lots: int, ts: int) -> bool:
    stop, target = walk[deal + STOP_LEVEL], walk[deal + TARGET_PRICE]
    bid = bid_of(walk, walk[TICKER])
    if not sellable(walk, lots, stop):
        is_final = walk[deal + IS_ABANDONED] or walk[deal + SOLD] > 0
        if not is_final or not sellable(walk, lots, bid):
            return False
        take_dust(walk, deal, lots)
        place_sell(walk, deal, LONE_TARGET, PLACE_TARGET, lots, target, ts)
        return True
    if bid <= stop:
        start_leaving(walk, deal)
        return True
    take_dust(walk, deal, lots)
    if lots > walk[MARKET_LOTS_MAX]:
        give_up(walk, REFUSED)  # a stop with a limit, which the kernel does not follow
    if bid >= target:
        place_sell(walk, deal, LONE_TARGET, PLACE_TARGET, lots, target, ts)
        return True
    walk[deal + STOP_STATE], walk[deal + STOP_PRICE], walk[deal + STOP_LOTS] = SUBMITTED, stop, lots
    walk[deal + STOP_FILLED], walk[deal + STOP_CANCELING], walk[deal + STOP_FIRED] = 0, 0, 0
    place_sell(walk, deal, LIST_TARGET, PLACE_LIST, lots, target, ts)
    return True


@compiled
def start_leaving(walk: Integers, deal: int) -> None:
    walk[deal + IS_LEAVING] = 1
    walk[deal + FAILURES] = walk[deal + ANSWERED] = walk[deal + RETRY_TS] = 0


@compiled
def leave(walk: Integers, deal: int, lots: int, ts: int) -> bool:
    if lots > walk[MARKET_LOTS_MAX]:
        give_up(walk, REFUSED)
        return False
    if not sellable(walk, lots, bid_of(walk, walk[TICKER])):
        return False
    take_dust(walk, deal, lots)
    place_sell(walk, deal, EXIT, PLACE_EXIT, lots, 0, ts)
    return True


@compiled
def sell(walk: Integers, deal: int, ts: int) -> bool:
    """FilledBuyOrderHandler.sell; True when anything followed."""
    if walk[deal + IS_LEAVING]:
        is_sent = cancel_exits(walk, deal, ts)
        if is_sent or has_open_exits(walk, deal):
            return is_sent
    elif has_open_exits(walk, deal):
        return guard_lone_target(walk, deal, ts)
    if walk[deal + BUY_STATE] < FILLED or ts < walk[deal + RETRY_TS]:
        return False
    if walk[deal + FAILURES] > walk[deal + ANSWERED]:
        pause = min(RETRY_MS * (1 << min(walk[deal + FAILURES] - 1, 10)), RETRY_MS_MAX)
        walk[deal + RETRY_TS] = walk[deal + FAILED_TS] + pause
        walk[deal + ANSWERED] = walk[deal + FAILURES]
        send(walk, QUERY, deal, ts)
        return True
    lots = lots_down(walk, held_units(walk, deal) + walk[DUST])
    if walk[deal + IS_LEAVING]:
        return leave(walk, deal, lots, ts)
    if walk[deal + BOUGHT] == 0:
        if sellable(walk, lots, walk[deal + ENTRY_PRICE]):
            give_up(walk, NEGATIVE)  # dust of earlier deals alone would be worth a SELL
        return False
    return protect(walk, deal, lots, ts)


# --- the BUY side -------------------------------------------------------------------------------


@compiled
def continue_entry(walk: Integers, deal: int, ts: int) -> bool:
    """The BUY is gone with too little or nothing bought: make it anew, or give it up."""
    if walk[deal + IS_ABANDONED] or walk[deal + SOLD] > 0 or walk[deal + BUY_STATE] < FILLED:
        return False
    if (
        walk[deal + IS_LEAVING]
        or walk[deal + BUY_STATE] != CANCELED
        or not walk[IS_RECREATING]
        or walk[deal + RECREATIONS] >= walk[RECREATIONS_MAX]
    ):
        walk[deal + IS_ABANDONED] = 1
        return True
    if ts - walk[deal + ENTRY_SENT_TS] < walk[RECREATION_WAIT_MS]:
        return False
    return recreate(walk, deal, ts)


@compiled
def recreate(walk: Integers, deal: int, ts: int) -> bool:
    """The rest of the budget 0.1 % under the market; the target keeps its distance to it."""
    price = walk[TICKER] * 999 // 1000
    lots = 0
    if price > 0:
        spent = walk[deal + COST] * walk[LOT_UNITS] + walk[deal + FEE_BASE_VALUE]
        left = walk[deal + BUDGET] * walk[BUDGET_FINE_UNITS] - spent
        fee_parts = walk[FEE_DIVISOR] + walk[TAKER_FEE]
        if left > 0:
            lots, _ = multiply_divide(left, walk[FEE_DIVISOR], price * walk[LOT_UNITS] * fee_parts)
        if lots < 0:
            give_up(walk, TIE)
        lots = min(lots, walk[LOTS_MAX])
    if lots < walk[LOTS_MIN] or lots * price < walk[TURNOVER_MIN] or lots <= 0:
        walk[deal + IS_ABANDONED] = 1
        return True
    cost, amount = walk[deal + COST] + lots * price, walk[deal + BOUGHT] + lots
    markup, parts = walk[MARKUP], walk[MARKUP_DIVISOR]
    quotient, rest = multiply_divide(cost, markup, amount * parts)
    if rest == 0 and cost % amount != 0:
        give_up(walk, TIE)
    walk[deal + TARGET_PRICE] = quotient + (rest != 0)
    walk[deal + RECREATIONS] += 1
    place_buy(walk, deal, price, lots, ts)
    return True


@compiled
def place_buy(walk: Integers, deal: int, price: int, lots: int, ts: int) -> None:
    (
        walk[deal + BUY_STATE],
        walk[deal + BUY_PRICE],
        walk[deal + BUY_LOTS],
        walk[deal + BUY_FILLED],
    ) = SUBMITTED, price, lots, 0
    walk[deal + BUY_CANCELING], walk[deal + BUY_WAITS_SINCE], walk[deal + ENTRY_SENT_TS] = 0, ts, ts
    send(walk, BUY, deal, ts)


@compiled
def cancel_buy(walk: Integers, deal: int, ts: int) -> bool:
    if not WORKING <= walk[deal + BUY_STATE] <= PARTIAL or walk[deal + BUY_CANCELING]:
        return False
    walk[deal + BUY_CANCELING], walk[deal + BUY_WAITS_SINCE] = 1, ts
    send(walk, CANCEL_BUY, deal, ts)
    return True


@compiled
def watch_entry(walk: Integers, deal: int, ts: int) -> None:
    """BuyOrderMonitor.watch: a stale BUY is canceled, or one whose part is due for protection."""
    if not walk[IS_BUY_WATCHED] or not WORKING <= walk[deal + BUY_STATE] <= PARTIAL:
        return
    price, ticker = walk[deal + BUY_PRICE], walk[TICKER]
    is_due = ts - walk[deal + ENTRY_SENT_TS] > walk[BUY_AGE_MS]
    if walk[deal + FIRST_FILL_TS] >= 0 and ts - walk[deal + FIRST_FILL_TS] >= walk[GRACE_MS]:
        lots = lots_down(walk, held_units(walk, deal))
        is_due = is_due or sellable(walk, lots, walk[deal + STOP_LEVEL])
    if is_due or price * walk[LEVEL_DIVISOR] < ticker * walk[DEVIATION_LEVEL]:
        cancel_buy(walk, deal, ts)


# --- the end ------------------------------------------------------------------------------------


@compiled
def complete(walk: Integers, deal: int, ts: int) -> bool:
    """DealCompletionMonitor.complete: True when the deal ended."""
    if walk[deal + BUY_STATE] < FILLED or has_open_exits(walk, deal):
        return False
    if walk[deal + BOUGHT] == 0:
        if walk[deal + IS_ABANDONED]:
            walk[deal + IS_OPEN] = 0
        return walk[deal + IS_ABANDONED] != 0
    held = held_units(walk, deal)
    if sellable(walk, lots_down(walk, held), walk[TICKER]):
        return False
    if walk[deal + SOLD] == 0 and not walk[deal + IS_ABANDONED]:
        return False
    if held < 0:
        give_up(walk, NEGATIVE)
    if held > 0:
        money = walk[MONEY_UNITS]
        paid = walk[deal + COST] * walk[TURNOVER_UNITS] + walk[deal + DUST_IN_COST] * money
        amount = walk[deal + BOUGHT] * walk[LOT_UNITS] + walk[deal + DUST_IN]
        cost = multiply_divide_half_even(held, paid, amount * money)
        walk[deal + DUST_OUT] += held
        walk[deal + DUST_OUT_COST] += cost
        walk[DUST] += held
        walk[DUST_COST] += cost
    if walk[deal + SOLD] > 0:
        close_deal(walk, deal, ts)
    walk[deal + IS_OPEN] = 0
    return True


@compiled
def close_deal(walk: Integers, deal: int, ts: int) -> None:
    turnover = (walk[deal + PROCEEDS] - walk[deal + COST]) * walk[TURNOVER_UNITS]
    money = walk[deal + DUST_OUT_COST] - walk[deal + DUST_IN_COST] - walk[deal + FEE_QUOTE]
    net = turnover + money * walk[MONEY_UNITS]
    if net < 0:
        walk[LOSS_TS] = ts
    walk[NET] += net
    walk[FEES_QUOTE] += walk[deal + FEE_QUOTE]
    walk[FEES_BASE_VALUE] += walk[deal + FEE_BASE_VALUE]
    place = walk[CLOSED_END]
    if place >= walk[CLOSED_LIMIT]:
        give_up(walk, FULL)
        return
    walk[place + DEAL_OPENED_TS] = walk[deal + OPENED_TS]
    walk[place + DEAL_CLOSED_TS] = ts
    walk[place + DEAL_COST] = walk[deal + COST]
    walk[place + DEAL_NET] = net
    walk[place + DEAL_FEE_BASE_VALUE] = walk[deal + FEE_BASE_VALUE]
    walk[place + DEAL_FEE_QUOTE] = walk[deal + FEE_QUOTE]
    walk[place + DEAL_BOUGHT] = walk[deal + BOUGHT]
    walk[place + DEAL_SOLD] = walk[deal + SOLD]
    walk[CLOSED_END] = place + CLOSED_FIELDS


# --- the engine's own order of things -----------------------------------------------------------


@compiled
def step(walk: Integers, deal: int, ts: int) -> bool:
    if is_silent(walk, deal, ts):
        give_up(walk, SILENT)
        return False
    if walk[deal + IS_LEAVING] and cancel_buy(walk, deal, ts):
        return True
    if sell(walk, deal, ts):
        return True
    if ts < walk[deal + RETRY_TS]:
        return False
    if not has_open_exits(walk, deal) and continue_entry(walk, deal, ts):
        return True
    return complete(walk, deal, ts)


@compiled
def advance(walk: Integers, deal: int, ts: int) -> None:
    """Let the deal do all that it can do now."""
    for _ in range(STEPS_MAX):
        if not walk[deal + IS_OPEN] or not step(walk, deal, ts):
            return
    give_up(walk, ENDLESS)


@compiled
def watch_loss(walk: Integers, deal: int, ts: int) -> None:
    """StopLossMonitor.watch. The modelled book has no walls and never more bids than asks, so at
    the order-book level it holds nobody back."""
    if not walk[IS_LOSS_WATCHED] or walk[deal + IS_LEAVING] or walk[deal + BOUGHT] == 0:
        return
    bid = bid_of(walk, walk[TICKER])
    if bid <= walk[deal + ORDERBOOK_BID] or bid <= walk[deal + EMERGENCY_BID]:
        start_leaving(walk, deal)
    elif bid <= walk[deal + WARNING_BID] and not walk[deal + IS_WARNED]:
        walk[deal + IS_WARNED] = 1
    else:
        return
    advance(walk, deal, ts)
