"""Market history: candles in files, imported, downloaded, checked and resampled.

The public names; importing this package loads numpy, and pyarrow with the first file.
"""

from __future__ import annotations

from autotrade.infrastructure.market_history.candle_store import (
    CandleStore,
    SaveResult,
    StoredCandles,
)
from autotrade.infrastructure.market_history.errors import (
    CandleConflict,
    MarketHistoryError,
    MarketHistoryRefused,
    NotCandles,
)
from autotrade.infrastructure.market_history.integrity import Gap, IntegrityReport, check
from autotrade.infrastructure.market_history.resampling import resample
from autotrade.infrastructure.market_history.series import CandleSeries
from autotrade.infrastructure.market_history.timeframes import TIMEFRAMES

__all__ = [
    "TIMEFRAMES",
    "CandleConflict",
    "CandleSeries",
    "CandleStore",
    "Gap",
    "IntegrityReport",
    "MarketHistoryError",
    "MarketHistoryRefused",
    "NotCandles",
    "SaveResult",
    "StoredCandles",
    "check",
    "resample",
]
