"""Planted defects of the core: the loop, the engine, orders, deals, decisions."""

from __future__ import annotations

from tools.planting import defect

LOOP = "application/trading_loop.py"
SESSION = "application/use_cases/run_realtime_trading.py"
RECONCILER = "application/reconciler.py"
ENGINE = "application/trading_engine.py"
STATE = "domain/state.py"
ORDER = "domain/entities/order.py"
ORDER_STATE = "domain/entities/order_state.py"
DEAL = "domain/entities/deal.py"
ORDERS = "domain/services/orders/order_service.py"
EXECUTION = "domain/services/orders/order_execution_service.py"
BUY_MONITOR = "domain/services/orders/buy_order_monitor.py"
FILLED = "domain/services/orders/filled_buy_order_handler.py"
COMPLETION = "domain/services/deals/deal_completion_monitor.py"
DEALS = "domain/services/deals/deal_service.py"
CONTEXT = "domain/services/deals/deal_context.py"
TRADING = "domain/services/trading/trading_service.py"
ANALYZER = "domain/services/market_data/orderbook_analyzer.py"
LIMITS = "domain/services/risk/risk_limits.py"

THE_LOOP = (
    defect(
        "send_before_fsync",
        "the command leaves while its line is still on the way to the disk",
        LOOP,
        """
            await self._journal.sync()
            performance.journal.add(perf_counter_ns() - before_ns)
            for command in commands:
                self._send(command)
""",
        """
            for command in commands:
                self._send(command)
            await self._journal.sync()
            performance.journal.add(perf_counter_ns() - before_ns)
""",
    ),
    defect(
        "write_taken_for_fsync",
        "a line that the system has is taken for one that the disk has",
        LOOP,
        "await self._journal.sync()",
        "await self._journal.write()",
    ),
    defect(
        "fills_not_journaled",
        "fills are not written down, because the exchange remembers them",
        LOOP,
        "UNJOURNALED = (TickerUpdated, OrderBookUpdated, CandleClosed, TimerTicked)",
        "from autotrade.domain.events import OrderFilled\n\n"
        "UNJOURNALED = (TickerUpdated, OrderBookUpdated, CandleClosed, TimerTicked, OrderFilled)",
    ),
    defect(
        "first_outcome_only",
        "of an order's outcome only the first event is taken (the acceptance, not its fills)",
        LOOP,
        "events = await self._connector.execute(command)",
        "events = list(await self._connector.execute(command))[:1]",
    ),
    defect(
        "old_buy_sent",
        "a BUY leaves however long the disk or a sleeping machine has kept it",
        LOOP,
        "events: Sequence[Event] = self._too_late(command)",
        "events: Sequence[Event] = ()",
    ),
)

RECONCILIATION = (
    defect(
        "no_reconciliation_at_start",
        "a start trusts its own journal and compares nothing",
        SESSION,
        'while not await self._reconcile("start"):',
        "while False:",
    ),
    defect(
        "ready_before_reconciliation",
        "the session says ready first and compares afterwards",
        SESSION,
        """
        while not await self._reconcile("start"):
            await asyncio.sleep(pause_seconds)
            pause_seconds = min(pause_seconds * 2, 30.0)
        await self.loop.put(e.SessionReady(ts=self._clock.now_ms()))
""",
        """
        await self.loop.put(e.SessionReady(ts=self._clock.now_ms()))
        while not await self._reconcile("start"):
            await asyncio.sleep(pause_seconds)
            pause_seconds = min(pause_seconds * 2, 30.0)
""",
    ),
    defect(
        "no_reconciliation_after_reconnect",
        "the user stream is back, what it did not tell meanwhile is not asked for",
        SESSION,
        "self._background(self._reconcile_on_reconnect())",
        "pass",
    ),
    defect(
        "no_reconciliation_on_timer",
        "the stream is trusted between two of its losses",
        SESSION,
        'await self._reconcile("timer")',
        "await asyncio.sleep(0)",
    ),
    defect(
        "intents_not_reconciled",
        "orders in doubt are left out when the exchange is asked",
        RECONCILER,
        "            if (order.is_open() or order.is_in_doubt) and",
        "            if order.is_working and",
    ),
    defect(
        "unsent_orders_asked_for",
        "an order that waits for the disk is asked for, and believed gone",
        RECONCILER,
        " and order.id not in self._unsent",
        "",
    ),
    defect(
        "intents_given_up_at_start",
        "an intent without an outcome is taken for one that never left",
        STATE,
        "        self.lost_channels.clear()\n\n    def session_ready",
        """        self.lost_channels.clear()
        from autotrade.domain.entities.order_state import OrderStatus, OrderTrigger

        for order in self.orders.all():
            if order.status is OrderStatus.SUBMITTED:
                order.move(OrderTrigger.NOT_FOUND, event.ts)

    def session_ready""",
    ),
    defect(
        "trades_since_now",
        "trades are asked for from a minute ago, however long the bot was away",
        RECONCILER,
        "return min([*sent, self._state.last_ts or self._clock.now_ms()]) - OVERLAP_MS",
        "return self._clock.now_ms() - OVERLAP_MS",
    ),
    defect(
        "reports_without_trades",
        "of what the reconciliation told the fills are dropped: the stream tells them",
        RECONCILER,
        """
            for event in report.events:
                await self._sink.put(event)
""",
        """
            for event in report.events:
                if not isinstance(event, OrderFilled):
                    await self._sink.put(event)
""",
    ),
)

