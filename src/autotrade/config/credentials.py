"""Keys in the form in which a connector takes them, read at the last moment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import SecretStr

from autotrade.config.errors import ConfigurationError
from autotrade.config.sources import PROJECT_FOLDER

if TYPE_CHECKING:
    from autotrade.config.settings import Settings


@dataclass(frozen=True, slots=True)
class Credentials:
    """`secret` is the HMAC secret, or the text of the private key's PEM file for Ed25519."""

    api_key: SecretStr
    secret: SecretStr
    kind: Literal["hmac", "ed25519"]


def load_credentials(settings: Settings) -> Credentials | None:
    """The keys of the venue that is set; None when none are set."""
    keys = settings.keys
    if settings.exchange.venue == "binance":
        if keys.binance_prod_api_key is None:
            return None
        if keys.binance_prod_private_key_path is not None:
            pem = read_private_key(keys.binance_prod_private_key_path)
            return Credentials(keys.binance_prod_api_key, pem, "ed25519")
        if keys.binance_prod_secret is not None:
            return Credentials(keys.binance_prod_api_key, keys.binance_prod_secret, "hmac")
        return None
    if settings.exchange.venue in ("demo", "testnet"):
        if keys.binance_sandbox_api_key is None or keys.binance_sandbox_secret is None:
            return None
        return Credentials(keys.binance_sandbox_api_key, keys.binance_sandbox_secret, "hmac")
    return None


def read_private_key(path: Path) -> SecretStr:
    """The PEM text of an Ed25519 private key; a file of another kind is refused by name."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    name = "BINANCE_PROD_PRIVATE_KEY_PATH"
    try:
        content = (PROJECT_FOLDER / path).read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"{name}: expected a readable PEM file, was {path} ({error.strerror}); correct the "
            "path or put the file there."
        ) from None
    try:
        key = load_pem_private_key(content, password=None)
    except TypeError:
        raise ConfigurationError(
            f"{name}: expected a key without a password, was {path} with one; export the key "
            "without it."
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise ConfigurationError(
            f"{name}: expected an Ed25519 private key in PEM form, was {path} with something else; "
            "create one as binance_keys/README.md says."
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigurationError(
            f"{name}: expected an Ed25519 private key, was another kind of key in {path}; create "
            "one as binance_keys/README.md says."
        )
    return SecretStr(content.decode("ascii"))
