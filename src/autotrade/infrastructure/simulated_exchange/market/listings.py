"""The markets that the embedded exchange lists, with the figures the model needs for each.

Filters. Tick, lot and minimum notional: QuantConnect/Lean's symbol properties database (a copy of
Binance's exchangeInfo, snapshot of 2026-08). Largest amounts of a limit and of a market order:
exchangeInfo of 2021-10-12; for pairs listed later (ARB, OP, SUI) those of a pair of like price.

Model figures. `price`: last close of the USD-M perpetual's 1-minute candles that end 2025-06-03
for BTC, ETH, SOL, BNB, XRP, ADA, LINK, LTC and ETC; a round figure of that time for the others.
`minute_sd_bp`: standard deviation of 1-minute returns in basis points; spot 2022-01..2023-09 for
BTC, ETH and SOL; for the others their ratio to BTC in the same candles (2025-05 perpetuals, 2023
perpetuals for DOT and TRX, 2023 spot for ARB, 2021 spot for DOGE, ATOM, BCH, AAVE and ALGO) times
BTC's. `loading`: correlation with the common factor; solved from the three pairwise correlations
of BTC, ETH and SOL (0.866, 0.683, 0.695), else correlation with BTC divided by BTC's loading.
`minute_quote`: median quote volume of a minute; spot candles of 2022-23, else the perpetual's share
of BTC's perpetual times BTC's spot. Where there is no recording (AVAX, UNI, FIL, NEAR, OP, SUI,
XLM) the figures of ADA and LINK stand in, rounded.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from autotrade.infrastructure.simulated_exchange.core.types import Market

BTC_MINUTE_QUOTE = 1_158_571.0
BTC_DEPTH_10_BP_QUOTE = 2_770_000.0
"""Median quote amount of one side within 10 basis points, raw capture of 2024-08-08/09."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A listed market and what the model knows of it."""

    market: Market
    price: float
    minute_sd_bp: float
    loading: float
    minute_quote: float
    orders_per_second: float = 2.0
    """Taker orders in a median minute (the recorded BTCUSDT had 11)."""
    batches_per_second: float = 4.0
    depth_10_bp_quote: float = 0.0
    """Quote amount of one side within 10 bp; 0: BTC's times (volume / BTC's volume) ** 0.7."""

    @property
    def depth_quote(self) -> float:
        if self.depth_10_bp_quote:
            return self.depth_10_bp_quote
        return BTC_DEPTH_10_BP_QUOTE * float((self.minute_quote / BTC_MINUTE_QUOTE) ** 0.7)


def market_of(
    symbol: str,
    *,
    tick_size: Decimal,
    lot_size: Decimal,
    minimum_notional: Decimal = Decimal(5),
    maximum_amount: Decimal = Decimal(90_000),
    market_maximum_amount: Decimal = Decimal(10_000),
) -> Market:
    """A market's filters from the few that differ between markets."""
    base, quote = split_symbol(symbol)
    return Market(
        symbol=symbol,
        base=base,
        quote=quote,
        tick_size=tick_size,
        lot_size=lot_size,
        minimum_amount=lot_size,
        maximum_amount=maximum_amount,
        minimum_price=tick_size,
        maximum_price=tick_size * 100_000_000,
        minimum_notional=minimum_notional,
        market_maximum_amount=market_maximum_amount,
    )


_QUOTES = ("FDUSD", "USDT", "USDC", "TUSD", "BUSD", "DAI", "EUR", "TRY", "BRL", "GBP")
_COIN_QUOTES = ("BTC", "ETH", "BNB")


def split_symbol(symbol: str) -> tuple[str, str]:
    """('BTC', 'USDT') of 'BTCUSDT'; an unknown quote currency is taken to have four letters."""
    for quote in (*_QUOTES, *_COIN_QUOTES):
        if symbol.endswith(quote) and len(symbol) > len(quote):
            return symbol.removesuffix(quote), quote
    return symbol[:-4] or symbol, symbol[-4:]


