"""The exchange in the compiled kernel: orders reach the book, trade, and the deals hear of it.

What the core does first and tells afterwards happens here in the same order; between the two the
engine's answers only enter the queue, so the order of things is the same.
"""

from __future__ import annotations

from autotrade.infrastructure.backtest.kernel_book import (
    best_own_ask,
    best_own_bid,
    lay_book,
    next_ask,
    next_bid,
)
from autotrade.infrastructure.backtest.kernel_deal import (
    advance,
)
from autotrade.infrastructure.backtest.kernel_fills import (
    buy_filled,
    free_cash,
    sale_filled,
)
from autotrade.infrastructure.backtest.kernel_layout import (
    ASKS_TAKEN,
    BIDS_TAKEN,
    BUY,
    BUY_CANCELING,
    BUY_FILLED,
    BUY_LOTS,
    BUY_NUMBER,
    BUY_PRICE,
    BUY_STATE,
    CANCEL_BUY,
    CANCEL_LIST,
    CANCELED,
    DEAL_FIELDS,
    DEALS_AT,
    DEALS_END,
    EXIT,
    FAILED,
    FAILED_TS,
    FAILURES,
    FILLS_END,
    FINE,
    IS_LAID,
    LAST_PRICE,
    LIST_TARGET,
    MAKER_FEE,
    NEVER,
    NO_FUNDS,
    NUMBER,
    OWN_TRADE,
    PARTIAL,
    PLACE_EXIT,
    PLACE_LIST,
    PLACE_TARGET,
    PRICE,
    PRICE_MAX,
    QUERY,
    REFUSED,
    SELL_CANCELING,
    SELL_FILLED,
    SELL_KIND,
    SELL_LOTS,
    SELL_NUMBER,
    SELL_PRICE,
    SELL_STATE,
    STALE_BOOK,
    STOP_CANCELING,
    STOP_FIRED,
    STOP_LOTS,
    STOP_NUMBER,
    STOP_PRICE,
    STOP_STATE,
    TAKER_FEE,
    TROUBLE,
    TURNOVER_MIN,
    TURNOVER_UNITS,
    WORKING,
    Integers,
    compiled,
)
from autotrade.infrastructure.backtest.kernel_questions import (
    give_up,
    is_held,
    track_protection,
)

# --- what the market does to orders that rest ---------------------------------------------------


@compiled
def next_bid_through(walk: Integers, price: int) -> int:
    """The deal of the first of our BUYs above this price: the dearest, the oldest; -1: none."""
    best = -1
    for deal in range(DEALS_AT, walk[DEALS_END], DEAL_FIELDS):
        if not WORKING <= walk[deal + BUY_STATE] <= PARTIAL or walk[deal + BUY_PRICE] <= price:
            continue
        if (
            best < 0
            or walk[deal + BUY_PRICE] > walk[best + BUY_PRICE]
            or (
                walk[deal + BUY_PRICE] == walk[best + BUY_PRICE]
                and walk[deal + BUY_NUMBER] < walk[best + BUY_NUMBER]
            )
        ):
            best = deal
    return best


@compiled
def next_ask_through(walk: Integers, price: int) -> int:
    """The deal of the first of our targets below this price: the cheapest, then the oldest."""
    best = -1
    for deal in range(DEALS_AT, walk[DEALS_END], DEAL_FIELDS):
        if not WORKING <= walk[deal + SELL_STATE] <= PARTIAL or walk[deal + SELL_KIND] == EXIT:
            continue
        if walk[deal + SELL_PRICE] >= price:
            continue
        if (
            best < 0
            or walk[deal + SELL_PRICE] < walk[best + SELL_PRICE]
            or (
                walk[deal + SELL_PRICE] == walk[best + SELL_PRICE]
                and walk[deal + SELL_NUMBER] < walk[best + SELL_NUMBER]
            )
        ):
            best = deal
    return best


