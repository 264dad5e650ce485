"""Write the documents that follow from the code: `make docs`."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from tools import class_diagram, documents


def generated() -> dict[Path, str]:
    """Every generated file and what it must hold."""
    return {
        ROOT / ".env.example": documents.env_example(),
        ROOT / "docs/reference/settings.md": documents.settings_reference(),
        ROOT / "docs/reference/commands.md": documents.commands_reference(),
        ROOT / "docs/reference/embedded_exchange_operations.md": documents.operations_reference(),
        ROOT / "schema-app.puml": class_diagram.render(ROOT / "src/autotrade"),
    }


def main() -> None:
    for path, text in generated().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
        sys.stderr.write(f"{path.relative_to(ROOT).as_posix()}\n")


if __name__ == "__main__":
    main()
