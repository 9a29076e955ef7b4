"""A station that has registers only: what is a bit elsewhere is a whole register of 0 or 1."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from robotq.drivers.base import DriverError, Stopped
from robotq.model.task import Command
from robotq.testing.driver_contract import Execution
from tests.drivers.killed import until
from tests.drivers.plc.model import Kind
from tests.drivers.plc.site import LIBRARIES, ModbusServer, OpcUaServer, Site, types

pytestmark = [
    pytest.mark.wall("the server of the PLC waits by the wall"),
    pytest.mark.real_time("what the PLC shows is seen after a moment only"),
]

_SERVERS: dict[str, Callable[..., Any]] = {"modbus": ModbusServer, "opcua": OpcUaServer}


@pytest.fixture(
    params=[("modbus", "pulse"), pytest.param(("opcua", "request"), marks=pytest.mark.slow)]
)
def site(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Site]:
    protocol: str = request.param[0]
    kind: Kind = request.param[1]
    pytest.importorskip(LIBRARIES[protocol], reason=f"the extra {protocol} is not installed")
    table = {name: "uint16" if type_ == "bool" else type_ for name, type_ in types(kind).items()}
    server = _SERVERS[protocol](kind, table)
    made = Site(tmp_path, kind, server, table, watchdog="上位机在线", watchdog_s=0.05)
    made.driver.connect()
    yield made
    made.close()


def move(site: Site, goal: int) -> Execution:
    command = Command(cmd_type="MOVE", params={"goal": goal})
    return Execution(site.driver, command, task_id="task_registers")


def test_station__of_registers_runs_and_stops(site: Site) -> None:
    for goal in (2, 3):
        assert move(site, goal).ended().result == {"weight": goal * 10}
    running = move(site, 1_000)
    until(lambda: site.plc.moves)
    site.driver.stop()
    assert isinstance(running.ended().error, Stopped)
    until(lambda: not site.plc.nodes["stop"])
    until(lambda: sum(name == "watchdog" for name, _ in site.heard) > 3)
    assert {value for name, value in site.heard if name in ("start", "stop")} == {0, 1}
    assert move(site, 4).ended().result == {"weight": 40}
    assert [job.ended for job in site.plc.jobs] == ["ok", "ok", "stopped", "ok"]


def test_register__with_another_number_is_no_low_bit(site: Site) -> None:
    site.plc.nodes["done"] = 2
    site.plc.done_stuck = True
    error = move(site, 2).ended().error
    assert isinstance(error, DriverError)
    # or it shows only after the wait for it, in the next scan
    assert "nothing was started" in str(error)
    assert not site.plc.jobs
