"""By how much a backtest flatters: a recorded run against the backtest of its own candles."""
