"""A data folder that cannot be used: the sentence names the place, and no traceback is seen."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from autotrade.infrastructure.simulated_exchange.process import serve
from autotrade.infrastructure.simulated_exchange.process_options import ExchangeProcessOptions
from tests.integration.bad_days.user import User

ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")


@ON_LINUX
def test_a_disk_that_takes_nothing_not_even_from_root(user: User) -> None:
    folder = "/proc/autotrade-test"
    sentence = user.types("trade", "--json", "--data-dir", folder).refusal(2)
    assert f"expected to make the folder {folder}" in sentence
    assert "name another data folder" in sentence
    looked = user.types("check", "--offline", "--json", "--data-dir", folder)
    assert looked.code == 1
    found = {row["name"]: row for row in looked.json["checks"]}
    assert not found["data folder"]["good"]
    assert "expected a writable folder, was /proc" in found["data folder"]["text"]


@pytest.mark.parametrize(
    ("in_the_way", "words"),
    [
        (".", "there is a file where a folder belongs: move it away"),
        ("../data/logs", "expected to write the log"),
        ("../data/folder.lock/", "there is a folder where a file belongs: move it away"),
        ("../data/journal.jsonl/", "there is a folder where a file belongs: move it away"),
    ],
    ids=["folder", "logs", "lock", "journal"],
)
def test_something_stands_in_the_way(user: User, in_the_way: str, words: str) -> None:
    place = (user.data / in_the_way).resolve()
    place.parent.mkdir(parents=True, exist_ok=True)
    if in_the_way.endswith("/"):
        place.mkdir()
    else:
        place.write_text("in the way")
    sentence = user.types("trade", "--json", "--for", "1s").refusal(2)
    assert words in sentence and str(place) in sentence


def test_a_path_through_a_file(user: User) -> None:
    (user.home / "file").write_text("")
    sentence = user.types("trade", "--json", "--data-dir", user.home / "file" / "data").refusal(2)
    assert "a part of the path is a file: name another data folder" in sentence


async def test_the_exchange_says_what_it_cannot_write(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Certificates that cannot be written are not a port in use."""
    (tmp_path / "exchange").mkdir()
    (tmp_path / "exchange" / "tls").write_text("in the way")
    options = ExchangeProcessOptions(port=0, tls_port=0, data_dir=tmp_path, symbols=("ETHUSDT",))
    assert await serve(options) == 2
    sentence = capsys.readouterr().err
    assert "usable data folder" in sentence and str(tmp_path / "exchange" / "tls") in sentence
    assert "port" not in sentence


async def test_a_port_in_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        options = ExchangeProcessOptions(
            port=port, tls_port=None, data_dir=tmp_path, symbols=("ETHUSDT",)
        )
        assert await serve(options) == 2
    sentence = capsys.readouterr().err
    assert str(port) in sentence and "choose others with --port and --tls-port" in sentence
