"""`simulate` on the command line: its words, its options."""

from __future__ import annotations

import argparse
from pathlib import Path

from autotrade.infrastructure.terminal.numbers import number

HOURS_MAX = 24.0 * 366
DAY_HOURS = 24.0
SEEDS = 1_000


def add_options(parser: argparse.ArgumentParser) -> None:
    count = number(int, 1, 10_000_000, "a whole number")
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--seeds", type=count, default=SEEDS, metavar="N", help=f"so many worlds ({SEEDS})"
    )
    which.add_argument("--seed", type=int, metavar="N", help="this world only")
    which.add_argument(
        "--script", type=Path, metavar="FILE", help="a world that was kept because it broke"
    )
    parser.add_argument(
        "--first-seed", type=int, default=0, metavar="N", help="the first of --seeds (0)"
    )
    parser.add_argument(
        "--hours",
        type=number(float, 0.01, HOURS_MAX, "hours"),
        default=DAY_HOURS,
        metavar="N",
        help=f"simulated hours of each world ({DAY_HOURS:g})",
    )
    parser.add_argument(
        "--pairs", type=number(int, 1, 6, "a number of pairs"), default=3, help="pairs (3)"
    )
    parser.add_argument("--jobs", type=count, metavar="N", help="processes (one a core)")
    parser.add_argument(
        "--faults-every",
        type=number(float, 0.5, 100_000, "seconds"),
        default=15.0,
        metavar="SECONDS",
        help="mean time between two faults of a storm (15)",
    )
    parser.add_argument(
        "--protect-within",
        type=number(float, 0.5, 3_600, "seconds"),
        default=5.0,
        metavar="SECONDS",
        help="calm time after which a position must have its stop (5)",
    )
    parser.add_argument("--trace", action="store_true", help="tell one world's story, line by line")
    parser.add_argument("--fail-fast", action="store_true", help="end at the first broken promise")
    parser.add_argument(
        "--keep",
        type=Path,
        metavar="FOLDER",
        help="shrink each world that breaks and keep it there as a script",
    )


SIMULATE = (
    "simulate",
    "prove that nothing is lost: the whole bot among faults, from seeds",
    "Runs the whole bot on a virtual clock against the exchange's own core, while requests and\n"
    "answers are lost, streams fall silent, the disk fails and the process is killed; checks\n"
    "its promises at every step. The same seed is always the same world. Exit 1 when a promise\n"
    "was broken. Nothing of your data is touched, nothing is sent anywhere.",
    (
        ("simulate --seeds 20 --hours 2", "a first look, about a minute"),
        ("simulate --seeds 1000 --jobs 2 --json", "figures for a machine"),
        ("simulate --seed 42 --hours 2 --trace", "the story of one world"),
        ("simulate --script kept.json --trace", "a world that once broke a promise"),
    ),
    add_options,
    "simulate:run",
)
