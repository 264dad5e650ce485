"""The one error of the market sources: its text is a sentence for the user."""

from __future__ import annotations


class MarketSourceError(ValueError):
    """A market cannot be opened or went wrong; the text says what was expected and what to do."""
