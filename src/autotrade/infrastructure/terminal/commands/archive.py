"""`backup` and `restore`."""

from __future__ import annotations

import argparse

from autotrade.infrastructure.terminal.commands.common import data_folder_of, require_folder
from autotrade.infrastructure.terminal.output import write_json, write_result


def backup(arguments: argparse.Namespace) -> int:
    folder = require_folder(data_folder_of(arguments))
    from autotrade.infrastructure.journal import backup as backups

    target = None if arguments.to is None else arguments.to.absolute()
    archive = backups.backup(folder, target)
    if arguments.json:
        write_json({"archive": archive, "bytes": archive.stat().st_size})
    else:
        write_result(f"{archive} ({archive.stat().st_size} bytes)")
    return 0


def restore(arguments: argparse.Namespace) -> int:
    from autotrade.infrastructure.journal import backup as backups

    folder = data_folder_of(arguments)
    report = backups.restore(arguments.archive.absolute(), folder, force=arguments.force)
    if arguments.json:
        write_json({"folder": folder, "rows": report.rows, "holds": report.holds})
    else:
        write_result(f"restored into {folder}: {report.rows} rows, the chain holds")
    return 0
