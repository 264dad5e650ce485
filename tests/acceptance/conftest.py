"""Fixtures of the acceptance tests: processes that end with their test, a folder to look into."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.acceptance.configs import write_busy_config
from tests.acceptance.processes import READY, Household, JournalTail


@pytest.fixture
def household(tmp_path: Path) -> Iterator[Household]:
    with Household(tmp_path) as running:
        yield running


@dataclass(frozen=True, slots=True)
class Left:
    """What a finished run left behind; tests copy it before they damage it."""

    data_dir: Path
    config: Path


@pytest.fixture(scope="session")
def left_behind(tmp_path_factory: pytest.TempPathFactory) -> Left:
    """A data folder with a life in it: some deals, orders and fills, stopped in order."""
    folder = tmp_path_factory.mktemp("left")
    config = write_busy_config(folder / "busy.json", "BTC", "ETH", "SOL")
    data_dir = folder / "data"
    with Household(folder) as household:
        bot = household.trade(data_dir, "--speed", 120, "--market", "seed:5", config=config)
        bot.wait_line(READY)
        tail = JournalTail(data_dir)
        assert tail.wait_row(lambda row: row["type"] == "OrderFilled", bot) is not None
        household.run("stop", "--data-dir", data_dir).wait_exit()
        assert bot.wait_exit() == 0, bot.said
    return Left(data_dir, config)
