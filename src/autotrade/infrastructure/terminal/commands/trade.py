"""`trade`: hand the settings to the bootstrap and wait for its end."""

from __future__ import annotations

import argparse
import asyncio
from typing import TYPE_CHECKING

from autotrade.config.cross_checks import refuse_live_without_consent
from autotrade.config.errors import ConfigurationError
from autotrade.infrastructure.journal.data_folder import DataFolder, before_anything
from autotrade.infrastructure.journal.files import store_faults
from autotrade.infrastructure.terminal.commands.common import settings_of
from autotrade.infrastructure.terminal.log_setup import LogHandle, start_logging

if TYPE_CHECKING:
    from autotrade.config.settings import Settings


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
    with _log(settings):
        return asyncio.run(run_trade(settings, options))


def _log(settings: Settings) -> LogHandle:
    """The log stands in the data folder: whether that can be written is looked at first."""
    with before_anything():
        DataFolder(settings.data_folder).check_writable()
        with store_faults(settings.log_file, "write the log"):
            return start_logging(
                settings.log.level,
                settings.log_file,
                file_bytes_max=int(settings.log.file_megabytes * 1_000_000),
                file_count=settings.log.file_count,
            )
