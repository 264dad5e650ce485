"""One combination's way through the candles, compiled: the backtest's loop over integers.

Slots without anything to do are skipped as in `runner.py`: while no deal is open to the next entry
signal, while deals rest on the exchange to the next candle that leaves their quiet range.
"""

from __future__ import annotations

from typing import NamedTuple

from autotrade.infrastructure.backtest.kernel_book import (
    ask_of,
)
from autotrade.infrastructure.backtest.kernel_deal import (
    advance,
    place_buy,
    watch_entry,
    watch_loss,
)
from autotrade.infrastructure.backtest.kernel_exchange import (
    execute,
    highest_stop,
    market_trades,
)
from autotrade.infrastructure.backtest.kernel_fills import (
    free_cash,
)
from autotrade.infrastructure.backtest.kernel_layout import (
    AFTER_LOSS_MS,
    AFTER_SIGNAL_MS,
    APPROVED_TS,
    BOUGHT,
    BUDGET,
    CANDLE_MS,
    CHECK_DUE_TS,
    CHECK_MS,
    COST,
    DEAL,
    DEAL_FIELDS,
    DEALS_AT,
    DEALS_END,
    DEALS_MAX,
    DISTANCE,
    DISTANCE_DIVISOR,
    DUE_TS,
    ENTRY_PRICE,
    EXCHANGE_LEVEL,
    FEE_DIVISOR,
    FINE,
    FIRST_FILL_TS,
    IS_ENTRY_AT_ASK,
    IS_LOSS_WATCHED,
    IS_OPEN,
    IS_WARNED,
    KIND,
    LATENCY,
    LEVEL_DIVISOR,
    LOSS_TS,
    LOTS_MAX,
    LOTS_MIN,
    MAKER_FEE,
    MARKUP,
    MARKUP_DIVISOR,
    NET_PERCENT_DIVISOR,
    NET_PERCENT_MIN,
    NEVER,
    NOTIONAL_DIVISOR,
    NOTIONAL_MIN,
    OFFSET_CLOSE,
    OFFSET_FIRST,
    OFFSET_SECOND,
    OPENED_TS,
    ORDERBOOK_BID,
    PENDING,
    PRICE,
    PRICE_MAX,
    QUEUE_AT,
    QUEUE_END,
    QUEUE_FIELDS,
    QUOTA,
    SELL_PRICE,
    SELL_STATE,
    SIMULATED,
    SMALL_QUOTA,
    SPREAD_BP,
    STOP_LEVEL,
    STOP_PRICE,
    TAKER_FEE,
    TARGET_PRICE,
    TICKER,
    TIE,
    TIMER_MS,
    TIMER_TS,
    TROUBLE,
    TURNOVER_UNITS,
    UNPROTECTED_TS,
    VOLUME,
    WARNING_BID,
    Integers,
    compiled,
    compiled_entry,
)
from autotrade.infrastructure.backtest.kernel_questions import (
    give_up,
    is_at_rest,
    sellable,
)

BLOCK = 32
"""Candles whose lowest low and highest high are kept, so that a quiet range is left behind fast."""
STOPS_A_MOVE = 14


class Candles(NamedTuple):
    """One pair's columns in ticks and lots; `block_low` and `block_high` of each `BLOCK`."""

    open_ts: Integers
    open: Integers
    high: Integers
    low: Integers
    close: Integers
    volume: Integers
    block_low: Integers
    block_high: Integers


# --- when to look -------------------------------------------------------------------------------


@compiled
def has_command(walk: Integers, deal: int) -> bool:
    for place in range(QUEUE_AT, walk[QUEUE_END], QUEUE_FIELDS):
        if walk[place + DEAL] == deal:
            return True
    return False


@compiled
def is_busy(walk: Integers) -> bool:
    """More than prices can move a deal."""
    if walk[QUEUE_END] > QUEUE_AT:
        return True
    for deal in range(DEALS_AT, walk[DEALS_END], DEAL_FIELDS):
        if walk[deal + IS_OPEN] and not is_at_rest(walk, deal):
            return True
    return False


@compiled
def needs_timer(walk: Integers) -> bool:
    """A deal waits for a time to come; one whose command is on its way does not."""
    for deal in range(DEALS_AT, walk[DEALS_END], DEAL_FIELDS):
        if walk[deal + IS_OPEN] and not is_at_rest(walk, deal) and not has_command(walk, deal):
            return True
    return False


