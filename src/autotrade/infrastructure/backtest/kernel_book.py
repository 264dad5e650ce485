"""The modelled book in the compiled kernel: `book_model.py` and what the core makes of it."""

from __future__ import annotations

from autotrade.infrastructure.backtest.kernel_layout import (
    ASKS_TAKEN,
    BIDS_TAKEN,
    BOOK_LOTS,
    BOOK_PRICE,
    BUY_PRICE,
    BUY_STATE,
    DEAL_FIELDS,
    DEALS_AT,
    DEALS_END,
    EXIT,
    IS_LAID,
    LAID_TS,
    LEVEL_PERCENT,
    LEVELS,
    NEVER,
    PARTIAL,
    PRICE,
    REFILL_MS,
    SELL_KIND,
    SELL_PRICE,
    SELL_STATE,
    SPREAD_BP,
    STEP_BP,
    VOLUME,
    WORKING,
    Integers,
    compiled,
)


@compiled
def half_spread(walk: Integers, price: int) -> int:
    return max(1, price * walk[SPREAD_BP] // 20_000)


@compiled
def level_step(walk: Integers, price: int) -> int:
    return max(1, price * walk[STEP_BP] // 10_000)


@compiled
def bid_of(walk: Integers, price: int) -> int:
    return max(1, price - half_spread(walk, price))


@compiled
def ask_of(walk: Integers, price: int) -> int:
    return price + half_spread(walk, price)


@compiled
def best_own_bid(walk: Integers) -> int:
    """Of our BUYs that rest; 0: none."""
    best = 0
    for deal in range(DEALS_AT, walk[DEALS_END], DEAL_FIELDS):
        if WORKING <= walk[deal + BUY_STATE] <= PARTIAL:
            best = max(best, walk[deal + BUY_PRICE])
    return best


@compiled
def best_own_ask(walk: Integers) -> int:
    """Of our targets that rest; NEVER: none."""
    best = NEVER
    for deal in range(DEALS_AT, walk[DEALS_END], DEAL_FIELDS):
        state = walk[deal + SELL_STATE]
        if WORKING <= state <= PARTIAL and walk[deal + SELL_KIND] != EXIT:
            best = min(best, walk[deal + SELL_PRICE])
    return best


@compiled
def lay_book(walk: Integers, ts: int) -> None:
    """Fresh levels around the price, unless some were laid a moment ago. The market's levels that
    reach one of our orders are left out, as the core does it for fills that go through only."""
    if walk[IS_LAID] and ts - walk[LAID_TS] < REFILL_MS:
        return
    walk[IS_LAID], walk[LAID_TS] = 1, ts
    price = walk[PRICE]
    walk[BOOK_PRICE] = price
    lots = max(1, walk[VOLUME] * walk[LEVEL_PERCENT] // 100)
    walk[BOOK_LOTS] = lots
    step, bid, ask = level_step(walk, price), bid_of(walk, price), ask_of(walk, price)
    own_bid, own_ask = best_own_bid(walk), best_own_ask(walk)
    crossed = (own_bid - ask) // step + 1 if own_bid >= ask else 0
    walk[ASKS_TAKEN] = min(crossed, LEVELS) * lots
    crossed = (bid - own_ask) // step + 1 if own_ask <= bid else 0
    walk[BIDS_TAKEN] = min(crossed, LEVELS) * lots


@compiled
def next_ask(walk: Integers) -> tuple[int, int]:
    """(price, lots) of the best ask that is left; price 0: none."""
    price, lots = walk[BOOK_PRICE], walk[BOOK_LOTS]
    level, eaten = walk[ASKS_TAKEN] // lots, walk[ASKS_TAKEN] % lots
    if level >= LEVELS:
        return 0, 0
    return ask_of(walk, price) + level * level_step(walk, price), lots - eaten


@compiled
def next_bid(walk: Integers) -> tuple[int, int]:
    """(price, lots) of the best bid that is left; price 0: none."""
    price, lots = walk[BOOK_PRICE], walk[BOOK_LOTS]
    level, eaten = walk[BIDS_TAKEN] // lots, walk[BIDS_TAKEN] % lots
    if level >= LEVELS:
        return 0, 0
    found = bid_of(walk, price) - level * level_step(walk, price)
    return max(0, found), lots - eaten
