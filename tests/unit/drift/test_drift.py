"""A recorded run against the backtest of its own candles: every deal of both is explained."""

from __future__ import annotations

from decimal import Decimal as D
from pathlib import Path

import orjson
import pytest

from autotrade.infrastructure.drift.attribution import PARTS
from autotrade.infrastructure.drift.drift import measure
from autotrade.infrastructure.drift.recorded_run import NothingToCompare
from autotrade.infrastructure.journal.data_folder import DataFolder
from autotrade.infrastructure.journal.reader import read_rows
from autotrade.infrastructure.market_recording.reader import Recordings
from autotrade.infrastructure.terminal.commands.drift import drift_of
from autotrade.infrastructure.terminal.entry import main
from tests.recorded_runs import candle_at, make_run

MINUTES = 90


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drift")
    make_run(folder, MINUTES, 60)
    return folder


def test_every_deal_is_explained_and_the_sums_hold(run_folder: Path) -> None:
    folder = DataFolder(run_folder)
    report = drift_of(folder)
    opened = sum(1 for _ in read_rows(folder.journal, types={"DealOpened"}))
    assert opened == sum(deal.recorded is not None for deal in report.deals) >= 2
    assert any(deal.recorded and deal.backtest for deal in report.deals), "nothing was matched"
    for deal in report.deals:
        assert sum(deal.parts.values(), D(0)) == deal.difference
        assert set(deal.parts) <= set(PARTS)
        assert deal.text
    assert sum(report.parts.values(), D(0)) == report.flatters
    assert report.flatters == report.backtest - report.recorded


def test_the_recorded_side_is_the_bots_own_result(run_folder: Path) -> None:
    from autotrade.infrastructure.repositories.state_loader import load_state

    folder = DataFolder(run_folder)
    totals = load_state(folder).state.totals
    report = drift_of(folder)
    closed = [
        deal.recorded.result
        for deal in report.deals
        if deal.recorded is not None and deal.recorded.exit != "still open"
    ]
    assert sum(closed, D(0)) == totals.pnl_net["USDT"]


def test_the_candles_are_the_recorded_ones(run_folder: Path) -> None:
    run = drift_of(DataFolder(run_folder)).run
    assert run.sessions == 2
    first, last = candle_at(0), candle_at(MINUTES + 60 - 1)
    assert run.start_ts == first.open_ts
    assert run.end_ts == last.open_ts + 60_000
    series = run.series("ETH/USDT")
    assert int(series.open_ts[0]) < first.open_ts, "the warm-up stands in front"
    assert float(series.close[-1]) == last.close


def test_a_run_without_a_candle_is_refused(tmp_path: Path) -> None:
    maker = make_run(tmp_path, 0)
    with pytest.raises(NothingToCompare, match="let the bot run longer"):
        measure(read_rows(maker.folder.journal), Recordings(maker.folder.recording))


def test_the_command(run_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["drift", str(run_folder)]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("the backtest ")
    assert main(["drift", str(run_folder), "--json"]) == 0
    report = orjson.loads(capsys.readouterr().out)
    assert D(report["flatters"]) == D(report["backtest_net"]) - D(report["recorded_net"])
    assert len(report["deals"]) >= 2
