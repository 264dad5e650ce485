"""What may pass is waited for, what stays is said at once; the wait ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from autotrade.application.patience import LONGEST_PAUSE_SECONDS, PATIENCE_SECONDS, Patience
from autotrade.application.ports import ExchangeUnreachable
from autotrade.infrastructure.fault_simulation.virtual_loop import Agenda, VirtualLoop

OVERLOADED = ExchangeUnreachable("expected an answer, was 503")
WRONG_KEY = ExchangeUnreachable("expected the account, was refused", may_pass=False)


class Told:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def notify(self, text: str, *, is_warning: bool = False) -> None:
        self.lines.append(f"{'! ' if is_warning else ''}{text}")


class World:
    """Virtual time, a notifier, and a question with the outcomes that a test names."""

    def __init__(self, *outcomes: ExchangeUnreachable | str) -> None:
        self.agenda = Agenda(1_700_000_000_000)
        self.loop = VirtualLoop(self.agenda, "patience")
        self.told = Told()
        self.patience = Patience(self.told)
        self._outcomes = list(outcomes)
        self.asked_at: list[float] = []

    async def ask(self) -> str:
        """The outcomes in their order; the last one for ever."""
        self.asked_at.append(round(self.agenda.seconds, 1))
        outcome = self._outcomes.pop(0) if len(self._outcomes) > 1 else self._outcomes[0]
        if isinstance(outcome, str):
            return outcome
        raise outcome

    def run(self, question: Callable[[], Awaitable[str]] | None = None) -> str:
        try:
            return self.loop.run_until_complete(self.patience.until_answered(question or self.ask))
        finally:
            self.loop.close()


def test_an_answer_needs_no_words() -> None:
    world = World("yes")
    assert world.run() == "yes"
    assert world.told.lines == []
    assert world.asked_at == [0.0]


def test_trouble_is_told_once_and_waited_for() -> None:
    other = ExchangeUnreachable("expected an answer, was none")
    world = World(OVERLOADED, OVERLOADED, other, "yes")
    assert world.run() == "yes"
    assert [line.split(": ")[-1] for line in world.told.lines] == [
        "expected an answer, was 503",
        "expected an answer, was none",
        "the exchange answers again, the start goes on",
    ]
    assert world.told.lines[0].startswith("! no start yet, asking again for up to 300 s (Ctrl+C")
    assert world.asked_at == [0.0, 0.5, 1.5, 3.5]


def test_a_refusal_for_good_is_not_waited_for() -> None:
    world = World(OVERLOADED, WRONG_KEY)
    with pytest.raises(ExchangeUnreachable, match="was refused"):
        world.run()
    assert world.asked_at == [0.0, 0.5]


def test_the_patience_ends_with_the_last_reason() -> None:
    world = World(OVERLOADED)
    with pytest.raises(ExchangeUnreachable, match="was 503"):
        world.run()
    assert world.agenda.seconds == pytest.approx(PATIENCE_SECONDS, abs=0.1)
    pauses = [later - one for one, later in zip(world.asked_at, world.asked_at[1:], strict=False)]
    assert max(pauses) <= LONGEST_PAUSE_SECONDS + 0.1


def test_a_stop_ends_the_wait() -> None:
    world = World(OVERLOADED)
    world.agenda.at(5.0, world.patience.end)
    with pytest.raises(ExchangeUnreachable, match="was 503"):
        world.run()
    assert world.asked_at == [0.0, 0.5, 1.5, 3.5]
    assert world.agenda.seconds == pytest.approx(5.0, abs=0.1)


def test_a_stop_does_not_break_off_a_question_that_met_no_trouble() -> None:
    """A start that works is gone through; the stop comes behind it, in order."""
    world = World("yes")

    async def slow() -> str:
        await asyncio.sleep(8.0)
        return await world.ask()

    world.agenda.at(5.0, world.patience.end)
    assert world.run(slow) == "yes"


def test_trouble_after_a_stop_is_not_waited_for() -> None:
    world = World(OVERLOADED)
    world.patience.end()
    with pytest.raises(ExchangeUnreachable, match="was 503"):
        world.run()
    assert world.asked_at == [0.0]


@pytest.mark.parametrize("has_met_trouble", [True, False])
def test_a_question_that_is_held_back_ends_with_the_patience(has_met_trouble: bool) -> None:
    """In a ban of days the connector holds questions back."""
    outcomes = [OVERLOADED] if has_met_trouble else []

    async def held_back() -> str:
        if outcomes:
            raise outcomes.pop()
        await asyncio.sleep(86_400.0)
        return "too late"

    world = World("never asked")
    with pytest.raises(ExchangeUnreachable, match="503" if has_met_trouble else "within 300 s"):
        world.run(held_back)
    assert world.agenda.seconds == pytest.approx(PATIENCE_SECONDS, abs=0.1)


def test_a_question_that_makes_its_own_error_of_the_cancel_is_not_asked_again() -> None:
    """The library does such things."""
    asked = 0

    async def stubborn() -> str:
        nonlocal asked
        asked += 1
        try:
            await asyncio.sleep(86_400.0)
        except asyncio.CancelledError:
            raise OVERLOADED from None
        return "too late"

    world = World("never asked")
    with pytest.raises(ExchangeUnreachable, match="was 503"):
        world.run(stubborn)
    assert asked == 1


def test_what_is_no_silence_of_the_exchange_is_a_fault() -> None:
    async def broken() -> str:
        raise KeyError("a fault of the program")

    world = World("never asked")
    with pytest.raises(KeyError):
        world.run(broken)
    assert world.told.lines == []
