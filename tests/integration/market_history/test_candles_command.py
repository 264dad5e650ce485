"""`candles` as a user types it: a process of its own, exit codes, sentences, JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.market_history.builders import rows_of, series
from tests.unit.terminal.test_main import run_main

CSV = "time,open,high,low,close,volume\n"


def write_csv(path: Path, seed: int = 1, leaves_out: int = 0) -> Path:
    rows = rows_of(series(100, seed=seed))
    del rows[50 : 50 + leaves_out]
    path.write_text(CSV + "".join(",".join(map(str, row)) + "\n" for row in rows))
    return path


def candles(tmp_path: Path, *words: str) -> tuple[int, str, str]:
    done = run_main("candles", *words, "--data-dir", str(tmp_path / "data"))
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


def test_import_list_and_check(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "binance_BTCUSDT_1m.csv", leaves_out=3)
    code, out, err = candles(tmp_path, "import", str(path), "--json")
    assert code == 0
    (saved,) = json.loads(out)["saved"]
    assert (saved["exchange"], saved["pair"], saved["new"]) == ("binance", "BTC/USDT", 97)
    assert (
        Path(saved["file"]) == tmp_path / "data" / "candles" / "binance" / "BTCUSDT" / "1m.parquet"
    )
    assert "warning: binance BTC/USDT 1m: 1 gap, candles missing: 3" in err
    code, out, err = candles(tmp_path, "list", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["series"][0]["sources"] == ["CSV"]
    code, out, _ = candles(tmp_path, "check")
    assert code == 0
    assert out.endswith("sound\n")
    code, out, _ = candles(tmp_path, "check", "--strict", "--json")
    assert code == 1
    assert json.loads(out)["series"][0]["gaps"][0]["count"] == 3


def test_a_conflict_ends_with_1_and_replace_settles_it(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "binance_BTCUSDT_1m.csv")
    assert candles(tmp_path, "import", str(path))[0] == 0
    write_csv(path, seed=2)
    code, out, err = candles(tmp_path, "import", str(path))
    assert code == 1
    assert "Nothing was imported." in out
    assert "use --replace if the new ones are right" in err
    assert candles(tmp_path, "import", str(path), "--replace")[0] == 0


def test_what_the_user_must_say_ends_with_2(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "prices.csv")
    code, _, err = candles(tmp_path, "import", str(path))
    assert code == 2
    assert "name it: --" in err
    words = ("--exchange", "kraken", "--pair", "ETH/EUR")
    assert candles(tmp_path, "import", str(path), *words)[0] == 0


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["import", "none.csv"], 2, "there is no none.csv"),
        (["check"], 2, "expected stored candles that fit, was none"),
        (["check", "--timeframe", "2m"], 2, "expected one of Binance's timeframes"),
        (["download", "--pair", "NOPE/USDT"], 2, "expected a pair that the modelled market lists"),
        (["download", "--pair", "BTC/USDT", "--timeframe", "5m"], 2, "expected --timeframe 1m"),
        (["download", "--pair", "BTC/USDT", "--from", "2024-01-01"], 2, "expected no --from with"),
        (["download", "--pair", "BTC/USDT", "--venue", "binance"], 2, "add --from 2024-01-01"),
        (["download", "--pair", "BTC/USDT", "--days", "0"], 2, "a whole number from 1 to 3660"),
        (["download", "--pair", "BTC/USDT", "--from", "soon"], 2, "expected a time in UTC like"),
    ],
)
def test_refusals(tmp_path: Path, words: list[str], code: int, sentence: str) -> None:
    found, out, err = candles(tmp_path, *words)
    assert (found, out) == (code, "")
    assert sentence in err


def test_modelled_candles_need_no_network_and_a_damaged_file_is_found(tmp_path: Path) -> None:
    words = ("download", "--pair", "BTC/USDT", "--days", "1", "--market", "seed:7")
    code, out, err = candles(tmp_path, *words)
    assert code == 0
    assert "modelled BTC/USDT 1m: 1440 candles stored, 2024-01-01 00:00" in out
    assert "nothing of this was recorded" in err
    (path,) = (tmp_path / "data").rglob("*.parquet")
    before = path.read_bytes()
    assert candles(tmp_path, *words)[0] == 0
    assert path.read_bytes() == before
    path.write_bytes(before[:-100])
    code, out, _ = candles(tmp_path, "check")
    assert code == 1
    assert "expected a readable candle file, was a damaged one" in out
    code, _, err = candles(tmp_path, "list")
    assert code == 1
    assert "was a damaged one" in err


def test_every_action_has_its_own_help() -> None:
    for action in ("import", "download", "check", "list"):
        done = run_main("candles", action, "--help")
        assert done.returncode == 0
        assert done.stdout.startswith(f"usage: python main.py candles {action}")
        assert f"example:\n  python main.py candles {action}" in done.stdout
