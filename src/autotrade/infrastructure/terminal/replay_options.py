"""`replay` and `drift` on the command line: their words, their options."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", type=Path, nargs="?", metavar="DATA_DIR", help="data folder of the recorded run"
    )


REPLAY = (
    "replay",
    "prove that a recorded run would decide again as it did",
    "Feed what a run recorded (its journal and the market recording beside it) through a new\n"
    "engine and compare every decision, every fact of a deal and every command with the journal,\n"
    "byte for byte. Each session runs with the settings it was recorded with. Exit 0: nothing\n"
    "differs; 1: the first difference is shown; 2: there is nothing to replay.\n"
    "Works while the bot runs, and on the folder of a killed one; only reads.",
    (
        ("replay data", "the data folder of a run"),
        ("replay data --json", "figures for a machine"),
    ),
    add_options,
    "replay:run",
)

DRIFT = (
    "drift",
    "say by how much a backtest flatters: a recorded run against its own candles",
    "Backtest the candles that a run recorded, with the run's own settings, fees and capital,\n"
    "and attribute each deal's difference: latency, spread, queue, fee, exit path, amount, or a\n"
    "signal that one of them missed, with the reason. The parts sum to the difference exactly.\n"
    "Exit 0: compared; 2: there is nothing to compare. Only reads, also while the bot runs.",
    (
        ("drift data", "every deal of the run"),
        ("drift data --json", "every digit, for a machine"),
    ),
    add_options,
    "drift:run",
)
