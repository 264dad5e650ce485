"""The state is a fold over the journal: what was written gives back what was known."""

from __future__ import annotations

import random
from decimal import Decimal as D
from pathlib import Path

import pytest

from autotrade.application.state_snapshot import export_rest, restore_state
from autotrade.domain import events as e
from autotrade.domain.settings import BuyOrderMonitorSettings, DomainSettings
from autotrade.domain.state import Record, TradingState
from autotrade.infrastructure.journal.data_folder import DataFolder
from autotrade.infrastructure.journal.journal import JsonlJournal
from autotrade.infrastructure.repositories.snapshot_set import SnapshotSet
from autotrade.infrastructure.repositories.state_loader import load_state
from autotrade.infrastructure.repositories.state_snapshots import StateSnapshots
from tests.engine_harness import RULES, SYMBOL, EngineHarness, eth_pair


class WritingHarness(EngineHarness):
    """Keeps every journaled record in order, as the loop would write them."""

    def __init__(self, settings: DomainSettings | None = None) -> None:
        self.written: list[tuple[Record, int | None]] = []
        super().__init__(settings)

    def send(self, kind: type[e.Event], **values: object) -> list[Record]:
        event = kind(ts=self.ts, **values)  # type: ignore[arg-type]
        if not isinstance(event, e.MarketEvent):
            self.written.append((event, self.state.deal_of(event)))
        records = self.engine.process(event)
        self.records.extend(records)
        self.written.extend((record, self.state.deal_of(record)) for record in records)
        return records

    def signal(self, symbol: str = SYMBOL):  # type: ignore[no-untyped-def]
        before = len(self.records)
        decision = super().signal(symbol)
        self.written.extend((r, self.state.deal_of(r)) for r in self.records[before:])
        return decision


def random_life(seed: int) -> WritingHarness:
    """Hours of deals with everything that may happen to them, in one deterministic story."""
    rng = random.Random(seed)
    bot = WritingHarness(
        DomainSettings(buy_order_monitor=BuyOrderMonitorSettings(max_recreations=1))
    )
    price = 2000.0
    for _ in range(120):
        price *= 1 + rng.gauss(0, 0.004)
        bot.price(f"{price:.2f}")
        bot.wait(rng.choice((1, 3, 30)))
        if rng.random() < 0.3:
            bot.signal()
        for order in [order for order in bot.state.orders.all() if order.is_open()]:
            _something_happens(bot, rng, order.id)
        if rng.random() < 0.05:
            bot.send(
                e.OperatorRequested,
                action=rng.choice((e.OperatorAction.PAUSE, e.OperatorAction.RESUME)),
                by="test",
            )
    return bot


def _something_happens(bot: WritingHarness, rng: random.Random, order_id: str) -> None:
    order = bot.state.orders.get(order_id)
    if not order.is_open():
        return
    chance = rng.random()
    if chance < 0.35:
        bot.accept(order_id)
    elif chance < 0.5:
        bot.fill(order_id, trade_id=f"{order_id}-{order.filled}")
    elif chance < 0.6 and order.remaining > D("0.001"):
        bot.fill(order_id, "0.001", trade_id=f"{order_id}-{order.filled}")
    elif chance < 0.7:
        bot.cancel(order_id, str(order.filled))
    elif chance < 0.75:
        bot.unknown(order_id)
    elif chance < 0.8 and not order.is_working:
        bot.reject(order_id)
    elif chance < 0.85:
        bot.ts += 6_000
        bot.send(e.OrderNotFound, order_id=order_id)


def facts(state: TradingState) -> object:
    """Everything that the journal must give back; tickers come from the market again."""
    rest = export_rest(state)
    deals = sorted(state.deals.all(), key=lambda deal: deal.id)
    return rest, deals, sorted(state.orders.all(), key=lambda order: order.id)


def write(folder: DataFolder, bot: WritingHarness, count: int | None = None) -> JsonlJournal:
    folder.create()
    journal = JsonlJournal.open(folder.journal)
    for record, deal in bot.written[:count]:
        journal.append(record, deal=deal)
    return journal


@pytest.mark.parametrize("seed", range(25))
async def test_journal_alone_gives_the_state_back(seed: int, tmp_path: Path) -> None:
    bot = random_life(seed)
    folder = DataFolder(tmp_path)
    journal = write(folder, bot)
    await journal.sync()
    await journal.close()
    recovered = load_state(folder, [eth_pair()])
    bot.state.last_ts = recovered.state.last_ts  # market ticks are not journaled
    assert facts(recovered.state) == facts(bot.state)
    assert recovered.replayed_rows == len(bot.written)


@pytest.mark.parametrize("seed", range(10))
async def test_snapshot_and_tail_give_the_same_as_the_whole_journal(
    seed: int, tmp_path: Path
) -> None:
    bot = random_life(seed)
    folder = DataFolder(tmp_path)
    cut = random.Random(seed).randrange(1, len(bot.written))
    journal = write(folder, bot, cut)
    state = TradingState([eth_pair()])
    for record, _ in bot.written[:cut]:
        state.apply(record)
    await StateSnapshots(journal, SnapshotSet(folder)).save(state)
    for record, deal in bot.written[cut:]:
        journal.append(record, deal=deal)
    await journal.sync()
    await journal.close()
    recovered = load_state(folder, [eth_pair()])
    assert recovered.snapshot_text == f"snapshot of row {cut}"
    assert recovered.replayed_rows == len(bot.written) - cut
    bot.state.last_ts = recovered.state.last_ts
    assert facts(recovered.state) == facts(bot.state)


def test_rest_of_the_state_survives_json() -> None:
    bot = random_life(3)
    bot.send(e.ChannelLost, channel=e.Channel.USER_DATA, text="gone")
    data = export_rest(bot.state)
    again = restore_state(
        [eth_pair()],
        list(bot.state.deals.all()),
        list(bot.state.orders.all()),
        list(bot.state.tickers.all()),
        data,
    )
    assert export_rest(again) == data
    assert again.pairs[SYMBOL].rules == RULES


def test_pair_that_left_the_configuration_keeps_its_open_deals() -> None:
    """A pair is removed from config.json while its deal is open: the deal is not forgotten."""
    bot = random_life(1)
    if not bot.state.deals.open_deals():
        bot.send(e.OperatorRequested, action=e.OperatorAction.RESUME, by="test")
        bot.wait(700)
        bot.price("2500")
        assert bot.signal().approved
    state = TradingState([])
    for record, _ in bot.written:
        state.apply(record)
    assert SYMBOL in state.pairs
    assert state.pairs[SYMBOL].deal_count == 0
    assert len(state.deals.open_deals()) == len(bot.state.deals.open_deals())


def test_recovered_text_counts_what_matters(tmp_path: Path) -> None:
    assert load_state(DataFolder(tmp_path)).text is None
