"""The words of the command line: what is understood, and how the rest is refused."""

from __future__ import annotations

import pytest

from autotrade.infrastructure.terminal.cli import UsageError, command_parser, parse
from autotrade.infrastructure.terminal.command_list import COMMANDS
from autotrade.infrastructure.terminal.commands.common import command_line_overrides


def parsed(*words: str):  # type: ignore[no-untyped-def]
    result = parse(words)
    assert not isinstance(result, str)
    return result


def test_trade_is_the_command_when_none_is_named() -> None:
    for words in ((), ("--for", "3m"), ("trade", "--for", "3m"), ("--json", "--for", "3m")):
        command, arguments = parsed(*words)
        assert command.name == "trade"
        assert arguments.duration_seconds == (180 if words else None)


def test_common_options_may_stand_before_the_command() -> None:
    command, arguments = parsed("--json", "--data-dir", "x", "deals", "--open")
    assert (command.name, arguments.json, str(arguments.data_dir)) == ("deals", True, "x")
    assert arguments.open


def test_options_become_settings_with_the_names_the_user_wrote() -> None:
    _, arguments = parsed("trade", "--speed", "5", "--venue", "binance", "--market", "seed:3")
    overrides = command_line_overrides(arguments)
    assert overrides["exchange.speed"] == ("--speed", 5.0)
    assert overrides["exchange.venue"] == ("--venue", "binance")
    assert overrides["exchange.market_source"] == ("--market", "seed:3")
    assert overrides["exchange.recordings"][1] == []


def test_a_seed_on_the_command_line_sets_configured_recordings_aside() -> None:
    _, arguments = parsed("trade", "--recording", "a.gz", "b.gz")
    _, paths = command_line_overrides(arguments)["exchange.recordings"]
    assert [path.rpartition("a.gz")[1] or path.rpartition("b.gz")[1] for path in paths] == [
        "a.gz",
        "b.gz",
    ]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["trde"], 'unknown command "trde"; the nearest is "trade"'),
        (["dealz", "--json"], 'unknown command "dealz"; the nearest is "deals"'),
        (["--fro", "3m"], 'unknown option "--fro"; the nearest is "--for"'),
        (["deals", "7"], 'unexpected "7"; see python main.py deals --help'),
        (["--for", "3"], 'argument --for: expected a duration like 10m, 180s or 1h30m, was "3"'),
        (["--for"], "argument --for: expected one argument"),
        (["--speed", "0"], 'argument --speed: expected a number from 0.001 to 1000, was "0"'),
        (["--speed", "nan"], 'argument --speed: expected a number from 0.001 to 1000, was "nan"'),
        (["--market", "7"], "argument --market: expected seed: and a whole number, like seed:7"),
        (["exchange", "--port", "70000"], "argument --port: expected a port 0..65535 or off"),
        (["--market", "seed:1", "--recording", "x"], "argument --recording: not allowed with"),
        (["why"], "the following arguments are required: ID"),
        (["journal", "look"], "argument action: invalid choice: 'look'"),
        (["--data-dir"], "argument --data-dir: expected one argument"),
    ],
)
def test_bad_usage_is_one_sentence(words: list[str], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(words)
    assert str(caught.value).startswith(sentence)
    assert "--help" in str(caught.value)


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["help"]])
def test_help_lists_every_command(words: list[str]) -> None:
    text = parse(words)
    assert isinstance(text, str)
    for command in COMMANDS:
        assert f"  {command.name} " in text


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_teaches_with_examples_that_parse(command) -> None:  # type: ignore[no-untyped-def]
    text = parse([command.name, "--help"])
    assert isinstance(text, str)
    assert "examples:" in text
    for words, meaning in command.examples:
        found, _ = parsed(*words.split())
        assert found is command
        assert meaning in text


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_can_be_loaded(command) -> None:  # type: ignore[no-untyped-def]
    assert callable(command.load())
    assert command_parser(command).prog.endswith(command.name)
