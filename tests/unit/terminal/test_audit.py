"""`audit` as a user runs it, on a data folder whose journal the real engine wrote."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from autotrade.infrastructure.audit import ExchangeHistory
from autotrade.infrastructure.terminal.entry import main
from tests.unit.terminal.conftest import Run


def blame(folder: Path) -> None:
    """A row that was changed after it was written."""
    journal = folder / "journal.jsonl"
    content = journal.read_bytes()
    journal.write_bytes(
        content.replace(b'"by":"harness"', b'"by":"nobody"').replace(b'"D1"', b'"D9"', 1)
    )


def test_a_sound_folder_for_people(folder: Path, run: Run) -> None:
    outcome = run("audit")
    assert outcome.code == 0, outcome.out
    assert "compared with  journal only: no history of the exchange was given" in outcome.out
    assert "1 opened, 1 closed, 0 canceled, 0 open" in outcome.out
    assert "net profit     1.293106 USDT" in outcome.out
    assert outcome.out.endswith("nothing is wrong: the journal holds\n")


def test_a_sound_folder_for_machines(folder: Path, run: Run) -> None:
    found = run("audit", "--json").json
    assert (found["is_clean"], found["violations"], found["has_history"]) == (True, [], False)
    assert found["pnl_net"] == {"USDT": "1.293106"}
    assert found["decisions"] == {"approved": 1, "refused": {"cooldown_signal": 1}}
    assert found["deals"] == {"opened": 1, "closed": 1, "canceled": 0, "open": 0}


def test_a_violation_is_a_sentence_with_its_row(folder: Path, run: Run) -> None:
    blame(folder)
    outcome = run("audit")
    assert outcome.code == 1
    assert "was changed after it was written" in outcome.out
    assert "violation(s) found" in outcome.out.splitlines()[-1]
    first = run("audit", "--json").json["violations"][0]
    assert first["code"] == "chain_broken" and first["seq"] > 0


def test_with_a_history_from_a_file(folder: Path, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "account.json"
    ExchangeHistory().dump(path)
    outcome = run("audit", "--exchange-history", str(path), "--json")
    codes = {one["code"] for one in outcome.json["violations"]}
    assert outcome.code == 1
    assert {"fill_unknown_to_exchange", "order_unknown_to_exchange", "ledger"} <= codes
    assert str(path) in outcome.json["compared_with"]


def test_bad_input_is_refused(folder: Path, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "account.json"
    path.write_text(json.dumps({"orders": []}))
    for words in (
        ("--exchange-history", str(path)),
        ("--exchange-history", str(tmp_path / "none.json")),
        ("--exchange-history", str(tmp_path)),
        (str(tmp_path / "elsewhere"),),
    ):
        outcome = run("audit", *words)
        assert (outcome.code, outcome.out) == (2, ""), words
        assert outcome.err.startswith("autotrade: ") and "expected " in outcome.err, words


@pytest.mark.parametrize("with_folder", [True, False])
def test_the_folder_is_named_in_either_way(
    folder: Path, with_folder: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(folder)] if with_folder else ["--data-dir", str(folder)]
    assert main(["audit", *words]) == 0
    assert str(folder) in capsys.readouterr().out
