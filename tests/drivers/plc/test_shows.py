"""Numbers of a PLC that are shown while nothing runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from robotq.drivers import plc as plc_driver
from robotq.drivers.plc.options import read_options
from robotq.model.carried.live_value import LiveValue
from robotq.model.errors import ConfigError
from robotq.testing.driver_contract import driver_setup
from tests.drivers.plc.site import ModbusServer, Site

pytestmark = pytest.mark.wall("the servers and clients of PLCs wait by the wall")


def until(true: Callable[[], bool], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.01)


def test_weight__is_shown_without_a_command_and_follows_the_scale(tmp_path: Path) -> None:
    pytest.importorskip("pymodbus", reason="the extra modbus is not installed")
    shows = {"load": {"node": "重量", "normal": [0, 50]}, "alarm_word": {"node": "报警字"}}
    site = Site(tmp_path, "request", ModbusServer("request"))
    driver = plc_driver.create(driver_setup(tmp_path, {**site.options, "shows": shows})[0])
    site.drivers.append(driver)
    try:
        driver.connect()

        def shown() -> Mapping[str, LiveValue]:
            return driver.status().values

        until(lambda: set(shown()) == {"load", "alarm_word"})
        assert shown()["load"].value == 0
        assert shown()["load"].normal == (0, 50)
        site.plc.nodes["weight"] = 12.5
        until(lambda: shown()["load"].value == 12.5)
        assert shown()["load"].age_s < 2
        # a server that is gone: nobody tells what the load is now
        site.shut()
        until(lambda: not shown())
        site.open()
    finally:
        site.close()


@pytest.mark.parametrize(
    "shows",
    [
        {"load": {"node": "no such node"}},
        {"Load": {"node": "a"}},
        {"load": {"node": "a", "normal": [2, 1]}},
        {"load": {"node": "a", "normal": [2]}},
        {"load": {"nodes": "a"}},
        {f"v{number}": {"node": "a"} for number in range(33)},
    ],
)
def test_shows__that_cannot_be_is_told_before_anything_is_opened(shows: Mapping[str, Any]) -> None:
    options = {
        "modbus": {"host": "127.0.0.1"},
        "nodes": [{"name": "a", "type": "int16", "address": "holding:0"}],
    }
    good = read_options("station", {**options, "shows": {"load": {"node": "a"}}})
    assert good.ready.shows == {"load": "a"}
    with pytest.raises(ConfigError, match=r"robots\.station\.options: shows"):
        read_options("station", {**options, "shows": shows})
