"""The repository's own files, as the house tests look at them."""

from __future__ import annotations

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
_LEFT_OUT = {
    ".venv", ".git", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis",
    ".import_linter_cache", "htmlcov", "data",
}  # fmt: skip


@cache
def all_files() -> tuple[Path, ...]:
    """Files that are in the repository or would be added to it; all files without git."""
    try:
        done = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=True,
        )
        names = [name for name in done.stdout.split("\0") if name]
        found = [ROOT / name for name in names]
    except (OSError, subprocess.CalledProcessError):
        found = [
            path for path in ROOT.rglob("*") if not _LEFT_OUT & set(path.relative_to(ROOT).parts)
        ]
    return tuple(sorted(path for path in found if path.is_file()))


def files(*patterns: str, below: str = "") -> list[Path]:
    """Files whose name fits one of the patterns, below a folder of the repository."""
    place = ROOT / below
    return [
        path
        for path in all_files()
        if path.is_relative_to(place) and any(path.match(pattern) for pattern in patterns)
    ]


@cache
def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(read(path))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()
