"""main.py as a user starts it: a process of its own, its exit code, its two streams."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from autotrade.infrastructure.journal.data_folder import DataFolder

ROOT = Path(__file__).resolve().parents[3]
MAIN = str(ROOT / "main.py")


def clean_environment(**more: str) -> dict[str, str]:
    ours = ("STRATEGY_", "TRADING_", "EXCHANGE_", "BINANCE_", "AUTOTRADE_DATA", "CURRENCY_PAIR")
    return {k: v for k, v in os.environ.items() if not k.startswith(ours)} | more


def run_main(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, MAIN, *words],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=clean_environment(**environ),
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["trde"], 2, 'unknown command "trde"; the nearest is "trade"'),
        (["--for", "soon"], 2, "expected a duration like 10m"),
        (["deals", "--config", "none.json"], 2, "expected a configuration file, was nothing"),
        (["trade", "--env-file", "none.env"], 2, "--env-file: expected an existing file"),
        (["trade", "--mode", "live"], 2, 'expected "simulation" on venue embedded'),
    ],
)
def test_bad_usage_ends_with_2_and_a_sentence(words: list[str], code: int, text: str) -> None:
    done = run_main(*words)
    assert (done.returncode, done.stdout) == (code, "")
    assert text in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("autotrade: ")


def test_a_bad_variable_ends_with_2() -> None:
    done = run_main("trade", TRADING_MAX_OPEN_DEALS="-1")
    assert done.returncode == 2
    assert "TRADING_MAX_OPEN_DEALS: expected a whole number above 0" in done.stderr


@pytest.mark.parametrize(
    ("words", "heavy"),
    [
        (["--help"], ("pydantic", "rich", "asyncio", "ccxt", "aiohttp", "orjson", "numpy")),
        (["trade", "--help"], ("pydantic", "rich", "asyncio", "ccxt", "aiohttp", "numpy")),
        (["deals"], ("pydantic", "ccxt", "aiohttp", "numpy")),
    ],
)
def test_quick_commands_import_nothing_heavy(
    words: list[str], heavy: tuple[str, ...], tmp_path: Path
) -> None:
    program = (
        "import sys; sys.path.insert(0, 'src');"
        "from autotrade.infrastructure.terminal.entry import main;"
        f"main({[*words, '--data-dir', str(tmp_path)]!r});"
        f"print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=clean_environment(),
        timeout=60,
        check=True,
    )
    assert done.stderr.splitlines()[-1] == "[]"


def test_a_reader_that_leaves_early_is_no_error() -> None:
    process = subprocess.Popen(
        [sys.executable, MAIN, "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.wait(60) == 0
    assert process.stderr.read() == b""
    process.stderr.close()


def test_a_second_bot_on_one_data_folder_is_refused(tmp_path: Path) -> None:
    with DataFolder(tmp_path).lock():
        done = run_main("--for", "1s", "--data-dir", str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert f"was in use by process {os.getpid()}" in done.stderr
    assert "name another folder with --data-dir" in done.stderr


def test_a_data_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run_main("--for", "1s", "--data-dir", str(tmp_path / "file" / "data"))
    assert (done.returncode, done.stdout) == (2, "")
    assert "a part of the path is a file: name another data folder" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_pair_that_does_not_exist_does_not_start(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text('{"currency_pair": {"base_currency": "BTCC", "quote_currency": "USDT"}}')
    done = run_main("--for", "1s", "--config", str(config), "--data-dir", str(tmp_path / "data"))
    assert done.returncode == 2
    assert "BTCC" in done.stderr
    assert "BTCUSDT" in done.stderr
    assert "Traceback" not in done.stderr


def test_check_reaches_the_exchange_it_starts_and_leaves_nothing(tmp_path: Path) -> None:
    done = run_main("check", "--data-dir", str(tmp_path / "data"))
    assert (done.returncode, done.stderr) == (0, "")
    for words in ("embedded answers in", "filters BTC/USDT", "price step 0.01", "10000 USDT"):
        assert words in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_check_names_a_pair_that_does_not_exist(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text('{"currency_pair": {"base_currency": "BTCC", "quote_currency": "USDT"}}')
    done = run_main("check", "--config", str(config), "--data-dir", str(tmp_path / "data"))
    assert done.returncode == 1
    assert "BAD   connection" in done.stdout
    assert "BTCC" in done.stdout


def test_the_name_of_the_announce_file_agrees() -> None:
    from autotrade.infrastructure.simulated_exchange import process
    from autotrade.infrastructure.terminal import venue_check

    assert venue_check.ANNOUNCE_FILE == process.ANNOUNCE_FILE
