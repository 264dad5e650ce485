"""The doors of the application, as small as they can be. Infrastructure implements them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

from autotrade.domain.commands import AnyCommand
from autotrade.domain.entities.balance import Balance
from autotrade.domain.entities.candle import Candle
from autotrade.domain.entities.currency_pair import MarketRules
from autotrade.domain.events import Event, OperatorAction
from autotrade.domain.state import TradingState

if TYPE_CHECKING:
    from autotrade.application.market_tape import RecordedSession


class Clock(Protocol):
    """Milliseconds UTC on the exchange's clock."""

    def now_ms(self) -> int: ...


class EventSink(Protocol):
    """Where the outside puts what happened. Waits when the loop's queue is full."""

    async def put(self, event: Event) -> None: ...

    def put_market(self, event: Event) -> None:
        """For tickers and books: never waits, the newest of a symbol replaces an unread one."""


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """What reconciliation must know of an order that we believe open or unsettled."""

    order_id: str
    symbol: str
    exchange_id: str | None


@dataclass(frozen=True, slots=True)
class AccountReport:
    """The exchange's own account of itself, by REST: the proof behind the streams."""

    events: tuple[Event, ...]
    """OrderReported / OrderNotFound for each order asked for, OrderFilled for each trade, then
    BalancesUpdated with is_complete."""
    foreign_orders: tuple[str, ...]
    """Open orders on our symbols that we did not make (placed by hand or by another program)."""


class MarketDataFeed(Protocol):
    """Prices, candles and books; no keys."""

    async def start(self, symbols: Sequence[str], timeframe: str, sink: EventSink) -> None:
        """Return when everything streams. After `ExchangeUnreachable` it may be called again."""

    async def history(self, symbol: str, timeframe: str, count: int) -> list[Candle]:
        """The last `count` closed candles, oldest first."""

    async def rules(self, symbols: Sequence[str]) -> dict[str, MarketRules]:
        """Filters and fees; raises `UnknownSymbol` naming near ones."""

    async def close(self) -> None: ...


class ExchangeConnector(Protocol):
    """Orders and account."""

    async def start(self, sink: EventSink) -> None:
        """Open the user stream; its events arrive through `sink`, ChannelLost / Restored too.
        After `ExchangeUnreachable` it may be called again."""

    async def execute(self, command: AnyCommand) -> Sequence[Event]:
        """Send one command and return its outcome as events. Never raises for an exchange's no:
        an outcome that is not proven is OrderOutcomeUnknown / CancelOutcomeUnknown."""

    async def report(
        self, orders: Sequence[OpenOrder], symbols: Sequence[str], trades_since_ms: int
    ) -> AccountReport:
        """Ask by REST for these orders, for our trades since then and for the balances."""

    async def balances(self) -> tuple[Balance, ...]: ...

    async def fee_rates(self, symbols: Sequence[str]) -> dict[str, tuple[Decimal, Decimal]]:
        """(maker, taker) fraction of each symbol for this account."""

    async def close(self) -> None: ...


class JournalRow(Protocol):
    """One line of the journal, as it is read back."""

    seq: int
    ts: int
    kind: str
    type: str
    deal: int | None
    cause: int | None
    record: object


class Journal(Protocol):
    """The append-only ground state."""

    def append(self, record: object, *, cause: int | None = None, deal: int | None = None) -> int:
        """Take a record (event, decision or command) as the next line; returns its seq.
        It is in the file only after `write` or `sync`."""

    async def write(self) -> None:
        """Hand what was appended to the operating system."""

    async def sync(self) -> None:
        """`write`, then make it durable (fsync). A command may leave only after this."""

    async def close(self) -> None: ...


class MarketRecorder(Protocol):
    """Keeps beside the journal what the engine saw of the market. None of these raises for a disk
    that refuses: the recorder says so once and ends, trading goes on without a recording."""

    def begin(self, seq: int, session: RecordedSession) -> None:
        """A session starts; `seq` is the journal's row that says so."""

    def take(self, seq: int, event: Event, *, is_remembered: bool) -> None:
        """Keep a market event in front of the journal's row `seq`; in memory until `flush`.
        `is_remembered`: it came earlier and was looked at only now."""

    def flush(self, next_seq: int) -> None:
        """Hand all of it to the operating system; every row before `next_seq` is explained."""

    def close(self) -> None: ...


class StoreFault(Exception):
    """The disk refused: full, read-only, I/O error. Trading stops, loudly."""


class UnknownSymbol(ValueError):
    """A pair that the exchange does not list."""


class ExchangeUnreachable(Exception):
    """No answer from the exchange to a question; says which and what to do."""

    def __init__(self, text: str, *, may_pass: bool = True) -> None:
        super().__init__(text)
        self.may_pass = may_pass
        """The same question may be answered later; False for one that was refused for good."""


class Notifier(Protocol):
    """Says one line to whoever watches: the log, later a message."""

    def notify(self, text: str, *, is_warning: bool = False) -> None: ...


class SnapshotStore(Protocol):
    """Writes the state so that the next start has less to replay."""

    async def save(self, state: TradingState) -> None:
        """Call it between two turns of the loop, with everything journaled synced."""


class OperatorInbox(Protocol):
    """Words that an operator left for the running bot."""

    def take(self) -> list[tuple[OperatorAction, str]]:
        """(action, by) of each new word, oldest first; a word is given once."""
