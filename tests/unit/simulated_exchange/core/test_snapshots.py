"""A whole book laid at once is the book that its levels one by one would have made."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from autotrade.infrastructure.simulated_exchange.core.book import BookSide, OrderBook

books = st.dictionaries(st.integers(1, 40), st.integers(0, 3), max_size=12)


def level_by_level(side: BookSide[str], levels: dict[int, int]) -> None:
    gone = [(key * side.sign, 0) for key in list(side.market) if key * side.sign not in levels]
    side.set_market_levels([*gone, *levels.items()])


@given(before=books, after=books, is_bid=st.booleans())
def test_a_snapshot_leaves_the_same_levels_and_tells_the_same_changes(
    before: dict[int, int], after: dict[int, int], is_bid: bool
) -> None:
    slow: BookSide[str] = BookSide(is_bid=is_bid)
    book: OrderBook[str] = OrderBook()
    fast = book.bids if is_bid else book.asks
    for levels in (before, after):
        slow.changed.clear()
        fast.changed.clear()
        level_by_level(slow, levels)
        bids, asks = (levels, {}) if is_bid else ({}, levels)
        book.apply(bids.items(), asks.items(), is_snapshot=True)
        assert (fast.keys, fast.market, fast.changed) == (slow.keys, slow.market, slow.changed)


def test_where_an_order_of_ours_stands_it_keeps_its_place_in_the_queue() -> None:
    book: OrderBook[str] = OrderBook()
    book.apply([(10, 5)], [], is_snapshot=True)
    book.bids.add_order(10, "ours", 2)
    book.apply([(10, 9), (9, 1)], [], is_snapshot=True)
    assert book.bids.front(10) == (None, 5)
    assert book.bids.levels(5) == [(10, 11), (9, 1)]
