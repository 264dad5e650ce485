"""The folder of the recordings: names, and what is old enough to go.

A file is named after the journal's row that started its session: `recording/000000000001.jsonl.gz`.
It is removed as a whole, for a session without its beginning cannot be replayed.
"""

from __future__ import annotations

import re
from pathlib import Path

DAY_SECONDS = 86_400.0
_NAME = re.compile(r"(\d{12})\.jsonl\.gz")


def recording_path(folder: Path, seq: int) -> Path:
    return folder / f"{seq:012d}.jsonl.gz"


def recorded_files(folder: Path) -> list[tuple[int, Path]]:
    """(row that started the session, file), oldest session first. Other files are not ours."""
    if not folder.is_dir():
        return []
    found = [(_NAME.fullmatch(path.name), path) for path in folder.iterdir()]
    return sorted((int(match[1]), path) for match, path in found if match is not None)


def remove_old(folder: Path, retention_days: float, now_seconds: float) -> int:
    """Remove recordings that were last written more than so many days ago; returns how many.

    Raises OSError. `now_seconds` is the system's time since the epoch: files are as old as the
    system says, whatever time the market in them had.
    """
    oldest = now_seconds - retention_days * DAY_SECONDS
    old = [path for _, path in recorded_files(folder) if path.stat().st_mtime < oldest]
    for path in old:
        path.unlink()
    return len(old)