@compiled
def meet_own_orders(walk: Integers, price: int, lots: int, is_sale: bool, ts: int) -> int:
    """The market's taker goes through our resting orders, at their prices. Returns the lowest price
    that traded."""
    lowest = price
    rate = walk[MAKER_FEE]
    while lots > 0 and walk[TROUBLE] == FINE:
        deal = next_bid_through(walk, price) if is_sale else next_ask_through(walk, price)
        if deal < 0:
            break
        if is_sale:
            taken = min(lots, walk[deal + BUY_LOTS] - walk[deal + BUY_FILLED])
            buy_filled(walk, deal, walk[deal + BUY_PRICE], taken, rate, ts)
        else:
            taken = min(lots, walk[deal + SELL_LOTS] - walk[deal + SELL_FILLED])
            lowest = min(lowest, walk[deal + SELL_PRICE])
            if walk[deal + SELL_KIND] == LIST_TARGET and is_held(walk[deal + STOP_STATE]):
                walk[deal + STOP_STATE] = CANCELED
                track_protection(walk, deal, ts)
                advance(walk, deal, ts)
            sale_filled(walk, deal, walk[deal + SELL_PRICE], taken, rate, False, ts)
        lots -= taken
    return lowest


@compiled
def highest_stop(walk: Integers) -> int:
    """Of the stops that wait; -1: none."""
    best = -1
    for deal in range(DEALS_AT, walk[DEALS_END], DEAL_FIELDS):
        if walk[deal + STOP_STATE] == WORKING and not walk[deal + STOP_FIRED]:
            best = max(best, walk[deal + STOP_PRICE])
    return best


@compiled
def waiting_stops(walk: Integers, price: int) -> int:
    """How many of them are at or over this price."""
    count = 0
    for deal in range(DEALS_AT, walk[DEALS_END], DEAL_FIELDS):
        if (
            walk[deal + STOP_STATE] == WORKING
            and not walk[deal + STOP_FIRED]
            and walk[deal + STOP_PRICE] >= price
        ):
            count += 1
    return count


@compiled
def oldest_stop(walk: Integers, price: int) -> int:
    """The deal of the oldest stop at or over `price` that waits."""
    best = -1
    for deal in range(DEALS_AT, walk[DEALS_END], DEAL_FIELDS):
        is_waiting = walk[deal + STOP_STATE] == WORKING and not walk[deal + STOP_FIRED]
        if not is_waiting or walk[deal + STOP_PRICE] < price:
            continue
        if best < 0 or walk[deal + STOP_NUMBER] < walk[best + STOP_NUMBER]:
            best = deal
    return best


@compiled
def set_off_stops(walk: Integers, price: int, ts: int) -> None:
    """All stops at or over this price lose their targets and sell, the oldest first. Our own sales
    go down the book and may set off more."""
    wave = 1
    while walk[TROUBLE] == FINE:
        if wave > 1 and waiting_stops(walk, price) > 1:
            give_up(walk, OWN_TRADE)  # whose turn it is depends on each price of our sale
        while True:
            deal = oldest_stop(walk, price)
            if deal < 0:
                break
            walk[deal + STOP_FIRED] = wave
            if is_held(walk[deal + SELL_STATE]):
                walk[deal + SELL_STATE] = CANCELED
                track_protection(walk, deal, ts)
                advance(walk, deal, ts)
            wave += 1
        deal = next_due_stop(walk)
        if deal < 0:
            return
        walk[deal + STOP_FIRED] = -1
        track_protection(walk, deal, ts)
        advance(walk, deal, ts)
        price = sell_into_book(walk, deal, 0, True, ts)


@compiled
def next_due_stop(walk: Integers) -> int:
    """Of the stops that were set off, the one that was first."""
    best = -1
    for deal in range(DEALS_AT, walk[DEALS_END], DEAL_FIELDS):
        if walk[deal + STOP_STATE] == WORKING and walk[deal + STOP_FIRED] > 0:
            if best < 0 or walk[deal + STOP_FIRED] < walk[best + STOP_FIRED]:
                best = deal
    return best


