"""The disk fills up while it trades: it stops loudly, and no order went out unwritten."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.acceptance.audited import audited
from tests.acceptance.configs import write_busy_config
from tests.acceptance.kill_run import client_of, open_deals
from tests.acceptance.mounts import mounted_tmpfs
from tests.acceptance.processes import Household, journal_rows

DISK_KILOBYTES = 192
FILE_KILOBYTES = 120


@dataclass(frozen=True, slots=True)
class SmallDisk:
    folder: Path
    before_start: Callable[[], None] | None
    errno_text: str


@contextmanager
def full_disk(folder: Path) -> Iterator[SmallDisk]:
    """A real, tiny disk."""
    with mounted_tmpfs(folder / "disk", kilobytes=DISK_KILOBYTES) as disk:
        yield SmallDisk(disk / "bot", None, "No space left on device")


@contextmanager
def file_size_limit(folder: Path) -> Iterator[SmallDisk]:
    """No file may grow beyond a size: what any user of a POSIX machine can have."""
    if sys.platform == "win32":
        pytest.skip("Windows has no limit of a process's file size")
    import resource

    size = FILE_KILOBYTES * 1024

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    yield SmallDisk(folder / "bot", limit, "File too large")


@pytest.mark.timeout(120)
@pytest.mark.parametrize("kind", [full_disk, file_size_limit])
def test_disk_full_while_trading(household: Household, kind: Callable[..., object]) -> None:
    config = write_busy_config(household.folder / "busy.json", "BTC", "ETH", "SOL")
    market = ("--speed", 120, "--market", "seed:8")
    exchange = household.exchange(household.folder / "exchange", *market)
    attach = ("--attach", exchange.announce_file)
    with kind(household.folder) as disk:  # type: ignore[attr-defined]
        bot = household.trade(disk.folder, *attach, config=config, before_start=disk.before_start)
        assert bot.wait_exit() == 1, bot.said
        assert "Traceback" not in bot.said
        assert bot.stdout == []
        last = bot.stderr[-1]
        assert last.startswith("autotrade: ") and str(disk.folder) in last, last
        assert disk.errno_text in last, last
        assert household.run("journal", "verify", "--data-dir", disk.folder).wait_exit() == 0
        rows = list(journal_rows(disk.folder))
        assert any(row["type"] == "PlaceOrder" for row in rows)
        commanded = set()
        for row in rows:
            for name in ("order_id", "target_id", "stop_id"):
                if row["kind"] == "command" and row["data"].get(name):
                    commanded.add(row["data"][name])
        client = client_of(exchange)
        sent = {
            order["clientOrderId"]
            for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT")
            for order in client.all_orders(symbol)
        }
        assert sent and sent <= commanded, sent - commanded
        roomy = household.folder / "roomy"
        _move(disk.folder, roomy)
    again = household.trade(roomy, *attach, "--for", "1s", config=config)
    assert again.wait_exit() == 0, again.said
    assert set(again.summary()["ledger_difference"].values()) == {"0"}
    deals = [deal["id"] for deal in open_deals(household, roomy)]
    found = audited(roomy, client, deals)
    assert found.violations == []


def _move(source: Path, target: Path) -> None:
    """What a user does with a full disk: take the journal to a larger one."""
    target.mkdir()
    (target / "journal.jsonl").write_bytes((source / "journal.jsonl").read_bytes())
