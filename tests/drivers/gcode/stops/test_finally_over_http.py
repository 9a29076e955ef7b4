"""Steps of `finally` from a command file to the answer, and stops while they run."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from robotq.catalog import load_catalog
from robotq.checks.written import examine
from robotq.engine.timings import Timings
from robotq.model.errors import ConfigError
from robotq.testing.emulators import GrblEmulator, MarlinEmulator
from tests.drivers.gcode import test_over_http
from tests.drivers.gcode.test_over_http import Machine, Site, plugged, site, site_config
from tests.slices import some

AWAY = """
commands:
  AWAY:
    steps:
      - {step: AWAY, gcode: ["G1 X80 F600", "G1 X0", "G1 X80", "G1 X0"]}
    finally:
      - {step: COOLING, wait_s: 2}
      - {step: DARK, gcode: "G4 P3"}
"""


@asynccontextmanager
async def away(
    name: str,
    machine: Machine,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    cooling_s: int = 2,
    timings: Timings = Timings(),  # noqa: B008 - it never changes
) -> AsyncIterator[Site]:
    """A robot that is on its way, in a command with `finally`."""
    (folder / "away.yaml").write_text(AWAY.replace("wait_s: 2", f"wait_s: {cooling_s}"))

    def load(paths: Any) -> Any:
        return load_catalog([*paths, folder / "away.yaml"])

    monkeypatch.setattr(test_over_http, "load_catalog", load)
    async with plugged(machine), site(name, folder, timings=timings) as there:
        await there.do("HOME")
        yield there


@pytest.mark.parametrize("name", some(["marlin-arm", "grbl-gantry"], 1))
async def test_a_cancel__is_not_sent_again_while_the_last_steps_run(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine: Machine = (
        GrblEmulator(tmp_path / "ttyUSB0", homing=True)
        if name == "grbl-gantry"
        else MarlinEmulator(tmp_path / "ttyUSB0")
    )
    async with away(name, machine, tmp_path, monkeypatch) as there:
        task_id = await there.submit("AWAY")
        await there.until(lambda: machine.axes.moving)
        await there.post(f"/task/{task_id}/cancel")
        task = await there.ended(task_id)
        assert task["state"] == "cancelled", (task["message"], task["error"])
        assert task["result"]["finally"]["state"] == "done"
        assert [step["name"] for step in task["completed_steps"]][-2:] == ["COOLING", "DARK"]
        assert "G4 P3" in machine.taken


@pytest.mark.slow
@pytest.mark.parametrize("name", some(["grbl-gantry", "marlin-arm"], 1))
async def test_a_cancel_that_is_repeated_without_a_pause__does_not_break_off_what_switches_off(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """On a busy machine the next repeat of a stop came when the robot stood already: what Marlin
    was told then had no answer, and the outcome was unknown."""
    machine: Machine = (
        GrblEmulator(tmp_path / "ttyUSB0", homing=True)
        if name == "grbl-gantry"
        else MarlinEmulator(tmp_path / "ttyUSB0")
    )
    often = Timings(repeat_stop_s=0.01)
    async with away(name, machine, tmp_path, monkeypatch, timings=often) as there:
        task_id = await there.submit("AWAY")
        await there.until(lambda: machine.axes.moving)
        await there.post(f"/task/{task_id}/cancel")
        task = await there.ended(task_id)
        assert task["state"] == "cancelled", (task["message"], task["error"])
        assert task["result"]["finally"]["state"] == "done"
        assert "not carried out after a failure" not in caplog.text


async def test_a_second_stop__ends_the_last_steps_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = GrblEmulator(tmp_path / "ttyUSB0", homing=True)
    async with away("grbl-gantry", machine, tmp_path, monkeypatch, cooling_s=25) as there:
        task_id = await there.submit("AWAY")
        await there.until(lambda: machine.axes.moving)
        # it answers when the command has ended
        cancel = asyncio.create_task(there.post(f"/task/{task_id}/cancel"))
        async with asyncio.timeout(10):
            while "COOLING" not in str(await there.get(f"/task/{task_id}")):
                """The stop has not ended the steps yet."""
        begun = time.monotonic()
        await there.post("/robots/gantry/stop")
        task = await there.ended(task_id)
        assert time.monotonic() - begun < 15
        await cancel
        assert task["result"]["finally"] == {"state": "failed", "reason": "reason.finally_stopped"}
        assert "收尾步骤 (finally) 未完成: 在执行中又被停止" in task["message"]
        assert "G4 P3" not in machine.taken


async def test_an_emergency_stop__says_that_nothing_was_switched_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = GrblEmulator(tmp_path / "ttyUSB0", homing=True)
    async with away("grbl-gantry", machine, tmp_path, monkeypatch) as there:
        task_id = await there.submit("AWAY")
        await there.until(lambda: machine.axes.moving)
        await there.post("/estop")
        task = await there.ended(task_id)
        assert task["error"]["args"]["finally"]["state"] == "not_run"
        assert "收尾步骤 (finally) 未执行: 已急停" in task["message"]


WRONG = """
commands:
  ONE:
    steps:
      - {gcode: "G1 X80 F600"}
    finally:
      - {scan: true}
      - {gcode: "G1 X{slot}"}
  TWO:
    steps: {"*": [{gcode: "G1 X1 F600"}]}
    finally: {lathe: [{gcode: "M9"}]}
  THREE:
    finally: [{gcode: "M9"}]
"""


def test_a_command_file__is_told_what_is_wrong_in_them(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(WRONG)
    with pytest.raises(ConfigError) as error:
        load_catalog([path])
    lines = str(error.value).splitlines()
    assert "commands.ONE.finally[0]: found scan, expected one of" in lines[0]
    assert "wrong.yaml:7:" in lines[0]
    assert "wrong.yaml:8: commands.ONE.finally[1].gcode: unknown name slot" in lines[1]
    assert "commands.TWO.finally.lathe: found a robot without `steps` of its own" in lines[2]
    assert "commands.THREE.finally: expected beside `steps`" in lines[3]


def test_check_config__reads_them_by_the_rules_of_the_robot(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(
        "commands:\n  ONE:\n    steps: [{gcode: G1 X1 F600}]\n    finally:\n      - gcode: M999\n"
    )
    config = site_config("grbl-gantry", tmp_path)
    with pytest.raises(ConfigError, match=r"wrong.yaml:5: commands.ONE.finally\[0\].gcode.*M999"):
        examine(config, load_catalog([*config.commands, path]))
