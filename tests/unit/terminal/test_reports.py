"""status, deals, orders, decisions, journal, backup, operator words: on a real data folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from autotrade.application.ports import Notifier
from autotrade.domain.events import OperatorAction
from autotrade.infrastructure.journal.data_folder import DataFolder
from autotrade.infrastructure.operator_inbox import FileOperatorInbox
from autotrade.infrastructure.terminal.commands.operator import FOLDER_NAME, write_word
from tests.unit.terminal.conftest import Run


def test_deals_for_people_and_machines(folder: Path, run: Run) -> None:
    text = run("deals").out
    assert "ETH/USDT   CLOSED" in text
    assert "+1.293106 USDT   target reached" in text
    [deal] = run("deals", "--json").json
    assert (deal["id"], deal["pnl_net"], deal["average_entry"]) == (1, "1.293106000", "2000.00")
    assert run("deals", "--open", "--json").json == []
    assert run("deals", "--symbol", "btc/usdt", "--json").json == []


def test_no_colors_and_no_cut_cells_in_a_pipe(folder: Path, run: Run) -> None:
    for command in ("deals", "orders", "decisions", "status"):
        text = run(command).out
        assert "\x1b" not in text
        assert "…" not in text


def test_orders(folder: Path, run: Run) -> None:
    orders = run("orders", "--json").json
    assert {order["role"]: order["status"] for order in orders} == {
        "ENTRY": "FILLED",
        "TARGET": "FILLED",
        "STOP": "CANCELED",
    }
    assert run("orders", "--open", "--json").json == []
    assert len(run("orders", "--last", "1", "--json").json) == 1
    assert "LIMIT_MAKER" in run("orders", "--deal", "1").out
    assert run("orders", "--deal", "2").out == "No orders.\n"


def test_decisions(folder: Path, run: Run) -> None:
    assert [d["id"] for d in run("decisions", "--json").json] == ["D1", "D2"]
    assert [d["id"] for d in run("decisions", "--refused", "--json").json] == ["D2"]
    assert [d["id"] for d in run("decisions", "--approved", "--json").json] == ["D1"]
    assert [d["id"] for d in run("decisions", "--last", "1", "--json").json] == ["D2"]
    assert "time since last signal 11 s < 60 s" in run("decisions").out


def test_status_tells_whether_a_bot_runs(folder: Path, run: Run) -> None:
    stopped = run("status", "--json").json
    assert stopped["bot"] == "stopped"
    assert stopped["pnl_net"] == {"USDT": "1.293106000"}
    assert stopped["decisions"]["refused"] == {"cooldown_signal": 1}
    with DataFolder(folder).lock():
        assert run("status", "--json").json["bot"].startswith("runs as process ")
        assert "trading         ready" in run("status").out


def test_reading_commands_change_nothing(folder: Path, run: Run) -> None:
    def files() -> dict[str, bytes]:
        return {
            str(path): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file() and not path.name.startswith("folder.lock")
        }

    before = files()
    for words in (["status"], ["deals"], ["orders"], ["decisions"], ["why", "1"]):
        assert run(*words).code == 0
    for words in (["journal", "verify"], ["journal", "show"], ["check", "--offline"]):
        assert run(*words).code == 0
    assert files() == before


def test_an_empty_folder_is_an_error_with_advice(run: Run) -> None:
    for words in (["deals"], ["status"], ["why", "1"], ["journal", "verify"], ["pause"]):
        outcome = run(*words)
        assert (outcome.code, outcome.out) == (2, "")
        assert "run `python main.py` first or name the folder with --data-dir" in outcome.err


def test_a_broken_journal_is_found_and_named(folder: Path, run: Run) -> None:
    journal = folder / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    lines[4] = lines[4].replace(b"USDT", b"USDC")
    journal.write_bytes(b"".join(lines))
    outcome = run("journal", "verify")
    assert outcome.code == 1
    assert "line 5" in outcome.out
    report = run("journal", "verify", "--json")
    assert (report.code, report.json["holds"], report.json["rows"]) == (1, False, 4)


def test_journal_show_prints_the_files_own_lines(folder: Path, run: Run) -> None:
    lines = (folder / "journal.jsonl").read_text().splitlines()
    assert run("journal", "show", "--last", "3", "--json").out.splitlines() == lines[-3:]
    chosen = run("journal", "show", "--deal", "1", "--kind", "command", "--json").out.splitlines()
    assert [json.loads(line)["type"] for line in chosen] == ["PlaceOrder", "PlaceOrderList"]
    assert "DealClosed" in run("journal", "show").out


def test_backup_and_restore(folder: Path, run: Run, tmp_path: Path) -> None:
    archive = run("backup", "--to", str(tmp_path / "safe"), "--json").json["archive"]
    outcome = run("restore", archive)
    assert outcome.code == 2
    assert "expected" in outcome.err
    (folder / "journal.jsonl").rename(tmp_path / "old.jsonl")
    for path in folder.iterdir():
        path.unlink()
    assert run("restore", archive).code == 0
    assert (folder / "journal.jsonl").read_bytes() == (tmp_path / "old.jsonl").read_bytes()
    assert run("restore", str(tmp_path / "none.tar.gz")).code == 2


class Silence(Notifier):
    def notify(self, text: str, *, is_warning: bool = False) -> None:
        raise AssertionError(text)


@pytest.mark.parametrize("action", ["pause", "resume", "stop", "flatten"])
def test_an_operators_word_reaches_the_bots_inbox(folder: Path, run: Run, action: str) -> None:
    assert run(action).code == 1  # no bot runs: nothing is left behind
    assert not (folder / FOLDER_NAME).exists()
    with DataFolder(folder).lock():
        outcome = run(action, "--json")
    assert outcome.code == 0
    assert Path(outcome.json["file"]).exists()
    [(taken, _)] = FileOperatorInbox(folder / FOLDER_NAME, Silence()).take()
    assert taken is OperatorAction(action)


def test_words_are_taken_in_the_order_in_which_they_were_said(tmp_path: Path) -> None:
    for ts, action in ((1_000, "resume"), (999, "pause"), (10_000, "stop")):
        write_word(tmp_path, action, "me", ts)
    taken = FileOperatorInbox(tmp_path / FOLDER_NAME, Silence()).take()
    assert [str(action) for action, _ in taken] == ["pause", "resume", "stop"]
