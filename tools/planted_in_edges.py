"""Planted defects of the edges: the connector, the journal, the repositories."""

from __future__ import annotations

from tools.planting import defect

GATEWAY = "infrastructure/connectors/order_gateway.py"
QUESTIONS = "infrastructure/connectors/account_questions.py"
ERRORS = "infrastructure/connectors/error_normalizer.py"
TRANSLATION = "infrastructure/connectors/event_translation.py"
GOVERNOR = "infrastructure/connectors/weight_governor.py"
USER_STREAM = "infrastructure/connectors/user_stream.py"
IDS = "infrastructure/connectors/order_ids.py"
JOURNAL = "infrastructure/journal/journal.py"
JOURNAL_FILE = "infrastructure/journal/journal_file.py"
FOLDER = "infrastructure/journal/data_folder.py"
LOADER = "infrastructure/repositories/state_loader.py"
SNAPSHOTS = "infrastructure/repositories/state_snapshots.py"
SNAPSHOT_SET = "infrastructure/repositories/snapshot_set.py"
SNAPSHOT_FILE = "infrastructure/repositories/snapshot_store.py"
REST = "application/state_snapshot.py"

SENDING = (
    defect(
        "new_id_for_the_same_intent",
        "an order without an outcome is sent again under a new id",
        GATEWAY,
        """
        if isinstance(answer, Failure):
            return await self._placement_failed(command, answer)
""",
        """
        if isinstance(answer, Failure) and answer.is_unknown:
            parameters["newClientOrderId"] = f"{command.order_id}r"
            answer = await self._try(lambda: self._client.private_post_order(dict(parameters)))
        if isinstance(answer, Failure):
            return await self._placement_failed(command, answer)
""",
    ),
    defect(
        "sent_again_blindly",
        "an order without an outcome is sent again, under the same id: a duplicate is refused",
        GATEWAY,
        """
        if isinstance(answer, Failure):
            return await self._placement_failed(command, answer)
""",
        """
        if isinstance(answer, Failure) and answer.is_unknown:
            answer = await self._try(lambda: self._client.private_post_order(dict(parameters)))
        if isinstance(answer, Failure):
            return await self._placement_failed(command, answer)
""",
    ),
    defect(
        "time_out_is_rejected",
        "no answer in time is taken for a refusal",
        ERRORS,
        "return Failure(Outcome.UNKNOWN, RejectReason.OTHER, None, None, text)",
        "return Failure(Outcome.REFUSED, RejectReason.UNAVAILABLE, None, None, text)",
    ),
    defect(
        "server_error_is_rejected",
        "an answer 5xx is taken for a refusal",
        ERRORS,
        "(code in UNKNOWN_OUTCOME_CODES or (status is not None and status >= 500)):",
        "code in (-1006, -1007):",
    ),
    defect(
        "unknown_order_is_canceled",
        "a cancel of an unknown order counts as canceled with nothing filled",
        GATEWAY,
        """
        return [
            CancelRejected(ts=now, order_id=order_id, code=answer.code, message=answer.message)
            for order_id in order_ids
        ]
""",
        """
        from autotrade.domain.events import OrderCanceled

        return [
            OrderCanceled(
                ts=now,
                order_id=order_id,
                exchange_id="",
                filled_total=Decimal(0),
                reason="unknown order",
            )
            for order_id in order_ids
        ]
""",
    ),
    defect(
        "duplicate_is_rejected",
        "a refused duplicate is taken for a refused order",
        GATEWAY,
        "        if failure.reason is RejectReason.DUPLICATE and not failure.is_unknown:\n",
        "        if False:\n",
    ),
    defect(
        "clock_refusal_not_repeated",
        "a refused time stamp is an answer like any other: the clock is not measured anew",
        GATEWAY,
        "if isinstance(answer, Failure) and is_clock_refusal(answer):\n                try:\n",
        "if False:\n                try:\n",
    ),
    defect(
        "ban_ignored",
        "429 and 418 are errors like any other: requests go on",
        GOVERNOR,
        "        if status in (418, 429):\n",
        "        if status == 0:\n",
    ),
    defect(
        "order_waits_for_the_ban",
        "an order that meets a ban waits in memory and leaves when the ban is over",
        GOVERNOR,
        "                raise StayAway(self._blocked_until_ms, now)\n",
        "                await self._sleep(self._clock.real_seconds(wait_ms + 50))\n"
        "                continue\n",
    ),
    defect(
        "price_sent_with_a_float",
        "the amount goes through a float on its way to the wire",
        GATEWAY,
        '        "quantity": on_wire(command.amount),\n        "newClientOrderId"',
        '        "quantity": str(float(command.amount) * 1.0000001),\n        "newClientOrderId"',
    ),
)

