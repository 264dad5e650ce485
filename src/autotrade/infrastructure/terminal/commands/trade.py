"""`trade`: hand the settings to the bootstrap and wait for its end."""

from __future__ import annotations

import argparse
import asyncio

from autotrade.config.cross_checks import refuse_live_without_consent
from autotrade.config.errors import ConfigurationError
from autotrade.infrastructure.terminal.commands.common import settings_of
from autotrade.infrastructure.terminal.log_setup import start_logging


def run(arguments: argparse.Namespace) -> int:
    settings = settings_of(arguments)
    refusals = refuse_live_without_consent(settings)
    if refusals:
        raise ConfigurationError(refusals)

    from autotrade.bootstrap import TradeOptions, run_trade

    options = TradeOptions(
        duration_seconds=arguments.duration_seconds,
        flatten_on_stop=arguments.flatten_on_stop,
        json_output=arguments.json,
    )
    with start_logging(
        settings.log.level,
        settings.log_file,
        file_bytes_max=int(settings.log.file_megabytes * 1_000_000),
        file_count=settings.log.file_count,
    ):
        return asyncio.run(run_trade(settings, options))
