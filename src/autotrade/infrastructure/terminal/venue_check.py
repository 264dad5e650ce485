"""The part of `check` that talks to the exchange: reach it, measure its clock, read the filters.

Orders are never sent. The embedded exchange is asked where it runs for a bot; else one is started
in a temporary folder, so that nothing is left behind.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from autotrade.bootstrap import connector_settings, exchange_of
from autotrade.infrastructure.connectors.ccxt_connection import Connection, open_connector
from autotrade.infrastructure.connectors.library_import import load_binance_class
from autotrade.infrastructure.journal.data_folder import DataFolder
from autotrade.infrastructure.terminal.formatting import format_number, format_time

if TYPE_CHECKING:
    from autotrade.config.settings import Settings

Add = Callable[..., None]
ANNOUNCE_FILE = "exchange.json"
"""As `simulated_exchange.process` names it; that module is too heavy to import for a name."""

OFFSET_MS_MAX = 1_000
"""On a real exchange; more is corrected for, but worth a look at this machine's clock."""


async def look_at_venue(settings: Settings, add: Add) -> None:
    """Add a finding for each look; an error is a finding too."""
    with tempfile.TemporaryDirectory(prefix="autotrade-check-") as place:
        folder = DataFolder(Path(place))
        # The library's import takes as long as the exchange's start: do both at once.
        library = asyncio.create_task(asyncio.to_thread(load_binance_class))
        try:
            async with exchange_of(_attached(settings), folder) as exchange:
                await library
                connection = await open_connector(
                    connector_settings(settings, "check", exchange.announcement)
                )
                try:
                    await _ask(settings, connection, add)
                finally:
                    await _close(connection)
        except Exception as error:  # noqa: BLE001 - whatever is wrong is what check is for
            add("connection", str(error) or type(error).__name__, is_good=False)


def _attached(settings: Settings) -> Settings:
    """Settings that use the exchange of the bot that runs on the data folder, if one does."""
    folder = DataFolder(settings.data_folder)
    announce = folder.path / ANNOUNCE_FILE
    if settings.exchange.attach is not None or not announce.exists() or folder.holder() is None:
        return settings
    return settings.model_copy(update={"exchange": replace(settings.exchange, attach=announce)})


async def _ask(settings: Settings, connection: Connection, add: Add) -> None:
    clock = connection.clock
    add("connection", f"{settings.exchange.venue} answers in {clock.round_trip_ms:.0f} ms")
    if settings.exchange.venue == "embedded":
        add("clock", f"the modelled market's clock reads {format_time(clock.now_ms())} UTC")
    else:
        text = f"this machine is {-clock.offset_ms:+.0f} ms off; corrected for when signing"
        add("clock", text, is_good=abs(clock.offset_ms) <= OFFSET_MS_MAX)
    rules = await connection.feed.rules([pair.symbol for pair in settings.pairs()])
    for symbol, rule in rules.items():
        quote = symbol.partition("/")[2]
        text = (
            f"price step {format_number(rule.tick_size)}, amount step "
            f"{format_number(rule.lot_size)}, at least {format_number(rule.minimum_notional)} "
            f"{quote} an order" + ("" if rule.is_trading else "; the exchange has HALTED it")
        )
        add(f"filters {symbol}", text, is_good=rule.is_trading)
    if connection.connector is not None:
        balances = await connection.connector.balances()
        held = [f"{format_number(item.total)} {item.asset}" for item in balances if item.total]
        add("account", ", ".join(held) or "empty")


async def _close(connection: Connection) -> None:
    if connection.connector is not None:
        await connection.connector.close()
    await connection.feed.close()
