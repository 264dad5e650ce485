"""The report's page: it loads nothing, escapes everything, and shows what the result says."""

from __future__ import annotations

import json
import random
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autotrade.infrastructure.backtest.charts import charts_of
from autotrade.infrastructure.backtest.loading import LoadedData
from autotrade.infrastructure.backtest.result import Timing, result_of
from autotrade.infrastructure.market_history.series import CandleSeries
from autotrade.infrastructure.reports.page import NOTICE, NOTICE_ADDRESS, page_of
from tests.backtest_markets import random_settings, run_over

EVIL = "</script><img src=x onerror=alert(1)>\"'&"
MINUTE_MS = 60_000


class Reader(HTMLParser):
    """Every element with its attributes, the visible text, and the scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.words: list[str] = []
        self._inside = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts.append((self.elements[-1][1], data))
        elif self._inside != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def charts(self) -> dict[str, Any]:
        [data] = [text for attributes, text in self.scripts if attributes.get("id") == "charts"]
        return json.loads(data)


def waves(count: int, step: int = 40) -> CandleSeries:
    """A price that rises and falls enough for deals of both kinds."""
    at = np.arange(count)
    close = np.round(2000 * (1 + 0.02 * np.sin(at / step) + 0.004 * np.sin(at / 7)), 2)
    opened = np.append(close[0], close[:-1])
    return CandleSeries(
        open_ts=1_700_000_040_000 + at * MINUTE_MS,
        open=opened,
        high=np.maximum(opened, close) + 0.5,
        low=np.minimum(opened, close) - 0.5,
        close=close,
        volume=np.full(count, 50.0),
        symbol="ETH/USDT",
        timeframe="1m",
        exchange="drawn",
        price_decimals=2,
        amount_decimals=4,
    )


@pytest.fixture(scope="module")
def stored() -> tuple[dict[str, Any], dict[str, Any]]:
    """A result and its charts as the archive gives them back."""
    from autotrade.infrastructure.terminal.output import plain

    backtest, run = run_over([waves(4_000)], random_settings(random.Random(5)))
    plan = backtest._plan
    data = LoadedData(
        [market.series for market in plan.markets], plan.start_ts, False, ["a warning"], 0
    )
    result = result_of(
        backtest, plan, run, data, Timing(1.0), chosen={"strategy.macd_fast": "10"}, seed=0
    )
    assert result["deals"] > 15
    whole: Any = json.loads(json.dumps(plain([result, charts_of(plan, run)])))
    return whole[0], whole[1]


def test_it_loads_nothing(stored: tuple[dict[str, Any], dict[str, Any]]) -> None:
    page = page_of(*stored)
    reader = Reader(page)
    for tag, attributes in reader.elements:
        assert not {"src", "srcset", "data", "action"} & set(attributes), tag
        assert attributes.get("href") in (None, NOTICE_ADDRESS)
        assert tag not in {"link", "iframe", "object", "embed", "base", "form"}
    [policy] = [a["content"] for t, a in reader.elements if t == "meta" and "http-equiv" in a]
    assert policy is not None and policy.startswith("default-src 'none'")
    assert not re.search(r"url\(|@import", page.partition("</style>")[0])
    addresses = set(re.findall(r"https?://[\w.-]+", page))
    assert addresses <= {
        "https://www.tradingview.com",
        "https://www.apache.org",
        "http://www.w3.org",
    }


def test_the_charts_keep_their_licence_and_attribution(
    stored: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    page = page_of(*stored)
    assert "@license" in page and "Licensed under Apache License 2.0" in page
    assert NOTICE in Reader(page).text and "attributionLogo: true" in page


def test_what_comes_from_outside_is_text(stored: tuple[dict[str, Any], dict[str, Any]]) -> None:
    result, charts = json.loads(json.dumps(stored))
    result["chosen"] = {EVIL: EVIL}
    result["warnings"] = [EVIL]
    result["verdict"]["sentences"] = [EVIL]
    result["strategy"] = result["id"] = EVIL
    result["pairs"] = [f"{EVIL}/USDT"]
    result["data"][0]["pair"] = result["data"][0]["exchange"] = EVIL
    result["x"] = {"name": EVIL, "values": [EVIL]}
    result["y"] = {"name": EVIL, "values": [EVIL]}
    result["net"] = [[1.0]]
    charts["candles"][0]["pair"] = charts["months"][0]["month"] = EVIL
    charts["deals"][0][8] = charts["deals"][0][1] = EVIL
    reader = Reader(page_of(result, charts))
    assert not [tag for tag, _ in reader.elements if tag == "img"]
    assert len(reader.scripts) == 3
    assert reader.text.count(EVIL) > 8


def test_every_deal_and_the_last_worth_are_drawn(
    stored: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    result, charts = stored
    drawn = Reader(page_of(result, charts)).charts()
    [part] = drawn["candles"]
    assert len(part["deals"]) == result["deals"]
    assert sum(deal[4] for deal in part["deals"]) == pytest.approx(float(result["pnl_net"]))
    assert drawn["curve"][-1][1] == pytest.approx(result["end_equity"])
    lows = {row[0]: (row[2], row[3]) for row in part["rows"]}
    first = part["deals"][0]
    opened_in = max(ts for ts in lows if ts <= first[0])
    assert lows[opened_in][1] * 0.99 <= first[2] <= lows[opened_in][0] * 1.01


def test_all_figures_and_settings_are_there(
    stored: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    result, charts = stored
    text = Reader(page_of(result, charts)).text
    for word in (
        "total return", "annual return", "buy and hold", "exposure", "max drawdown", "Sharpe ratio",
        "Sortino ratio", "Calmar ratio", "profit factor", "average deal", "SQN", "win rate",
        "worst deal", "time in deal", "fees paid", "break-even fee", "deflated Sharpe",
        "95 % interval", result["verdict"]["sentences"][0], result["data"][0]["sha256"],
        result["journal_sha256"], "recorded", "strategy.macd_fast", "backtest.latency_ms",
        "warning: a warning", "The same deals again",
    ):  # fmt: skip
        assert word in text, word


def test_modelled_candles_are_said_to_be_modelled(
    stored: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    result, charts = stored
    sentence = "nothing of them was ever recorded"
    assert sentence not in Reader(page_of(result, charts)).text
    assert sentence in Reader(page_of({**result, "is_modelled": True}, charts)).text


def test_a_result_without_charts_is_still_a_page(
    stored: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    page = page_of(stored[0], None)
    assert "kept without curves" in page and "<script" not in page


def test_a_year_of_minutes_stays_small(tmp_path: Path) -> None:
    """3,000 deals among 525,600 candles; the promise is 3 MB."""
    from autotrade.infrastructure.backtest import charts as module
    from autotrade.infrastructure.backtest.book_model import BookModel
    from autotrade.infrastructure.backtest.pair_market import PairMarket
    from autotrade.infrastructure.backtest.settings import BacktestSettings

    series = waves(525_600, 4_000)
    market = PairMarket(series, BookModel.of(BacktestSettings()))
    part = module._candles(market, int(series.open_ts[0]), 3_000)
    assert part["timeframe"] == "4h" and 2_000 < len(part["rows"]) <= 3_000
    assert max(row[2] for row in part["rows"]) == series.high.max()
    curve = [[1_700_000_040_000 + at * 3_600_000, 9_999.12345678, 10_123.12345678] for at in
             module.thinned(np.sin(np.arange(8_760.0)), module.CURVE_POINTS_MAX)]  # fmt: skip
    deal = [1, series.symbol, 1_700_000_100_000, 1_700_000_900_000, 2_012.123456789,
            2_034.123456789, 0.123456789, 0.00123456789, "target reached"]  # fmt: skip
    charts = {"curve": curve, "months": [], "candles": [part], "deals": [deal] * 3_000}
    from autotrade.infrastructure.reports.page import _scripts

    assert len(_scripts(charts)) < 1_000_000
