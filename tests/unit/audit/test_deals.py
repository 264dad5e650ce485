"""Figures that need more than one fill: fees in a third asset, dust, deals that live again."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.audit import story as s
from tests.unit.audit.story import Story, sound_story


def with_dust(story: Story) -> Story:
    """The SELL leaves 0.0005 BTC, which cost 0.05 of the 50 that 0.5 did."""
    story.rows[story.place_of("PlaceOrderList")] = s.place_list(1, amount="0.499")
    story.rows[story.place_of("OrderFilled", "T1")]["data"]["amount"] = "0.499"
    dust = {"deal_id": 1, "asset": "BTC", "amount": "0.0005", "cost": "0.05"}
    story.insert_before("DealClosed", s.event("DustBooked", 1, **dust))
    return story


def test_dust_takes_its_cost_along() -> None:
    story = with_dust(sound_story())
    report = story.audit(with_history=False)
    assert report.violations == []
    assert report.pnl_net == {"USDT": Decimal("54.89") - Decimal("49.95") - Decimal("0.05")}


def test_dust_comes_back_in_a_later_deal() -> None:
    story = with_dust(sound_story())
    taken = {"deal_id": 2, "asset": "BTC", "amount": "0.0005", "cost": "0.05"}
    story.insert_before(
        "OperatorRequested",
        s.decision(3),
        s.opened(2, 3),
        s.planned(2),
        s.place(2, "B1"),
        s.filled(2, "B1", "31", "41", fee="0", fee_asset=""),
        s.event("DustTaken", 2, **taken),
        s.place(2, "X1", type="MARKET", price=None, amount="0.5005"),
        s.filled(2, "X1", "32", "42", amount="0.5005", fee="0", fee_asset=""),
        s.closed(2),
    )
    report = story.audit(with_history=False)
    assert report.violations == []
    assert report.deal_results[2].pnl_net == Decimal("55.055") - Decimal("50.05")
    assert report.balances["BTC"] == 0


def test_dust_with_another_cost() -> None:
    story = with_dust(sound_story())
    story.rows[story.place_of("DustBooked")]["data"]["cost"] = "0.06"
    assert story.codes(with_history=False) == ["deal_numbers"]


def test_a_fee_in_a_third_asset_is_valued_by_its_row() -> None:
    story = sound_story()
    story.rows[0]["data"]["start_balances"].append({"asset": "BNB", "free": "1", "locked": "0"})
    fill = story.rows[story.place_of("OrderFilled", "T1")]["data"]
    fill |= {"fee": "0.001", "fee_asset": "BNB"}
    report = story.audit(with_history=False)
    assert report.is_clean and "no value" in report.notes[0]
    assert report.pnl_net == {"USDT": Decimal("4.945")}
    value = s.event("FeeValued", 1, deal_id=1, trade_id="22", fee_quote="0.6")
    story.insert_before("OrderCanceled", value)
    report = story.audit(with_history=False)
    assert (report.violations, report.notes) == ([], [])
    assert report.pnl_net == {"USDT": Decimal("4.345")}
    assert report.balances["BNB"] == Decimal("0.999")
    story.insert_before("OrderCanceled", value)
    assert story.codes(with_history=False) == ["deal_numbers"]


def test_a_late_fill_brings_a_deal_back_to_life() -> None:
    story = sound_story()
    story.rows[story.place_of("OrderFilled", "B1")]["data"] |= {"amount": "0.3", "fee": "0.0003"}
    story.rows[story.place_of("PlaceOrderList")] = s.place_list(1, amount="0.2997")
    story.rows[story.place_of("OrderFilled", "T1")]["data"]["amount"] = "0.2997"
    story.insert_after("OrderFilled", s.canceled(1, "B1", "11", "0.3"))
    late = s.filled(1, "B1", "11", "23", amount="0.1", fee="0")
    story.insert_after("DealClosed", late)
    report = story.audit(with_history=False)
    assert report.violations == []
    assert (report.open_deals, report.pnl_net) == ([1], {})
    assert report.deals == {"opened": 1, "closed": 0, "canceled": 0, "open": 1}


def test_an_order_that_was_not_found_in_time_may_still_come() -> None:
    """Not knowing it proves nothing while the request may be on its way."""
    story = sound_story()
    unknown = s.event("OrderNotFound", 1, order_id=f"{s.PREFIX}1-B1")
    story.insert_after("PlaceOrder", unknown)
    assert story.codes(with_history=False) == []


def test_a_deal_lives_again_while_an_order_of_it_rests() -> None:
    """Its BUY was believed gone, and came after all; it is canceled and the deal ends anew."""
    story = sound_story()
    gone = s.event("DealCanceled", 2, deal_id=2, text="its BUY is unknown")
    story.insert_before(
        "OperatorRequested",
        s.decision(3),
        s.opened(2, 3),
        s.planned(2),
        s.place(2, "B1"),
        *[s.event("Reconciled", trigger="timer", differences=0)] * 10,
        s.event("OrderNotFound", 2, order_id=f"{s.PREFIX}2-B1"),
        gone,
        s.accepted(2, "B1", "31"),
        s.canceled(2, "B1", "31"),
        gone,
    )
    report = story.audit(with_history=False)
    assert report.violations == []
    assert report.deals == {"opened": 2, "closed": 1, "canceled": 1, "open": 0}
    story.rows.insert(story.place_of("SessionStopped"), gone)
    assert story.codes(with_history=False) == ["deal_twice"]


def test_a_buy_may_be_made_anew_when_the_first_is_gone() -> None:
    story = sound_story()
    story.insert_after(
        "OrderAccepted", s.canceled(1, "B1", "11"), s.planned(1), s.place(1, "B2", price="99")
    )
    fill = story.rows[story.place_of("OrderFilled", "B1")]["data"]
    fill |= {"order_id": f"{s.PREFIX}1-B2", "exchange_id": "14", "price": "99"}
    assert story.codes(with_history=False) == []


@given(
    pieces=st.lists(st.integers(1, 9), min_size=1, max_size=6),
    fee_units=st.integers(0, 20),
    prices=st.lists(st.integers(90, 100), min_size=6, max_size=6),
)
def test_money_is_what_the_fills_say(pieces: list[int], fee_units: int, prices: list[int]) -> None:
    """However a BUY is cut into pieces: balances are start plus fills, to the last unit, and one
    unit less on the exchange is found."""
    story = sound_story()
    story.rows = story.rows[: story.place_of("OrderAccepted") + 1]
    story.rows[story.place_of("PlaceOrder")]["data"]["amount"] = str(sum(pieces))
    story.rows[story.place_of("PlaceOrder")]["data"]["price"] = "100"
    story.rows[story.place_of("DealOpened")]["data"]["budget"] = "9999"
    story.rows[story.place_of("Decision")]["data"]["budget"] = "9999"
    fee = Decimal(fee_units) / 10**8
    story.history.orders = [s.exchange_order("B1", 11, "FILLED", origQty=str(sum(pieces)))]
    story.history.trades, cost = [], Decimal(0)
    for number, (piece, price) in enumerate(zip(pieces, prices, strict=False)):
        numbers = {"price": str(price), "amount": str(piece), "fee": f"{fee:f}"}
        story.rows.append(s.filled(1, "B1", "11", str(number), **numbers))
        story.history.trades.append(
            s.trade(
                number,
                11,
                is_buyer=True,
                price=str(price),
                qty=str(piece),
                commission=f"{fee:f}",
            )
        )
        cost += piece * price
    held = sum(pieces) - fee * len(pieces)
    story.history.balances = {"USDT": 1_000 - cost, "BTC": held}
    report = story.audit()
    assert report.violations == []
    assert report.balances == {"USDT": 1_000 - cost, "BTC": held}
    story.history.balances["BTC"] -= Decimal("0.00000001")
    assert story.codes() == ["ledger"]
