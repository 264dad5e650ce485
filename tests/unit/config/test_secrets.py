"""Keys: read where they may be read from, and shown nowhere."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from autotrade.config.credentials import load_credentials
from autotrade.config.errors import ConfigurationError
from tests.unit.config.conftest import Home

SECRETS = {
    "BINANCE_SANDBOX_API_KEY": "sandbox-key-1111",
    "BINANCE_SANDBOX_SECRET": "sandbox-secret-2222",
    "BINANCE_PROD_API_KEY": "prod-key-3333",
    "BINANCE_PROD_SECRET": "prod-secret-4444",
}


def private_pem(encryption: KeySerializationEncryption | None = None) -> bytes:
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())


def test_settings_show_no_secret_in_any_form(home: Home) -> None:
    settings = home.load(SECRETS)
    shown = [
        repr(settings),
        str(settings),
        settings.model_dump_json(),
        repr(settings.model_dump()),
        repr(settings.keys),
        repr(load_credentials(home.load(SECRETS, exchange__venue="binance"))),
        f"{settings.keys.binance_prod_secret}",
    ]
    for text in shown:
        assert not any(secret in text for secret in SECRETS.values())
    assert "**********" in settings.model_dump_json()
    assert pickle.loads(pickle.dumps(settings)).keys == settings.keys


def test_errors_show_no_secret(home: Home) -> None:
    wrong = {**SECRETS, "EXCHANGE_SPEED": "fast", "TRADING_APPROVED": "perhaps"}
    for problem in home.problems(wrong):
        assert not any(secret in problem for secret in SECRETS.values())


def test_each_venue_takes_its_own_keys(home: Home) -> None:
    assert load_credentials(home.load(SECRETS)) is None
    demo = load_credentials(home.load(SECRETS, exchange__venue="demo"))
    assert demo is not None
    assert demo.api_key.get_secret_value() == "sandbox-key-1111"
    binance = load_credentials(home.load(SECRETS, exchange__venue="binance"))
    assert binance is not None
    assert (binance.secret.get_secret_value(), binance.kind) == ("prod-secret-4444", "hmac")


def test_a_private_key_is_stronger_than_a_secret(
    home: Home, write_key: Callable[[bytes], Path]
) -> None:
    environ = {**SECRETS, "BINANCE_PROD_PRIVATE_KEY_PATH": str(write_key(private_pem()))}
    keys = load_credentials(home.load(environ, exchange__venue="binance"))
    assert keys is not None
    assert keys.kind == "ed25519"
    assert keys.secret.get_secret_value() == private_pem().decode()


def elliptic_pem() -> bytes:
    key = generate_private_key(SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def public_pem() -> bytes:
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32))).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"not a key", "with something else"),
        (elliptic_pem(), "another kind of key"),
        (public_pem(), "with something else"),
        (private_pem(BestAvailableEncryption(b"password")), "with one; export the key without it"),
    ],
)
def test_a_wrong_key_file_is_named(
    home: Home, write_key: Callable[[bytes], Path], content: bytes, sentence: str
) -> None:
    environ = {**SECRETS, "BINANCE_PROD_PRIVATE_KEY_PATH": str(write_key(content))}
    with pytest.raises(ConfigurationError) as caught:
        load_credentials(home.load(environ, exchange__venue="binance"))
    assert str(caught.value).startswith("BINANCE_PROD_PRIVATE_KEY_PATH: expected")
    assert sentence in str(caught.value)


def test_a_missing_key_file_is_named(home: Home, tmp_path: Path) -> None:
    environ = {**SECRETS, "BINANCE_PROD_PRIVATE_KEY_PATH": str(tmp_path / "none.pem")}
    with pytest.raises(ConfigurationError, match=r"none\.pem \(No such file"):
        load_credentials(home.load(environ, exchange__venue="binance"))