@compiled
def market_trades(walk: Integers, price: int, lots: int, is_sale: bool, ts: int) -> None:
    """One trade of the market with itself, and what it does to our orders."""
    walk[PRICE], walk[IS_LAID] = price, 0
    if highest_stop(walk) >= price:
        lay_book(walk, ts)
    fills = walk[FILLS_END]
    lowest = meet_own_orders(walk, price, lots, is_sale, ts)
    walk[LAST_PRICE] = price
    if walk[FILLS_END] != fills and waiting_stops(walk, lowest) > 1:
        give_up(walk, OWN_TRADE)
    if highest_stop(walk) >= lowest:
        if not walk[IS_LAID]:
            give_up(walk, STALE_BOOK)
        set_off_stops(walk, lowest, ts)


# --- our orders reach the book ------------------------------------------------------------------


@compiled
def sell_into_book(walk: Integers, deal: int, limit: int, is_stop: bool, ts: int) -> int:
    """Take bids down to `limit`. What a market order does not get is canceled. Returns the lowest
    price that traded, NEVER when none did."""
    lowest, rate = NEVER, walk[TAKER_FEE]
    lots = walk[deal + STOP_LOTS] if is_stop else walk[deal + SELL_LOTS]
    own_bid = best_own_bid(walk)
    while lots > 0 and walk[TROUBLE] == FINE:
        price, available = next_bid(walk)
        if price <= 0 or price < limit:
            if own_bid > 0 and own_bid >= limit:
                give_up(walk, OWN_TRADE)
            break
        if own_bid >= price:
            give_up(walk, OWN_TRADE)
            break
        taken = min(lots, available)
        walk[BIDS_TAKEN] += taken
        lots -= taken
        lowest = price
        sale_filled(walk, deal, price, taken, rate, is_stop, ts)
    if lots > 0 and limit == 0:
        if is_stop:
            walk[deal + STOP_STATE] = CANCELED
        else:
            walk[deal + SELL_STATE] = CANCELED
            walk[deal + FAILURES] += 1
            walk[deal + FAILED_TS] = ts
        track_protection(walk, deal, ts)
        advance(walk, deal, ts)
    return lowest


@compiled
def buy_arrives(walk: Integers, deal: int, ts: int) -> None:
    needed = walk[deal + BUY_LOTS] * walk[deal + BUY_PRICE] * walk[TURNOVER_UNITS]
    if free_cash(walk) < needed:
        give_up(walk, NO_FUNDS)
    if (
        walk[deal + BUY_PRICE] > 4 * walk[LAST_PRICE]
        or walk[deal + BUY_PRICE] * 4 < walk[LAST_PRICE]
    ):
        give_up(walk, REFUSED)
    limit, lots = walk[deal + BUY_PRICE], walk[deal + BUY_LOTS]
    own_ask = best_own_ask(walk)
    walk[NUMBER] += 1
    walk[deal + BUY_NUMBER], walk[deal + BUY_STATE] = walk[NUMBER], WORKING
    track_protection(walk, deal, ts)
    advance(walk, deal, ts)
    while lots > 0 and walk[TROUBLE] == FINE:
        price, available = next_ask(walk)
        if price <= 0 or price > limit:
            if own_ask <= limit:
                give_up(walk, OWN_TRADE)
            return
        if own_ask <= price:
            give_up(walk, OWN_TRADE)
            return
        taken = min(lots, available)
        walk[ASKS_TAKEN] += taken
        lots -= taken
        buy_filled(walk, deal, price, taken, walk[TAKER_FEE], ts)


@compiled
def list_arrives(walk: Integers, deal: int, ts: int) -> None:
    """Target and stop together; refused when the market stands on the wrong side of one."""
    last, stop, target = walk[LAST_PRICE], walk[deal + STOP_PRICE], walk[deal + SELL_PRICE]
    if target > walk[PRICE_MAX] or target > 4 * last:
        give_up(walk, REFUSED)
    bid, _ = next_bid(walk)
    if target <= stop or target <= last or stop >= last or max(bid, best_own_bid(walk)) >= target:
        walk[deal + SELL_STATE] = FAILED
        track_protection(walk, deal, ts)
        advance(walk, deal, ts)
        walk[deal + STOP_STATE] = FAILED
        walk[deal + FAILURES] += 1
        walk[deal + FAILED_TS] = ts
        track_protection(walk, deal, ts)
        advance(walk, deal, ts)
        return
    walk[NUMBER] += 2
    walk[deal + STOP_NUMBER], walk[deal + SELL_NUMBER] = walk[NUMBER] - 1, walk[NUMBER]
    walk[deal + STOP_STATE] = WORKING
    track_protection(walk, deal, ts)
    advance(walk, deal, ts)
    walk[deal + SELL_STATE] = WORKING
    track_protection(walk, deal, ts)
    advance(walk, deal, ts)


