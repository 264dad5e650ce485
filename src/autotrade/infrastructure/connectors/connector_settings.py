"""Everything a connection must be told, in one frozen value."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from autotrade.infrastructure.connectors.scrub import scrub
from autotrade.infrastructure.connectors.transport import Transport, TransportRefused


class Venue(StrEnum):
    EMBEDDED = "embedded"
    DEMO = "demo"
    TESTNET = "testnet"
    BINANCE = "binance"


@dataclass(frozen=True, slots=True)
class ConnectorSettings:
    """Seconds are real seconds of this machine, whatever the exchange's speed.

    `api_secret` is an HMAC secret or an Ed25519 private key in PEM. Without keys only market data
    is available.
    """

    venue: Venue
    transport: Transport
    api_key: str = field(default="", repr=False)
    api_secret: str = field(default="", repr=False)
    client_id_prefix: str = ""
    """How our client order ids begin; orders with other ids are foreign."""
    speed: float = 1.0
    """How much faster the exchange's time runs than ours; 1 on every real venue."""
    receive_window_ms: int = 10_000
    request_timeout_seconds: float = 10.0
    stale_seconds: float = 15.0
    """A symbol without a message for so long is stale."""
    ping_seconds: float = 5.0
    """Time between pings on each socket; two missed answers close it."""
    book_interval_seconds: float = 0.1
    book_levels: int = 100
    book_snapshot_levels: int = 1_000
    has_trade_stream: bool = True
    clock_interval_seconds: float = 60.0
    candle_grace_ms: int = 2_000
    """A closed candle that the stream has not brought so long after its end is fetched."""
    backoff_seed: int = 0
    backoff_longest_seconds: float = 10.0
    weight_reserve: float = 0.2

    def __post_init__(self) -> None:
        if self.transport.is_live == (self.venue is Venue.EMBEDDED):
            wanted = "loopback" if self.venue is Venue.EMBEDDED else "live"
            raise TransportRefused(
                f"expected the {wanted} transport for the venue {self.venue}, "
                f"was {self.transport.kind}, choose them together"
            )
        if self.transport.is_live and self.speed != 1:
            raise ValueError(f"expected speed 1 on a live venue, was {self.speed}, leave it out")

    @property
    def has_keys(self) -> bool:
        return bool(self.api_key and self.api_secret)

    @property
    def secrets(self) -> tuple[str, ...]:
        return tuple(secret for secret in (self.api_secret, self.api_key) if secret)

    def scrub(self, text: str) -> str:
        return scrub(text, self.secrets)


def normal_secret(secret: str) -> str:
    """Without spare line ends: the library tells an Ed25519 PEM from an RSA one by its length."""
    if "PRIVATE KEY" not in secret:
        return secret.strip()
    return "\n".join(line.strip() for line in secret.strip().splitlines() if line.strip())
