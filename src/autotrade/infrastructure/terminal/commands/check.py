"""`check`: is everything as it must be for trading? Looks, and changes nothing."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from autotrade.config.cross_checks import refuse_live_without_consent
from autotrade.config.errors import ConfigurationError
from autotrade.config.schema import KEYS, PAIR_LIST, all_settings
from autotrade.config.strategy_parameters import PARAMETERS
from autotrade.domain.strategies import registry
from autotrade.infrastructure.terminal.commands.common import settings_of
from autotrade.infrastructure.terminal.formatting import format_number
from autotrade.infrastructure.terminal.output import plain, write_json
from autotrade.infrastructure.terminal.redaction import MASK
from autotrade.infrastructure.terminal.tables import show_table

if TYPE_CHECKING:
    from autotrade.config.settings import Settings

FREE_BYTES_MIN = 100_000_000
_FEES_PERCENT = Decimal("0.2")
"""Both legs at Binance's ordinary rate."""


@dataclass(slots=True)
class Findings:
    """What check found: a line for each look, good or bad."""

    rows: list[tuple[bool, str, str]] = field(default_factory=list)

    def add(self, name: str, text: str, is_good: bool = True) -> None:
        self.rows.append((is_good, name, text))

    def attempt(self, name: str, look: Callable[[], str]) -> None:
        """A look whose error is a finding, not the end of check."""
        try:
            self.add(name, look())
        except Exception as error:  # noqa: BLE001 - whatever is wrong is what check is for
            self.add(name, str(error) or type(error).__name__, is_good=False)

    @property
    def is_good(self) -> bool:
        return all(is_good for is_good, _, _ in self.rows)


def run(arguments: argparse.Namespace) -> int:
    settings = settings_of(arguments)
    findings = Findings()
    _look_at_permissions(settings, findings)
    _look_at_profit(settings, findings)
    _look_at_disk(settings, findings)
    if not arguments.offline:
        from autotrade.infrastructure.terminal.venue_check import look_at_venue

        asyncio.run(look_at_venue(settings, findings.add))
    rows = effective_settings(settings)
    if arguments.json:
        write_json(
            {
                "good": findings.is_good,
                "checks": [
                    {"good": is_good, "name": name, "text": text}
                    for is_good, name, text in findings.rows
                ],
                "settings": [
                    {"name": name, "value": value, "origin": origin} for name, value, origin in rows
                ],
            }
        )
    else:
        show_table("Settings", ["name", "value", "from"], rows, "")
        show_table(
            "Checks",
            ["", "what", "found"],
            [("ok" if good else "BAD", name, text) for good, name, text in findings.rows],
            "",
        )
    return 0 if findings.is_good else 1


def effective_settings(settings: Settings) -> list[tuple[str, str, str]]:
    """(name, value, origin) of everything, keys masked."""
    rows = []
    for index, pair in enumerate(settings.currency_pairs):
        for item in all_settings():
            if item.section == "currency_pair":
                path = f"{PAIR_LIST}.{index}.{item.leaf}"
                rows.append((path, _text(getattr(pair, item.leaf)), _origin(settings, path)))
    for item in all_settings():
        if item.path == PARAMETERS and (own := _parameter_rows(settings)):
            rows.extend(own)
        elif item.section not in ("", "currency_pair"):
            value = getattr(getattr(settings, item.section), item.leaf)
            rows.append((item.path, _text(value), _origin(settings, item.path)))
    rows.append(("data_dir", str(settings.data_folder), _origin(settings, "data_dir")))
    for name in KEYS:
        value = getattr(settings.keys, name.lower())
        shown = "not set" if value is None else str(value) if isinstance(value, Path) else MASK
        rows.append((name, shown, _origin(settings, f"keys.{name.lower()}")))
    return rows


def _parameter_rows(settings: Settings) -> list[tuple[str, str, str]]:
    """The chosen strategy's own parameters; none when it has none."""
    found = registry.find(settings.strategy.name)
    assert found is not None, "cross checks refuse unknown strategies"
    if registry.shares_settings(found.kind):
        return []
    values = registry.parameters_of(found.kind, settings.strategy)
    paths = [(item.name, f"{PARAMETERS}.{item.name}") for item in fields(values)]  # type: ignore[arg-type]
    return [(path, _text(getattr(values, name)), _origin(settings, path)) for name, path in paths]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ", ".join(str(item) for item in value) or "none"
    if value is None:
        return "none"
    return str(plain(value))


def _origin(settings: Settings, path: str) -> str:
    origin, written = settings.origin(path), settings.written(path)
    return origin if written == path else f"{origin} ({written})"


def _look_at_permissions(settings: Settings, findings: Findings) -> None:
    mode = f"{settings.exchange.mode} on venue {settings.exchange.venue}"
    refusals = refuse_live_without_consent(settings)
    findings.add("mode", refusals[0] if refusals else mode, is_good=not refusals)
    if settings.exchange.venue == "embedded":
        return
    from autotrade.config.credentials import load_credentials

    try:
        keys = load_credentials(settings)
    except ConfigurationError as error:
        findings.add("keys", str(error), is_good=False)
        return
    findings.add("keys", "none, none needed" if keys is None else f"readable, {keys.kind}")


def _look_at_profit(settings: Settings, findings: Findings) -> None:
    wanted = settings.trading.min_net_profit_percent
    for pair in settings.pairs():
        net = pair.profit_markup - _FEES_PERCENT
        findings.add(
            f"profit {pair.symbol}",
            f"target +{format_number(pair.profit_markup)} %, about {format_number(net)} % after "
            f"fees, wanted {format_number(wanted)} %",
            is_good=net >= wanted,
        )


def _look_at_disk(settings: Settings, findings: Findings) -> None:
    from autotrade.infrastructure.journal.data_folder import DataFolder

    folder = DataFolder(settings.data_folder)

    def writable() -> str:
        place = settings.data_folder
        while not place.exists():
            place = place.parent
        try:
            # Asking for the permission is not enough: root has it on a disk that takes nothing.
            with tempfile.TemporaryFile(dir=place):
                pass
        except OSError as error:
            raise PermissionError(
                f"expected a writable folder, was {place}, which refuses "
                f"({error.strerror or error}); name another one with --data-dir"
            ) from None
        return f"{settings.data_folder} is writable"

    def room() -> str:
        free = folder.free_bytes()
        if free < FREE_BYTES_MIN:
            raise OSError(
                f"expected {FREE_BYTES_MIN // 1_000_000} MB free, was {free // 1_000_000} MB; "
                "make room"
            )
        return f"{free // 1_000_000} MB free"

    def holder() -> str:
        who = folder.holder()
        return "no bot runs on it" if who is None else f"a bot runs on it (process {who.pid})"

    findings.attempt("data folder", writable)
    findings.attempt("disk space", room)
    findings.attempt("running", holder)
