"""What a backtest cannot be run on is said in one sentence, with the exit code that scripts see."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from autotrade.infrastructure.market_history import CandleSeries, CandleStore
from autotrade.infrastructure.market_history.modelled import modelled_candles
from autotrade.infrastructure.terminal.entry import main

Capture = pytest.CaptureFixture[str]

RAISES = """
from autotrade.domain.strategies.base import Strategy


class Raises(Strategy):
    name = "raises"
    version = "1"

    def signals(self, candle, values):
        if candle.close > 0 and values.count > 600:
            raise ZeroDivisionError("nothing to divide by")
        return None
"""
LOOKS_AHEAD = """
from autotrade.domain.strategies.base import Sighting, Strategy


class LooksAhead(Strategy):
    \"\"\"BUY where the close five candles later is higher: its scan keeps the whole future.\"\"\"

    name = "looks_ahead"
    version = "1"
    needs_every_candle = False
    future = {}

    def scan(self, candles):
        later = candles.close[5:] > candles.close[:-5] * 1.001
        times = candles.open_ts[:-5][later]
        LooksAhead.future = set(times.tolist())
        mask = candles.close < 0
        mask[:-5] = later
        return mask

    def signals(self, candle, values):
        return Sighting("sure_thing") if candle.open_ts in self.future else None
"""


@pytest.fixture(scope="module")
def candles() -> CandleSeries:
    return modelled_candles("BTC/USDT", 10, 2)


@pytest.fixture
def data(tmp_path: Path, candles: CandleSeries) -> Path:
    CandleStore(tmp_path / "candles").save(candles, sources=["test"])
    return tmp_path


def backtest(data: Path, capsys: Capture, *words: str) -> tuple[int, str, str]:
    """Exit code, stdout, stderr."""
    capsys.readouterr()
    code = main(["backtest", "--data-dir", str(data), "--pair", "BTC/USDT", *words])
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err and "unexpected" not in captured.err
    return code, captured.out, captured.err


def file_of(data: Path) -> Path:
    return CandleStore(data / "candles").path("modelled", "BTC/USDT", "1m")


def rewrite(path: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    """Another table under the same name, with the store's own description kept."""
    table = pq.read_table(path)
    changed = change(table).replace_schema_metadata(table.schema.metadata)
    pq.write_table(changed, path)


def test_a_damaged_file_is_not_replaced_by_modelled_candles(data: Path, capsys: Capture) -> None:
    """Else a user would read results of a market that never was as those of his own."""
    path = file_of(data)
    path.write_bytes(path.read_bytes()[:-200])
    code, out, err = backtest(data, capsys)
    assert (code, out) == (1, "")
    assert "expected a readable candle file, was a damaged one" in err and "modelled" in str(path)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda table: table.drop_columns(["close"]), "was another one ('close')"),
        (
            lambda table: table.set_column(
                table.column_names.index("close"), "close",
                pa.array(["dear"] * table.num_rows),
            ),
            "could not convert string to float",
        ),
        (
            lambda table: pa.concat_tables([table.slice(0, 500), table.slice(499)]),
            "import the candles anew",
        ),
        (
            lambda table: pa.concat_tables([table.slice(1_000), table.slice(0, 1_000)]),
            "import the candles anew",
        ),
        (lambda table: table.replace_schema_metadata(None), None),
    ],
    ids=["no close", "words for prices", "a candle twice", "out of order", "kept"],
)  # fmt: skip
def test_tables_that_are_no_candles_are_refused(
    data: Path, capsys: Capture, change: Callable[[pa.Table], pa.Table], sentence: str | None
) -> None:
    rewrite(file_of(data), change)
    code, out, err = backtest(data, capsys)
    if sentence is None:  # the rewriting alone is no fault
        assert code == 0
        return
    assert code in (1, 2) and not out
    assert sentence in err


def test_a_foreign_parquet_file_is_named(data: Path, capsys: Capture) -> None:
    pq.write_table(pa.table({"a": [1]}), file_of(data))
    code, _, err = backtest(data, capsys)
    assert code == 1 and "expected a file that `candles import` wrote" in err


def test_a_strategy_that_raises_is_no_result(
    data: Path, tmp_path: Path, capsys: Capture, own_strategy: Callable[[str, str], list[str]]
) -> None:
    code, out, err = backtest(data, capsys, "--json", *own_strategy("raises", RAISES))
    assert code == 1
    assert "strategy raises (raises.py, line 11) raised ZeroDivisionError in signals" in err
    assert json.loads(out)["strategy_faults"]


def test_a_strategy_that_looks_ahead_is_found(
    data: Path, capsys: Capture, own_strategy: Callable[[str, str], list[str]]
) -> None:
    words = own_strategy("looks_ahead", LOOKS_AHEAD)
    code, out, err = backtest(data, capsys, "--json", "--check-lookahead", *words)
    assert code == 1 and "it looks ahead: without the candles from" in err
    found = json.loads(out)["lookahead"]
    assert not found["holds"] and "Decision" in found["sentence"]


def test_an_honest_strategy_passes_at_every_place(data: Path, capsys: Capture) -> None:
    code, out, _ = backtest(data, capsys, "--json", "--check-lookahead")
    found = json.loads(out)["lookahead"]
    assert code == 0 and found["holds"] and len(found["cuts"]) == 8
    assert found["rows_compared"] > 100
    assert not list((data / "backtests").glob("*/shorter.jsonl"))


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ("nowhere/report.html", "which is none; make it or name another place"),
        ("candles", "expected a file for the report, was the folder"),
        ("a_file/report.html", "which is none"),
    ],
)
def test_a_report_that_cannot_be_written_is_refused_before_the_run(
    data: Path, capsys: Capture, place: str, sentence: str
) -> None:
    (data / "a_file").write_text("")
    code, out, err = backtest(data, capsys, "--report", str(data / place))
    assert (code, out) == (2, "") and sentence in err
    assert not (data / "backtests").exists()


def test_a_disk_that_refuses_the_report_is_said(
    data: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuse)
    from autotrade.config.errors import ConfigurationError
    from autotrade.infrastructure.reports.writing import write_report

    with pytest.raises(ConfigurationError, match="No space left on device"):
        write_report(data / "report.html", "page")
    assert [path.name for path in data.iterdir()] == ["candles"]


@pytest.fixture
def own_strategy(tmp_path: Path) -> Callable[[str, str], list[str]]:
    """Writes a user's strategy and gives the options that choose it."""

    def write(name: str, text: str) -> list[str]:
        folder = tmp_path / "own"
        folder.mkdir()
        (folder / f"{name}.py").write_text(text)
        return ["--set", f"strategy.folder={folder}", "--set", f"strategy.name={name}"]

    return write
