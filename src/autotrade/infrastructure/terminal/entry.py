"""From the words of the command line to an exit code: the one outer guard stands here."""

from __future__ import annotations

import errno
import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

from autotrade.config.errors import ConfigurationError
from autotrade.infrastructure.terminal.cli import UsageError, parse
from autotrade.infrastructure.terminal.output import use_utf8, write_progress
from autotrade.infrastructure.terminal.redaction import clean

OK, FAILED, REFUSED, INTERRUPTED = 0, 1, 2, 130

_EXIT_CODES = {
    "autotrade.application.ports.StoreFault": FAILED,
    "autotrade.application.ports.UnknownSymbol": REFUSED,
    "autotrade.domain.strategies.base.StrategyFault": REFUSED,
    "autotrade.application.ports.ExchangeUnreachable": REFUSED,
    "autotrade.infrastructure.journal.chain.BrokenChain": FAILED,
    "autotrade.infrastructure.journal.codec.CodecFault": FAILED,
    "autotrade.infrastructure.journal.reader.UnreadableRow": FAILED,
    "autotrade.infrastructure.journal.data_folder.FolderInUse": REFUSED,
    "autotrade.infrastructure.journal.backup.BackupRefused": REFUSED,
    "autotrade.infrastructure.connectors.transport.TransportRefused": REFUSED,
    "autotrade.infrastructure.simulated_exchange.launcher.ExchangeDidNotStart": REFUSED,
    "autotrade.infrastructure.simulated_exchange.state_log.StateDamaged": REFUSED,
}
"""Errors whose text is a sentence for people, by full name, so that nothing is imported for it.
An error class may also carry `exit_code` itself."""

_SYSTEM_ADVICE = {
    errno.EADDRINUSE: "choose another port, or stop the program that uses this one",
    errno.EACCES: "correct the permissions",
    errno.EPERM: "correct the permissions",
    errno.EROFS: "name a writable folder with --data-dir",
    errno.ENOSPC: "make room on the disk",
    errno.ENOENT: "correct the path",
    errno.ENOTDIR: "correct the path",
    errno.EEXIST: "move away the file that stands where a folder belongs",
    errno.EISDIR: "move away the folder that stands where a file belongs",
}


def main(words: Sequence[str]) -> int:
    """Run one command. Never raises: every error becomes a sentence and an exit code."""
    use_utf8()
    try:
        parsed = parse(words)
        if isinstance(parsed, str):
            sys.stdout.write(parsed)
            return OK
        command, arguments = parsed
        code = command.load()(arguments)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the one outer guard
        if _is_reader_gone(error):
            # Nobody reads our stdout any more (`deals | head`); Python must not flush it again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return OK
        return _explain(error)


def _is_reader_gone(error: Exception) -> bool:
    """Windows says EINVAL where others say EPIPE."""
    is_windows_pipe = sys.platform == "win32" and getattr(error, "errno", None) == errno.EINVAL
    return isinstance(error, BrokenPipeError) or is_windows_pipe


def _explain(error: Exception) -> int:
    match error:
        case UsageError():
            return _say([str(error)], REFUSED)
        case ConfigurationError():
            return _say(error.problems, REFUSED)
        case ModuleNotFoundError() if not str(error.name).startswith("autotrade"):
            return _say(
                [
                    f"expected the package {error.name}, was not installed; run `make venv`, or "
                    "`python -m pip install -r requirements.txt`"
                ],
                REFUSED,
            )
    code = _known_exit_code(error)
    if code is not None:
        return _say(str(error).splitlines() or [type(error).__name__], code)
    if isinstance(error, OSError) and error.errno in _SYSTEM_ADVICE:
        place = f" ({error.filename})" if error.filename else ""
        advice = _SYSTEM_ADVICE[error.errno]
        return _say([f"the system says: {error.strerror}{place}; {advice}"], REFUSED)
    file = _write_traceback(error)
    return _say([f"unexpected {type(error).__name__}; what happened is written in {file}"], FAILED)


def _known_exit_code(error: Exception) -> int | None:
    own = getattr(error, "exit_code", None)
    if isinstance(own, int):
        return own
    for cls in type(error).__mro__:
        code = _EXIT_CODES.get(f"{cls.__module__}.{cls.__qualname__}")
        if code is not None:
            return code
    return None


def _say(sentences: Sequence[str], code: int) -> int:
    for sentence in sentences:
        write_progress(clean(f"autotrade: {sentence}"))
    return code


def _write_traceback(error: Exception) -> str:
    """Where the traceback went: the running log's file, or a file among the temporary ones."""
    known = getattr(error, "traceback_file", None)
    if isinstance(known, str):
        return known
    name = f"autotrade-error-{os.getpid()}.log"
    path = Path(tempfile.gettempdir()) / name
    path.write_text(clean("".join(traceback.format_exception(error))), encoding="utf-8")
    return str(path)
