"""Where a result comes from: its candles with their hashes, and every setting it was run with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autotrade.infrastructure.reports.figures import moment
from autotrade.infrastructure.reports.markup import folded, paragraphs, section, table

_MODELLED_EXCHANGE = "modelled"


def data_and_settings(result: Mapping[str, Any]) -> str:
    """Two sections: the candles, and the settings, those that the user changed first."""
    data = table(
        ["pair", "exchange", "candles are", "timeframe", "candles>", "from", "to"],
        [
            (
                facts["pair"],
                facts["exchange"],
                "modelled" if facts["exchange"].startswith(_MODELLED_EXCHANGE) else "recorded",
                facts["timeframe"],
                f"{facts['candles']:,}",
                moment(facts["from_ms"]),
                moment(facts["to_ms"]),
            )
            for facts in result["data"]
        ],
    )
    warnings = [f"warning: {sentence}" for sentence in result["warnings"]]
    hashes = [f"{facts['pair']}: sha256 {facts['sha256']}" for facts in result["data"]]
    run = [
        f"{result['skipped_candles']:,} of {result['candles']:,} candles were skipped, because "
        "nothing could happen there.",
        f"The journal has {result['journal_rows']:,} rows, sha256 {result['journal_sha256']}.",
    ]
    changed = table(["setting", "value"], list(result["chosen"].items()))
    return "\n".join(
        part
        for part in (
            section(
                "Candles", data, paragraphs([*hashes, *run, *warnings]),
                note="from and to are opening times in UTC, the warm-up of the indicators included",
            ),
            section(
                "Settings",
                changed or paragraphs(["Nothing was changed for this run."]),
                folded("all settings", _all_settings(result)),
            ),
        )
        if part
    )  # fmt: skip


def _all_settings(result: Mapping[str, Any]) -> str:
    rows = [
        (f"{section_name}.{name}", _shown(value))
        for section_name, values in result["settings"].items()
        for name, value in values.items()
    ]
    rows += [(f"backtest.{name}", _shown(value)) for name, value in result["assumptions"].items()]
    rows += [
        (f"{pair['pair']} {name}", _shown(value))
        for pair in result["pair_settings"]
        for name, value in pair.items()
        if name != "pair"
    ]
    return table(["setting", "value"], rows)


def _shown(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case None:
            return "-"
        case _:
            return str(value)
