"""The log: lines for people, JSON for machines, no secrets, nothing lost at the end."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from autotrade.infrastructure.terminal import log_setup, redaction
from autotrade.infrastructure.terminal.log_setup import log_fact, start_logging

logger = logging.getLogger("autotrade.test")


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(redaction, "_known", [])
    level = logging.getLogger().level
    yield
    logging.getLogger().setLevel(level)


def read(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_a_fact_is_one_line_on_screen_and_one_object_in_the_file(tmp_path: Path) -> None:
    screen, file = io.StringIO(), tmp_path / "logs" / "log.jsonl"
    with start_logging("info", file, stream=screen):
        log_fact(logger, "deal 7 closed", deal=7, pnl=Decimal("0.10"))
        logger.debug("not shown")
        logger.warning("careful")
    lines = screen.getvalue().splitlines()
    assert [line[9:] for line in lines] == ["deal 7 closed", "WARNING careful"]
    first, second = read(file)
    assert first["text"] == "deal 7 closed"
    assert first["fields"] == {"deal": 7, "pnl": "0.10"}
    assert (second["level"], second["logger"]) == ("warning", "autotrade.test")


def test_secrets_are_masked_everywhere(tmp_path: Path) -> None:
    pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2Vw\n-----END PRIVATE KEY-----\n"
    redaction.protect("api-key-123", pem)
    screen, file = io.StringIO(), tmp_path / "log.jsonl"
    with start_logging("info", file, stream=screen):
        log_fact(logger, "signed with api-key-123", key=pem)
        try:
            raise ValueError("bad api-key-123")
        except ValueError:
            logger.exception("failed")
    for text in (screen.getvalue(), file.read_text(encoding="utf-8")):
        assert "api-key-123" not in text
        assert "MC4CAQAwBQYDK2Vw" not in text
        assert redaction.MASK in text


def test_the_file_is_rotated(tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    with start_logging("info", file, file_bytes_max=2000, file_count=2, stream=io.StringIO()):
        for number in range(100):
            logger.info("line %d", number)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["log.jsonl", "log.jsonl.1", "log.jsonl.2"]
    assert all(path.stat().st_size <= 2000 for path in tmp_path.iterdir())
    assert read(file)[-1]["text"] == "line 99"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_told_once_and_the_screen_goes_on(
    capfd: pytest.CaptureFixture[str],
) -> None:
    screen = io.StringIO()
    with start_logging("info", Path("/dev/full"), stream=screen):
        for number in range(3):
            logger.info("line %d", number)
    lines = [line[9:] for line in screen.getvalue().splitlines()]
    [refusal] = [line for line in lines if line.startswith("ERROR expected to write the log")]
    assert "/dev/full, was refused: [Errno 28] No space left on device; " in refusal
    assert [line for line in lines if line != refusal] == ["line 0", "line 1", "line 2"]
    assert capfd.readouterr() == ("", "")


def test_a_full_queue_drops_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_setup, "QUEUE_SIZE_MAX", 5)
    monkeypatch.setattr(log_setup._Listener, "start", lambda self: None)
    monkeypatch.setattr(log_setup._Listener, "stop", lambda self: None)
    handle = start_logging("info", tmp_path / "log.jsonl", stream=io.StringIO())
    for number in range(8):
        logger.info("line %d", number)
    assert handle.dropped == 3
    handle.close()


def test_an_unforeseen_error_leaves_its_traceback_in_the_file(tmp_path: Path) -> None:
    screen, file = io.StringIO(), tmp_path / "log.jsonl"
    with pytest.raises(ZeroDivisionError) as caught, start_logging("info", file, stream=screen):
        raise ZeroDivisionError("by nothing")
    [entry] = read(file)
    assert "ZeroDivisionError: by nothing" in str(entry["traceback"])
    assert caught.value.traceback_file == str(file)  # type: ignore[attr-defined]
    assert "Traceback" not in screen.getvalue()
