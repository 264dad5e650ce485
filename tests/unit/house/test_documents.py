"""Documents are true: links resolve, commands exist, generated files are as they would be now."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from tools.commit_message import TYPES
from tools.generate import generated

from autotrade.config.config_loader import load_settings
from autotrade.config.schema import KEYS, all_settings
from autotrade.domain.settings import DomainSettings
from autotrade.infrastructure.terminal.cli import UsageError, parse
from autotrade.infrastructure.terminal.command_list import COMMANDS
from tests.unit.house.sources import ROOT, files, name_of, read

DOCUMENTS = files("*.md")
by_document = pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
_FENCE = re.compile(r"^(`{3,}).*?^\1\s*$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def prose(path: Path) -> str:
    """The document without its code blocks."""
    return _FENCE.sub("", read(path))


@by_document
def test_one_h1(path: Path) -> None:
    titles = [line for line in prose(path).splitlines() if line.startswith("# ")]
    assert len(titles) == 1, f"{name_of(path)} has {titles}"


def anchors(path: Path) -> set[str]:
    heads = [line.lstrip("#").strip() for line in prose(path).splitlines() if line.startswith("#")]
    return {re.sub(r"[^\w\- ]", "", head).strip().lower().replace(" ", "-") for head in heads}


@by_document
def test_links_resolve(path: Path) -> None:
    for target in _LINK.findall(prose(path)):
        if "://" in target or target.startswith("mailto:"):
            continue
        place, _, anchor = target.partition("#")
        file = (path.parent / place).resolve() if place else path
        assert file.exists(), f"{name_of(path)} links to {target}, which is not there"
        if anchor and file.suffix == ".md":
            assert anchor in anchors(file), f"{name_of(path)} links to {target}: no such heading"


@by_document
def test_code_fences_are_closed(path: Path) -> None:
    assert len(re.findall(r"^```", read(path), re.MULTILINE)) % 2 == 0


_COMMAND = re.compile(r"(?:^|[\s`(|/\\])(?:python[\d.]*|py) main\.py([^\n`|)#]*)")


@by_document
def test_commands_in_documents_exist(path: Path) -> None:
    """Every `python main.py ...` in a document is understood by the command line."""
    for words in _COMMAND.findall(read(path)):
        plain = re.split(r"\s{2,}", words)[0].split()
        if any(mark in word for word in plain for mark in ("[", "...", "COMMAND")):
            continue
        try:
            parse([word.strip("'\",.;:") for word in plain])
        except UsageError as error:
            raise AssertionError(f"{name_of(path)}: python main.py{words}: {error}") from None


@by_document
def test_make_targets_in_documents_exist(path: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", read(ROOT / "Makefile"), re.MULTILINE))
    for target in re.findall(r"`make ([a-z-]+)", read(path)):
        assert target in targets, f"{name_of(path)} names `make {target}`"


@by_document
def test_settings_in_documents_exist(path: Path) -> None:
    """`section.name` and VARIABLE in code marks are real ones."""
    known = {item.path for item in all_settings()}
    sections = {item.section for item in all_settings() if item.section} - {"currency_pair"}
    for word in re.findall(r"`([a-z_]+\.[a-z_]+)`", prose(path)):
        if word.partition(".")[0] in sections and not word.endswith(".json"):
            assert word in known, f"{name_of(path)} names the setting {word}"


@pytest.mark.parametrize("path", generated(), ids=name_of)
def test_generated_files_are_up_to_date(path: Path) -> None:
    if path.name == "commands.md" and sys.version_info[:2] != (3, 11):
        pytest.skip("later Pythons lay out help texts differently; 3.11 is what is written down")
    assert path.exists() and path.read_text(encoding="utf-8") == generated()[path], (
        f"{name_of(path)} is not what the code says now: run `make docs`"
    )


def test_env_example_loads_and_changes_nothing(tmp_path: Path) -> None:
    """All variables uncommented: every name is known and every value is its default."""
    text = re.sub(r"^# ([A-Z_]+=)", r"\1", read(ROOT / ".env.example"), flags=re.MULTILINE)
    (tmp_path / ".env").write_text(text, encoding="utf-8")
    config = tmp_path / "config.json"
    config.write_text("{}")
    plain = load_settings(config, tmp_path / ".env", environ={})
    assert plain.to_domain() == DomainSettings()
    (tmp_path / "none.env").write_text("")
    other = load_settings(config, tmp_path / "none.env", environ={})
    assert plain.model_dump() == other.model_dump()


def test_env_example_names_everything_and_holds_no_key() -> None:
    text = read(ROOT / ".env.example")
    for name in [*KEYS, *(item.environment for item in all_settings())]:
        assert f"# {name}=" in text
    for name in KEYS:
        assert f"# {name}=\n" in text


def test_changelog_shape() -> None:
    lines = read(ROOT / "CHANGELOG.md").splitlines()
    heads = [line for line in lines if line.startswith("## ")]
    assert heads[0] == "## [Unreleased]"
    for head in heads[1:]:
        assert re.fullmatch(r"## \[\d+\.\d+\.\d+\] - \d{4}-\d{2}-\d{2}", head), head
    kinds = {line for line in lines if line.startswith("### ")}
    assert kinds <= {
        f"### {kind}" for kind in ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
    }


def test_the_readme_says_how_to_begin() -> None:
    text = read(ROOT / "README.md")
    for words in ("make run", "make test", "TRADING_APPROVED", "--venue binance", "Windows"):
        assert words in text


def test_every_command_is_in_the_reference() -> None:
    text = read(ROOT / "docs/reference/commands.md")
    for command in COMMANDS:
        assert f"\n## {command.name}\n" in text


def test_contributing_names_the_commit_types() -> None:
    text = read(ROOT / "docs/development/gitflow.md")
    for kind in TYPES:
        assert f"`{kind}`" in text


PIN = re.compile(r"^([a-z0-9._-]+)(?:\[[a-z,]+\])?==", re.MULTILINE)


def test_pins_have_hashes_and_name_no_server() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = read(ROOT / name)
        packages = PIN.findall(text)
        blocks = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
        assert len(packages) == len(blocks)
        assert all("--hash=sha256:" in block for block in blocks)
        assert "http" not in text.replace("aiohttp", "")


def test_pins_cover_what_is_asked_for() -> None:
    for stem in ("requirements", "requirements-dev"):
        asked = re.findall(r"^([a-z][a-z0-9-]*)", read(ROOT / f"{stem}.in"), re.MULTILINE)
        pinned = PIN.findall(read(ROOT / f"{stem}.txt"))
        assert set(asked) <= set(pinned)
