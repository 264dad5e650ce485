"""Trading over recorded data to its end: the raw L2 capture and a day of three pairs' candles.

    AUTOTRADE_RECORDINGS=DIR python benchmarks/trials/recordings_trial.py [capture|day] [--json]

capture: BTC/USDT 2024-08-08/09 at its own pace (about 11 minutes); beside it the connector's book
is compared with one built offline from the raw lines, at every book that is given out. day: one
recorded day at speed 120 (about 12 minutes). Exit 0 when the ledger differs in no asset, no book
differs and the checker finds no fault.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / name) for name in ("", "src")]

from tests.acceptance.recordings_run import (  # noqa: E402
    CAPTURE,
    DAY,
    DAY_MINUTES,
    run_capture,
    run_day,
)


def main() -> int:
    options = _options()
    recordings = os.environ.get("AUTOTRADE_RECORDINGS")
    if not recordings:
        sys.stderr.write("expected AUTOTRADE_RECORDINGS to name a folder, was not set\n")
        return 2
    report: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="autotrade-recordings-trial-") as temporary:
        folder = options.folder or Path(temporary)
        for name in options.what or ("capture", "day"):
            place = folder / name
            place.mkdir(parents=True, exist_ok=True)
            report[name] = _run(name, place, Path(recordings), options)
    print(json.dumps(report, indent=None if options.json else 1))
    return 1 if any(_faults(part) for part in report.values()) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="*", help="capture, day or both (both)")
    parser.add_argument("--capture-speed", type=float, default=1.0, help="of the capture (1)")
    parser.add_argument("--busy", action="store_true", help="fast signals over the capture")
    parser.add_argument("--date", default="2023-03-10", help="the recorded day (2023-03-10)")
    parser.add_argument("--day-speed", type=float, default=120.0, help="of the day (120)")
    parser.add_argument("--folder", type=Path, help="keep the data folders here")
    parser.add_argument("--json", action="store_true", help="one line instead of many")
    return parser.parse_args()


def _run(name: str, folder: Path, recordings: Path, options: argparse.Namespace) -> dict[str, Any]:
    if name == "capture":
        return run_capture(
            folder,
            [recordings / file for file in CAPTURE],
            speed=options.capture_speed,
            seconds=None,
            is_busy=options.busy,
        )
    return run_day(
        folder,
        [recordings / file for file in DAY],
        start=options.date,
        minutes=DAY_MINUTES,
        speed=options.day_speed,
        seconds=None,
        exit_seconds_max=3600,
    )


def _faults(part: dict[str, Any]) -> list[str]:
    faults = list(part.get("audit", {}).get("faults", []))
    if any(text != "0" for text in part["run"]["ledger_difference"].values()):
        faults.append("the ledger differs")
    if part.get("books", {}).get("different"):
        faults.append("a book differs")
    return faults


if __name__ == "__main__":
    sys.exit(main())
