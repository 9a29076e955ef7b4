"""Numbers that a device of ours tells."""

from __future__ import annotations

from typing import Any

import pytest

from robotq.drivers.jsonline.messages import read_report, read_status
from robotq.model.carried.live_value import LiveValue

BATTERY = LiveValue(value=81, unit="%", normal=(20, 100))


def test_status_and_report__have_values_with_unit_and_range() -> None:
    values = {"battery": {"value": 81, "unit": "%", "normal": [20, 100]}, "force": 3.2}
    told = {"battery": BATTERY, "force": LiveValue(value=3.2)}
    assert read_status({"boot": "a", "values": values}).values == told
    assert read_report({"id": "x", "state": "running", "values": values}).values == told
    assert read_status({"boot": "a"}).values == {}


@pytest.mark.parametrize(
    "values",
    [
        {"battery": "81"}, {"battery": None}, {"battery": {}}, {"battery": True},
        {"Battery": 81}, {"battery": {"value": 81, "unit": 7}},
        {"battery": {"value": 81, "normal": [100, 20]}}, {"battery": {"value": 81, "normal": 7}},
        {"battery": {"value": 1e999}}, [], "no values", None,
    ],
)  # fmt: skip
def test_value__that_makes_no_sense_is_left_out_and_the_robot_is_none_the_worse(
    values: Any,
) -> None:
    status = read_status({"boot": "a", "place": "HOME", "values": values})
    assert (status.place, status.values) == ("HOME", {})


def test_device__that_tells_a_thousand_is_cut_short() -> None:
    assert (
        len(read_status({"boot": "a", "values": {f"v{n}": n for n in range(1_000)}}).values) == 32
    )
