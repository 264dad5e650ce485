"""What each kind of fault does to the world. Requests' own faults are armed by the world itself."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from autotrade.infrastructure.fault_simulation.exchange_end import ACCOUNT
from autotrade.infrastructure.fault_simulation.times import (
    AFTER_REQUEST_SECONDS,
    ARMED_SECONDS_MAX,
    FIND_OUT_SECONDS,
)
from autotrade.infrastructure.fault_simulation.virtual_loop import ProcessKilled
from autotrade.infrastructure.journal.data_folder import DataFolder, FolderInUse
from autotrade.infrastructure.simulated_exchange.fault_script import FaultKind, ScriptedFault

if TYPE_CHECKING:
    from autotrade.infrastructure.fault_simulation.process import Process
    from autotrade.infrastructure.fault_simulation.world import World

KIND = FaultKind


def count_up(world: World, name: str, seconds: float) -> None:
    """States may overlap: each counts while it lasts."""
    world.for_a_while(
        seconds,
        lambda: setattr(world, name, getattr(world, name) + 1),
        lambda: setattr(world, name, getattr(world, name) - 1),
    )


def clock_skew(world: World, _: ScriptedFault, rng: random.Random) -> None:
    if rng.random() < 0.5:
        world.end.server.faults.clock_skew_ms = rng.randrange(-15_000, 15_000)
    else:
        world.clock_ahead_s += rng.uniform(1.5, 20.0)
        if world.process is not None:
            world.process.clock_ahead_seconds = world.clock_ahead_s
    world.disturb(AFTER_REQUEST_SECONDS + 60.0)


def key_expired(world: World, fault: ScriptedFault, _: random.Random) -> None:
    def expire() -> None:
        world.end.is_key_expired = True
        world.end.close_streams("the key expired")

    def renew() -> None:
        world.end.is_key_expired = False
        world.disturb(AFTER_REQUEST_SECONDS)

    world.for_a_while(fault.duration_s, expire, renew)


def user_stream_closed(world: World, _: ScriptedFault, rng: random.Random) -> None:
    world.end.close_streams(rng.choice(("1001", "1006", "reset")))
    world.disturb(AFTER_REQUEST_SECONDS)


def user_stream_silent(world: World, fault: ScriptedFault, _: random.Random) -> None:
    streams = list(world.end.streams)

    def silence() -> None:
        for stream in streams:
            stream.is_silent = True

    def notice() -> None:  # the socket's own ping
        world.end.close_streams("no answer to a ping")
        world.disturb(AFTER_REQUEST_SECONDS)

    world.for_a_while(fault.duration_s, silence, notice)


def user_events(world: World, fault: ScriptedFault, _: random.Random) -> None:
    for stream in world.end.streams:
        match fault.kind:
            case KIND.USER_EVENTS_LOST:
                stream.lost += fault.count
            case KIND.USER_EVENTS_REPEATED:
                stream.repeated += fault.count
            case _:
                stream.delayed_until = world.agenda.seconds + fault.duration_s
    world.disturb(AFTER_REQUEST_SECONDS + fault.duration_s + ARMED_SECONDS_MAX)
    world.agenda.after(ARMED_SECONDS_MAX, lambda: events_arrive_again(world))


def events_arrive_again(world: World) -> None:
    """What was to be lost or repeated and never came is over."""
    for stream in world.end.streams:
        stream.lost = stream.repeated = 0


def market_stream(world: World, fault: ScriptedFault, _: random.Random) -> None:
    name = "is_closed" if fault.kind is KIND.MARKET_STREAM_CLOSED else "is_silent"

    def begin() -> None:
        setattr(world, name, getattr(world, name) + 1)
        if world.watch.market_lost_since is None:
            world.watch.market_lost_since = world.agenda.seconds

    def end() -> None:
        setattr(world, name, getattr(world, name) - 1)
        if not world.is_closed and not world.is_silent:
            world.watch.market_lost_since = None

    world.for_a_while(fault.duration_s, begin, end)


def book_stale(world: World, fault: ScriptedFault, _: random.Random) -> None:
    def begin() -> None:
        world.is_stale += 1
        if world.watch.book_lost_since is None:
            world.watch.book_lost_since = world.agenda.seconds

    def end() -> None:
        world.is_stale -= 1
        if not world.is_stale:
            world.watch.book_lost_since = None

    world.for_a_while(fault.duration_s, begin, end)


def thin_market(world: World, fault: ScriptedFault, rng: random.Random) -> None:
    pair = world.some_pair(rng)
    world.for_a_while(
        fault.duration_s,
        lambda: setattr(pair, "is_thin", True),
        lambda: setattr(pair, "is_thin", False),
    )


def filters_changed(world: World, fault: ScriptedFault, rng: random.Random) -> None:
    pair = world.some_pair(rng)
    changed = Decimal(rng.choice((10, 20, 30)))

    def change(notional: Decimal) -> None:
        market = replace(world.end.core.market(pair.symbol), minimum_notional=notional)
        world.end.core.replace_market(market)
        pair.market = market
        world.learn_notional(pair, notional)

    before = pair.market.minimum_notional
    world.for_a_while(fault.duration_s, lambda: change(changed), lambda: change(before))
    world.disturb(fault.duration_s + FIND_OUT_SECONDS)


def market_halted(world: World, fault: ScriptedFault, rng: random.Random) -> None:
    pair = world.some_pair(rng)
    world.for_a_while(
        fault.duration_s,
        lambda: world.end.halt(pair, is_halted=True),
        lambda: world.end.halt(pair, is_halted=False),
    )
    world.disturb(fault.duration_s + FIND_OUT_SECONDS)


def canceled_by_hand(world: World, _: ScriptedFault, rng: random.Random) -> None:
    world.end.cancel_by_hand(rng)


def traded_by_hand(world: World, _: ScriptedFault, rng: random.Random) -> None:
    world.end.trade_by_hand(world.some_pair(rng), rng)


def funds_moved(world: World, fault: ScriptedFault, rng: random.Random) -> None:
    asset = "USDT" if rng.random() < 0.7 else world.some_pair(rng).market.base
    free = world.end.core.balances(ACCOUNT).get(asset, (Decimal(0), Decimal(0)))[0]
    amount = (free * Decimal(rng.randrange(50, 100)) / 100).quantize(Decimal("0.00000001"))
    world.for_a_while(
        fault.duration_s,
        lambda: world.end.move_funds(asset, -amount),
        lambda: world.end.move_funds(asset, amount),
    )
    world.disturb(fault.duration_s + FIND_OUT_SECONDS)


def fee_asset_short(world: World, fault: ScriptedFault, _: random.Random) -> None:
    if not world.end.pays_fees_in_bnb:
        return
    free = world.end.core.balances(ACCOUNT)["BNB"][0]
    world.for_a_while(
        fault.duration_s,
        lambda: world.end.move_funds("BNB", -free),
        lambda: world.end.move_funds("BNB", free),
    )


def killed(world: World, fault: ScriptedFault, rng: random.Random) -> None:
    """At once, some steps after the next order leaves, or at a coming operation of the disk."""
    world.kills_in_row = fault.count - 1
    world.loses_power = world.loses_power or fault.kind is KIND.POWER_LOST
    process, chance = world.process, rng.random()
    if process is None:
        return
    if chance < 0.3:
        raise ProcessKilled
    if chance < 0.7:
        world.end.on_order_sent = lambda: kill_soon(world, process, rng.randrange(1, 60))
    else:
        kill_on_disk(world, rng)
    world.agenda.after(ARMED_SECONDS_MAX, lambda: kill_at_last(world, process))


def kill_on_disk(world: World, rng: random.Random) -> None:
    if world.process is not None and not world.is_ending:
        disk = world.process.disk
        disk.faults.kill_at_operation = disk.operations + rng.randrange(1, 12)


def kill_soon(world: World, process: Process, steps: int) -> None:
    world.end.on_order_sent = _nothing
    if process is world.process:
        process.loop.kill_at_step = process.loop.steps + steps


def kill_at_last(world: World, process: Process) -> None:
    world.end.on_order_sent = _nothing
    if process is world.process and not world.is_ending:
        world.disturb(0.0)
        raise ProcessKilled


def paused(world: World, fault: ScriptedFault, _: random.Random) -> None:
    """The machine stands still; the world does not."""
    world.agenda.pass_time(fault.duration_s)
    world.disturb(AFTER_REQUEST_SECONDS)


def second_process(world: World, _: ScriptedFault, __: random.Random) -> None:
    if world.process is None or world.process.session is None:
        return
    try:
        lock = DataFolder(world.folder.path).lock()
    except FolderInUse:
        return
    lock.release()
    world.watch.violate("one_process_a_folder", "a second process got the folder's lock")


def disk_full(world: World, fault: ScriptedFault, _: random.Random) -> None:
    def fill(*, is_full: bool) -> None:
        world.disk_faults.is_full = is_full
        if world.process is not None:
            world.process.disk.faults.is_full = is_full

    world.for_a_while(fault.duration_s, lambda: fill(is_full=True), lambda: fill(is_full=False))


def disk_error(world: World, fault: ScriptedFault, _: random.Random) -> None:
    if world.process is None:
        return
    faults = world.process.disk.faults
    if fault.kind is KIND.SYNC_FAILED:
        faults.failing_syncs += 1
    else:
        faults.failing_writes += 1


def disk_slow(world: World, fault: ScriptedFault, rng: random.Random) -> None:
    delay = rng.uniform(0.05, 1.5)

    def slow(seconds: float) -> None:
        world.disk_faults.slow_seconds = seconds
        if world.process is not None:
            world.process.disk.faults.slow_seconds = seconds

    world.for_a_while(fault.duration_s, lambda: slow(delay), lambda: slow(0.0))
    if rng.random() < 0.3:  # time enough for something to come between two steps, and then the end
        world.agenda.after(rng.uniform(0.0, fault.duration_s), lambda: kill_on_disk(world, rng))


def snapshot(world: World, fault: ScriptedFault, rng: random.Random) -> None:
    """Half of the time the process dies with it: a minute later the file would be a new one."""
    path = rng.choice(world.folder.snapshots)
    data = bytearray(path.read_bytes()) if path.exists() else bytearray()
    if not data:
        return
    if fault.kind is KIND.SNAPSHOT_LOST:
        path.unlink()
    elif rng.random() < 0.5:
        path.write_bytes(data[: rng.randrange(1, len(data))])
    else:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        path.write_bytes(data)
    if world.process is not None and rng.random() < 0.5:
        raise ProcessKilled


def _nothing() -> None:
    pass


Strike = Callable[["World", ScriptedFault, random.Random], None]
STRIKES: dict[FaultKind, Strike] = {
    KIND.CLOCK_SKEW: clock_skew,
    KIND.KEY_EXPIRED: key_expired,
    KIND.USER_STREAM_CLOSED: user_stream_closed,
    KIND.USER_STREAM_SILENT: user_stream_silent,
    KIND.USER_EVENTS_LOST: user_events,
    KIND.USER_EVENTS_REPEATED: user_events,
    KIND.USER_EVENTS_DELAYED: user_events,
    KIND.MARKET_STREAM_CLOSED: market_stream,
    KIND.MARKET_STREAM_SILENT: market_stream,
    KIND.BOOK_STALE: book_stale,
    KIND.BOOK_GAP: book_stale,
    KIND.BOOK_EMPTY: lambda world, fault, _: count_up(world, "is_empty", fault.duration_s),
    KIND.THIN_MARKET: thin_market,
    KIND.FILTERS_CHANGED: filters_changed,
    KIND.MARKET_HALTED: market_halted,
    KIND.ORDERS_CANCELED_BY_HAND: canceled_by_hand,
    KIND.TRADED_BY_HAND: traded_by_hand,
    KIND.FUNDS_MOVED: funds_moved,
    KIND.FEE_ASSET_SHORT: fee_asset_short,
    KIND.PROCESS_KILLED: killed,
    KIND.POWER_LOST: killed,
    KIND.PROCESS_PAUSED: paused,
    KIND.SECOND_PROCESS: second_process,
    KIND.DISK_FULL: disk_full,
    KIND.DISK_ERROR: disk_error,
    KIND.SYNC_FAILED: disk_error,
    KIND.DISK_SLOW: disk_slow,
    KIND.SNAPSHOT_LOST: snapshot,
    KIND.SNAPSHOT_CORRUPT: snapshot,
}
