"""The lines of a market recording, in the journal's codec.

    {"seq":1,"kind":"session","data":{"format":1,"settings":{..},"pairs":[..],"tickers":[..],"history":{..}}}
    {"seq":9,"kind":"event","type":"CandleClosed","data":{..}}       the engine processed it
    {"seq":9,"kind":"remembered","type":"TickerUpdated","data":{..}} it was looked at, nothing else
    {"seq":12,"kind":"written","crc":"1c291ca3"}                     rows before 12 are explained

`seq` is the journal's row that was next. `crc` is the CRC-32 of all lines before it in the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from pydantic import TypeAdapter, ValidationError

from autotrade.application.market_tape import RecordedSession
from autotrade.domain.entities.candle import Candle
from autotrade.domain.entities.currency_pair import CurrencyPair
from autotrade.domain.entities.ticker import Ticker
from autotrade.domain.events import Event
from autotrade.domain.settings import DomainSettings
from autotrade.infrastructure.journal.codec import (
    CodecFault,
    decode_record,
    dump_json,
    record_type,
)

FORMAT = 1
SESSION, EVENT, REMEMBERED, WRITTEN = "session", "event", "remembered", "written"


class Line(msgspec.Struct):
    """One line as it stands in the file."""

    seq: int
    kind: str
    type: str = ""
    data: msgspec.Raw = msgspec.Raw(b"null")
    crc: str = ""

    def event(self) -> Event:
        """Raises `CodecFault`."""
        record = decode_record(self.type, bytes(self.data))
        if not isinstance(record, Event):
            raise CodecFault(f"expected an event, was {self.type}")
        return record

    def session(self) -> RecordedSession:
        """Raises `CodecFault`."""
        return _session_from(bytes(self.data))


decode_line = msgspec.json.Decoder(Line).decode


def session_line(seq: int, session: RecordedSession) -> bytes:
    head = _Session(
        format=FORMAT,
        settings=msgspec.Raw(_SETTINGS.dump_json(session.settings)),
        pairs=msgspec.Raw(dump_json(list(session.pairs))),
        tickers=msgspec.Raw(dump_json(list(session.tickers))),
        history=msgspec.Raw(dump_json(session.history)),
    )
    return b'{"seq":%d,"kind":"session","data":%b}\n' % (seq, msgspec.json.encode(head))


def event_line(seq: int, event: Event, *, is_remembered: bool) -> bytes:
    """Raises `CodecFault` for an event that cannot be stored exactly."""
    entry = record_type(event)
    kind = REMEMBERED if is_remembered else EVENT
    return b'{"seq":%d,"kind":"%b","type":"%b","data":%b}\n' % (
        seq,
        kind.encode(),
        entry.name.encode(),
        entry.codec.encode(event),
    )


def written_line(seq: int, crc: int) -> bytes:
    return b'{"seq":%d,"kind":"written","crc":"%08x"}\n' % (seq, crc)


# --- the session's head ---------------------------------------------------------------------------


class _Session(msgspec.Struct):
    format: int
    settings: msgspec.Raw
    pairs: msgspec.Raw
    tickers: msgspec.Raw
    history: msgspec.Raw


@dataclass(slots=True)
class _Decoders:
    session: Any = msgspec.json.Decoder(_Session)
    pairs: Any = msgspec.json.Decoder(tuple[CurrencyPair, ...])
    tickers: Any = msgspec.json.Decoder(tuple[Ticker, ...])
    history: Any = msgspec.json.Decoder(dict[str, tuple[Candle, ...]])


_DECODERS = _Decoders()
_SETTINGS: TypeAdapter[DomainSettings] = TypeAdapter(DomainSettings)
"""The settings' own bounds are checked again; a strategy's parameter that was a Decimal comes back
as its text, which every strategy reads the same."""


def _session_from(data: bytes) -> RecordedSession:
    try:
        head = _DECODERS.session.decode(data)
        if head.format != FORMAT:
            raise CodecFault(
                f"expected a recording of format {FORMAT}, was {head.format}; replay it with the "
                "version of AutoTrade that wrote it"
            )
        return RecordedSession(
            settings=_SETTINGS.validate_json(bytes(head.settings)),
            pairs=_DECODERS.pairs.decode(head.pairs),
            tickers=_DECODERS.tickers.decode(head.tickers),
            history=_DECODERS.history.decode(head.history),
        )
    except (msgspec.MsgspecError, ValidationError) as error:
        text = " ".join(str(error).split())
        raise CodecFault(f"expected the head of a recorded session, was: {text}") from error
