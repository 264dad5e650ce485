"""The table of planted defects, and which of them the simulation is known not to find."""

from __future__ import annotations

from tools.planted_in_core import CORE
from tools.planted_in_edges import EDGES
from tools.planting import Defect

DEFECTS: tuple[Defect, ...] = (*CORE, *EDGES)

KNOWN_SURVIVORS: dict[str, str] = {}
"""Name of a defect that no world finds -> why that is no hole (or which hole it is)."""
