"""A long run of the bot on an exchange that makes faults: does it leak, and do the books agree?

    python benchmarks/trials/soak_trial.py --minutes 60 --speed 120 --faults seed:1 [--json]

The exchange runs in a process of its own. The bot's resident memory, open descriptors, sockets and
threads are looked at every few seconds; what counts is the median of the last tenth against that
of the first tenth after the warm-up. Then the faults end, the bot is stopped in order and an
independent checker compares its journal with the exchange. Exit 0 when everything holds, else 1.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / name) for name in ("", "src")]

from tests.acceptance.soak_run import run_soak  # noqa: E402


def main() -> int:
    options = _options()
    with tempfile.TemporaryDirectory(prefix="autotrade-soak-trial-") as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        report = run_soak(
            folder,
            minutes=options.minutes,
            warm_up_minutes=options.warm_up,
            speed=options.speed,
            seed=options.seed,
            script=options.faults,
            is_busy=options.busy,
            say=lambda text: print(text, file=sys.stderr, flush=True),
        )
    if options.json:
        print(json.dumps(report, indent=1))
    else:
        for name, value in report.items():
            if name != "last_run":
                print(f"{name:<30} {value}")
    return 1 if report["faults"] else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=60.0, help="watched, after warm-up (60)")
    parser.add_argument("--warm-up", type=float, default=5.0, metavar="MINUTES", help="(5)")
    parser.add_argument("--speed", type=float, default=120.0, help="of the exchange (120)")
    parser.add_argument("--faults", default="seed:1", metavar="FILE|seed:N", help="(seed:1)")
    parser.add_argument("--seed", type=int, default=1, help="of the market (1)")
    parser.add_argument("--busy", action="store_true", help="signals on nearly every candle")
    parser.add_argument("--folder", type=Path, help="keep both data folders here")
    parser.add_argument("--json", action="store_true", help="the whole report on stdout")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
