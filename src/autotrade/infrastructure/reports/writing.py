"""A report on disk: the place is tried before the work, the file appears whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from autotrade.config.errors import ConfigurationError


def require_writable(path: Path) -> None:
    """Raise ConfigurationError, in one sentence, when no report can be written there."""
    if path.is_dir():
        raise ConfigurationError(
            f"expected a file for the report, was the folder {path}; name a file like "
            f"{path / 'report.html'}"
        )
    if not path.parent.is_dir():
        raise ConfigurationError(
            f"expected a folder to put the report {path.name} into, was {path.parent}, which is "
            "none; make it or name another place"
        )
    if not os.access(path.parent, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
        raise ConfigurationError(
            f"expected a place for the report that can be written to, was {path}; correct the "
            "permissions or name another place"
        )


def write_report(path: Path, page: str) -> None:
    """Put the page in its place."""
    require_writable(path)
    unfinished = path.with_name(f".{path.name}.writing")
    try:
        unfinished.write_text(page, encoding="utf-8", newline="\n")
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise ConfigurationError(
            f"expected to write the report {path}, the system says: {error.strerror}; name "
            "another place"
        ) from None
