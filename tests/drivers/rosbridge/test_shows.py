"""Numbers of topics that are shown while nothing runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from robotq.drivers.rosbridge.options import read_options
from robotq.model.carried.live_value import LiveValue
from robotq.model.errors import ConfigError
from tests.drivers.rosbridge.site import OPTIONS, Site
from tests.drivers.rosbridge.test_goals import until

pytestmark = pytest.mark.wall("the bridge and its sockets wait by the wall")

SHOWS: dict[str, dict[str, Any]] = {
    "battery": {
        "topic": "/battery_state",
        "type": "sensor_msgs/msg/BatteryState",
        "value": "message.percentage * values.whole",
        "unit": "%",
        "normal": [20, 100],
    },
    "voltage": {
        "topic": "/battery_state",
        "type": "sensor_msgs/msg/BatteryState",
        "value": "message.voltage",
        "unit": "V",
    },
}


def test_battery__is_told_without_a_command_and_over_a_link_that_comes_back(
    tmp_path: Path,
) -> None:
    site = Site(tmp_path, {"shows": SHOWS, "values": {"whole": 100}})
    try:
        site.driver.connect()

        def shown() -> Mapping[str, LiveValue]:
            return site.driver.status().values

        until(lambda: "battery" in shown())
        battery = shown()["battery"]
        assert (battery.value, battery.unit, battery.normal) == (80, "%", (20, 100))
        # the sensor tells no voltage: there is none, and nothing else is the worse for it
        assert "voltage" not in shown()
        site.bridge.on_loop(
            lambda: site.graph.publish("/battery_state", {"percentage": 0.25, "voltage": 24.5})
        )
        until(lambda: shown().get("voltage") is not None)
        assert (shown()["battery"].value, shown()["voltage"].value) == (25, 24.5)
        assert shown()["battery"].age_s < 2
        # NaN of a sensor comes as null
        site.bridge.on_loop(
            lambda: site.graph.publish("/battery_state", {"percentage": None, "voltage": 24.5})
        )
        until(lambda: "battery" not in shown())
        site.bridge.disconnect()
        until(lambda: not shown())
        site.driver.connect()
        until(lambda: "battery" in shown())
    finally:
        site.close()


@pytest.mark.parametrize(
    "change",
    [
        {"topic": "battery"},
        {"type": "std_srvs/srv/Trigger"},
        {"value": "message.percentage *"},
        {"value": "params.x"},
        {"normal": [2, 1]},
        {"unit": "a very long unit that is none"},
        {"every": 1},
    ],
)
def test_shows__that_cannot_be_is_told_before_anything_is_opened(change: Mapping[str, Any]) -> None:
    options = {**OPTIONS, "url": "ws://127.0.0.1:9090", "values": {"whole": 100}}
    assert read_options("amr", {**options, "shows": SHOWS}).ready.shows
    with pytest.raises(ConfigError, match=r"robots\.amr\.options: shows"):
        read_options("amr", {**options, "shows": {"battery": {**SHOWS["battery"], **change}}})
