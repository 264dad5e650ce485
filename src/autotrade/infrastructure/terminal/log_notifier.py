"""The log as the application's Notifier: one line a fact, on the console and in the JSON file."""

from __future__ import annotations

import logging

from autotrade.infrastructure.terminal.log_setup import log_fact


class LogNotifier:
    def __init__(self, name: str = "autotrade") -> None:
        self._logger = logging.getLogger(name)

    def notify(self, text: str, *, is_warning: bool = False) -> None:
        log_fact(self._logger, text, logging.WARNING if is_warning else logging.INFO)
