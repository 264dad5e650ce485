"""Where the compiled kernel keeps things: fields of its integer arrays, and how it is compiled.

A compiled function knows no classes. One combination's walk is one array of integers: its rules,
what it remembers, its queue of commands and its deals; a deal is the place of its first field in
it. The names of all fields are here and nowhere else. Units: prices in ticks, amounts in lots,
turnover in ticks x lots, base currency in coins of 1e-8, so are fees and dust's cost in quote;
cash and profit in `Units.quote`, times in milliseconds UTC.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numpy.typing import NDArray

from autotrade.domain.services.market_data import market_analysis_service, orderbook_analyzer
from autotrade.domain.services.orders import filled_buy_order_handler
from autotrade.domain.services.trading import trading_decision_engine
from autotrade.domain.strategies import macd_orderbook
from autotrade.infrastructure.backtest import book_model

Integers = NDArray[Any]
_CONSTANTS_OF = (
    macd_orderbook,
    trading_decision_engine,
    market_analysis_service,
    orderbook_analyzer,
    filled_buy_order_handler,
    book_model,
)
"""Their figures become part of the machine code."""


def _cache_folder() -> Path:
    """Of the user, and of exactly this code: numba looks at one file's time stamp only, and would
    take a function of yesterday whose helper in another file has changed."""
    digest = hashlib.sha256()
    own = sorted(Path(__file__).parent.glob("kernel*.py"))
    for path in (*own, *(Path(str(module.__file__)) for module in _CONSTANTS_OF)):
        digest.update(path.read_bytes())
    base = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME")
    root = Path(base) if base else Path.home() / ".cache"
    return root / "autotrade" / f"kernel-{digest.hexdigest()[:16]}"


def compiled(function: Callable[..., Any]) -> Any:
    """A part of machine code: called by compiled functions only. Floats are computed as they are
    written: no reordering, no fused operations."""
    return numba.njit(error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)(function)


def compiled_entry(function: Callable[..., Any]) -> Any:
    """Machine code that Python calls: it runs beside Python's lock and is kept for the next
    process, where there is a folder that can be written to."""
    options = {"error_model": "numpy", "no_cfunc_wrapper": True, "nogil": True}
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:
        return numba.njit(**options)(function)


if not os.environ.get("NUMBA_CACHE_DIR"):
    numba.config.CACHE_DIR = str(_cache_folder())

NONE, PENDING, SUBMITTED, WORKING, PARTIAL, FILLED, CANCELED, FAILED = range(8)
"""States of an order. SUBMITTED to PARTIAL: the exchange may hold it; from FILLED on it is over."""

LIST_TARGET, LONE_TARGET, EXIT = range(1, 4)
"""What a deal's SELL is: a target with a stop beside it, one without, or the way out."""

BUY, CANCEL_BUY, PLACE_LIST, PLACE_TARGET, PLACE_EXIT, CANCEL_SELL, CANCEL_LIST, QUERY = range(8)
"""Commands."""

(
    IS_OPEN, OPENED_TS, BUDGET, ENTRY_PRICE, TARGET_PRICE,
    BOUGHT, COST, FEE_BASE, FEE_BASE_VALUE, FEE_QUOTE, SOLD, PROCEEDS,
    DUST_IN, DUST_IN_COST, DUST_OUT, DUST_OUT_COST,
    RECREATIONS, ENTRY_SENT_TS, IS_ABANDONED, IS_LEAVING, IS_WARNED,
    FIRST_FILL_TS, UNPROTECTED_TS, FAILURES, ANSWERED, RETRY_TS, FAILED_TS,
    STOP_LEVEL, WARNING_BID, ORDERBOOK_BID, EMERGENCY_BID,
    BUY_STATE, BUY_PRICE, BUY_LOTS, BUY_FILLED, BUY_CANCELING, BUY_WAITS_SINCE, BUY_NUMBER,
    SELL_KIND, SELL_STATE, SELL_PRICE, SELL_LOTS, SELL_FILLED, SELL_CANCELING, SELL_WAITS_SINCE,
    SELL_NUMBER, STOP_STATE, STOP_PRICE, STOP_LOTS, STOP_FILLED, STOP_CANCELING, STOP_NUMBER,
    STOP_FIRED, DEAL_FIELDS,
) = range(54)  # fmt: skip
"""Of a deal, from its place on; -1 in a time says that there is none."""

