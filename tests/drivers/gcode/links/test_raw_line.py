"""An admin says something to a controller in its own language: what the device did, what is known
of it afterwards, and what becomes of the queue and the journal.

The device judges.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any, cast

import pytest

from robotq.drivers.base import DriverError, LinkLost, Stopped
from robotq.drivers.gcode.raw_line import LONGEST, why_never, why_not_grbl, why_not_marlin
from robotq.drivers.raw_lines import TakesRawLines
from robotq.model.hold import HoldCode
from robotq.model.json import JsonObject
from robotq.testing.emulators import GrblEmulator
from tests.drivers.gcode.bench import Bench, until
from tests.drivers.gcode.links.test_jog_over_http import paused
from tests.slices import some

from .conftest import BOTH, Machine, Make


def send(robot: Bench, line: str, limit_s: float = 30) -> JsonObject:
    driver = cast(TakesRawLines, robot.driver)
    assert driver.why_no_raw_line(line) is None
    return driver.raw_line(line, limit_s)


@BOTH
def test_raw_line__is_carried_out_and_the_position_is_unknown_until_a_person_says_otherwise(
    make: Make, firmware: str
) -> None:
    device, robot = make(firmware)
    assert send(robot, "G1 X5 F6000")["refused"] is None
    # it returns when the robot stands
    assert device.axes.position[0] == pytest.approx(5)
    assert not robot.driver.status().position_known
    with pytest.raises(DriverError, match="of a raw line"):
        robot.do([{"gcode": ["G1 X1 F6000"]}])
    assert device.axes.position[0] == pytest.approx(5)
    robot.do([{"unlock": True}])
    robot.do([{"gcode": ["G1 X1 F6000"]}])
    assert device.axes.position[0] == pytest.approx(1)


@BOTH
@pytest.mark.parametrize("options", [{}, {"modes": "keep"}])
def test_raw_line__leaves_no_mode_to_the_next_command(
    make: Make, firmware: str, options: dict[str, Any]
) -> None:
    """Also where commands keep the modes of the one before."""
    device, robot = make(firmware, options)
    robot.do([{"gcode": ["G21", "G90", "G1 X2 F6000"]}])
    for line in ("G91", "G20"):
        send(robot, line)
    robot.do([{"unlock": True}])
    robot.do([{"gcode": ["G1 X3 F6000"]}])
    assert device.axes.position[0] == pytest.approx(3)


@BOTH
def test_raw_line__of_a_question_shows_what_the_controller_says(make: Make, firmware: str) -> None:
    _, robot = make(firmware)
    said = send(robot, "$$" if firmware == "grbl" else "M115")["answer"]
    assert any(line.startswith("$120=" if firmware == "grbl" else "FIRMWARE") for line in said)


@BOTH
def test_raw_line__that_the_controller_does_not_take(make: Make, firmware: str) -> None:
    device, robot = make(firmware)
    told = send(robot, "G777")
    assert told["refused"]
    assert not robot.driver.status().position_known
    # and the next one is taken
    assert send(robot, "G1 X2 F6000")["refused"] is None
    assert device.axes.position[0] == pytest.approx(2)


@BOTH
def test_raw_line__is_ended_by_a_stop_and_by_its_time(make: Make, firmware: str) -> None:
    device, robot = make(firmware)
    with pytest.raises(DriverError, match="not finished within 1 s") as late:
        send(robot, "G1 X200 F600", 1)
    assert late.value.code == "timeout"
    assert not moving(device)
    assert device.axes.position[0] < 40
    raised: list[Exception] = []

    def run() -> None:
        try:
            send(robot, "G1 X300 F600")
        except Stopped as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    until(lambda: moving(device))
    robot.driver.stop()
    thread.join(20)
    assert raised
    assert not moving(device)
    assert device.axes.position[0] < 200
    robot.driver.emergency_stop()
    with pytest.raises(Stopped):
        send(robot, "G1 X1 F6000")
    assert not moving(device)


def moving(device: Machine) -> bool:
    device.order(lambda: device.axes.advance(device.now()))
    return device.axes.moving


def test_grbl__is_unlocked_and_homed_by_raw_lines_and_still_wants_a_person(make: Make) -> None:
    device, robot = make("grbl", {"homing_required": True}, homing=True)
    refused = send(robot, "G1 X1 F600")
    assert "locked by an alarm" in refused["refused"]
    assert send(robot, "$X")["refused"] is None
    assert send(robot, "$H")["refused"] is None
    assert not robot.driver.status().position_known
    robot.do([{"home": True}])
    assert robot.driver.status().position_known
    assert device.axes.position[0] == pytest.approx(device.axes.position[1])


def test_grbl__a_raw_line_after_which_it_reports_in_inches_ends_the_link(make: Make) -> None:
    device, robot = make("grbl")
    assert why_not_grbl("$13=1")
    assert isinstance(device, GrblEmulator)
    # a setting of its own that says the same, or a button at the machine
    device.order(lambda: setattr(device, "inches", True))
    with pytest.raises(LinkLost, match=r"\$13"):
        send(robot, "$0=10")


@pytest.mark.parametrize(
    "line",
    ["", "  ", "G1 X1\nG1 X2", "G1 X1\x18", "G1 X１", "X" * (LONGEST + 1)],
)  # fmt: skip
def test_lines__that_are_not_one_line(line: str) -> None:
    assert why_never(line)


def test_lines__that_would_break_the_conversation_are_never_sent() -> None:
    grbl_lines = ["!", "~", "?", "$13=1", "$ 13 = 1", "$N0=G1X5", "$n1 = M3", "$SD/Run=a.nc",
                  "$LocalFS/Run=a", "$F=a.nc", "[ESP700]a", "M0", "g1x1 m00", "M6 T1"]  # fmt: skip
    marlin_lines = ["M110 N5", "m110", "M112", "M0112", "M 112", "N5 G1 X1", "G1 X1*55", "M410",
                    "M108", "M28 a.g", "M23 a.g", "M24", "M32 a", "M111 S8", "M118 ok", "M154 S1",
                    "M113 S0", "M810 G1 X5", "M0", "M999"]  # fmt: skip
    assert [line for line in grbl_lines if why_not_grbl(line) is None] == []
    assert [line for line in marlin_lines if why_not_marlin(line) is None] == []
    fine = ["G1 X5", "$$", "$X", "$H", "$100=80", "$I=M1", "M3 S10", "G91 G1 X1", "G10 L2 P1 X0"]
    assert [line for line in fine if why_never(line) or why_not_grbl(line)] == []
    fine = ["G1 X5 F100", "M115", "M280 P0 S90", "M42 P4 S255", "M1000", "G28 X", "M220 S50"]
    assert [line for line in fine if why_never(line) or why_not_marlin(line)] == []


@pytest.mark.slow
@pytest.mark.wall("the daemon and the machine each wait for the other")
@pytest.mark.parametrize("name", some(["marlin-arm", "grbl-gantry"], 1))
async def test_admin__sends_a_line_to_a_paused_robot_and_the_queue_stays_paused(
    name: str, tmp_path: Path
) -> None:
    async with paused(name, tmp_path) as made:
        lab, robot = made.lab, made.robot
        path = f"/robots/{robot}/raw"
        waiting = await lab.submit("HOME")

        async def raw(line: str, limit_s: float = 30) -> Any:
            headers = {"X-Robotq-Name": "Li"}
            body = {"line": line, "limit_s": limit_s}
            async with lab.client.post(path, json=body, headers=headers) as response:
                return await response.json()

        told = await raw("G1 X5 F6000")
        assert (told["outcome"], told["success"]) == ("answered", True), told
        assert made.machine.axes.position[0] == pytest.approx(5)
        (view,) = (await lab.get("/robots"))["robots"]
        assert (view["position_known"], view["place"]) == (False, None)
        assert view["capabilities"]["raw_lines"]
        assert lab.holds(robot) == {HoldCode.PAUSED}
        started, ended = (await made.journal("raw."))[:2]
        kinds = {started["kind"], ended["kind"]}
        assert kinds == {"raw.started", "raw.ended"}
        assert "Li" in started["actor"]
        assert (started["data"]["line"], ended["data"]["line"]) == ("G1 X5 F6000",) * 2
        assert "answer" in {**started["data"], **ended["data"]}

        # one at a time, nothing beside it, and a stop gets through
        long = asyncio.create_task(raw("G1 X100 F600"))
        await lab.until(lambda: HoldCode.RAW_LINE in lab.holds(robot))
        assert (await raw("G1 X1"))["error_code"] == "raw_line_refused"
        assert (await (await made.press()).over())["error_code"] == "jog_refused"
        assert (await lab.post("/queue/resume", {"robot_id": robot}))["error_code"] == "robot_busy"
        while not await asyncio.to_thread(made.moving):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await lab.post(f"/robots/{robot}/stop")
        assert (await long)["outcome"] == "stopped"
        assert not await asyncio.to_thread(made.moving)

        # who is gone takes nothing along: the line ends by itself, and is in the journal
        gone = asyncio.create_task(raw("G1 X101 F6000"))
        await lab.until(lambda: HoldCode.RAW_LINE in lab.holds(robot))
        gone.cancel()
        await lab.until(lambda: HoldCode.RAW_LINE not in lab.holds(robot))
        lines = [one["data"]["line"] for one in await made.journal("raw.ended")]
        assert "G1 X101 F6000" in lines

        # refused at once: a latched stop, a queue that is not paused, what is never sent, an agent
        assert (await raw("$13=1" if name == "grbl-gantry" else "M112"))["error_code"] == (
            "bad_parameter"
        )
        async with lab.client.post(
            path, json={"line": "G1 X1"}, headers={"X-Robotq-Agent": "x"}
        ) as response:
            assert (await response.json())["error_code"] == "person_needed"
        await lab.post("/estop")
        sent = made.machine.axes.travelled_mm
        assert (await raw("G1 X1"))["error_code"] == "raw_line_refused"
        assert made.machine.axes.travelled_mm == sent
        task = await lab.get(f"/task/{waiting}")
        assert task["status"] == "pending"


@pytest.mark.wall("the daemon and the machine each wait for the other")
async def test_raw_line__from_a_shell_and_one_that_is_under_way_when_the_daemon_ends(
    tmp_path: Path,
) -> None:
    async with paused("grbl-gantry", tmp_path) as made:
        # from a shell
        shell = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "robotq", "raw", made.robot, "$$",
            "--url", str(made.lab.client.make_url("/")).rstrip("/"),
            stdout=PIPE, env={**os.environ, "LC_ALL": "C.UTF-8"},
        )  # fmt: skip
        said, _ = await shell.communicate()
        assert b"$120=500" in said
        assert b"home it" in said
        assert shell.returncode == 0

        url = f"/robots/{made.robot}/raw"
        line = asyncio.create_task(made.lab.post(url, {"line": "G1 X200 F600", "limit_s": 600}))
        while not await asyncio.to_thread(made.moving):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await made.lab.engine.shut_down()
        assert not await asyncio.to_thread(made.moving)
        assert (await line)["outcome"] == "stopped"
