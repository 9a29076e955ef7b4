"""A program is judged when it is handed in: by the robot that gets it, before it waits in line."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from robotq.testing.emulators import GrblEmulator
from tests.drivers.gcode.bench import square
from tests.drivers.gcode.test_over_http import device, plugged, site
from tests.slices import some

SQUARE = "G21 G90\nG0 X0 Y0 Z5\nG1 Z-1 F300\nG1 X10 F600\nY20\nX0\nY0\nG0 Z5\nM30\n"
TOOLS = "G21 G90\nT1 M6\nM3 S8000\nG1 X10 F600\nM5\n"


def run(program: Any, **more: Any) -> dict[str, Any]:
    return {"cmd_type": "RUN_GCODE", "params": {"program": program}, **more}


async def test_submit__refuses_a_line_that_this_firmware_does_not_know(tmp_path: Path) -> None:
    """ "It was in the queue all night, and failed in the morning at its second line." """
    machine = device("grbl-gantry", tmp_path, speed=100)
    async with plugged(machine), site("grbl-gantry", tmp_path) as lab:
        answer = await lab.post("/", run(TOOLS))
        assert (answer["success"], answer["error_code"]) == (False, "program_refused")
        assert (answer["robot"], answer["line"], answer["text"]) == ("gantry", 2, "T1 M6")
        assert answer["rule"] == "Grbl 1.1 does not know M6"
        assert "`translate: {M6: null}`" in answer["way_out"]
        assert "`allow: [M6]`" in answer["way_out"]
        assert answer["field"] == "params.program"
        assert (await lab.get("/tasks"))["tasks"] == []
        assert await lab.post("/?dry_run=1", run(TOOLS)) == answer


@pytest.mark.parametrize(
    ("language", "message"),
    [
        (
            "zh",
            "gantry 拒绝该程序，第 2 行 T1 M6: Grbl 1.1 不认识 M6；`translate: {M6: null}` 可",
        ),
        ("en", "gantry would refuse the program at line 2, T1 M6: Grbl 1.1 does not know M6; `tr"),
    ],
)
async def test_submit__says_it_in_both_languages(
    language: str, message: str, tmp_path: Path
) -> None:
    machine = device("grbl-gantry", tmp_path, speed=100)
    async with plugged(machine), site("grbl-gantry", tmp_path) as lab:
        asked = lab._client.post("/", json=run(TOOLS), headers={"Accept-Language": language})
        async with asked as response:
            assert response.status == 422
            answer = await response.json()
    assert answer["message"].startswith(message)


async def test_submit__of_a_batch_names_the_command_and_takes_none(tmp_path: Path) -> None:
    machine = device("grbl-gantry", tmp_path, speed=100)
    async with plugged(machine), site("grbl-gantry", tmp_path) as lab:
        answer = await lab.post("/", [run(SQUARE), run("G1 X1 F600\nM2000\n")])
        assert (answer["error_code"], answer["index"]) == ("program_refused", 1)
        assert answer["field"] == "[1].params.program"
        assert (await lab.get("/tasks"))["tasks"] == []


async def test_dry_run__tells_how_long_how_far_and_what_will_be_asked(tmp_path: Path) -> None:
    """ "Does it fit on my bed, and can I go for lunch?" """
    machine = device("grbl-gantry", tmp_path, speed=100)
    program = SQUARE.replace("M30\n", "M0\nG2 X10 Y10 I10 J0 F600\nT3\nG4 P2\n")
    async with plugged(machine), site("grbl-gantry", tmp_path) as lab:
        answer = await lab.post("/?dry_run=1", run(program))
        assert answer["success"], answer
        (command,) = answer["commands"]
        told = command["program"]
        assert (told["firmware"], told["connected"]) == ("Grbl 1.1", True)
        assert told["box_mm"] == {"x": [0, 10], "y": [0, 20], "z": [-1, 5]}
        assert told["tools"] == [3]
        assert told["questions"] == [{"line": 9, "code": "M0"}]
        # down at 300, around at 600, up at 5000, a quarter of a circle, and two seconds
        assert told["estimate_s"] == pytest.approx(
            6 / 5 + 60 / 10 + 6 / 5000 * 60 + 15.708 / 10 + 2, abs=0.1
        )
        assert (await lab.get("/tasks"))["tasks"] == []


async def test_submit__keeps_what_the_program_comes_to_in_the_journal(tmp_path: Path) -> None:
    machine = device("grbl-gantry", tmp_path, speed=100)
    async with plugged(machine), site("grbl-gantry", tmp_path) as lab:
        await lab.do("HOME")
        task_id = await lab.submit("RUN_GCODE", program=SQUARE)
        assert (await lab.ended(task_id))["status"] == "completed"
        events = (await lab.get(f"/journal?task_id={task_id}"))["events"]
        submitted = next(event for event in events if event["kind"] == "task.submitted")
        assert submitted["data"]["program"]["box_mm"]["y"] == [0, 20]


async def test_submit__before_the_robot_is_there_goes_by_what_any_of_its_kind_knows(
    tmp_path: Path,
) -> None:
    """M6 is known to grblHAL: only when the controller has said which one it is, it is refused."""
    async with site("grbl-gantry", tmp_path, held=True) as lab:
        (command,) = (await lab.post("/?dry_run=1", run(TOOLS)))["commands"]
        assert command["program"]["connected"] is False
        assert command["program"]["questions"] == [{"line": 2, "code": "M6"}]
        assert command["program"]["tools"] == [1]
        nobody = await lab.post("/", run("G1 X1 F600\nM2000\n"))
        assert (nobody["error_code"], nobody["line"]) == ("program_refused", 2)
        task_id = await lab.submit("RUN_GCODE", program=TOOLS)
        machine = GrblEmulator(tmp_path / "ttyUSB0", speed=100)
        async with plugged(machine):
            task = await lab.ended(task_id)
            assert "Grbl 1.1 does not know M6" in str(task["error"])
            assert not machine.axes.moved


async def test_submit__of_the_same_key_is_answered_again(tmp_path: Path) -> None:
    """What was accepted while the robot was away is not refused afterwards."""
    headers = {"Idempotency-Key": "tonight"}
    async with site("grbl-gantry", tmp_path, held=True) as lab:
        async with lab._client.post("/", json=run(TOOLS), headers=headers) as response:
            first = await response.json()
        machine = device("grbl-gantry", tmp_path, speed=100)
        async with plugged(machine):
            await lab.until(lambda: lab.engine.robots["gantry"].connected)
            async with lab._client.post("/", json=run(TOOLS), headers=headers) as response:
                again = await response.json()
                assert response.headers["Idempotency-Replayed"] == "true"
    assert again["task_id"] == first["task_id"]


@pytest.mark.parametrize("name", some(["marlin-arm", "grbl-gantry"], 1))
async def test_submit__what_it_accepts_runs_to_its_end(name: str, tmp_path: Path) -> None:
    programs = [SQUARE, TOOLS, "X10 Y5\n", "G1 X1 F100 F200\n", "/G1 X1 F600\n", "$H\n",
                "G1 X1e3 F600\n", "(only words)\n", "G92 X0\nG1 X1 F600\n",
                "M201 X1000\nG0 X1\n"]  # fmt: skip
    async with plugged(device(name, tmp_path, speed=100)), site(name, tmp_path) as lab:
        await lab.do("HOME")
        outcomes = []
        for program in programs:
            told = await lab.post("/", run(program))
            if told["success"]:
                task = await lab.ended(told["task_id"])
                assert task["status"] == "completed", (program, task)
            outcomes.append(told["success"])
        assert True in outcomes
        assert False in outcomes


async def test_a_large_program__is_judged_while_others_are_answered(tmp_path: Path) -> None:
    machine = device("grbl-gantry", tmp_path, speed=100)
    async with plugged(machine), site("grbl-gantry", tmp_path) as lab:
        lines = [*square(20_000), "M2000"]
        asked = asyncio.create_task(lab.post("/?dry_run=1", run("\n".join(lines))))
        answered = 0
        while not asked.done():
            await lab.get("/health")
            answered += 1
        assert (await asked)["line"] == len(lines)
        assert answered > 1


async def test_a_shutdown__does_not_wait_for_a_program_that_is_being_read(tmp_path: Path) -> None:
    async with site("grbl-gantry", tmp_path, held=True) as lab:
        queue: Any = lab.engine.queue
        judging = queue.outlooks.__self__
        asked = asyncio.create_task(lab.post("/", run("\n".join(square(25_000)))))
        await lab.until(lambda: judging._waiting or asked.done())
        lab.engine.queue.close()
        assert (await asked)["error_code"] == "shutting_down"
        assert judging._waiting == 0


@pytest.mark.slow
async def test_many_programs_at_once__are_read_one_by_one_and_not_without_end(
    tmp_path: Path,
) -> None:
    async with site("grbl-gantry", tmp_path, held=True) as lab:
        body = run("\n".join(square(6_000)))
        asked = [asyncio.create_task(lab.post("/?dry_run=1", body)) for _ in range(24)]
        answers = await asyncio.gather(*asked)
        refused = [answer["error_code"] for answer in answers if not answer["success"]]
        assert set(refused) <= {"too_many_requests"}
        assert len(answers) - len(refused) >= 16
        assert (await lab.post("/?dry_run=1", body))["success"]
