"""What a person reads: that a stop is not over yet, and that another machine answers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from robotq.engine.timings import Timings
from robotq.model.carried.stopped_at import StoppedAt, stopped_at_text
from robotq.model.hold import HoldCode
from robotq.model.texts import Language
from robotq.testing.emulators import GrblEmulator, MarlinEmulator
from tests.drivers.gcode.stopping import moves
from tests.drivers.gcode.test_over_http import Site, site


class Desk:
    """Two machines, and a name that is that of one of them."""

    def __init__(self, folder: Path, gantry: GrblEmulator, mill: GrblEmulator) -> None:
        self.gantry, self.mill = gantry, mill
        self._link = folder / "ttyUSB0"

    def plug(self, device: GrblEmulator) -> None:
        self._link.symlink_to(device.port)

    def unplug(self, device: GrblEmulator | None = None) -> None:
        self._link.unlink()
        if device is not None:
            device.unplug()


@pytest.fixture
def arm(tmp_path: Path) -> Iterator[MarlinEmulator]:
    with MarlinEmulator(tmp_path / "ttyUSB0") as device:
        yield device


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    gantry = GrblEmulator(tmp_path / "gantry", homing=True, speed=100, name="gantry")
    mill = GrblEmulator(tmp_path / "mill", homing=True, speed=100, name="mill")
    with gantry, mill:
        yield Desk(tmp_path, gantry, mill)


def reason(there: Site) -> str:
    (hold,) = [hold for hold in there.engine.holds.all() if hold.code is HoldCode.DISCONNECTED]
    return str(hold.args["reason"])


async def moving(there: Site, device: MarlinEmulator) -> str:
    await there.do("HOME")
    task_id = await there.submit("RUN_GCODE", program="\n".join(moves(40, 6000)))
    await there.until(lambda: device.axes.full)
    return task_id


async def test_estop__answers_stopping_while_it_is_not_confirmed(
    tmp_path: Path, arm: MarlinEmulator
) -> None:
    async with site("marlin-arm", tmp_path) as there:
        task_id = await moving(there, arm)
        answer: Any = await there.post("/estop")
        assert answer["motion"] == {"arm": "stopping"}
        assert (await there.ended(task_id))["error_code"] == "stopped"
        gone = arm.axes.travelled_mm
        # the same again, now that it has said that it stands
        assert (await there.post("/estop"))["motion"] == {"arm": "no_command"}
        assert arm.axes.travelled_mm == gone


async def test_stop__answers_when_the_robot_stands(tmp_path: Path, arm: MarlinEmulator) -> None:
    async with site("marlin-arm", tmp_path) as there:
        await moving(there, arm)
        answer: Any = await there.post("/robots/arm/stop")
        assert answer["motion"] == "stopped"
        assert not arm.axes.moving
        assert (await there.post("/robots/arm/stop"))["motion"] == "no_command"


async def test_stop_and_cancel__that_are_not_confirmed_in_time_say_stopping(
    tmp_path: Path, arm: MarlinEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("robotq.engine.robot.robot.Robot._stop_s", 0.2)
    async with site("marlin-arm", tmp_path) as there:
        there.engine._parts.base.settings.timings = Timings(cancel_s=-9.8)
        task_id = await moving(there, arm)
        answer: Any = await there.post("/robots/arm/stop")
        assert answer["motion"] == "stopping"
        assert answer["message"] == "机器人正在停止，尚未静止；队列已暂停"
        answer = await there.post(f"/task/{task_id}/cancel", {})
        assert answer["error_code"] == "wrong_state"
        assert "stopping" in str(answer)
        assert (await there.ended(task_id))["error_code"] == "stopped"


async def test_hold__says_that_another_machine_answers(tmp_path: Path, desk: Desk) -> None:
    await asyncio.to_thread(desk.plug, desk.gantry)
    async with site("grbl-gantry", tmp_path) as there:
        await there.do("HOME")
        await asyncio.to_thread(desk.unplug, desk.gantry)
        await there.until(lambda: there.holds("gantry") and "no port" in reason(there))
        await asyncio.to_thread(desk.plug, desk.mill)
        await there.until(lambda: "mill" in reason(there))
        assert "gantry" in reason(there)
        assert set(desk.mill.taken) == {"$$", "$I"}
        await asyncio.to_thread(desk.unplug)
        await asyncio.to_thread(desk.gantry.replug)
        await asyncio.to_thread(desk.plug, desk.gantry)
        await there.until(lambda: HoldCode.DISCONNECTED not in there.holds("gantry"))


async def test_a_cancelled_program__says_on_its_page_which_lines_are_done(
    tmp_path: Path, arm: MarlinEmulator
) -> None:
    async with site("marlin-arm", tmp_path) as there:
        task_id = await moving(there, arm)
        await there.post("/robots/arm/stop")
        task = await there.ended(task_id)
        at = task["error"]["stopped_at"]
        assert at["lines"] == 40
        assert 0 < at["answered"]["line"] <= at["begun"]["line"] <= 40
        assert at["answered"]["text"].startswith("G1 X")
        assert task["result"]["stopped_at"] == task["error"]["args"]["stopped_at"] == at
        assert "最后应答的是第" in task["message"]
        english = stopped_at_text(msgspec.convert(at, StoppedAt), Language.EN)
        assert english.startswith(f"Line {at['answered']['line']} of 40 was answered last")