ORDERS_AND_FILLS = (
    defect(
        "fill_applied_twice",
        "a fill that is told twice is booked twice",
        ORDER,
        """
        if self.has_fill(fill.trade_id):
            return False
""",
        "",
    ),
    defect(
        "fill_known_by_last_only",
        "a fill is compared with the last one only, not with all",
        ORDER,
        "return any(fill.trade_id == trade_id for fill in self.fills)",
        "return bool(self.fills) and self.fills[-1].trade_id == trade_id",
    ),
    defect(
        "partial_fill_forgotten_on_cancel",
        "a cancel's answer says how much was filled; nobody listens",
        ORDERS,
        """
        order.reported_filled = max(order.reported_filled, filled_total)
        order.must_ask = False
        if order.close_reason is None:
""",
        """
        order.must_ask = False
        if order.close_reason is None:
""",
    ),
    defect(
        "late_fill_ignored",
        "a fill of an order that has ended is taken for an old one",
        ORDERS,
        "        self._known(order, event.exchange_id)\n        fill = Fill(",
        "        if order.is_closed():\n"
        "            return False\n"
        "        self._known(order, event.exchange_id)\n"
        "        fill = Fill(",
    ),
    defect(
        "fill_of_another_order",
        "a BUY's fill is booked on the deal's newest BUY, whichever it belongs to",
        ORDERS,
        "        self._known(order, event.exchange_id)\n        fill = Fill(",
        "        if order.side is OrderSide.BUY:\n"
        "            deal = self._deals.get(order.deal_id)\n"
        "            order = self._orders.get(deal.buy_order or order.id)\n"
        "        self._known(order, event.exchange_id)\n"
        "        fill = Fill(",
    ),
    defect(
        "deal_stays_closed",
        "a fill that comes after the deal's end does not open it again",
        STATE,
        """
            if not deal.is_open:
                self._reopen(deal)
""",
        "",
    ),
    defect(
        "report_taken_for_fills",
        "an order that is reported filled counts as filled without asking for its trades",
        ORDERS,
        """
        order.reported_filled = max(order.reported_filled, event.filled_total)
        order.must_ask = False
        if event.is_open:
""",
        """
        order.reported_filled = order.filled
        order.must_ask = False
        if event.is_open:
""",
    ),
    defect(
        "cancel_refused_is_canceled",
        "a refused cancel is taken for a canceled order",
        ORDERS,
        """
            case CancelRejected() | CancelOutcomeUnknown():
""",
        """
            case CancelRejected():
                self._ended(order, order.filled, event.message, event.ts)
            case CancelOutcomeUnknown():
""",
    ),
    defect(
        "cancel_timed_out_is_canceled",
        "a cancel without an answer is taken for a canceled order",
        ORDERS,
        """
            case CancelRejected() | CancelOutcomeUnknown():
""",
        """
            case CancelOutcomeUnknown():
                self._ended(order, order.filled, event.message, event.ts)
            case CancelRejected():
""",
    ),
    defect(
        "cancel_sent_is_cancel_arrived",
        "a cancel that was written down is waited for, also when it never left",
        ORDERS,
        """
            if self._is_cancel_lost(order, event.ts):
                order.cancel_requested_ts = None  # whoever wanted it will want it again
""",
        "",
    ),
    defect(
        "not_found_believed_at_once",
        "the exchange does not know the order yet, so it never will",
        ORDERS,
        "if order.sent_ts is None or ts <= order.sent_ts + self.request_window_ms:",
        "if order.sent_ts is None:",
    ),
    defect(
        "unknown_outcome_is_rejected",
        "an order without an outcome is taken for a refused one",
        ORDER_STATE,
        "(_S.SUBMITTED, _T.TIME_OUT): _S.UNKNOWN,",
        "(_S.SUBMITTED, _T.TIME_OUT): _S.FAILED,",
    ),
    defect(
        "late_acceptance_opens_again",
        "an acceptance that comes after the order's end opens it again",
        ORDER_STATE,
        "(_S.FILLED, _T.ACCEPT): _S.FILLED,",
        "(_S.FILLED, _T.ACCEPT): _S.OPEN,",
    ),
    defect(
        "leg_not_counted",
        "the stop of a list is not counted, so the next one gets the same id",
        ORDERS,
        "        self._count(deal, LEG_OF_ROLE[OrderRole.STOP])\n",
        "",
    ),
    defect(
        "doubt_without_questions",
        "an order in doubt waits for the stream, nobody asks the exchange",
        ENGINE,
        """
        if questions or deals.doubtful(deal):
            return list(questions)
""",
        """
        if deals.doubtful(deal):
            return []
""",
    ),
    defect(
        "doubt_does_not_freeze",
        "a deal goes on while the fate of one of its orders is not known",
        ENGINE,
        """
        if questions or deals.doubtful(deal):
            return list(questions)
""",
        """
        if questions:
            return list(questions)
""",
    ),
)

