"""What a signal comes to: every question that is asked of it, and the plan of its deal."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal as D

from tests.reference.plain_bot import PlainBot
from tests.reference.plain_deals import PlainSignal, amount_down, down, up
from tests.reference.plain_exchange import PlainBook
from tests.reference.plain_indicators import PlainIndicators
from tests.reference.plain_settings import PlainFilters, PlainSettings

NINE = D("0.000000001")
TREND_WORTH = {"up": D("0.05"), "flat": D(0), "down": D("-0.08"), "unknown": D(0)}
VOLATILITY_WORTH = {"high": D("-0.05"), "extreme": D("-0.15")}


@dataclass(frozen=True)
class BookWord:
    """What the book says of buying a size now."""

    ask: D
    refused_by: list[str]
    confidence: D
    """With the signal's own worth, before trend and volatility."""
    pressure: D
    buy_slippage: D


def slippage(levels: list[tuple[D, D]], size: D) -> D:
    """Percent between the best price and the average price of trading `size` quote at once."""
    rest, base = size, D(0)
    for price, amount in levels:
        if price * amount >= rest:
            average = size / (base + rest / price)
            return (abs(average / levels[0][0] - 1) * 100).quantize(NINE)
        rest, base = rest - price * amount, base + amount
    return D("Infinity")


def ask_the_book(
    settings: PlainSettings, filters: PlainFilters, price: int, volume_lots: int
) -> BookWord:
    model = PlainBook(settings)
    amount = filters.lot * model.lots(volume_lots)
    bids = [(filters.tick * one, amount) for one in model.bids(price)]
    asks = [(filters.tick * one, amount) for one in model.asks(price)]
    bid, ask = bids[0][0], asks[0][0]
    spread = ((ask - bid) / (ask + bid) * 200).quantize(NINE)
    depth = settings.depth_levels
    bid_quote, ask_quote = (sum((p * a for p, a in side[:depth]), D(0)) for side in (bids, asks))
    buy, sell = slippage(asks, settings.deal_quota), slippage(bids, settings.deal_quota)
    least = min(bid_quote, ask_quote)
    refused_by = []
    if spread > settings.max_spread_percent:
        refused_by.append("spread")
    if max(buy, sell) > settings.max_slippage_percent:
        refused_by.append("slippage")
    if least < settings.min_volume_quote:
        refused_by.append("liquidity")
    if refused_by:
        return BookWord(ask, refused_by, D(0), D(0), buy)
    rooms = (
        1 - spread / settings.max_spread_percent,
        1 - max(buy, sell) / settings.max_slippage_percent,
        1 - settings.min_volume_quote / least,
    )
    quality = sum(rooms, D(0)) / 3
    pressure = (bid_quote - ask_quote) / (bid_quote + ask_quote) * 100
    confidence = D("0.7") - D("0.2") * (1 - quality)
    confidence += verdict_worth(pressure) * quality
    return BookWord(ask, [], confidence, pressure, buy)


def verdict_worth(pressure: D) -> D:
    """A book that leans to one side by 30 or 60 percent is a word; how sure it is grows with it."""
    size = abs(pressure)
    if size < 30:
        return D(0)
    sure = D("0.5") + D("0.5") * min(D(1), size / 60)
    worth = (D("0.2") if size >= 60 else D("0.12")) * sure
    return worth if pressure > 0 else -worth


@dataclass(frozen=True)
class Moment:
    """What there is to know when a candle has closed."""

    ts: int
    index: int
    price: int
    """Ticks."""
    volume_lots: int
    """Of the last candle that had closed when this price was made."""
    free_quote: D


def decide(bot: PlainBot, indicators: PlainIndicators, moment: Moment) -> None:
    """Note the signal with its answer, and open the deal when nothing speaks against it."""
    settings, filters = bot.settings, bot.filters
    close, ts = filters.tick * moment.price, moment.ts
    volatility = indicators.volatility(moment.index)
    trend = indicators.trend(moment.index)
    entry, budget, doubts = close, settings.deal_quota, []
    if settings.is_book_asked:
        word = ask_the_book(settings, filters, moment.price, moment.volume_lots)
        doubts += word.refused_by
        confidence = D(0)
        if not word.refused_by:
            entry = word.ask
            confidence = word.confidence + TREND_WORTH[trend]
            confidence += VOLATILITY_WORTH.get(volatility, D(0))
            confidence = min(D(1), max(D(0), confidence.quantize(NINE)))
            doubts += ["book_against"] * (word.pressure <= -30)
            needs = settings.is_support_required and word.pressure < 30
            doubts += ["book_support_missing"] * needs
            if word.buy_slippage > D("0.5"):
                budget = budget * D("0.7")
        doubts += ["market_conditions"] * (volatility == "extreme")
        doubts += ["confidence"] * (confidence < settings.confidence_least)
    target = up(entry * (1 + settings.profit_markup / 100), filters.tick)
    entry = down(entry, filters.tick)
    amount = amount_down(budget / (entry * (1 + settings.taker_fee)), filters)
    refused_by = _gates(bot, ts, entry, budget, moment.free_quote)
    refused_by += [*doubts, *_economics(settings, filters, entry, amount, target, budget)]
    bot.signals.append(PlainSignal(ts, close, tuple(refused_by), entry, amount, target, budget))
    if not refused_by:
        bot.last_approved_ts = ts
        bot.open_deal(ts, entry, amount, target, budget)


def _gates(bot: PlainBot, ts: int, entry: D, budget: D, free_quote: D) -> list[str]:
    settings, shut = bot.settings, []
    if len(bot.open) >= min(settings.deal_count, bot.filters.most_stops):
        shut.append("deal_count")
    if len(bot.open) >= settings.max_open_deals:
        shut.append("open_deals")
    if free_quote < budget:
        shut.append("balance")
    signal_ts, loss_ts = bot.last_approved_ts, bot.last_loss_ts
    if signal_ts is not None and ts - signal_ts < settings.after_signal_ms:
        shut.append("cooldown_signal")
    if loss_ts is not None and ts - loss_ts < settings.after_loss_ms:
        shut.append("cooldown_loss")
    near = [abs(entry / deal.average_entry - 1) * 100 for deal in bot.open]
    if near and min(near) < settings.min_entry_distance_percent:
        shut.append("entry_distance")
    return shut


def _economics(
    settings: PlainSettings, filters: PlainFilters, entry: D, amount: D, target: D, budget: D
) -> list[str]:
    """The dearer case: the taker's fee on the way in, taken from what is bought."""
    faults = []
    if not amount:
        faults.append("amount")
    if not amount or amount * entry < filters.least_notional:
        faults.append("min_notional")
    held = amount * (1 - settings.taker_fee)
    to_sell = amount_down(held, filters)
    if to_sell * entry * (1 - settings.stop_percent / 100) < filters.least_notional:
        faults.append("min_notional")
    profit = to_sell * target * (1 - settings.maker_fee) - amount * entry
    if held:
        profit += (held - to_sell) / held * amount * entry
    if profit / budget * 100 < settings.min_net_profit_percent:
        faults.append("net_profit")
    return faults
