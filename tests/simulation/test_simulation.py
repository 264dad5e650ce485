"""Nothing is ever lost: seeds of whole worlds, in which the bot must keep every promise."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from autotrade.infrastructure.fault_simulation.runner import live_through, load_regression
from autotrade.infrastructure.fault_simulation.world import WorldPlan
from autotrade.infrastructure.simulated_exchange.fault_script import FaultKind, ScriptedFault

ROOT = Path(__file__).resolve().parents[2]
REGRESSIONS = sorted((Path(__file__).parent / "regressions").glob("*.json"))
SEEDS_A_CHUNK = 10
"""Small, so that no core is left alone with a long one at the end of the suite."""
CHUNKS = 20


def simulate(*words: str, hash_seed: str = "0") -> tuple[int, dict[str, Any]]:
    """The command as a user runs it, without the measuring of coverage that slows it."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "main.py"), "simulate", *words, "--json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
    )
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_two_hundred_seeds_of_two_hours(chunk: int) -> None:
    first = chunk * SEEDS_A_CHUNK
    code, report = simulate(
        "--seeds", str(SEEDS_A_CHUNK), "--first-seed", str(first), "--hours", "2", "--jobs", "1"
    )
    assert report["violating"] == []
    assert (code, report["violations"], report["seeds"]) == (0, 0, SEEDS_A_CHUNK)
    assert report["bot_days"] == pytest.approx(SEEDS_A_CHUNK * 2 / 24, abs=0.001)
    assert report["kills"] > SEEDS_A_CHUNK, "there was next to no weather"
    assert report["recoveries"] > SEEDS_A_CHUNK
    assert sum(report["faults"].values()) > SEEDS_A_CHUNK * 100
    assert report["deals"] > SEEDS_A_CHUNK * 3, "the bot hardly traded"
    assert report["calm_checks"] > SEEDS_A_CHUNK * 3
    assert report["speed"] > 0


def test_the_same_seed_is_the_same_journal_to_the_byte_in_every_process() -> None:
    words = ("--seeds", "2", "--first-seed", "7", "--hours", "0.5", "--jobs", "1")
    digests = {simulate(*words, hash_seed=seed)[1]["journal_sha256"] for seed in ("0", "1", "4711")}
    jobs = simulate(*words[:-1], "2")[1]["journal_sha256"]
    assert digests == {jobs}
    other = simulate("--seeds", "2", "--first-seed", "8", "--hours", "0.5", "--jobs", "1")[1]
    assert other["journal_sha256"] != jobs


def test_watching_changes_nothing() -> None:
    story: list[str] = []
    plan = WorldPlan(11, 1_800.0)
    told = live_through(plan, lambda at_s, text: story.append(text))
    assert told.journal_sha256 == live_through(plan).journal_sha256
    assert any(line.startswith("fault ") for line in story)
    assert any("filled" in line for line in story)


@pytest.mark.parametrize("kind", FaultKind)
def test_each_kind_alone_is_lived_through(kind: FaultKind) -> None:
    """Dense weather of one kind, so that each meets orders in work."""
    faults = tuple(
        ScriptedFault(at_s, kind, duration_s=8.0, count=2) for at_s in range(60, 2_400, 45)
    )
    result = live_through(WorldPlan(3, 2_700.0, script=faults))
    assert result.violations == []
    assert result.faults[kind.value] == len(faults)


def test_without_faults_it_trades_and_every_position_has_its_stop_at_once() -> None:
    result = live_through(WorldPlan(4, 5_400.0, script=()))
    assert result.violations == []
    assert result.deals > 5
    assert result.kills == 0
    assert result.unprotected_ms_max == 0


@pytest.mark.parametrize("path", REGRESSIONS, ids=lambda path: path.stem)
def test_what_was_once_broken_stays_mended(path: Path) -> None:
    result = live_through(load_regression(path).plan)
    assert result.violations == []
