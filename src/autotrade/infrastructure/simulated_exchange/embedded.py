"""EmbeddedExchange: core, market, driver, wire server and stored accounts put together.

Used by the exchange's own process and, with a `HandClock`, inside tests' event loops.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from autotrade.infrastructure.simulated_exchange.certificates import kept_certificates
from autotrade.infrastructure.simulated_exchange.core.exchange import SimulatedExchange
from autotrade.infrastructure.simulated_exchange.core.types import Output
from autotrade.infrastructure.simulated_exchange.driver import (
    DriverClock,
    MarketDriver,
    ResumableSource,
    SimulationClock,
)
from autotrade.infrastructure.simulated_exchange.fault_driver import FaultDriver
from autotrade.infrastructure.simulated_exchange.fault_script import ScriptedFault
from autotrade.infrastructure.simulated_exchange.market.source import MarketSource
from autotrade.infrastructure.simulated_exchange.market_faults import MarketBender
from autotrade.infrastructure.simulated_exchange.state_log import StateLog
from autotrade.infrastructure.simulated_exchange.wire.client_socket import SocketSettings
from autotrade.infrastructure.simulated_exchange.wire.keys import ApiKey
from autotrade.infrastructure.simulated_exchange.wire.limits import LimitSettings
from autotrade.infrastructure.simulated_exchange.wire.server import ExchangeServer, ServerSettings
from autotrade.infrastructure.simulated_exchange.wire.tls import CertificateFiles

logger = logging.getLogger(__name__)

ACCOUNT = "main"
CATCH_UP_MS_MAX = 600_000
CHECKPOINT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class EmbeddedOptions:
    """How the exchange is set up; ports: 0 picks a free one, None leaves the transport out."""

    port: int | None = 0
    tls_port: int | None = None
    speed: float = 1.0
    balances: Mapping[str, Decimal] = field(default_factory=lambda: {"USDT": Decimal(10_000)})
    maker_fee: Decimal = Decimal("0.001")
    taker_fee: Decimal = Decimal("0.001")
    pays_fees_in_bnb: bool = False
    rate_limits: Literal["real", "scaled"] = "scaled"
    limits: LimitSettings = field(default_factory=LimitSettings)
    sockets: SocketSettings = field(default_factory=SocketSettings)
    history_candles: int = 1_500
    api_key: str = "embedded-exchange-key"
    api_secret: str = field(default="embedded-exchange-secret", repr=False)
    ed25519_public_key_pem: str = ""
    data_dir: Path | None = None
    """Where accounts and certificates are kept; None keeps no accounts."""


class EmbeddedExchange:
    """One whole exchange in this process's event loop."""

    def __init__(
        self,
        source: MarketSource,
        options: EmbeddedOptions | None = None,
        *,
        clock: DriverClock | None = None,
    ) -> None:
        self.options = options = options or EmbeddedOptions()
        self.source = source
        self.exchange = SimulatedExchange(
            source.markets,
            start_ts=source.start_ts,
            maker_fee=options.maker_fee,
            taker_fee=options.taker_fee,
        )
        for market in source.markets:
            history = source.history(market.symbol, options.history_candles)
            if history:
                self.exchange.seed_history(market.symbol, history)
        self._log = StateLog(options.data_dir) if options.data_dir is not None else None
        self.server = ExchangeServer(
            self.exchange,
            _server_settings(options),
            settle=self._settle,
            on_outputs=self._write if self._log is not None else None,
        )
        self.clock = clock or SimulationClock(source.start_ts, options.speed)
        self.driver = MarketDriver(
            self.exchange,
            source,
            self.clock,
            publish=self.server.publish,
            clockwork=self.server.hub,
        )
        self.server.hub.on_due_changed = self.driver.wake
        self._open_accounts(self._log.load() if self._log is not None else None)
        self.port: int | None = None
        self.tls_port: int | None = None
        self.certificates: CertificateFiles | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self.faults: FaultDriver | None = None

    def play(self, faults: Iterable[ScriptedFault], *, seed: int = 0) -> FaultDriver:
        """Let these faults happen, their times counted from now; what was played before ends."""
        if self.faults is not None:
            self.faults.end()
        bender = MarketBender(self.exchange)
        self.driver.bend = bender.bend
        self.faults = FaultDriver(
            self.server,
            faults,
            account=ACCOUNT,
            bender=bender,
            speed=self.clock.speed,
            seed=seed,
        )
        self.driver.add_clockwork(self.faults)
        return self.faults

    def _open_accounts(self, state: dict[str, Any] | None) -> None:
        """Restore the stored accounts at the market of the time they were stored at."""
        options = self.options
        if state is not None:
            stored_ts = int(state["now"])
            if self._is_reachable(stored_ts):
                self.driver.advance_to(stored_ts)
            self.exchange.restore_state(state)
        if not any(True for row in (state or {}).get("accounts", ()) if row["name"] == ACCOUNT):
            self.exchange.open_account(
                ACCOUNT, options.balances, pays_fees_in_bnb=options.pays_fees_in_bnb
            )
        self.exchange.drain()
        self.server.add_key(
            ApiKey(
                options.api_key,
                ACCOUNT,
                secret=options.api_secret,
                public_key_pem=options.ed25519_public_key_pem,
            )
        )
        if self._log is not None:
            self._log.open(self.exchange)

    def _is_reachable(self, stored_ts: int) -> bool:
        """Whether the market should be played on to that time before accounts meet it: a recording
        always (unless it had ended: then it begins anew), a source that resumes by itself only for
        what passed since its last checkpoint."""
        end_ts = self.source.end_ts
        if stored_ts <= self.exchange.now or (end_ts is not None and stored_ts >= end_ts):
            return False
        if isinstance(self.source, ResumableSource):
            return stored_ts - self.exchange.now <= CATCH_UP_MS_MAX
        return end_ts is not None

    def _settle(self) -> None:
        self.driver.settle()

    def _write(self, outputs: Sequence[Output]) -> None:
        assert self._log is not None
        self._log.on_outputs(self.exchange, outputs)

    async def start(self, *, is_driven: bool = True) -> None:
        """Listen, and (unless a test drives by hand) let time run."""
        options = self.options
        if options.tls_port is not None:
            self.certificates = kept_certificates(self._certificate_folder())
        self.port, self.tls_port = await self.server.start(
            port=options.port, tls_port=options.tls_port, files=self.certificates
        )
        if is_driven:
            self.clock.start_at(self.exchange.now)
            self._tasks = [asyncio.create_task(self._drive()), asyncio.create_task(self._save())]

    def _certificate_folder(self) -> Path:
        if self.options.data_dir is not None:
            return self.options.data_dir / "exchange" / "tls"
        self._temporary = tempfile.TemporaryDirectory(prefix="autotrade-exchange-")
        return Path(self._temporary.name)

    async def _drive(self) -> None:
        try:
            await self.driver.run()
        except Exception:
            logger.exception("the market driver failed; the exchange stops")
            raise

    async def _save(self) -> None:
        while True:
            await asyncio.sleep(CHECKPOINT_SECONDS)
            self.save_market()

    def save_market(self) -> None:
        """Note where the market stands, for sources that can go on from there."""
        checkpoint = self.driver.checkpoint()
        if self._log is not None and checkpoint is not None:
            self._log.save_market(checkpoint)

    @property
    def failure(self) -> asyncio.Task[None] | None:
        """The driver's task; it ends only by a fault or by `stop`."""
        return self._tasks[0] if self._tasks else None

    async def stop(self) -> None:
        """Close sockets, stop time, keep accounts and market."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task
        self._tasks = []
        if self.faults is not None:
            self.faults.end()
        await self.server.stop()
        self.save_market()
        if self._log is not None:
            self._log.close()
        if self._temporary is not None:
            self._temporary.cleanup()

    async def __aenter__(self) -> EmbeddedExchange:
        await self.start(is_driven=isinstance(self.clock, SimulationClock))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def stats(self) -> dict[str, Any]:
        """Figures for people: how the market is driven and what was served."""
        driver = self.driver.stats
        return {
            "exchange_ts": self.exchange.now,
            "facts": driver.facts,
            "flushes": driver.flushes,
            "lag_ms_max": driver.lag_ms_max,
            "slipped_ms": driver.slipped_ms,
            "is_ended": driver.is_ended,
            "requests": self.server.requests,
            "open_sockets": self.server.open_sockets,
            "streams": self.server.hub.stream_count,
            "misses": len(self.server.misses),
            "faults": {} if self.faults is None else self.faults.figures(),
        }

    def clock_anchor(self) -> dict[str, int]:
        """Exchange time and the wall clock's at the same moment."""
        return {"exchange_ms": self.driver.time_ms(), "wall_ms": int(time.time() * 1000)}


def _server_settings(options: EmbeddedOptions) -> ServerSettings:
    """An accelerated exchange gives `speed` times the budget and takes requests as late on its
    own clock as a real one would take them on the wall's, unless `real` limits are asked for."""
    factor = max(1.0, options.speed) if options.rate_limits == "scaled" else 1.0
    return ServerSettings(
        limits=options.limits.scaled(factor) if factor > 1 else options.limits,
        sockets=options.sockets,
        window_tolerance=factor,
        maker_fee=options.maker_fee,
        taker_fee=options.taker_fee,
    )
