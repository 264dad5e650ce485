"""Where recorded market data lies, if there is any on this machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def recording(name: str) -> Path:
    """The recorded file `name`; skips the test, with the reason, where there is none."""
    folder = os.environ.get("AUTOTRADE_RECORDINGS")
    if not folder:
        pytest.skip("AUTOTRADE_RECORDINGS names no folder with recorded market data")
    path = Path(folder) / name
    if not path.exists():
        pytest.skip(f"the recording {name} is not in AUTOTRADE_RECORDINGS")
    return path
