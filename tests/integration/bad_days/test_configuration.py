"""A configuration that cannot be used: one sentence that names the place and the way out, exit
code 2, and nothing was touched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from tests.integration.bad_days.user import CONFIG, User


def with_pair(**changes: Any) -> str:
    return json.dumps({**CONFIG, "currency_pair": {**CONFIG["currency_pair"], **changes}})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ("config.json", "expected JSON")),
        ('{"currency_pair": {', ("config.json", "line 1", "expected JSON", "correct the file")),
        ("[]", ("expected an object of sections", "was []")),
        (with_pair(profit_markp=2), ('"currency_pair.profit_markp"', "nearest", "profit_markup")),
        ('{"trding": {}}', ('unknown name "trding"', 'nearest valid name is "trading"')),
        (with_pair(profit_markup="much"), ("profit_markup", "expected a number", 'was "much"')),
        (with_pair(profit_markup=-2), ("profit_markup", "above 0", "was -2")),
        (with_pair(deal_count=1.5), ("deal_count", "whole number", "was 1.5")),
        ('{"trading": {"max_open_deals": true}}', ("max_open_deals", "was true")),
        (
            '{"stop_loss_monitor": {"warning_percent": -1}}',
            ("stop_loss_monitor.warning_percent", "above 0", "was -1"),
        ),
    ],
)
def test_a_bad_file(user: User, text: str, words: tuple[str, ...]) -> None:
    user.config.write_text(text, encoding="utf-8")
    sentence = user.types("trade", "--json").refusal(2)
    for word in words:
        assert word in sentence
    assert not user.data.exists()


def test_a_missing_file(user: User) -> None:
    user.config.unlink()
    sentence = user.types("trade", "--json").refusal(2)
    assert "expected a configuration file, was nothing" in sentence and "--config" in sentence


def test_a_folder_in_the_files_place(user: User) -> None:
    user.config.unlink()
    user.config.mkdir()
    sentence = user.types("trade", "--json").refusal(2)
    assert "expected a readable file" in sentence and "name another file" in sentence


def test_a_bad_variable(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    user.env_file.write_text("EXCHANGE_SPEED=fast\n")
    sentence = user.types("trade", "--json").refusal(2)
    assert "test.env: EXCHANGE_SPEED: expected a number" in sentence and '"fast"' in sentence
    user.env_file.write_text("")
    monkeypatch.setenv("TRADING_MAX_OPEN_DELS", "3")
    assert "TRADING_MAX_OPEN_DEALS" in user.types("trade", "--json").refusal(2)


LIVE = (
    "EXCHANGE_VENUE=binance\nEXCHANGE_MODE=live\nTRADING_APPROVED=true\n"
    "BINANCE_PROD_API_KEY=a-key-of-the-test\nBINANCE_PROD_PRIVATE_KEY_PATH={path}\n"
)


def public_key() -> bytes:
    key = ed25519.Ed25519PrivateKey.generate().public_key()
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, ("expected a readable PEM file", "No such file", "correct the path")),
        (b"not a key", ("expected an Ed25519 private key", "something else")),
        (public_key(), ("expected an Ed25519 private key", "something else")),
    ],
    ids=["missing", "garbage", "the public half"],
)
def test_a_wrong_key_file(user: User, content: bytes | None, words: tuple[str, ...]) -> None:
    path: Path = user.home / "key.pem"
    if content is not None:
        path.write_bytes(content)
    user.env_file.write_text(LIVE.format(path=path))
    sentence = user.types("trade", "--json").refusal(2)
    for word in (str(path), "BINANCE_PROD_PRIVATE_KEY_PATH", *words):
        assert word in sentence
    assert "a-key-of-the-test" not in sentence
    assert not (user.data / "journal.jsonl").exists() or not user.journal_rows()
