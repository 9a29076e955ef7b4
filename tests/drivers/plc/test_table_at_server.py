"""Somebody has typed a table of nodes that is not quite that of his PLC: it is told which row, and
in what, before anything moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from robotq.drivers import plc as plc_driver
from robotq.drivers.base import Driver, DriverError, NotAsConfigured
from robotq.model.task import Command
from robotq.testing.driver_contract import Execution, driver_setup
from robotq.testing.host import Host
from tests.cli.conftest import robotq
from tests.drivers.cable import Cable
from tests.drivers.killed import until
from tests.drivers.plc.conftest import connected
from tests.drivers.plc.table_server import TableServer, options_of, station_file

pytest.importorskip("asyncua", reason="the extra opcua is not installed")
pytestmark = pytest.mark.wall("the server of the PLC waits by the wall")
Drive = Callable[[dict[str, Any]], Driver]


@pytest.fixture(scope="module")
def server() -> Iterator[TableServer]:
    """One for all: it takes seconds to start."""
    made = TableServer()
    yield made
    made.close()


@pytest.fixture
def drive(tmp_path: Path) -> Iterator[Drive]:
    made: list[Driver] = []

    def begin(options: dict[str, Any]) -> Driver:
        made.append(plc_driver.create(driver_setup(tmp_path, options)[0]))
        return made[-1]

    yield begin
    for driver in made:
        driver.close()


def test_nodes__that_differ_are_told_by_reading_alone(tmp_path: Path, server: TableServer) -> None:
    """Before, each of these was "can be read", and failed at the first motion."""
    other = {
        "goal": "ns=2;s=unsigned goal",
        "weight": "ns=2;s=double weight",
        "start": "ns=2;s=read-only start",
        "stop": "ns=2;s=read-only stop",
    }
    file = station_file(tmp_path, options_of(server.port, tmp_path, **other))
    done = robotq("nodes", file, COLUMNS="200")
    told = {line.split()[0]: line for line in done.stdout.splitlines() if line}
    assert done.returncode == 1, done.stderr
    assert "is UInt16 in the PLC, and Int16 (int16) in the table" in told["goal"]
    assert "is Double in the PLC, and Float (float32) in the table" in told["weight"]
    for name in ("start", "stop"):
        assert "the PLC lets it only be read" in told[name]
    for name in ("done", "alarm", "label"):
        assert "in the table" not in told[name]
        assert "only be read" not in told[name]
    assert "7 nodes, all of them can be read, 4 of them differ from the table" in done.stdout
    assert [server.value(address[7:]) for address in other.values()] == [7, 2.5, False, False]


def test_nodes__of_the_right_table_are_in_order(tmp_path: Path, server: TableServer) -> None:
    # a byte has no name in the table, and is read as a larger number; it is never written as one
    options = options_of(server.port, tmp_path, alarm="ns=2;s=alarm byte")
    file = station_file(tmp_path, options)
    done = robotq("nodes", file, COLUMNS="200")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (
        0,
        "7 nodes, all of them can be read",
    ), done.stdout
    # before, the library's own warnings about its session stood above the table
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("ns=2;s=alarm word", "BadNodeIdUnknown"),
        ("ns=7;s=alarm", "BadNodeIdUnknown"),
        # a folder: there is something, which has no value
        ("ns=0;i=85", "BadAttributeIdInvalid"),
    ],
)
def test_link__to_a_wrong_node_id_tells_the_address(
    tmp_path: Path,
    server: TableServer,
    drive: Drive,
    address: str,
    status: str,
) -> None:
    """Before: "alarm is None in the PLC, and uint16 in the table"."""
    with pytest.raises(NotAsConfigured) as told:
        drive(options_of(server.port, tmp_path, alarm=address)).connect()
    assert f"alarm at {address}: {status}" in str(told.value)
    assert "None" not in str(told.value)


def test_link__where_a_whole_number_is_none_in_the_plc(
    tmp_path: Path, server: TableServer, drive: Drive
) -> None:
    """A weight of 2.5 that is shown as a whole number of counts would be a wrong result."""
    with pytest.raises(NotAsConfigured, match="weight at ns=2;s=weight is Float in the PLC"):
        drive(options_of(server.port, tmp_path, weight="DINT")).connect()


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (
            {"start": "ns=2;s=read-only start"},
            "start at ns=2;s=read-only start .* the PLC lets it only be read",
        ),
        ({"goal": "ns=2;s=unsigned goal"}, "goal at ns=2;s=unsigned goal is UInt16 in the PLC"),
    ],
)
def test_link__to_a_node_that_takes_no_value_of_ours(
    tmp_path: Path, server: TableServer, drive: Drive, row: dict[str, str], told: str
) -> None:
    """Before: it connected, and each command of the queue failed at its first write."""
    with pytest.raises(NotAsConfigured, match=told):
        drive(options_of(server.port, tmp_path, **row)).connect()


def test_link__to_a_server_that_does_not_tell_who_may_write_is_made(
    tmp_path: Path, server: TableServer, drive: Drive
) -> None:
    server.keeps_access_to_itself("untold start")
    drive(options_of(server.port, tmp_path, start="ns=2;s=untold start")).connect()


def test_log__of_a_plc_that_is_frozen_has_no_lines_of_the_library(
    tmp_path: Path, drive: Drive, caplog: pytest.LogCaptureFixture
) -> None:
    """Before: three tracebacks of forty lines at each connection that did not close."""
    # of its own: the others shall not wait for connections that it has given up
    server = TableServer()
    cable = Cable(server.port)
    try:
        driver = drive({**options_of(cable.port, tmp_path), "answer_s": 0.5})
        connected(driver)
        caplog.clear()
        cable.mute = True
        driver.close()
    finally:
        cable.close()
        server.close()
    assert [each for each in caplog.records if each.name.startswith("asyncua.client")] == []


@pytest.mark.slow
def test_daemon__at_a_wrong_table_says_that_the_options_are_wrong(
    tmp_path: Path, server: TableServer, robotq_host: Host
) -> None:
    """Before: "Check power and cable; the link is restored by itself"."""
    file = station_file(tmp_path, options_of(server.port, tmp_path, alarm="ns=2;s=alrm"))
    with robotq_host.daemon(tmp_path, file) as daemon, daemon.client() as client:

        def told() -> list[Any]:
            holds = client.queue_status("station").holds
            return [hold for hold in holds if "BadNodeIdUnknown" in hold.reason]

        until(lambda: bool(told()), 20)
        (hold,) = told()
        assert hold.code == "disconnected"
        assert "alarm at ns=2;s=alrm" in hold.reason
        assert "options" in hold.clear["text"]
        assert "cable" not in hold.clear["text"]


def test_text__is_written_read_back_and_told_in_the_result(
    tmp_path: Path, server: TableServer, drive: Drive
) -> None:
    driver = drive(options_of(server.port, tmp_path))
    driver.connect()
    label = "批次 A-17 °C"
    command = Command(cmd_type="MOVE", params={"goal": 5, "label": label})
    run = Execution(driver, command, task_id="task_a")
    until(lambda: bool(server.value("start")))
    assert server.value("label") == label
    server.written("done", True)
    until(lambda: not server.value("start"))
    server.written("done", False)
    assert run.ended().result == {"weight": 0.0, "label": label}, run.error
    # what a STRING of the PLC does not hold is refused before anything is written
    command = Command(cmd_type="MOVE", params={"goal": 6, "label": "x" * 255})
    run = Execution(driver, command, task_id="task_b").ended()
    assert isinstance(run.error, DriverError)
    assert "255 characters, expected 254 at most" in str(run.error)
    assert server.value("goal") == 5
