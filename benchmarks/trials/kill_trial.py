"""kill -9 of the bot at random moments, orders in flight included: is anything lost or doubled?

    python benchmarks/trials/kill_trial.py --kills 30 --seed 1 [--faults seed:1] [--json]

An exchange runs in a process of its own; the bot is killed and started again, then runs once to
its orderly end. With --faults the exchange itself loses requests, replies and messages, bans, halts
and closes sockets meanwhile, and is well again before the last run. A checker that shares no code
with the application compares the journal's lines with the exchange's orders, trades and account.
Exit 0 when it finds no fault, else 1.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / name) for name in ("", "src")]

from tests.acceptance.kill_run import run_kills  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=30, help="how often (30)")
    parser.add_argument("--seed", type=int, default=1, help="of the moments and the market (1)")
    parser.add_argument("--speed", type=float, default=60.0, help="of the exchange (60)")
    parser.add_argument("--faults", metavar="FILE|seed:N", help="on in the exchange meanwhile")
    parser.add_argument("--folder", type=Path, help="keep both data folders here")
    parser.add_argument("--json", action="store_true", help="the whole report on stdout")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="autotrade-kill-trial-") as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        report = run_kills(
            folder,
            kills=options.kills,
            seed=options.seed,
            speed=options.speed,
            script=options.faults,
            say=lambda text: print(text, file=sys.stderr, flush=True),
        )
    if options.json:
        print(json.dumps(report, indent=1))
    else:
        for name, value in report.items():
            if name not in ("moments", "last_run"):
                print(f"{name:<30} {value}")
    return 1 if report["faults"] else 0


if __name__ == "__main__":
    sys.exit(main())