BUYING = (
    defect(
        "buy_made_anew_before_the_cancel",
        "the new BUY leaves when the cancel of the old one was sent, not when it was confirmed",
        BUY_MONITOR,
        "if entry is None or not self._deals.is_entry_done(deal) or is_over:",
        "if entry is None or is_over or not (\n"
        "            self._deals.is_entry_done(deal) or entry.cancel_requested_ts\n"
        "        ):",
    ),
    defect(
        "whole_budget_again",
        "the BUY that is made anew spends the whole budget, not what is left of it",
        BUY_MONITOR,
        "budget = deal.budget - deal.cost - deal.fees_quote",
        "budget = deal.budget",
    ),
    defect(
        "virtual_sell_lost",
        "the BUY is made anew, its virtual SELL is not",
        BUY_MONITOR,
        "        return [planned, entry]\n",
        "        return [entry]\n",
    ),
    defect(
        "buy_made_anew_while_paused",
        "a pause refuses new deals, but not new BUYs of old ones",
        CONTEXT,
        """
    if state.is_paused:
        return "trading is paused"
""",
        "",
    ),
    defect(
        "deals_while_paused",
        "a pause is not asked about when a deal is decided",
        TRADING,
        "is_paused=state.is_paused or state.is_stopping or state.is_flattening,",
        "is_paused=state.is_stopping or state.is_flattening,",
    ),
    defect(
        "pause_forgotten_at_restart",
        "a restart ends the operator's pause",
        STATE,
        "self.is_ready = self.is_stopping = self.is_flattening = False\n",
        "self.is_ready = self.is_stopping = self.is_flattening = self.is_paused = False\n",
    ),
    defect(
        "one_deal_too_many",
        "the limit of open deals is off by one",
        LIMITS,
        "    passed = count < count_max\n",
        "    passed = count <= count_max\n",
    ),
    defect(
        "decisions_on_lost_data",
        "candles fetched while the market data is lost become deals",
        TRADING,
        "stale_text=state.stale_text(pair.symbol),",
        "stale_text=None,",
    ),
    defect(
        "stale_book_accepted",
        "however old the book is, it is measured as if it were of now",
        ANALYZER,
        "        age, age_max = age_ms / 1000.0, self._age_seconds_max\n",
        "        age, age_max = 0.0, self._age_seconds_max\n",
    ),
    defect(
        "buy_made_anew_on_lost_data",
        "a BUY is made anew at a price of before the market data was lost",
        ENGINE,
        "state.stale_text(deal.symbol) is None",
        "state is not None",
    ),
    defect(
        "deals_before_ready",
        "a signal becomes a deal before the start is over",
        TRADING,
        "is_ready=state.is_ready,",
        "is_ready=True,",
    ),
    defect(
        "deal_number_used_again",
        "a deal's number is taken from how many are open",
        TRADING,
        "deal_id=state.totals.deals_opened + 1,",
        "deal_id=len(state.deals.open_deals()) + 1,",
    ),
)

