"""The house's rules for code that no linter knows."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.unit.house.sources import ROOT, all_files, files, name_of, read, tree

MODULE_LINES_MAX = 500
FUNCTION_LINES_MAX = 80
"""The habit is 60; the difference is for a table or a long match that would only be torn apart."""

SOURCES = files("*.py", below="src")
TESTS = files("*.py", below="tests")
PROGRAMS = [ROOT / "main.py", *files("*.py", below="tools"), *files("*.py", below="benchmarks")]
TEXTS = [
    path
    for path in all_files()
    if path.suffix in {".py", ".md", ".toml", ".json", ".yml", ".yaml", ".puml", ".txt", ".in", ""}
]

by_name = pytest.mark.parametrize("path", [*SOURCES, *TESTS, *PROGRAMS], ids=name_of)
by_source = pytest.mark.parametrize("path", SOURCES, ids=name_of)
by_text = pytest.mark.parametrize("path", TEXTS, ids=name_of)


@by_source
def test_modules_stay_readable(path: Path) -> None:
    lines = len(read(path).splitlines())
    assert lines <= MODULE_LINES_MAX, f"{name_of(path)} has {lines} lines; split it"


@by_source
def test_functions_fit_a_screen(path: Path) -> None:
    long = [
        f"{node.name} ({node.end_lineno - node.lineno + 1} lines)"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno >= FUNCTION_LINES_MAX
    ]
    assert not long, f"{name_of(path)}: {', '.join(long)}; at most {FUNCTION_LINES_MAX}"


@by_source
def test_nothing_prints(path: Path) -> None:
    """Results go through terminal/output.py, facts through the log."""
    calls = [
        node.lineno
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]
    assert not calls, f"{name_of(path)} prints in line {calls}"


@by_source
def test_every_module_says_what_it_is_for(path: Path) -> None:
    if read(path).strip():
        assert ast.get_docstring(tree(path)), f"{name_of(path)} has no docstring"


def _is_pictogram(character: str) -> bool:
    code = ord(character)
    return code >= 0x1F000 or 0x2600 <= code <= 0x27BF or code in (0x2B50, 0x2705, 0xFE0F)


@by_text
def test_no_emoji(path: Path) -> None:
    found = sorted({character for character in read(path) if _is_pictogram(character)})
    assert not found, f"{name_of(path)} holds {[hex(ord(c)) for c in found]}"


_MACHINE = re.compile(
    r"(?<![\w.])/(?:root|home|Users|work|farm|mnt|opt)/[\w.]|[A-Z]:\\Users"
    r"|\.\./" r"shared|file:///"
)  # fmt: skip


@by_text
def test_no_path_of_a_machine(path: Path) -> None:
    text = read(path)
    if name_of(path) == name_of(Path(__file__)):
        return
    found = [match.group(0) for match in _MACHINE.finditer(text)]
    if name_of(path) == ".ci/run":  # the one place that may look beside the project
        found = [word for word in found if word != "../" + "shared"]
    assert not found, f"{name_of(path)} names {found}"


_SECRET = re.compile(
    r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\s+[A-Za-z0-9+/]{40}"
    r"|(?:API_KEY|SECRET)\s*=\s*['\"]?[A-Za-z0-9]{40,}"
)


@by_text
def test_no_secret(path: Path) -> None:
    assert not _SECRET.search(read(path)), f"{name_of(path)} holds what looks like a key"


def test_no_recorded_data_and_no_large_file() -> None:
    large = [name_of(path) for path in all_files() if path.stat().st_size > 400_000]
    recorded = [name_of(path) for path in files("*.gz", "*.parquet", "*.zip", "*.jsonl", "*.csv")]
    assert (large, recorded) == ([], [])


CLOCK_AND_CHANCE = {"time", "datetime", "random", "secrets", "uuid", "os", "asyncio", "logging"}


@pytest.mark.parametrize("path", files("*.py", below="src/autotrade/domain"), ids=name_of)
def test_the_domain_reads_no_clock_and_takes_no_chance(path: Path) -> None:
    """Import contracts say the same of whole modules; this also sees imports in functions."""
    imported = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").partition(".")[0])
        elif isinstance(node, ast.AsyncFunctionDef | ast.Await):
            raise AssertionError(f"{name_of(path)}:{node.lineno} is asynchronous")
    assert not imported & CLOCK_AND_CHANCE


_FLOAT_SET = (ast.Set, ast.SetComp)


@pytest.mark.parametrize("path", files("*.py", below="src/autotrade/domain"), ids=name_of)
def test_the_domain_never_walks_a_set(path: Path) -> None:
    """A set's order changes from run to run; decisions must not."""
    walked = [
        node.iter.lineno
        for node in ast.walk(tree(path))
        if isinstance(node, ast.For | ast.comprehension) and isinstance(node.iter, _FLOAT_SET)
    ]
    assert not walked, f"{name_of(path)} walks a set in line {walked}"


@pytest.mark.parametrize("path", TESTS, ids=name_of)
def test_tests_use_fakes_by_hand_and_do_not_sleep(path: Path) -> None:
    """A pause between two looks at a condition is waiting, not sleeping: it stands in a loop."""
    loops = [node for node in ast.walk(tree(path)) if isinstance(node, ast.While | ast.For)]
    waiting = {id(inner) for loop in loops for inner in ast.walk(loop)}
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom):
            assert node.module != "unittest" and not (node.module or "").startswith("unittest.mock")
        is_sleep = isinstance(node, ast.Call) and ast.unparse(node.func) == "time.sleep"
        if is_sleep and id(node) not in waiting:
            raise AssertionError(f"{name_of(path)}:{node.lineno} sleeps")


@by_source
def test_broad_excepts_say_why(path: Path) -> None:
    for number, line in enumerate(read(path).splitlines(), start=1):
        if "except Exception" in line or "except BaseException" in line:
            handler = [
                node
                for node in ast.walk(tree(path))
                if isinstance(node, ast.ExceptHandler) and node.lineno == number
            ]
            raises = any(isinstance(n, ast.Raise) for h in handler for n in ast.walk(h))
            assert raises or re.search(r"noqa: BLE001\W+\w", line), (
                f"{name_of(path)}:{number}: say why"
            )
