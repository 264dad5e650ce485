"""What a user does wrong, or finds damaged: a clear sentence, the right exit code, nothing lost."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import pytest

from tests.acceptance.conftest import Left
from tests.acceptance.mounts import make_read_only, mounted_tmpfs
from tests.acceptance.processes import READY, Household, Process, journal_rows

BEGIN = ("--speed", 120, "--market", "seed:5")


@pytest.fixture
def copy(left_behind: Left, tmp_path: Path) -> Path:
    """A data folder with a life in it, to damage."""
    return Path(shutil.copytree(left_behind.data_dir, tmp_path / "copy"))


def refusal(process: Process, code: int) -> str:
    """What the process said when it ended with this code; never a traceback."""
    assert process.wait_exit() == code, process.said
    assert process.stdout == [], process.said
    assert "Traceback" not in process.said
    return "\n".join(process.stderr)


def one_sentence(process: Process, code: int) -> str:
    said = refusal(process, code)
    assert said.count("\n") == 0, said
    return said


def test_second_process_on_one_folder(household: Household, copy: Path, left_behind: Left) -> None:
    first = household.trade(copy, *BEGIN, config=left_behind.config)
    first.wait_line(READY)
    said = one_sentence(household.trade(copy, *BEGIN, config=left_behind.config), 2)
    assert f"in use by process {first.pid}" in said
    assert str(copy) in said
    household.run("stop", "--data-dir", copy).wait_exit()
    assert first.wait_exit() == 0


def test_busy_port_of_the_exchange(household: Household) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = household.run(
            "exchange", "--data-dir", household.folder / "x", "--port", port, "--tls-port", 0
        )
        said = one_sentence(process, 2)
    assert str(port) in said and "--port" in said


def test_two_exchanges_on_one_folder(household: Household) -> None:
    """Both would write the same accounts."""
    folder = household.folder / "x"
    first = household.exchange(folder, "--market", "seed:5")
    second = household.run("exchange", "--data-dir", folder, "--port", 0, "--tls-port", 0)
    assert str(folder) in one_sentence(second, 2)
    assert first.process.is_running


@pytest.mark.parametrize(
    "market", [("--market", "seed:6"), ("--venue", "binance")], ids=["seed", "venue"]
)
def test_other_market_on_the_same_folder(
    household: Household, copy: Path, market: tuple[str, ...]
) -> None:
    rows = len(list(journal_rows(copy)))
    said = one_sentence(household.trade(copy, *market), 2)
    assert "seed:5" in said and market[1].partition(":")[2] in said and "--data-dir" in said
    assert len(list(journal_rows(copy))) == rows


def test_read_only_folder(household: Household, copy: Path, left_behind: Left) -> None:
    with mounted_tmpfs(household.folder / "disk", kilobytes=16_384) as disk:
        folder = Path(shutil.copytree(copy, disk / "data"))
        make_read_only(disk)
        begin = ("--mode", "simulation", *BEGIN)
        said = one_sentence(household.trade(folder, *begin, config=left_behind.config), 2)
        assert str(folder) in said and "read-only" in said.lower(), said
        assert household.read("deals", "--data-dir", folder), "reading needs no writable disk"


def test_journal_broken_in_the_middle(household: Household, copy: Path, left_behind: Left) -> None:
    journal = copy / "journal.jsonl"
    lines = journal.read_bytes().split(b"\n")
    place = len(lines) // 2
    lines[place] = lines[place].replace(b'"seq"', b'"sfq"', 1)
    journal.write_bytes(b"\n".join(lines))
    for name in ("deals.json", "orders.json", "tickers.json", "state.json"):
        (copy / name).unlink()
    before = journal.read_bytes()
    said = one_sentence(household.trade(copy, *BEGIN, config=left_behind.config), 1)
    assert f"line {place + 1}" in said or f"row {place + 1}" in said, said
    assert "journal.jsonl" in said
    assert journal.read_bytes() == before, "a broken journal is evidence: it stays as it is"
    verified = household.run("journal", "verify", "--data-dir", copy)
    assert verified.wait_exit() == 1
    assert f"{place + 1}" in verified.said


def test_torn_tail_is_cut_and_said(household: Household, copy: Path, left_behind: Left) -> None:
    journal = copy / "journal.jsonl"
    whole = journal.read_bytes()
    torn = b'{"seq":999999,"ts":1,"kind":"ev'
    journal.write_bytes(whole + torn)
    bot = household.trade(copy, *BEGIN, "--for", "1s", config=left_behind.config)
    assert bot.wait_exit() == 0, bot.said
    assert f"{len(torn)} bytes" in bot.wait_line("cut"), bot.said
    assert journal.read_bytes().startswith(whole)
    assert (copy / "journal.torn").read_bytes().count(torn) == 1
    assert set(bot.summary()["ledger_difference"].values()) == {"0"}
    assert household.run("journal", "verify", "--data-dir", copy).wait_exit() == 0


def test_corrupt_snapshot_is_rebuilt_from_the_journal(
    household: Household, copy: Path, left_behind: Left
) -> None:
    before = household.read("deals", "--data-dir", copy)
    deals = copy / "deals.json"
    deals.write_bytes(deals.read_bytes().replace(b'"bought":"', b'"bought":"9', 1))
    assert household.read("deals", "--data-dir", copy) == before, "readers do not believe it either"
    rows = len(list(journal_rows(copy)))
    bot = household.trade(copy, *BEGIN, "--for", "1s", config=left_behind.config)
    assert bot.wait_exit() == 0, bot.said
    card = bot.wait_line("recovered ")
    assert f"{rows} journal rows replayed" in card and "deals.json" in card, card
    assert set(bot.summary()["ledger_difference"].values()) == {"0"}
