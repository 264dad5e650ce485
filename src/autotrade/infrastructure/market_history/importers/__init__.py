"""Readers of other tools' candle and trade files."""