HEARING = (
    defect(
        "fill_made_up_from_the_report",
        "instead of asking for an order's trades one fill at its own price is made up",
        QUESTIONS,
        """
            events.extend(of_trade(row, order_id, symbol, now) for row in rows)
""",
        """
            made_up = {
                **rows[0],
                "id": answer["orderId"],
                "qty": answer["executedQty"],
                "price": answer["price"],
            }
            events.append(of_trade(made_up, order_id, symbol, now))
""",
    ),
    defect(
        "first_page_for_all",
        "a page of trades is taken for all of them",
        QUESTIONS,
        "TRADES_PAGE = 1_000\n",
        "TRADES_PAGE = 2\n",
        '                rows.extend(await self._rows_after(symbol, int(page[-1]["id"])))\n',
        "",
    ),
    defect(
        "sum_taken_for_the_last_fill",
        "a report's sum of fills is booked as its last fill",
        TRANSLATION,
        'amount=Decimal(report["l"]),',
        'amount=Decimal(report["z"]),',
    ),
    defect(
        "fee_in_the_wrong_asset",
        "every fee is taken for one in quote currency",
        TRANSLATION,
        'fee_asset=str(report.get("N") or ""),',
        'fee_asset=symbol.partition("/")[2],',
    ),
    defect(
        "cancel_by_its_own_id",
        "a cancel's report is booked by the id of the cancel, not of the order",
        TRANSLATION,
        'return str(report.get("C") or report["c"])',
        'return str(report["c"])',
    ),
    defect(
        "expired_is_open",
        "an order that the exchange let expire is taken for one that rests",
        TRANSLATION,
        'OPEN_STATES = frozenset({"NEW", "PARTIALLY_FILLED", "PENDING_NEW", "PENDING_CANCEL"})',
        'OPEN_STATES = frozenset({"NEW", "PARTIALLY_FILLED", "PENDING_NEW", "EXPIRED"})',
    ),
    defect(
        "ids_of_all_symbols_mixed",
        "the exchange's order numbers are taken for unique over all symbols",
        IDS,
        "self._by_exchange_id[symbol, exchange_id] = order_id",
        'self._by_exchange_id["", exchange_id] = order_id',
        "return self._by_exchange_id.get((symbol, exchange_id))",
        'return self._by_exchange_id.get(("", exchange_id))',
    ),
    defect(
        "stream_not_dialed_again",
        "a user stream that is lost stays lost",
        USER_STREAM,
        "            await asyncio.sleep(self._backoff.next_seconds())\n",
        "            await asyncio.sleep(1e9)\n",
    ),
    defect(
        "stream_loss_not_told",
        "a loss of the user stream is nobody's business while it is dialed anew",
        USER_STREAM,
        "            self._push(ChannelLost(ts=self._clock.now_ms(), "
        "channel=Channel.USER_DATA, text=text))\n",
        "",
    ),
)

