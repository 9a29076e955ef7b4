"""The driver of a robot with devices, without a daemon."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from robotq.catalog import load_catalog
from robotq.config import load_config
from robotq.drivers.base import Driver, DriverError, Stopped
from robotq.drivers.devices.driver import WithDevices
from robotq.drivers.registry import driver_factories
from robotq.model.json import JsonObject
from robotq.model.task import Command
from robotq.testing.driver_contract import RecordingContext, driver_setup
from tests.drivers.devices.bench import Bench
from tests.drivers.line.bench import eventually
from tests.slices import some


class Machines:
    def __init__(self, bench: Bench, tmp_path: Path) -> None:
        self.bench = bench
        config = load_config(bench.site, {}, {})
        self._catalog = load_catalog(config.commands)
        gantry = config.robots["gantry"]
        setup, _ = driver_setup(tmp_path, gantry.options, robot="gantry")
        made = driver_factories()["grbl"](replace(setup, devices=gantry.devices))
        assert isinstance(made, WithDevices)
        self.devices = made
        self.driver: Driver = made
        self.driver.connect()
        eventually(lambda: all(one["connected"] for one in self.driver.status().devices.values()))

    def do(self, cmd_type: str, **params: float) -> JsonObject:
        context = RecordingContext(program=self._catalog.get(cmd_type).program("gantry"))
        return self.driver.execute(Command(cmd_type=cmd_type, params=params), context)


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Machines]:
    with Bench(tmp_path) as bench:
        made = Machines(bench, tmp_path)
        yield made
        made.driver.close()


@pytest.mark.wall("whoever waits for a lock has a limit by the wall")
def test_emergency_stop__of_the_robot_waits_for_no_device(machines: Machines) -> None:
    pump = machines.devices._devices["pump"]
    stops = len(machines.bench.gantry.urgent_bytes)
    told: list[str] = []

    def stop() -> None:
        try:
            machines.driver.emergency_stop()
        except DriverError as error:
            told.append(str(error))

    # a line to the pump that does not get through
    with pump._driver._link._sending:
        stopping = threading.Thread(target=stop)
        stopping.start()
        eventually(lambda: len(machines.bench.gantry.urgent_bytes) > stops)
        # the pump has not had its turn yet
        assert stopping.is_alive()
        stopping.join()
    assert told == ["pump: the device takes no bytes"]


def test_step__that_is_not_done_in_its_time_is_stopped_and_has_failed(machines: Machines) -> None:
    machines.bench.folder.joinpath("own.yaml").write_text(
        "commands:\n  SLOW:\n    steps:\n"
        "    - {on: pump, do: {cmd_type: PUMP, params: {volume_ml: 900}}, timeout_s: 0.2}\n"
    )
    machines._catalog = load_catalog([machines.bench.folder / "own.yaml"])
    with pytest.raises(DriverError, match=r"not done within 0\.2 s"):
        machines.do("SLOW")
    assert not machines.bench.pump_moves()
    assert machines.driver.status().devices["pump"]["safe_state"] == "confirmed"
    assert not machines.driver.status().held


@pytest.mark.slow
def test_stop__while_the_device_runs_ends_the_command_and_forgets_it(
    machines: Machines, tmp_path: Path
) -> None:
    ended: list[BaseException] = []

    def run() -> None:
        try:
            machines.do("PREPARE_VIAL", volume_ml=900)
        except Stopped as error:
            ended.append(error)

    running = threading.Thread(target=run)
    running.start()
    eventually(machines.bench.pump_moves)
    note = tmp_path / "devices" / "gantry.json"
    assert note.read_text() == '["balance","pump"]'
    machines.driver.stop()
    running.join(10)
    assert len(ended) == 1
    assert not machines.bench.pump_moves()
    assert note.read_text() == "[]"


@pytest.mark.slow
@pytest.mark.wall("whoever waits for the stop of a device has a limit by the wall")
def test_stop__that_hangs_on_its_way_to_the_device_ends_what_it_does_all_the_same(
    machines: Machines,
) -> None:
    """Every thread that could carry it is taken; the command looks by itself."""
    pump, gate, ended = machines.devices._devices["pump"], threading.Event(), list[BaseException]()
    for _ in range(2):
        pump._stops.submit(gate.wait, 30)

    def run() -> None:
        try:
            machines.do("PREPARE_VIAL", volume_ml=900)
        except Stopped as error:
            ended.append(error)

    running = threading.Thread(target=run)
    running.start()
    try:
        eventually(machines.bench.pump_moves)
        with pytest.raises(DriverError, match="pump: no answer"):
            machines.driver.stop()
        running.join(10)
        assert len(ended) == 1
        assert not machines.bench.pump_moves()
    finally:
        gate.set()
        running.join(10)


def test_note__that_cannot_be_written_keeps_the_device_from_beginning(
    machines: Machines, tmp_path: Path
) -> None:
    (tmp_path / "devices").write_text("in the way")
    with pytest.raises(DriverError, match="does not begin"):
        machines.do("FLUSH_AND_WEIGH")
    assert machines.bench.at_pump("FLUSH") == 0


def test_note__that_nobody_can_read_counts_every_device_as_at_work(
    machines: Machines, tmp_path: Path
) -> None:
    machines.driver.close()
    (tmp_path / "devices").mkdir()
    (tmp_path / "devices" / "gantry.json").write_text("half of it")
    halts = machines.bench.at_pump("HALT")
    again = Machines(machines.bench, tmp_path)
    assert machines.bench.at_pump("HALT") > halts
    assert again.driver.status().devices["pump"]["safe_state"] == "confirmed"
    again.driver.close()


def test_commands__that_use_no_device_go_by(machines: Machines) -> None:
    machines.bench.pump_wire.unplug()
    began = time.monotonic()
    machines.do("MOVE_AWAY")
    assert time.monotonic() - began < 5


@pytest.mark.slow
@pytest.mark.wall("the pump is behind a real socket, which comes back in its own time")
@pytest.mark.real_time("a keeper looks for it again and again")
def test_device__that_comes_back_is_looked_for_before_a_command_fails(machines: Machines) -> None:
    wire = machines.bench.pump_wire
    for _ in range(3):
        wire.unplug()
        eventually(lambda: not machines.driver.status().devices["pump"]["connected"])
        wire.plug_in()
        # whatever the pause of the keeper is by now
        machines.do("FLUSH_AND_WEIGH")


def test_emergency_stop__of_a_device_that_only_reads_is_no_failure(tmp_path: Path) -> None:
    with Bench(tmp_path) as bench:
        reads = {
            "port": bench.balance_wire.url,
            "who": {"send": "I4", "expect": 'I4 A "(?P<serial>.*)"'},
            "commands": {"WEIGH": {"send": "S", "reads": True, "expect": "S S.*"}},
        }
        pump = {"options": {"device": "./pump.yaml", "port": bench.pump_wire.url}}
        bench.write({"devices": {"balance": {"options": reads}, "pump": pump}})
        (tmp_path / "own.yaml").write_text("commands: {}")
        machines = Machines(bench, tmp_path)
        machines.driver.emergency_stop()
        machines.driver.reset()
        machines.driver.close()


@pytest.mark.parametrize("seed", some(range(100), 1))
@pytest.mark.parametrize("how", ["stop", "emergency_stop"])
def test_stop__at_any_moment_is_the_last_that_happens(
    machines: Machines, seed: int, how: str
) -> None:
    rng = random.Random(f"{how} {seed}")
    ended: list[BaseException | None] = []
    volume_ml = rng.choice([1, 900])

    def run() -> None:
        try:
            machines.do("PREPARE_VIAL", volume_ml=volume_ml)
            ended.append(None)
        except (Stopped, DriverError) as error:
            ended.append(error)

    running = threading.Thread(target=run)
    running.start()
    eventually(lambda: machines.devices._command is not None)
    time.sleep(rng.uniform(0, 0.4))
    getattr(machines.driver, how)()
    moves, tares = machines.bench.pump.moves, machines.bench.balance.tares
    while running.is_alive():
        # as the engine does: the first one may have met a command that was only about to begin
        machines.driver.stop()
        running.join(0.05)
    assert not machines.bench.pump_moves()
    assert isinstance(ended[0], Stopped | None)
    # what had not begun by then has not begun behind it
    assert machines.bench.pump.moves == moves
    assert machines.bench.balance.tares == tares
    if how == "emergency_stop":
        machines.driver.reset()
    if not machines.driver.status().position_known:
        # an emergency stop in motion: a person homes it first
        return
    # nothing of it is left for the next command
    machines.do("PREPARE_VIAL", volume_ml=1)
    assert machines.bench.pump.moves == moves + 1
