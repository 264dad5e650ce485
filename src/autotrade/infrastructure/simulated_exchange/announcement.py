"""What a running embedded exchange tells its clients, read back from its announce file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson


class AnnouncementUnreadable(ValueError):
    """No exchange has announced itself there; says what to do."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Announcement:
    port: int | None
    tls_port: int
    ca_certificate: Path
    api_key: str
    api_secret: str = field(repr=False)
    speed: float = 1.0
    market: str = ""
    """One sentence: what is recorded and what is modelled."""
    end_ts: int | None = None
    """When a recording ends, on the exchange's clock; None for a market that never does."""


def announcement_of(facts: Mapping[str, Any]) -> Announcement:
    """The announcement as a value; raises KeyError for facts that are not one."""
    return Announcement(
        port=facts["port"],
        tls_port=int(facts["tls_port"]),
        ca_certificate=Path(facts["ca_certificate"]),
        api_key=facts["api_key"],
        api_secret=facts["api_secret"],
        speed=float(facts["speed"]),
        market=facts["market"],
        end_ts=facts["end_ts"],
    )


def read_announcement(path: Path) -> Announcement:
    """Read the announce file of an exchange that runs already."""
    try:
        return announcement_of(orjson.loads(path.read_bytes()))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AnnouncementUnreadable(
            f"expected the announce file of a running exchange, was {path} "
            f"({type(error).__name__}); start one with `python main.py exchange` and name its "
            "exchange.json"
        ) from None
