"""The file with an account's history: read as it was written, refused in sentences."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from autotrade.infrastructure.audit import ExchangeHistory
from tests.unit.audit.story import sound_story


def test_a_file_comes_back_as_it_was(tmp_path: Path) -> None:
    history = sound_story().history
    history.transfers = [{"asset": "USDT", "amount": "-1.5", "time": 7}]
    history.complete_from, history.taken_ts = 3, 9
    path = tmp_path / "account.json"
    assert history.dump(path) == path.read_bytes()
    assert ExchangeHistory.load(path) == history


def test_balances_as_the_exchange_tells_them(tmp_path: Path) -> None:
    path = tmp_path / "account.json"
    rows = [{"asset": "BTC", "free": "0.1", "locked": "0.2"}]
    path.write_text(json.dumps({"orders": [], "trades": [], "balances": rows}))
    assert ExchangeHistory.load(path).balances == {"BTC": Decimal("0.3")}


WHOLE: dict[str, Any] = {"orders": [], "trades": [], "balances": {}}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "expected JSON"),
        ("[]", "expected an object, was a list"),
        (json.dumps({"orders": []}), "expected the member trades, was missing"),
        (json.dumps({**WHOLE, "fills": []}), "was also fills"),
        (json.dumps({**WHOLE, "orders": {}}), "expected a list in orders, was an object"),
        (json.dumps({**WHOLE, "trades": [7]}), "expected an object in trades[0], was 7"),
        (json.dumps({**WHOLE, "trades": [{}]}), "expected symbol in trades[0], was missing"),
        (json.dumps({**WHOLE, "balances": {"BTC": 0.1}}), "as text"),
        (json.dumps({**WHOLE, "balances": {"BTC": "many"}}), "in balances.BTC"),
        (json.dumps({**WHOLE, "balances": {"BTC": "NaN"}}), "in balances.BTC"),
        (json.dumps({**WHOLE, "taken_ts": "now"}), "expected milliseconds in taken_ts"),
        (
            json.dumps({**WHOLE, "transfers": [{"asset": "A", "amount": "1", "time": "x"}]}),
            "expected a whole number in transfers[0].time",
        ),
    ],
)
def test_a_bad_file_is_refused_in_a_sentence(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "account.json"
    path.write_text(content)
    with pytest.raises(ValueError) as refusal:
        ExchangeHistory.load(path)
    assert words in str(refusal.value) and str(path) in str(refusal.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="could not read it"):
        ExchangeHistory.load(tmp_path / "none.json")
