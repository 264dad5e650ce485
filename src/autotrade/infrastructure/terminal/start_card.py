"""The card a run begins with: who runs, on what, with which limits."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from autotrade.infrastructure.terminal.duration import format_duration
from autotrade.infrastructure.terminal.formatting import format_number


@dataclass(frozen=True, slots=True)
class PairCard:
    """One pair's line. `deal_quota` is quote currency, `profit_markup` percent."""

    symbol: str
    deal_quota: Decimal
    profit_markup: Decimal
    deal_count: int
    order_life_time_minutes: int


@dataclass(frozen=True, slots=True)
class StartCard:
    """Everything the card says. `clock_offset_ms` is exchange minus this machine."""

    version: str
    commit: str
    mode: str
    venue: str
    market: str
    """The market source's own sentence: what is recorded and what is modelled."""
    pairs: tuple[PairCard, ...]
    max_open_deals: int
    stop_loss_percents: tuple[Decimal, ...]
    """warning, order book, emergency, stop on the exchange."""
    data_folder: str
    exchange_address: str
    speed: float
    clock_offset_ms: int | None = None
    log_file: str | None = None
    recovered: str | None = None
    """What recovery found, e.g. `2 open deals, 3 resting orders`; None on a new folder."""


_LABEL_WIDTH = 10
_OFFSET_SHOWN_MS_MAX = 60_000


def render_start_card(card: StartCard) -> str:
    """The card as lines of text, without colors."""
    stops = " / ".join(f"{format_number(percent)} %" for percent in card.stop_loss_percents)
    speed = "real time" if card.speed == 1 else f"{card.speed:g} times real time"
    lines = [
        f"AutoTrade {card.version} ({card.commit})",
        _line("mode", f"{card.mode} on venue {card.venue}, {speed}"),
        _line("market", card.market),
        _line("exchange", card.exchange_address + _offset(card.clock_offset_ms)),
    ]
    for index, pair in enumerate(card.pairs):
        lines.append(_line("pairs" if index == 0 else "", _pair_line(pair)))
    lines.append(_line("limits", f"{card.max_open_deals} open deals; loss levels {stops}"))
    lines.append(_line("data", card.data_folder))
    if card.log_file:
        lines.append(_line("log", card.log_file))
    if card.recovered:
        lines.append(_line("recovered", card.recovered))
    return "\n".join(lines)


def _line(label: str, text: str) -> str:
    return f"  {label:<{_LABEL_WIDTH}}{text}"


def _pair_line(pair: PairCard) -> str:
    quote = pair.symbol.partition("/")[2]
    return (
        f"{pair.symbol:<10} {format_number(pair.deal_quota)} {quote} a deal, "
        f"target +{format_number(pair.profit_markup)} %, "
        f"{pair.deal_count} deals at most, BUY rests {pair.order_life_time_minutes} min"
    )


def _offset(offset_ms: int | None) -> str:
    """A market of another time (modelled or recorded) has no offset worth a figure in ms."""
    if offset_ms is None:
        return ""
    if abs(offset_ms) < _OFFSET_SHOWN_MS_MAX:
        return f", clock offset {offset_ms:+d} ms"
    direction = "behind" if offset_ms < 0 else "ahead of"
    return f", its market's time is {format_duration(abs(offset_ms) / 1000)} {direction} ours"