WRITING = (
    defect(
        "fsync_failure_ignored",
        "a failed fsync is logged and forgotten; the bot goes on",
        JOURNAL_FILE,
        """
        except OSError as error:
            with self._lock:
                self._fail(error, "make durable", cut_to=self._durable_bytes)
        else:
""",
        """
        except OSError:
            self._durable_bytes, self.durable_seq = size, seq
        else:
""",
    ),
    defect(
        "write_failure_ignored",
        "a failed write is logged and forgotten; the next rows are written behind it",
        JOURNAL_FILE,
        """
            self._fail(error, "write", cut_to=self._end_of_whole_rows(data))
""",
        """
            self._end_of_whole_rows(data)
            self.written_seq = seq
""",
    ),
    defect(
        "half_written_rows_left",
        "a failed write is not cut back to the last whole row",
        JOURNAL_FILE,
        "            self._files.truncate(self._handle, cut_to)\n",
        "",
    ),
    defect(
        "torn_tail_ignored",
        "a torn last line is reported, but not cut",
        JOURNAL,
        "    files.truncate(handle, report.end.offset)\n",
        "",
    ),
    defect(
        "chain_begins_anew",
        "each process begins a chain of its own",
        JOURNAL,
        "self._seq, self._chain_hash, self._offset = end.seq, end.chain_hash, end.offset",
        "self._seq, self._chain_hash, self._offset = end.seq, JOURNAL_START.chain_hash, end.offset",
    ),
    defect(
        "lock_not_taken",
        "the folder's lock is made, but not taken",
        FOLDER,
        "                lock.acquire()\n",
        "                lock.lock_file\n",
    ),
)

RECOVERING = (
    defect(
        "tail_not_replayed",
        "a snapshot is taken for the present; the rows since are not replayed",
        LOADER,
        "return recover_state(state, _records(folder, loaded.position.offset), text)",
        "return recover_state(state, (), text)",
    ),
    defect(
        "snapshot_without_its_position",
        "the whole journal is replayed onto the snapshot",
        LOADER,
        "return recover_state(state, _records(folder, loaded.position.offset), text)",
        "return recover_state(state, _records(folder, 0), text)",
    ),
    defect(
        "snapshot_newer_than_it_says",
        "the snapshot's position is taken first, its content after the disk was waited for",
        SNAPSHOTS,
        """
        prepared = self._snapshots.prepare(
            self._journal.position,
""",
        """
        position = self._journal.position
        await self._journal.sync()
        prepared = self._snapshots.prepare(
            position,
""",
    ),
    defect(
        "snapshot_in_two_steps",
        "a part of the snapshot is taken before the disk was waited for, the rest after it",
        SNAPSHOTS,
        """
        prepared = self._snapshots.prepare(
""",
        """
        rest = export_rest(state)
        await self._journal.sync()
        prepared = self._snapshots.prepare(
""",
        "            export_rest(state),\n",
        "            rest,\n",
    ),
    defect(
        "snapshots_of_different_moments",
        "four snapshot files are taken as one, whenever each was written",
        SNAPSHOT_SET,
        "            if other != position:\n",
        "            if False:\n",
    ),
    defect(
        "snapshot_checksum_not_looked_at",
        "a snapshot that can be read is taken for a sound one",
        SNAPSHOT_FILE,
        "    if data != covered + _checksum_line(covered) or body.count != len(body.items):\n",
        "    if not covered:\n",
    ),
    defect(
        "snapshot_forgets_the_sums",
        "the snapshot does not hold the sums from which deals get their numbers",
        REST,
        '    "dust",\n    "lost_channels",\n    "totals",\n)',
        '    "dust",\n    "lost_channels",\n)',
    ),
    defect(
        "snapshot_forgets_the_pause",
        "the snapshot does not hold that the operator paused the bot",
        REST,
        '    "last_ts",\n    "is_paused",\n',
        '    "last_ts",\n',
    ),
)

EDGES = (*SENDING, *HEARING, *WRITING, *RECOVERING)
