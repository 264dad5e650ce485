"""Layer: what one source of settings says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Values = dict[str, Any]


@dataclass(slots=True)
class Layer:
    """What one source says. `written` maps a setting's path to the name the user wrote."""

    name: str
    values: Values = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)

    def put(self, path: str, value: object, written: str) -> None:
        *sections, leaf = path.split(".")
        target = self.values
        for section in sections:
            target = target.setdefault(section, {})
        target[leaf] = value
        self.written[path] = written