(
    LATENCY, SPREAD_BP, STEP_BP, LEVEL_PERCENT, LOT_UNITS, TURNOVER_UNITS, MONEY_UNITS,
    TURNOVER_MONEY, TURNOVER_MONEY_DIVISOR, BUDGET_FINE_UNITS,
    MAKER_FEE, TAKER_FEE, FEE_DIVISOR, LOTS_MIN, LOTS_MAX, MARKET_LOTS_MAX, TURNOVER_MIN,
    PRICE_MAX, OFFSET_FIRST, OFFSET_SECOND, OFFSET_CLOSE, CANDLE_MS,
    DEALS_MAX, QUOTA, SMALL_QUOTA, MARKUP, MARKUP_DIVISOR, IS_ENTRY_AT_ASK,
    AFTER_SIGNAL_MS, AFTER_LOSS_MS, DISTANCE, DISTANCE_DIVISOR,
    IS_LOSS_WATCHED, WARNING_LEVEL, ORDERBOOK_LEVEL, EMERGENCY_LEVEL, EXCHANGE_LEVEL,
    LEVEL_DIVISOR, IS_BUY_WATCHED, BUY_AGE_MS, DEVIATION_LEVEL, CHECK_MS, GRACE_MS,
    IS_RECREATING, RECREATION_WAIT_MS, RECREATIONS_MAX, NOTIONAL_MIN, NOTIONAL_DIVISOR,
    NET_PERCENT_MIN, NET_PERCENT_DIVISOR, RULE_FIELDS,
) = range(51)  # fmt: skip
"""Where one combination's walk keeps its rules: the first part of its array. A `_LEVEL` is what is
left of the price, in parts of `LEVEL_DIVISOR`: 3 % under the entry are 97 of 100."""

(
    CASH, DUST, DUST_COST, APPROVED_TS, LOSS_TS, CHECK_DUE_TS, TIMER_TS, TICKER, LAST_PRICE,
    PRICE, VOLUME, IS_LAID, LAID_TS, BOOK_PRICE, BOOK_LOTS, ASKS_TAKEN, BIDS_TAKEN,
    DEALS_END, QUEUE_END, NUMBER, FILLS_END, FILLS_LIMIT, CLOSED_END, CLOSED_LIMIT,
    NET, FEES_QUOTE, FEES_BASE_VALUE, TROUBLE, SIMULATED, QUEUE_AT,
) = range(RULE_FIELDS, RULE_FIELDS + 30)  # fmt: skip
"""What it remembers; behind it come its queue and its deals, then room for fills and ended deals.
An `_END` is where the next one goes."""

DUE_TS, KIND, DEAL, QUEUE_FIELDS = range(4)
FILL_TS, FILL_PRICE, FILL_LOTS, FILL_FEE, FILL_FIELDS = range(5)
"""`FILL_LOTS` is negative for a SELL; the fee is in coins: of base for a BUY, else of quote."""
(
    DEAL_OPENED_TS, DEAL_CLOSED_TS, DEAL_COST, DEAL_NET, DEAL_FEE_BASE_VALUE, DEAL_FEE_QUOTE,
    DEAL_BOUGHT, DEAL_SOLD, CLOSED_FIELDS,
) = range(9)  # fmt: skip

FINE, OWN_TRADE, TIE, SILENT, REFUSED, NO_FUNDS, NEGATIVE, STALE_BOOK, FULL, ENDLESS = range(10)
"""Troubles: why a combination is left to the engine. FINE: none."""

QUEUE_MAX = 64
ROWS_MAX = 8
ANSWER_MS_MAX = 15_000
REFILL_MS = 1_000
TIMER_MS = 20_000
RETRY_MS, RETRY_MS_MAX = filled_buy_order_handler.RETRY_MS, filled_buy_order_handler.RETRY_MS_MAX
STEPS_MAX = 16
DEALS_AT = QUEUE_AT + QUEUE_MAX * QUEUE_FIELDS
FILLS_AT = DEALS_AT + (ROWS_MAX + 1) * DEAL_FIELDS
LEVELS = 20
NEVER = 1 << 60
