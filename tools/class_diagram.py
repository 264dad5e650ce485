"""schema-app.puml from the code: entities, services, ports and how they hold each other.

Only syntax trees are read, nothing is imported, so the diagram can be made of half-finished code.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

PACKAGES = (
    ("domain.entities", "domain/entities"),
    ("domain.state", "domain/state.py"),
    ("domain.repositories", "domain/repositories.py"),
    ("domain.factories", "domain/factories"),
    ("domain.strategies", "domain/strategies"),
    ("domain.services", "domain/services"),
    ("application", "application"),
)
"""Drawn class by class: (package's name, file or folder below src/autotrade)."""

LISTS = (
    ("domain.events", "domain/events.py"),
    ("domain.commands", "domain/commands.py"),
    ("domain.decisions", "domain/decisions.py"),
)
"""Too many small values to draw: one box each, with their names."""


@dataclass(slots=True)
class ClassBox:
    name: str
    kind: str
    bases: list[str]
    fields: list[tuple[str, str]] = field(default_factory=list)
    methods: list[str] = field(default_factory=list)
    holds: list[str] = field(default_factory=list)
    """Names in annotations: fields and constructor parameters."""


def render(source: Path) -> str:
    """The whole diagram of the package folder `source` (src/autotrade)."""
    packages = [(name, list(_boxes(source / place))) for name, place in PACKAGES]
    known = {box.name for _, boxes in packages for box in boxes}
    lines = [
        "@startuml schema-app",
        "' Written by tools/generate.py from the code; a test compares. Do not edit.",
        "hide empty members",
        "skinparam classAttributeIconSize 0",
        "left to right direction",
    ]
    for name, boxes in packages:
        lines += ["", f'package "{name}" {{']
        lines += [f"  {line}" for box in boxes for line in _box_lines(box)]
        lines.append("}")
    for name, place in LISTS:
        names = [box.name for box in _boxes(source / place)]
        lines += ["", f'class "{name}" as {name.replace(".", "_")} << (M,white) >> {{']
        lines += [f"  {item}" for item in names]
        lines.append("}")
    lines.append("")
    arrows = {line for _, boxes in packages for box in boxes for line in _arrows(box, known)}
    lines += sorted(arrows)
    lines.append("@enduml")
    return "\n".join(lines) + "\n"


def _boxes(place: Path) -> Iterator[ClassBox]:
    """The public classes of a file, or of all files of a folder, by path and line."""
    files = [place] if place.suffix == ".py" else sorted(place.rglob("*.py"))
    for file in files:
        if not file.exists():
            continue
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                yield _box(node)


def _box(node: ast.ClassDef) -> ClassBox:
    bases = [ast.unparse(base) for base in node.bases]
    kind = "class"
    if "Protocol" in bases:
        kind = "interface"
    elif any(base.endswith("Enum") for base in bases):
        kind = "enum"
    box = ClassBox(node.name, kind, [base for base in bases if base != "Protocol"])
    for item in node.body:
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            if not item.target.id.startswith("_"):
                box.fields.append((item.target.id, ast.unparse(item.annotation)))
                box.holds += _names(item.annotation)
        elif isinstance(item, ast.Assign) and kind == "enum":
            names = [target.id for target in item.targets if isinstance(target, ast.Name)]
            box.fields += [(name, "") for name in names]
        elif isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef):
            _add_method(box, item)
    return box


def _add_method(box: ClassBox, item: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    arguments = [*item.args.args, *item.args.kwonlyargs]
    if item.name == "__init__":
        for argument in arguments:
            if argument.annotation is not None:
                box.holds += _names(argument.annotation)
    elif not item.name.startswith("_"):
        names = ", ".join(argument.arg for argument in arguments if argument.arg != "self")
        box.methods.append(f"{item.name}({names})")


def _names(annotation: ast.expr) -> list[str]:
    return [node.id for node in ast.walk(annotation) if isinstance(node, ast.Name)]


def _box_lines(box: ClassBox) -> list[str]:
    lines = [f"{box.kind} {box.name} {{"]
    for name, annotation in box.fields:
        lines.append(f"  {name}: {annotation}" if annotation else f"  {name}")
    lines += [f"  {method}" for method in box.methods]
    lines.append("}")
    return lines


def _arrows(box: ClassBox, known: set[str]) -> Iterator[str]:
    for base in box.bases:
        if base in known:
            yield f"{base} <|-- {box.name}"
    for name in box.holds:
        if name in known and name != box.name:
            yield f"{box.name} --> {name}"