# symbol: tick, lot, min notional, max amount, max market amount | price, sd, loading, volume
_FIGURES = """
BTCUSDT  0.01    0.00001 5 9000    100.05381873      106588.4 7.85  0.923 1158571
ETHUSDT  0.01    0.0001  5 9000    1600.51202668     2622.56  9.89  0.939 350964
SOLUSDT  0.01    0.001   5 90000   52005.8128492     162.20   16.12 0.740 45153
BNBUSDT  0.01    0.001   5 900000  28160.593369      667.68   8.52  0.681 25700
XRPUSDT  0.0001  0.1     5 9222449 9222449           2.249    14.2  0.777 103000
DOGEUSDT 0.00001 1       1 9000000 32613681.7095205  0.19     22.0  0.540 50000
ADAUSDT  0.0001  0.1     5 900000  8234643.04711605  0.6929   17.7  0.796 34500
AVAXUSDT 0.001   0.01    5 90000   78926.34145934    20.7     17.5  0.780 20000
LINKUSDT 0.001   0.01    5 90000   183978.65296038   14.34    17.8  0.820 23200
DOTUSDT  0.001   0.01    5 90000   330921.34450312   4.05     15.0  0.738 14900
TRXUSDT  0.0001  0.1     5 9000000 23834141.4829861  0.27     11.4  0.550 8900
LTCUSDT  0.01    0.001   5 90000   25570.86240733    89.84    16.4  0.717 17800
BCHUSDT  0.1     0.001   5 90000   3443.76049548     405      15.2  0.747 15000
UNIUSDT  0.001   0.01    5 90000   84499.66246699    6.4      17.5  0.780 12000
ATOMUSDT 0.001   0.01    5 90000   80272.47415566    4.3      14.6  0.715 12000
ETCUSDT  0.01    0.01    5 90000   44651.79617095    17.637   15.5  0.772 5300
FILUSDT  0.0001  0.01    5 9222449 86892.86058333    2.5      17.5  0.780 8000
NEARUSDT 0.001   0.1     5 900000  309731.40041695   2.4      17.5  0.780 12000
ARBUSDT  0.0001  0.1     5 900000  309731.40041695   0.35     18.4  0.637 22283
AAVEUSDT 0.01    0.001   5 900000  4346.80063238     260      14.8  0.744 20000
XLMUSDT  0.0001  1       5 9000000 3842781.70604586  0.27     16.0  0.700 10000
ALGOUSDT 0.0001  1       5 922327  750106.61084086   0.19     12.2  0.750 6500
OPUSDT   0.0001  0.01    5 900000  309731.40041695   0.63     17.5  0.780 8000
SUIUSDT  0.0001  0.1     5 900000  309731.40041695   3.2      17.5  0.780 30000
"""

_ACTIVITY = {"BTCUSDT": (4.0, 6.0), "ETHUSDT": (3.5, 5.5), "SOLUSDT": (3.0, 5.0)}
"""(taker orders, batches of level changes) a second where they differ from the default."""

_DEPTH = {"BTCUSDT": BTC_DEPTH_10_BP_QUOTE, "TRXUSDT": 340_000.0}
"""Measured: BTCUSDT as above; TRXUSDT 437,000 in the best three levels (13 bp), 2025-03-04."""


def _listing(row: str) -> Listing:
    symbol, tick, lot, notional, largest, largest_market, *model = row.split()
    price, minute_sd_bp, loading, minute_quote = map(float, model)
    orders, batches = _ACTIVITY.get(symbol, (2.0, 4.0))
    market = market_of(
        symbol,
        tick_size=Decimal(tick),
        lot_size=Decimal(lot),
        minimum_notional=Decimal(notional),
        maximum_amount=Decimal(largest),
        market_maximum_amount=Decimal(largest_market),
    )
    return Listing(
        market=market,
        price=price,
        minute_sd_bp=minute_sd_bp,
        loading=loading,
        minute_quote=minute_quote,
        orders_per_second=orders,
        batches_per_second=batches,
        depth_10_bp_quote=_DEPTH.get(symbol, 0.0),
    )


LISTINGS: dict[str, Listing] = {
    listing.market.symbol: listing
    for listing in (_listing(row) for row in _FIGURES.strip().splitlines())
}


LARGEST_AMOUNT = Decimal(10**10)
"""Of a pair whose own figure nobody knows."""


def market_on_grid(symbol: str, price_places: int, amount_places: int) -> Market:
    """The market of a recording whose numbers have so many decimal places: the listed one where
    its grid holds them, the listed one with a finer tick or lot where it does not, and for a symbol
    that is not listed filters on the data's own grid, without a largest amount that matters: 90,000
    are a fortune of one coin and less than a dollar of another."""
    tick, lot = Decimal(1).scaleb(-price_places), Decimal(1).scaleb(-amount_places)
    listing = LISTINGS.get(symbol)
    if listing is None:
        return market_of(
            symbol,
            tick_size=tick,
            lot_size=lot,
            maximum_amount=LARGEST_AMOUNT,
            market_maximum_amount=LARGEST_AMOUNT,
        )
    market = listing.market
    return replace(
        market,
        tick_size=min(tick, market.tick_size),
        minimum_price=min(tick, market.minimum_price),
        lot_size=min(lot, market.lot_size),
    )


DEFAULT_SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")


def listing_for(market: Market, price: float) -> Listing:
    """Model figures for a market that only a recording knows: those of a middling pair."""
    known = LISTINGS.get(market.symbol)
    if known is not None:
        return replace(known, market=market, price=price)
    return Listing(market=market, price=price, minute_sd_bp=16.0, loading=0.75, minute_quote=15_000)