@compiled
def target_arrives(walk: Integers, deal: int, ts: int) -> None:
    if walk[deal + SELL_PRICE] > walk[PRICE_MAX] or walk[deal + SELL_PRICE] > 4 * walk[LAST_PRICE]:
        give_up(walk, REFUSED)
    if walk[deal + SELL_LOTS] * walk[deal + SELL_PRICE] < walk[TURNOVER_MIN]:
        give_up(walk, REFUSED)
    if walk[deal + SELL_PRICE] * 4 < walk[LAST_PRICE]:
        give_up(walk, REFUSED)
    walk[NUMBER] += 1
    walk[deal + SELL_NUMBER], walk[deal + SELL_STATE] = walk[NUMBER], WORKING
    track_protection(walk, deal, ts)
    advance(walk, deal, ts)
    lowest = sell_into_book(walk, deal, walk[deal + SELL_PRICE], False, ts)
    if highest_stop(walk) >= lowest:
        set_off_stops(walk, lowest, ts)


@compiled
def exit_arrives(walk: Integers, deal: int, ts: int) -> None:
    if walk[deal + SELL_LOTS] * walk[LAST_PRICE] < walk[TURNOVER_MIN]:
        give_up(walk, REFUSED)
    walk[NUMBER] += 1
    walk[deal + SELL_NUMBER], walk[deal + SELL_STATE] = walk[NUMBER], WORKING
    track_protection(walk, deal, ts)
    advance(walk, deal, ts)
    lowest = sell_into_book(walk, deal, 0, False, ts)
    if highest_stop(walk) >= lowest:
        set_off_stops(walk, lowest, ts)


@compiled
def cancel_buy_arrives(walk: Integers, deal: int, ts: int) -> None:
    """Too late: the order is over, and the refusal of the cancel changes nothing."""
    if is_held(walk[deal + BUY_STATE]) and walk[deal + BUY_CANCELING]:
        walk[deal + BUY_STATE] = CANCELED
    else:
        walk[deal + BUY_CANCELING] = 0
    track_protection(walk, deal, ts)
    advance(walk, deal, ts)


@compiled
def cancel_exits_arrives(walk: Integers, deal: int, ts: int, is_list: bool) -> None:
    if is_list and is_held(walk[deal + STOP_STATE]) and walk[deal + STOP_CANCELING]:
        walk[deal + STOP_STATE] = CANCELED
        track_protection(walk, deal, ts)
        advance(walk, deal, ts)
    if is_held(walk[deal + SELL_STATE]) and walk[deal + SELL_CANCELING]:
        walk[deal + SELL_STATE] = CANCELED
        track_protection(walk, deal, ts)
    advance(walk, deal, ts)


@compiled
def execute(walk: Integers, kind: int, deal: int, ts: int) -> None:
    """A command reaches the exchange."""
    lay_book(walk, ts)
    if deal < 0 or kind == QUERY:
        return
    if kind == BUY:
        buy_arrives(walk, deal, ts)
    elif kind == PLACE_LIST:
        list_arrives(walk, deal, ts)
    elif kind == PLACE_EXIT:
        exit_arrives(walk, deal, ts)
    elif kind == PLACE_TARGET:
        target_arrives(walk, deal, ts)
    elif kind == CANCEL_BUY:
        cancel_buy_arrives(walk, deal, ts)
    else:
        cancel_exits_arrives(walk, deal, ts, kind == CANCEL_LIST)
