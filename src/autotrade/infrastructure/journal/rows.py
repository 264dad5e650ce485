"""The bytes of one journal row, for every writer of journals."""

from __future__ import annotations

from autotrade.infrastructure.journal.chain import seal
from autotrade.infrastructure.journal.codec import RECORD_TYPES

_MIDDLES = {
    record_class: b',"kind":"%b","type":"%b","deal":' % (entry.kind.encode(), entry.name.encode())
    for record_class, entry in RECORD_TYPES.items()
}


def sealed_row(
    record: object,
    data: bytes,
    seq: int,
    *,
    deal: int | None,
    cause: int | None,
    chain_hash: str,
) -> tuple[bytes, str]:
    """(line, its hash) of a record whose JSON is `data`, behind the row with `chain_hash`."""
    return seal(
        b'{"seq":%d,"ts":%d%b%b,"cause":%b,"data":%b,"prev":"%b"'
        % (
            seq,
            record.ts,  # type: ignore[attr-defined]
            _MIDDLES[type(record)],
            b"null" if deal is None else b"%d" % deal,
            b"null" if cause is None else b"%d" % cause,
            data,
            chain_hash.encode(),
        )
    )
