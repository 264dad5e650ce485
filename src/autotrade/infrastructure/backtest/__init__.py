"""The backtest: the live engine, its services and the exchange's own core, fed from files."""
