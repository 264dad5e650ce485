"""The one door for the bootstrap: settings in; feed, connector and clock out.

Nothing heavy is imported before `open_connector` runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from autotrade.infrastructure.connectors.connector_settings import ConnectorSettings
from autotrade.infrastructure.connectors.exchange_clock import ExchangeClock
from autotrade.infrastructure.connectors.market_rules import MarketDirectory
from autotrade.infrastructure.connectors.weight_governor import WeightGovernor

if TYPE_CHECKING:
    from autotrade.application.patience import Patience
    from autotrade.infrastructure.connectors.ccxt_connector import CcxtExchangeConnector
    from autotrade.infrastructure.connectors.market_feed import CcxtMarketDataFeed


class Connection(NamedTuple):
    feed: CcxtMarketDataFeed
    connector: CcxtExchangeConnector | None
    """None without keys: market data only, see in_process_connector.simulate_on."""
    clock: ExchangeClock
    governor: WeightGovernor
    settings: ConnectorSettings


async def open_connector(
    settings: ConnectorSettings, patience: Patience | None = None
) -> Connection:
    """Build the clients and measure the clock. Raises `ExchangeUnreachable`, with a `patience` only
    after it; the clients stay the same meanwhile, because they know how long a ban lasts.

    Close the connector first, then the feed.
    """
    from autotrade.infrastructure.connectors.ccxt_connector import CcxtExchangeConnector
    from autotrade.infrastructure.connectors.client_factory import make_client
    from autotrade.infrastructure.connectors.market_feed import CcxtMarketDataFeed
    from autotrade.infrastructure.connectors.market_questions import MarketQuestions
    from autotrade.infrastructure.connectors.transport import tls_context

    clock = ExchangeClock(speed=settings.speed)
    governor = WeightGovernor(clock, reserve=settings.weight_reserve)
    directory = MarketDirectory()
    context = tls_context(settings.transport)
    data = make_client(settings, clock, governor, context, with_keys=False)
    market = MarketQuestions(data, settings, clock, governor, directory)
    feed = CcxtMarketDataFeed(data, settings, clock, market)
    try:
        if patience is None:
            await market.measure_clock()
        else:
            await patience.until_answered(market.measure_clock)
    except BaseException:
        await feed.close()
        raise
    connector = None
    if settings.has_keys:
        trading = make_client(settings, clock, governor, context, with_keys=True)
        user = make_client(settings, clock, governor, context, with_keys=True)
        connector = CcxtExchangeConnector(
            trading, user, settings=settings, clock=clock, directory=directory, market=market
        )
    return Connection(feed, connector, clock, governor, settings)