SELLING = (
    defect(
        "sells_what_was_ordered",
        "the SELL is for the amount that the BUY ordered, not for what it got",
        FILLED,
        "held = deal.held + (dust.amount if dust is not None else ZERO)",
        "entry = self._deals.entry(deal)\n"
        "        held = entry.amount if entry is not None else deal.held",
    ),
    defect(
        "base_fee_forgotten",
        "fees that were taken in base currency are sold as if they were there",
        DEAL,
        "gained = self.bought + self.dust_in - self.fees.get(self.base, ZERO)",
        "gained = self.bought + self.dust_in",
    ),
    defect(
        "stop_placed_late",
        "the SELL waits ten seconds in case the price rises",
        FILLED,
        "if not self._deals.is_entry_done(deal) or ts < deal.retry_ts:",
        "if not self._deals.is_entry_done(deal) or ts < (deal.first_fill_ts or 0) + 10_000:",
    ),
    defect(
        "grace_in_minutes",
        "a partly filled BUY may stay unprotected for minutes: the setting's unit is misread",
        BUY_MONITOR,
        "grace_ms = self._settings.partial_fill_grace_seconds * 1000",
        "grace_ms = self._settings.partial_fill_grace_seconds * MINUTE_MS",
    ),
    defect(
        "target_without_stop",
        "the target is placed alone, as if the exchange had no order lists",
        FILLED,
        "if self._is_at_target(context) or not rules.has_oco:",
        "if ticker is not None:",
    ),
    defect(
        "rest_of_target_unguarded",
        "the stop is gone because the target began to fill; the rest stays without one",
        FILLED,
        "        return self._guard_lone_target(context, exits)\n",
        "        return []\n",
    ),
    defect(
        "refused_pair_not_tried_again",
        "target and stop were refused once, and that was it",
        FILLED,
        """
        postponed = self._after_refusal(deal, ts)
        if postponed:
            return postponed
""",
        """
        if deal.failures and deal.exit_reason is None:
            return []
""",
    ),
    defect(
        "refused_exit_not_tried_again",
        "the SELL that gets out was refused once, and that was it",
        FILLED,
        "        limit = None\n        if self._settings.limit_exit_first",
        "        if not is_first:\n"
        "            return []\n"
        "        limit = None\n"
        "        if self._settings.limit_exit_first",
    ),
    defect(
        "exit_before_the_cancel",
        "the SELL at market leaves when the cancel of target and stop was sent",
        FILLED,
        "            if cancels or self._deals.open_exits(deal):\n",
        "            if cancels:\n",
    ),
    defect(
        "target_forgotten_beside_stop",
        "only the stop counts as an open SELL; the target is forgotten when the stop is gone",
        DEALS,
        "for order in (self.target(deal), self.stop(deal))",
        "for order in (self.stop(deal),)",
    ),
    defect(
        "expired_stop_ends_the_deal",
        "a stop leg that expired (its target began to fill) is taken for the deal's end",
        COMPLETION,
        "        if not self._deals.is_entry_done(deal) or self._deals.open_exits(deal):\n",
        "        stop = self._deals.stop(deal)\n"
        "        if stop is not None and stop.is_closed() and stop.cancel_reason is None:\n"
        '            return [DealClosed(ts=ts, deal_id=deal.id, text="the stop is gone")]\n'
        "        if not self._deals.is_entry_done(deal) or self._deals.open_exits(deal):\n",
    ),
    defect(
        "closed_with_an_open_order",
        "a deal ends when its coins are sold, whatever still rests on the exchange",
        COMPLETION,
        "        if not self._deals.is_entry_done(deal) or self._deals.open_exits(deal):\n",
        "        if deal.sold and deal.sold >= deal.bought:\n"
        '            return [DealClosed(ts=ts, deal_id=deal.id, text="sold")]\n'
        "        if not self._deals.is_entry_done(deal) or self._deals.open_exits(deal):\n",
    ),
    defect(
        "fills_not_awaited",
        "a canceled BUY is done although the exchange spoke of fills that are not here yet",
        DEALS,
        "return entry is not None and entry.is_closed() and entry.is_settled",
        "return entry is not None and entry.is_closed()",
    ),
    defect(
        "dust_counted_twice",
        "dust that goes into a SELL stays in the dust ledger, too",
        STATE,
        """
        dust.amount -= event.amount
        dust.cost -= event.cost
""",
        "",
    ),
    defect(
        "dust_not_booked",
        "what is left of a deal is forgotten instead of booked as dust",
        COMPLETION,
        "if deal.held and not is_missing:",
        "if False and deal.held:",
    ),
)

CORE = (*THE_LOOP, *RECONCILIATION, *ORDERS_AND_FILLS, *BUYING, *SELLING)
