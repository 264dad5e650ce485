"""Every record survives the journal exactly, or is refused when it is made."""

from __future__ import annotations

import dataclasses
import json
from decimal import Decimal

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autotrade.domain import commands, decisions, events
from autotrade.domain.entities.currency_pair import MarketRules
from autotrade.domain.events import BalancesUpdated, MarketRulesUpdated
from autotrade.infrastructure.journal.codec import (
    RECORD_TYPES,
    RECORD_TYPES_BY_NAME,
    CodecFault,
    UnknownRecordType,
    decode_record,
    from_row_data,
    record_type,
    to_row_data,
)
from tests.unit.journal.samples import accepted, canceled, decision, instances_of, placed

ANY_RECORD = st.one_of([instances_of(record_class) for record_class in RECORD_TYPES])


@given(ANY_RECORD)
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_every_record_comes_back_equal(record: object) -> None:
    data = to_row_data(record)
    name = type(record).__name__
    assert from_row_data(name, data) == record
    assert decode_record(name, orjson.dumps(data)) == record
    json.dumps(data, allow_nan=False)


def test_every_event_command_and_decision_is_known() -> None:
    for module, base, kind in (
        (events, events.Event, "event"),
        (commands, commands.Command, "command"),
    ):
        for name, value in vars(module).items():
            if isinstance(value, type) and issubclass(value, base) and value is not base:
                assert RECORD_TYPES_BY_NAME[name].kind == kind
    assert RECORD_TYPES_BY_NAME["Decision"].kind == "decision"
    assert decisions.Check not in RECORD_TYPES
    assert "Event" not in RECORD_TYPES_BY_NAME and "Command" not in RECORD_TYPES_BY_NAME


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0.00000001", "0.00000001"),
        ("1E+2", "100"),
        ("0E-8", "0.00000000"),
        ("1.50", "1.50"),
        ("Infinity", "Infinity"),
        ("12345678901234567890.123456789", "12345678901234567890.123456789"),
        ("1E+5000", "1E+5000"),
    ],
)
def test_a_decimal_is_written_plainly(amount: str, text: str) -> None:
    record = dataclasses.replace(placed(), amount=Decimal(amount))
    assert to_row_data(record)["amount"] == text
    assert from_row_data("PlaceOrder", to_row_data(record)) == record


def test_infinite_limits_of_a_market_are_text() -> None:
    rules = MarketRules(*[Decimal(1)] * 5)
    data = to_row_data(MarketRulesUpdated(ts=1, symbol="BTC/USDT", rules=rules))
    assert data["rules"]["maximum_price"] == "Infinity"


def test_enums_are_values_and_tuples_lists() -> None:
    assert to_row_data(placed())["side"] == "BUY"
    assert to_row_data(BalancesUpdated(ts=1, balances=(), is_complete=True))["balances"] == []


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_float_that_json_cannot_hold_is_refused(value: float) -> None:
    with pytest.raises(CodecFault, match="finite"):
        to_row_data(decision(histogram=value))


def test_numpy_floats_are_taken() -> None:
    numpy = pytest.importorskip("numpy")
    record = decision(histogram=numpy.float64(0.25))
    assert to_row_data(record)["signal"]["values"] == {"histogram": 0.25}


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": Decimal("NaN")},
        {"amount": 0.1},
        {"price": "cheap"},
        {"ts": "1700"},
        {"ts": 2**70},
        {"order_id": "\ud800"},
        {"side": "SIDEWAYS"},
        {"deal_id": None},
        {"reason": object()},
    ],
)
def test_a_record_that_could_not_be_read_back_is_refused(changes: dict[str, object]) -> None:
    record = placed() if "reason" not in changes else canceled()
    with pytest.raises(CodecFault):
        to_row_data(dataclasses.replace(record, **changes))


def test_what_is_no_record_is_refused() -> None:
    with pytest.raises(UnknownRecordType, match="dict"):
        record_type({"type": "SessionReady"})


def test_an_unknown_type_says_which_version_is_needed() -> None:
    with pytest.raises(UnknownRecordType, match=r"LeverageChanged.*version that wrote it"):
        from_row_data("LeverageChanged", {})


def test_data_of_another_shape_says_what_is_missing() -> None:
    data = to_row_data(accepted())
    del data["exchange_id"]
    with pytest.raises(CodecFault, match=r"OrderAccepted.*exchange_id"):
        from_row_data("OrderAccepted", data)
    with pytest.raises(CodecFault, match=r"OrderAccepted.*exchange_id"):
        decode_record("OrderAccepted", orjson.dumps(data))
