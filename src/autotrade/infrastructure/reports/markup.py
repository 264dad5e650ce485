"""Small pieces of HTML. Whatever comes from outside is escaped here and nowhere else."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Sequence

NO_VALUE = "-"


def text(value: object) -> str:
    """As text inside an element or a quoted attribute."""
    return html.escape(str(value), quote=True)


def data_script(identifier: str, value: object) -> str:
    """A value that a script of the page reads. No `<` of it can end the element."""
    words = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    for mark in "<>&\u2028\u2029":
        words = words.replace(mark, f"\\u{ord(mark):04x}")
    return f'<script type="application/json" id="{text(identifier)}">{words}</script>'


def section(title: str, *parts: str, note: str = "") -> str:
    """A titled part of the page; nothing at all when there is nothing in it."""
    body = "\n".join(part for part in parts if part)
    if not body:
        return ""
    words = f'<p class="note">{text(note)}</p>' if note else ""
    return f"<section>\n<h2>{text(title)}</h2>\n{words}\n{body}\n</section>"


def paragraphs(sentences: Iterable[str], kind: str = "") -> str:
    attribute = f' class="{text(kind)}"' if kind else ""
    return "\n".join(f"<p{attribute}>{text(sentence)}</p>" for sentence in sentences)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], kind: str = "") -> str:
    """A column whose name ends in `>` holds numbers. An empty table is nothing."""
    kinds = ["number" if name.endswith(">") else "words" for name in columns]
    lines = [
        "<tr>"
        + "".join(
            f'<td class="{kind}">{text(cell)}</td>' for kind, cell in zip(kinds, row, strict=True)
        )
        + "</tr>"
        for row in rows
    ]
    if not lines:
        return ""
    head = "".join(
        f'<th class="{kind}">{text(name.removesuffix(">"))}</th>'
        for kind, name in zip(kinds, columns, strict=True)
    )
    body = "\n".join(lines)
    return (
        f'<div class="wide {text(kind)}"><table>\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody>\n</table></div>"
    )


def folded(title: str, body: str) -> str:
    """Something that is opened by a click."""
    return f"<details><summary>{text(title)}</summary>\n{body}\n</details>" if body else ""
