"""The outer guard: whatever goes wrong, the user reads a sentence and gets the right exit code."""

from __future__ import annotations

import errno
from argparse import Namespace
from pathlib import Path

import pytest

from autotrade.application.ports import ExchangeUnreachable, StoreFault, UnknownSymbol
from autotrade.config.errors import ConfigurationError
from autotrade.infrastructure.journal.data_folder import FolderInUse
from autotrade.infrastructure.terminal import entry, redaction
from autotrade.infrastructure.terminal.command_list import Command


class SpecialFault(Exception):
    exit_code = 7


@pytest.fixture
def fail_with(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    """Run a command that raises; returns the exit code and what was written on stderr."""

    def run(error: BaseException) -> tuple[int, str]:
        def handler(arguments: Namespace) -> int:
            raise error

        command = Command("x", "", "", (), lambda parser: None, "x:x")
        monkeypatch.setattr(Command, "load", lambda self: handler)
        monkeypatch.setattr(entry, "parse", lambda words: (command, Namespace()))
        code = entry.main([])
        captured = capsys.readouterr()
        assert captured.out == ""
        assert "Traceback" not in captured.err
        return code, captured.err

    return run


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (ConfigurationError(["one.", "two."]), 2, "autotrade: one.\nautotrade: two.\n"),
        (StoreFault("disk full"), 1, "autotrade: disk full\n"),
        (UnknownSymbol("no BTC/USTD"), 2, "autotrade: no BTC/USTD\n"),
        (ExchangeUnreachable("nobody there"), 2, "autotrade: nobody there\n"),
        (SpecialFault("odd"), 7, "autotrade: odd\n"),
        (
            OSError(errno.EADDRINUSE, "Address already in use"),
            2,
            "autotrade: the system says: Address already in use; choose another port, or stop the "
            "program that uses this one\n",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", "/x"),
            2,
            "autotrade: the system says: Permission denied (/x); correct the permissions\n",
        ),
        (
            ModuleNotFoundError("no module", name="ccxt"),
            2,
            "autotrade: expected the package ccxt, was not installed; run `make venv`, or "
            "`python -m pip install -r requirements.txt`\n",
        ),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_known_errors(fail_with, error: BaseException, code: int, text: str) -> None:  # type: ignore[no-untyped-def]
    assert fail_with(error) == (code, text)


def test_a_folder_in_use_is_the_environments_fault(fail_with) -> None:  # type: ignore[no-untyped-def]
    code, text = fail_with(FolderInUse(Path("d"), 42, "2024-01-01"))
    assert code == 2
    assert "process 42" in text


def test_an_unknown_error_names_the_file_with_the_traceback(
    fail_with, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(entry.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(redaction, "_known", [])
    redaction.protect("top-secret-value")
    code, text = fail_with(ZeroDivisionError("with top-secret-value"))
    assert code == 1
    [file] = tmp_path.iterdir()
    assert text == (
        f"autotrade: unexpected ZeroDivisionError; what happened is written in {file}\n"
    )
    written = file.read_text(encoding="utf-8")
    assert "Traceback" in written
    assert "top-secret-value" not in written


def test_an_error_that_carries_its_file_is_not_written_again(fail_with) -> None:  # type: ignore[no-untyped-def]
    error = RuntimeError("x")
    error.traceback_file = "logs/autotrade.jsonl"  # type: ignore[attr-defined]
    assert fail_with(error) == (
        1,
        "autotrade: unexpected RuntimeError; what happened is written in logs/autotrade.jsonl\n",
    )
