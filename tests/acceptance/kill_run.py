"""`kill -9` of the bot again and again, then one orderly run and the independent checker."""

from __future__ import annotations

import json
import signal
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from tests.acceptance.audited import audited, figures_of, in_flight
from tests.acceptance.configs import write_busy_config
from tests.acceptance.exchange_client import ExchangeClient
from tests.acceptance.processes import (
    READY,
    Exchange,
    Household,
    JournalTail,
    Process,
    journal_rows,
)

BASES = ("BTC", "ETH", "SOL", "BNB", "XRP", "DOGE")
AIMED = (("PlaceOrder",), ("PlaceOrderList",), ("CancelOrder", "CancelOrderList"))
AIM_SECONDS_MAX = 20.0
READY_SECONDS_MAX = 120.0
STARTS_MAX = 30
REFUSED = 2
"""How a start ends that found no usable exchange; it says why in one sentence."""
LAST_RUN_SECONDS = 8
Say = Callable[[str], None]


class EndedByItself(Exception):
    """The bot was gone before it was killed."""


def run_kills(
    folder: Path,
    *,
    kills: int,
    seed: int,
    speed: float = 60.0,
    script: str | None = None,
    last_run_seconds: int = LAST_RUN_SECONDS,
    say: Say,
) -> Any:
    """The whole trial in `folder`; its figures, with every fault as a sentence in `faults`.

    With a `script` (`seed:N` or a file) the exchange makes faults of its own meanwhile; they end,
    as the exchange does, before the last run.
    """
    choose = Random(seed)
    started = time.monotonic()
    config = write_busy_config(folder / "busy.json", *BASES)
    bot_dir, exchange_dir = folder / "bot", folder / "exchange"
    moments: list[dict[str, Any]] = []
    with Household(folder) as household:
        market = ["--speed", speed, "--market", f"seed:{seed + 100}"]
        symbols = [word for base in BASES for word in ("--symbol", f"{base}USDT")]
        faulty = [] if script is None else ["--faults", script]
        exchange = household.exchange(exchange_dir, *market, *symbols)
        if faulty:
            first_start(household, bot_dir, exchange, config)
            exchange, _ = started_anew(household, exchange, [*market, *symbols, *faulty])
        refused: list[str] = []
        for number in range(kills):
            bot = partial(household.trade, bot_dir, "--attach", exchange.announce_file)
            moment = _killed_once(
                lambda bot=bot: bot(config=config),
                bot_dir,
                choose,
                refused,
                may_refuse=bool(faulty),
            )
            moments.append(moment)
            say(f"kill {number + 1} of {kills}: {moments[-1]}")
        injected = {}
        if script is not None:
            exchange, figures = started_anew(household, exchange, [*market, *symbols])
            injected = figures["faults"]
        last = household.trade(
            bot_dir,
            *("--attach", exchange.announce_file, "--for", f"{last_run_seconds}s"),
            config=config,
        )
        code = last.wait_exit()
        report = judge(household, exchange, bot_dir, last, code)
        exchange_is_running = exchange.process.is_running
    report["faults"] += [] if exchange_is_running else ["the exchange did not survive"]
    flights = [moment for moment in moments if moment["in_flight"]]
    return {
        "kills": len(moments),
        "seed": seed,
        "seconds": round(time.monotonic() - started, 1),
        "killed_with_orders_in_flight": len(flights),
        "in_flight": dict(Counter(name for moment in flights for name in moment["in_flight"])),
        "moments": moments,
        "refused_starts": refused,
        "injected": injected,
        **report,
    }


def first_start(household: Household, bot_dir: Path, exchange: Exchange, config: Path) -> None:
    """In peace: the balances that the ledger begins with are the account's own."""
    bot = household.trade(bot_dir, "--attach", exchange.announce_file, config=config)
    bot.wait_line(READY)
    bot.kill()


def started_anew(
    household: Household, exchange: Exchange, words: list[Any]
) -> tuple[Exchange, dict[str, Any]]:
    """The same exchange, started again with other words; and the figures of its first life."""
    port, tls_port = exchange.ports
    exchange.process.send(signal.SIGTERM)
    code = exchange.process.wait_exit()
    assert code == 0, exchange.process.said
    figures = json.loads(exchange.process.stdout[-1])
    again = household.exchange(exchange.data_dir, *words, port=port, tls_port=tls_port)
    return again, figures


