"""`exchange`: serve the embedded exchange alone."""

from __future__ import annotations

import argparse

from autotrade.infrastructure.terminal.log_setup import start_logging


def run(arguments: argparse.Namespace) -> int:
    from autotrade.infrastructure.simulated_exchange import process
    from autotrade.infrastructure.simulated_exchange.process_options import options_from

    with start_logging("info", None):
        return process.run(options_from(arguments))
