"""All benchmarks, one after the other, each in a fresh process (`make bench`).

    python benchmarks/run_all.py                the whole table, about 15 minutes
    python benchmarks/run_all.py --only engine order_book
    python benchmarks/run_all.py --quick        fewer samples and short runs, to see that all works

Writes benchmarks/results/latest.json (git-ignored) and prints the table for
docs/reference/performance.md. A program that fails leaves its rows out and makes the exit code 1.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import Row, machine, machine_text, markdown, rows_from, write_json

HERE = Path(__file__).resolve().parent
LATEST = HERE / "results" / "latest.json"

PROGRAMS: dict[str, tuple[list[str], list[str]]] = {
    "engine": ([], ["--tickers", "5000", "--decisions", "200"]),
    "order_book": ([], ["--books", "1000"]),
    "wire": ([], ["--samples", "10"]),
    "journal": ([], ["--rows", "2000", "--commits", "50"]),
    "recording": ([], ["--tickers", "2000", "--flushes", "50"]),
    "recovery": ([], ["--rows", "5000", "--rounds", "2"]),
    "simulation": ([], ["--seeds", "2", "--hours", "0.5"]),
    "sweep": ([], ["--runs", "1"]),
    "command_line": ([], ["--rounds", "2"]),
    "memory": ([], ["--pairs", "3", "--minutes", "0.2", "--warm-up", "0.2"]),
}
"""Name: options, and options of a quick run."""


def run(name: str, options: list[str], folder: Path) -> dict[str, object] | None:
    """The report of one program; None when it failed."""
    file = folder / f"{name}.json"
    print(f"--- {name}", flush=True)
    command = [sys.executable, str(HERE / f"{name}.py"), "--json", str(file), *options]
    if subprocess.run(command, check=False).returncode != 0:
        print(f"{name} failed", file=sys.stderr)
        return None
    report: dict[str, object] = json.loads(file.read_text(encoding="utf-8"))
    return report


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=PROGRAMS, default=list(PROGRAMS))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--out", type=Path, default=LATEST)
    arguments = parser.parse_args()
    reports = []
    with tempfile.TemporaryDirectory(prefix="autotrade-bench-") as name:
        for program in arguments.only:
            options, quick = PROGRAMS[program]
            reports.append(run(program, quick if arguments.quick else options, Path(name)))
    done = [report for report in reports if report is not None]
    write_json(arguments.out, {"machine": machine(), "programs": done})
    rows: list[Row] = [row for report in done for row in rows_from(report)]
    print(f"\n{machine_text()}\n\n{markdown(rows)}\n")
    missed = [row.what for row in rows if not row.is_met]
    print(f"{len(rows)} rows, missed: {', '.join(missed) or 'none'}")
    return 0 if len(done) == len(reports) else 1


if __name__ == "__main__":
    sys.exit(main())
