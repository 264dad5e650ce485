"""API keys: who may sign what, and whether a signature is right.

HMAC-SHA256 signatures are hexadecimal (case does not matter), Ed25519 ones are base64.
What is signed are the exact bytes that were sent (REST) or the parameters sorted by name
(WebSocket API).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from autotrade.infrastructure.simulated_exchange.wire import errors

_KEY_FORMAT = re.compile(r"^[A-Za-z0-9_-]{4,128}$")
RECEIVE_WINDOW_MS_DEFAULT = 5_000
RECEIVE_WINDOW_MS_MAX = 60_000
AHEAD_MS_MAX = 1_000
HELD_BACK_FACTOR = 3
"""Times this on an accelerated exchange."""


@dataclass(slots=True)
class ApiKey:
    """A key of an account; give it a `secret` (HMAC) or a public key (Ed25519, PEM)."""

    key: str
    account: str
    secret: str = field(default="", repr=False)
    public_key_pem: str = ""
    can_trade: bool = True
    can_read: bool = True

    def verify(self, payload: bytes, signature: str) -> bool:
        if self.public_key_pem:
            return self._verify_ed25519(payload, signature)
        expected = hmac.new(self.secret.encode(), payload, hashlib.sha256).hexdigest()
        return hmac.compare_digest(expected.encode(), signature.lower().encode())

    def _verify_ed25519(self, payload: bytes, signature: str) -> bool:
        public_key = load_pem_public_key(self.public_key_pem.encode())
        if not isinstance(public_key, Ed25519PublicKey):
            raise TypeError(f"expected an Ed25519 public key, was {type(public_key).__name__}")
        try:
            public_key.verify(base64.b64decode(signature, validate=True), payload)
        except (InvalidSignature, binascii.Error, ValueError):
            return False
        return True


class KeyRing:
    """All keys of the exchange."""

    def __init__(self) -> None:
        self._keys: dict[str, ApiKey] = {}
        self.is_suspended = False
        """Every key is refused, as if it had expired (a fault)."""

    def add(self, key: ApiKey) -> None:
        self._keys[key.key] = key

    def revoke(self, key: str) -> None:
        self._keys.pop(key, None)

    def find(self, key: Any) -> ApiKey:
        """The key; raises -2014 for something that cannot be a key, -2015 for a stranger."""
        if not isinstance(key, str) or not _KEY_FORMAT.match(key):
            raise errors.key_format()
        found = self._keys.get(key)
        if found is None or self.is_suspended:
            raise errors.key_rejected()
        return found


def check_timing(sent: Mapping[str, Any], now_ms: int, tolerance: float) -> None:
    """-1021 for a request from the past or the future.

    `tolerance` multiplies both windows: they bound the time on the network, which passes
    `speed` times faster on the exchange's clock when the simulation is accelerated. Such a clock is
    held back while the machine cannot keep up, so a client may well be further ahead of it.
    """
    raw = sent.get("timestamp")
    if raw is None or raw == "":
        raise errors.missing("timestamp")
    try:
        timestamp = int(raw)
        window = float(sent.get("recvWindow") or RECEIVE_WINDOW_MS_DEFAULT)
    except (TypeError, ValueError):
        raise errors.illegal_characters("timestamp", r"^[0-9]{1,20}$") from None
    if window > RECEIVE_WINDOW_MS_MAX or window <= 0:
        raise errors.WireRefusal(-1131, "'recvWindow' must be less than 60000.")
    if timestamp > 10**14:
        timestamp //= 1000  # Binance takes microseconds too
    held_back = HELD_BACK_FACTOR if tolerance > 1 else 1
    if timestamp >= now_ms + AHEAD_MS_MAX * tolerance * held_back:
        raise errors.ahead_of_server()
    if now_ms - timestamp > window * tolerance:
        raise errors.outside_receive_window()


def check_signature(key: ApiKey, payload: bytes, signature: Any) -> None:
    if signature is None or signature == "":
        raise errors.missing("signature")
    if not key.verify(payload, str(signature)):
        raise errors.invalid_signature()


def rest_payload(query: str, body: str) -> tuple[bytes, str | None]:
    """What a REST client signed and the signature that it sent.

    The exact bytes of query and body, without the `signature` member.
    """
    signature: str | None = None
    parts = []
    for section in (query, body):
        kept = []
        for pair in section.split("&") if section else ():
            if pair.startswith("signature="):
                signature = unquote(pair[len("signature=") :])
            else:
                kept.append(pair)
        parts.append("&".join(kept))
    return "".join(parts).encode(), signature


def websocket_payload(params: Mapping[str, Any]) -> bytes:
    """`k=v&...` of all parameters but the signature, sorted by name; booleans in lower case."""
    pairs = []
    for name in sorted(params):
        if name == "signature":
            continue
        value = params[name]
        shown = str(value).lower() if isinstance(value, bool) else str(value)
        pairs.append(f"{name}={shown}")
    return "&".join(pairs).encode()
