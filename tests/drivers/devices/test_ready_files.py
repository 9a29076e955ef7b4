"""The ready files beside a robot, at simulators of the devices that somebody else has written, and
beside the simulated robot."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from robotq.catalog import load_catalog
from robotq.config import load_config
from robotq.drivers.registry import driver_factories
from robotq.model.json import JsonObject
from robotq.model.task import Command
from robotq.testing.driver_contract import RecordingContext, driver_setup
from robotq.testing.emulators import GrblEmulator
from tests.drivers.line.bench import eventually
from tests.drivers.line.theirs import CAVRO, METTLER, Theirs
from tests.drivers.line.wire import Wire
from tests.slices import some

COMMANDS = """\
commands:
  ALIQUOT:
    schema: {type: object, properties: {volume_ul: {type: number}}}
    steps:
      - {on: pump, do: {cmd_type: INITIALIZE_PUMP}}
      - gcode: [G21, G90, G0 X10]
      - {on: pump, do: {cmd_type: ASPIRATE, params: {volume_ul: "{params.volume_ul}"}}, into: taken}
      - gcode: G0 X0
      - {on: pump, do: {cmd_type: DISPENSE, params: {volume_ul: "{params.volume_ul}"}}, into: given}
      - {on: balance, do: {cmd_type: WEIGH}, into: weighed}
      - result:
          taken_ul: "{taken.position_ul}"
          left_ul: "{given.position_ul}"
          weight_g: "{weighed.weight_g}"
"""


def wired(what: Theirs, stack: ExitStack) -> tuple[Any, Wire]:
    simulator, answer = what.made()
    one = threading.Lock()

    def one_at_a_time(text: str) -> Any:
        with one:
            return answer(text)

    wire = Wire(one_at_a_time, **dict(what.wire))
    stack.callback(wire.close)
    return simulator, wire


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


def robot(tmp_path: Path, driver: str, devices: str, stack: ExitStack) -> Any:
    """What carries out a command of `COMMANDS` on such a robot."""
    port = f"port: {tmp_path}/ttyUSB0, homing_required: false" if driver == "grbl" else ""
    (tmp_path / "own.yaml").write_text(COMMANDS)
    (tmp_path / "site.yaml").write_text(
        f"robots:\n  robot_a:\n    driver: {driver}\n    options: {{{port}}}\n"
        f"    devices: {devices}\ncommands: [own.yaml]\n"
    )
    config = load_config(tmp_path / "site.yaml", {}, {})
    program = load_catalog(config.commands).get("ALIQUOT").program("robot_a")
    one = config.robots["robot_a"]
    setup, _ = driver_setup(tmp_path, one.options)
    made = driver_factories()[driver](replace(setup, devices=one.devices))
    stack.callback(made.close)
    made.connect()

    def do(**params: Any) -> JsonObject:
        context = RecordingContext(program=program)
        result = made.execute(Command(cmd_type="ALIQUOT", params=params), context)
        assert ("ASPIRATING", "completed") in context.steps
        return result

    eventually(lambda: all(each["connected"] for each in made.status().devices.values()))
    return do


@pytest.mark.slow
@pytest.mark.parametrize("driver", some(["grbl", "simulator"], 1))
def test_ready_files__beside_a_robot_move_weigh_and_dispense(
    tmp_path: Path, stack: ExitStack, driver: str
) -> None:
    balance, at_balance = wired(METTLER, stack)
    _, at_pump = wired(CAVRO, stack)
    weight_g = METTLER.changes(balance, 250)
    if driver == "grbl":
        stack.enter_context(GrblEmulator(tmp_path / "ttyUSB0", speed=100))
    devices = (
        f'{{balance: {{options: {{device: mt-sics, port: "{at_balance.url}"}}}}, '
        f'pump: {{options: {{device: cavro-pump, port: "{at_pump.url}"}}}}}}'
    )
    do = robot(tmp_path, driver, devices, stack)
    result = do(volume_ul=500)
    assert result["taken_ul"] == pytest.approx(500, abs=1)
    assert result["left_ul"] == pytest.approx(0, abs=1)
    assert result["weight_g"] == pytest.approx(weight_g, abs=0.01)
    # each motion of the pump once
    assert [line for line in at_pump.heard if line[-1:] == "R"] == ["/1Z0R", "/1P3000R", "/1D3000R"]