@compiled
def quiet_range(walk: Integers) -> tuple[int, int]:
    """As `attention.py` says it: nothing happens above the one and below the other."""
    lower, upper = -1, NEVER
    for deal in range(DEALS_AT, walk[DEALS_END], DEAL_FIELDS):
        if not walk[deal + IS_OPEN]:
            continue
        upper = min(upper, walk[deal + SELL_PRICE] + 1)
        lower = max(lower, walk[deal + STOP_PRICE])
        if walk[IS_LOSS_WATCHED]:
            bid = walk[deal + ORDERBOOK_BID] if walk[deal + IS_WARNED] else walk[deal + WARNING_BID]
            lower = max(lower, (bid + 3) * 20_000 // (20_000 - walk[SPREAD_BP]) + 3)
    return lower, upper


@compiled
def next_touched(candles: Candles, slot: int, end: int, lower: int, upper: int) -> int:
    """The first candle from `slot` on, before `end`, that leaves the range; else `end`."""
    while slot < end:
        if slot % BLOCK == 0:
            block, last = slot // BLOCK, end // BLOCK
            while (
                block < last
                and candles.block_low[block] > lower
                and candles.block_high[block] < upper
            ):
                block += 1
            slot = block * BLOCK
            if slot >= end:
                return end
        if candles.low[slot] <= lower or candles.high[slot] >= upper:
            return slot
        slot += 1
    return end


# --- time ---------------------------------------------------------------------------------------


@compiled
def timer(walk: Integers, ts: int) -> None:
    walk[TIMER_TS] = ts + TIMER_MS
    is_check_due = ts >= walk[CHECK_DUE_TS]
    if is_check_due:
        walk[CHECK_DUE_TS] = ts + walk[CHECK_MS]
    for deal in range(DEALS_AT, walk[DEALS_END], DEAL_FIELDS):
        if not walk[deal + IS_OPEN]:
            continue
        if is_check_due or walk[deal + FIRST_FILL_TS] >= 0:
            watch_entry(walk, deal, ts)
        watch_loss(walk, deal, ts)
        advance(walk, deal, ts)


@compiled
def until(walk: Integers, ts: int) -> None:
    """Carry out what is due before `ts`, and let the timer tick while anybody needs it."""
    while walk[TROUBLE] == FINE:
        is_empty = walk[QUEUE_END] == QUEUE_AT
        due = ts if is_empty else walk[QUEUE_AT + DUE_TS]
        tick = walk[TIMER_TS] if needs_timer(walk) else ts
        if min(due, tick) >= ts:
            return
        if is_empty or due > tick:
            timer(walk, tick)
            continue
        kind, deal = walk[QUEUE_AT + KIND], walk[QUEUE_AT + DEAL]
        while walk[TIMER_TS] < due:
            walk[TIMER_TS] += TIMER_MS
        walk[QUEUE_END] -= QUEUE_FIELDS
        for place in range(QUEUE_AT, walk[QUEUE_END]):
            walk[place] = walk[place + QUEUE_FIELDS]
        execute(walk, kind, deal, due)


@compiled
def after_a_gap(walk: Integers, start: int) -> None:
    """Commands of before a gap reach the book behind it."""
    for place in range(QUEUE_AT + DUE_TS, walk[QUEUE_END], QUEUE_FIELDS):
        if walk[place] < start:
            walk[place] = start + walk[LATENCY]


# --- one candle ---------------------------------------------------------------------------------


@compiled
def move(walk: Integers, before: int, price: int, lots: int, is_open: bool, ts: int) -> None:
    """The market trades its way to `price`, stop by stop, and the bot sees it."""
    if not is_open:
        for _ in range(STOPS_A_MOVE):
            stop = highest_stop(walk)
            if not price < stop < before:
                break
            market_trades(walk, stop, lots, True, ts)
    market_trades(walk, price, lots, price <= before, ts)
    walk[PRICE] = walk[TICKER] = price
    for deal in range(DEALS_AT, walk[DEALS_END], DEAL_FIELDS):
        if walk[deal + IS_OPEN]:
            watch_loss(walk, deal, ts)


@compiled
def has_position(walk: Integers) -> bool:
    for deal in range(DEALS_AT, walk[DEALS_END], DEAL_FIELDS):
        if walk[deal + IS_OPEN] and walk[deal + BOUGHT] > 0:
            return True
    return False


@compiled
def is_touched(walk: Integers, low: int, high: int) -> bool:
    lower, upper = quiet_range(walk)
    return low <= lower or high >= upper


@compiled
def look_at(walk: Integers, candles: Candles, slot: int) -> None:
    """All four points of a candle, with what is due between them."""
    start, low, high = candles.open_ts[slot], candles.low[slot], candles.high[slot]
    volume = candles.volume[slot]
    lots = max(1, volume // 4) if volume else 0
    walk[SIMULATED] += 1
    if walk[QUEUE_END] > QUEUE_AT:
        after_a_gap(walk, start)
    walk[TIMER_TS] = start + TIMER_MS
    before = candles.close[slot - 1] if slot else candles.open[slot]
    price, ts, is_low_first = candles.open[slot], start, False
    for phase in range(4):
        if phase == 1:
            ts = start + walk[OFFSET_FIRST]
        elif phase == 2:
            ts = start + walk[OFFSET_SECOND]
        elif phase == 3:
            ts = start + walk[OFFSET_CLOSE]
        until(walk, ts)
        if phase == 1:
            is_low_first = has_position(walk)
            before, price = price, low if is_low_first else high
        elif phase == 2:
            before, price = price, high if is_low_first else low
        elif phase == 3:
            before, price = price, candles.close[slot]
        if is_busy(walk) or is_touched(walk, low, high):
            walk[VOLUME] = candles.volume[slot - 1] if slot else 0
            move(walk, before, price, lots, phase == 0, ts)
        if needs_timer(walk):
            timer(walk, ts)
        if walk[TROUBLE] != FINE:
            return
    until(walk, start + walk[CANDLE_MS])


# --- a new deal ---------------------------------------------------------------------------------


@compiled
def forget_ended(walk: Integers) -> None:
    """Rows of ended deals are given free; the others keep their order."""
    kept = DEALS_AT
    for deal in range(DEALS_AT, walk[DEALS_END], DEAL_FIELDS):
        is_open = walk[deal + IS_OPEN] != 0
        if is_open and kept == deal:
            kept += DEAL_FIELDS
            continue
        for place in range(QUEUE_AT + DEAL, walk[QUEUE_END], QUEUE_FIELDS):
            if walk[place] == deal:
                walk[place] = kept if is_open else -1
        if is_open:
            for field in range(DEAL_FIELDS):
                walk[kept + field] = walk[deal + field]
            kept += DEAL_FIELDS
    walk[DEALS_END] = kept


@compiled
def has_room(walk: Integers) -> bool:
    """For one more deal."""
    return walk[DEALS_END] < DEALS_AT + walk[DEALS_MAX] * DEAL_FIELDS


@compiled
def is_too_near(walk: Integers, price: int) -> bool:
    """An open entry of the pair is nearer than the least distance."""
    if walk[DISTANCE] == 0:
        return False
    for deal in range(DEALS_AT, walk[DEALS_END], DEAL_FIELDS):
        if not walk[deal + IS_OPEN]:
            continue
        cost, bought = walk[deal + COST], walk[deal + BOUGHT]
        if bought == 0:
            cost, bought = walk[deal + ENTRY_PRICE], 1
        if cost % bought == 0:
            entry = cost // bought
            if abs(price - entry) * walk[DISTANCE_DIVISOR] < entry * walk[DISTANCE]:
                return True
            continue
        share = abs(price * bought - cost) / float(cost)
        least = walk[DISTANCE] / float(walk[DISTANCE_DIVISOR])
        if abs(share - least) < 1e-12:
            give_up(walk, TIE)
        if share < least:
            return True
    return False


@compiled
def is_worth_it(walk: Integers, lots: int, price: int, target: int, is_small: bool) -> bool:
    """DealEconomics: filters, the smaller leg's notional, and the net profit after both fees."""
    if lots < walk[LOTS_MIN] or not sellable(walk, lots, price) or price > walk[PRICE_MAX]:
        return False
    kept = walk[FEE_DIVISOR] - walk[TAKER_FEE]
    sold = lots * kept // walk[FEE_DIVISOR]
    if sold < walk[LOTS_MIN]:
        return False
    stop_share = float(walk[EXCHANGE_LEVEL]) / float(walk[LEVEL_DIVISOR])
    worth = float(sold) * float(price) * stop_share
    least = float(walk[NOTIONAL_MIN]) / float(walk[NOTIONAL_DIVISOR])
    if abs(worth - least) <= 1e-12 * least:
        give_up(walk, TIE)
    if worth < least:
        return False
    maker_share = 1.0 - float(walk[MAKER_FEE]) / float(walk[FEE_DIVISOR])
    taker_share = 1.0 - float(walk[TAKER_FEE]) / float(walk[FEE_DIVISOR])
    gain = float(target) * maker_share - float(price) / taker_share
    budget = float(walk[SMALL_QUOTA] if is_small else walk[QUOTA]) / float(walk[TURNOVER_UNITS])
    profit = sold * gain * 100.0
    least = budget * float(walk[NET_PERCENT_MIN]) / float(walk[NET_PERCENT_DIVISOR])
    if abs(profit - least) <= 1e-9 * (abs(least) + budget * 1e-3):
        give_up(walk, TIE)
    return profit >= least


@compiled
def decide(walk: Integers, close: int, is_small: bool, ts: int) -> None:
    """What strategy, book and conditions have let through meets the gates and the economics."""
    if walk[APPROVED_TS] >= 0 and ts - walk[APPROVED_TS] < walk[AFTER_SIGNAL_MS]:
        return
    if walk[LOSS_TS] >= 0 and ts - walk[LOSS_TS] < walk[AFTER_LOSS_MS]:
        return
    forget_ended(walk)
    if not has_room(walk):
        return
    budget = walk[SMALL_QUOTA] if is_small else walk[QUOTA]
    if free_cash(walk) < budget:
        return
    price = ask_of(walk, close) if walk[IS_ENTRY_AT_ASK] else close
    if is_too_near(walk, price):
        return
    parts = walk[FEE_DIVISOR] + walk[TAKER_FEE]
    lots = budget * walk[FEE_DIVISOR] // (price * walk[TURNOVER_UNITS] * parts)
    lots = min(lots, walk[LOTS_MAX])
    target = -(-price * walk[MARKUP] // walk[MARKUP_DIVISOR])
    if is_worth_it(walk, lots, price, target, is_small):
        open_deal(walk, budget, price, target, lots, ts)


@compiled
def open_deal(walk: Integers, budget: int, price: int, target: int, lots: int, ts: int) -> None:
    deal = walk[DEALS_END]
    for field in range(DEAL_FIELDS):
        walk[deal + field] = 0
    walk[deal + IS_OPEN], walk[deal + OPENED_TS], walk[deal + BUDGET] = 1, ts, budget
    walk[deal + ENTRY_PRICE], walk[deal + TARGET_PRICE], walk[deal + STOP_LEVEL] = price, target, -1
    walk[deal + FIRST_FILL_TS] = walk[deal + UNPROTECTED_TS] = -1
    walk[deal + SELL_STATE] = PENDING
    walk[DEALS_END] = deal + DEAL_FIELDS
    walk[APPROVED_TS] = ts
    place_buy(walk, deal, price, lots, ts)


# --- the whole ----------------------------------------------------------------------------------


@compiled
def candle_of(entry: int) -> int:
    return entry if entry >= 0 else -1 - entry


@compiled_entry
def walk_through(walk: Integers, candles: Candles, entries: Integers, first: int) -> None:
    """From candle `first` to the end. `entries` are the candles after which strategy, book and
    conditions would buy, negative (-1 - candle) where they would buy less."""
    end, count, number, slot = len(candles.open_ts), len(entries), 0, first
    touched, is_moving = end, False
    while walk[TROUBLE] == FINE and slot < end:
        if not is_moving:
            wanted = end
            if has_room(walk):
                while number < count and candle_of(entries[number]) < slot:
                    number += 1
                if number < count:
                    wanted = candle_of(entries[number])
            slot = min(wanted, touched)
            if slot >= end:
                return
        is_looking = is_moving or slot == touched
        if is_looking:
            look_at(walk, candles, slot)
        while number < count and candle_of(entries[number]) < slot:
            number += 1
        is_entry = number < count and candle_of(entries[number]) == slot
        if is_entry and walk[TROUBLE] == FINE:
            walk[TICKER] = walk[PRICE] = candles.close[slot]
            ts = candles.open_ts[slot] + walk[CANDLE_MS]
            decide(walk, candles.close[slot], entries[number] < 0, ts)
        slot += 1
        if not is_looking and walk[QUEUE_END] == QUEUE_AT:
            continue  # refused: nothing has changed
        forget_ended(walk)
        is_moving = is_busy(walk)
        if not is_moving:
            touched = end
            if walk[DEALS_END] > DEALS_AT:
                lower, upper = quiet_range(walk)
                touched = next_touched(candles, slot, end, lower, upper)