def _killed_once(
    start: Callable[[], Process],
    bot_dir: Path,
    choose: Random,
    refused: list[str],
    *,
    may_refuse: bool,
) -> dict[str, Any]:
    """Start it until it lives long enough to be killed. Where faults happen it may refuse to
    start, in one sentence, as often as a patient user would try again."""
    for _ in range(STARTS_MAX):
        bot = start()
        try:
            return _kill_at_some_moment(bot, bot_dir, choose)
        except EndedByItself:
            sentences = [line for line in bot.stderr if line.startswith("autotrade: ")]
            if not may_refuse or bot.wait_exit() != REFUSED or "Traceback" in bot.said:
                raise AssertionError(
                    f"expected the bot to run until it is killed, it ended:\n{bot.said}"
                ) from None
            refused.append(sentences[-1])
    raise AssertionError(f"expected a start in {STARTS_MAX} tries, was refused: {refused[-1]}")


def _kill_at_some_moment(bot: Process, bot_dir: Path, choose: Random) -> dict[str, Any]:
    """At random: while it starts, while it trades, or right behind a command's line."""
    how = choose.choices(["start", "trade", "aimed"], [0.15, 0.2, 0.65])[0]
    tail = JournalTail(bot_dir)
    rows_before = sum(1 for _ in journal_rows(bot_dir))
    aim = ""
    if how == "start":
        is_alive = bot.runs_for(choose.uniform(0.3, 5.0))
    else:
        if not bot.says(READY, READY_SECONDS_MAX):
            raise EndedByItself
        if how == "aimed":
            wanted = choose.choice(AIMED)
            aim = wanted[0]
            for _ in range(choose.randint(1, 3)):
                if not tail.wait_row(lambda row: row["type"] in wanted, bot, AIM_SECONDS_MAX):
                    aim = f"no {aim} came"
            is_alive = bot.runs_for(choose.choice((0.0, 0.0, choose.uniform(0.0, 0.03))))
        else:
            is_alive = bot.runs_for(choose.uniform(0.0, 4.0))
    if not is_alive:
        raise EndedByItself
    bot.kill()
    rows = list(journal_rows(bot_dir))
    return {
        "how": how,
        "aim": aim,
        "rows_written": len(rows) - rows_before,
        "in_flight": in_flight(rows[rows_before:]),
    }


def judge(
    household: Household, exchange: Exchange, bot_dir: Path, last: Process, code: int
) -> dict[str, Any]:
    faults = []
    summary: dict[str, Any] = {}
    if code != 0:
        faults.append(f"the last, orderly run ended with {code}: {last.said[-2000:]}")
    else:
        summary = last.summary()
        wrong = {a: text for a, text in summary["ledger_difference"].items() if text != "0"}
        if wrong:
            faults.append(f"the bot's own ledger differs: {wrong}")
    verified = household.run("journal", "verify", "--json", "--data-dir", bot_dir)
    if verified.wait_exit() != 0:
        faults.append(f"journal verify: {verified.said}")
    replayed = household.run("replay", bot_dir, "--json")
    code = replayed.wait_exit()
    report = json.loads(replayed.stdout[-1]) if code in (0, 1) else {}
    if code != 0 or report["rows_unrecorded"]:
        faults.append(f"replay ended with {code}: {replayed.said[-2000:]}")
    deals = [deal["id"] for deal in open_deals(household, bot_dir)]
    figures = figures_of(audited(bot_dir, client_of(exchange), deals))
    return {
        **figures,
        "faults": [*faults, *figures["faults"]],
        "last_run": summary,
        "replayed": report,
    }


def client_of(exchange: Exchange) -> ExchangeClient:
    announce = exchange.announce
    return ExchangeClient(announce["port"], announce["api_key"], announce["api_secret"])


def open_deals(household: Household, bot_dir: Path) -> list[Any]:
    found = household.read("deals", "--open", "--last", 1_000_000, "--data-dir", bot_dir)
    assert isinstance(found, list)
    return found
