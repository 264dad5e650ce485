"""Which AutoTrade this is: the version of pyproject.toml, the commit of the checkout."""

from __future__ import annotations

import tomllib
from pathlib import Path

from autotrade.config.sources import PROJECT_FOLDER


def read_version() -> str:
    """The version that pyproject.toml names."""
    content = tomllib.loads((PROJECT_FOLDER / "pyproject.toml").read_text(encoding="utf-8"))
    return str(content["project"]["version"])


def read_commit() -> str:
    """First eight digits of the checked-out commit, read without git; `no commit` if none."""
    folder = _git_folder()
    try:
        head = (folder / "HEAD").read_text(encoding="ascii").strip()
        if not head.startswith("ref: "):
            return head[:8]
        return _resolve(folder, head.removeprefix("ref: "))[:8]
    except (OSError, LookupError):
        return "no commit"


def _git_folder() -> Path:
    """A worktree has a file in the place of the folder, which names the folder."""
    folder = PROJECT_FOLDER / ".git"
    if folder.is_file():
        named = folder.read_text(encoding="utf-8").strip().removeprefix("gitdir: ")
        folder = PROJECT_FOLDER / named
    return folder


def _resolve(folder: Path, reference: str) -> str:
    common = folder / "commondir"
    folders = [folder]
    if common.exists():
        folders.append(folder / common.read_text(encoding="utf-8").strip())
    for place in folders:
        if (place / reference).exists():
            return (place / reference).read_text(encoding="ascii").strip()
        if (place / "packed-refs").exists():
            for line in (place / "packed-refs").read_text(encoding="utf-8").splitlines():
                digest, _, name = line.partition(" ")
                if name == reference:
                    return digest
    raise LookupError(reference)
