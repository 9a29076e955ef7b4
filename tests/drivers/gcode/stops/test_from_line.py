"""A program from one of its lines on: what was in effect there is in effect, or it is refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from robotq.drivers.base import DriverError, Resumption
from robotq.drivers.gcode.programs.from_line import from_line
from robotq.drivers.gcode.reader.dialects.grbl import GRBL, GRBL_HAL
from robotq.drivers.gcode.reader.dialects.marlin import MARLIN
from robotq.drivers.gcode.reader.lines import prepare
from robotq.drivers.gcode.reader.rules import Rules
from tests.drivers.gcode.bench import square
from tests.drivers.gcode.test_over_http import Site, device, plugged, site

MILL = """G20 G90 G17
G55
T3
M3 S8000
G4 P2
M8
F12
G0 Z0.5
G0 X0 Y0
G1 Z-0.1
G1 X1
Y1
X0
G2 X0 Y0 I0 J-0.5
G0 Z0.5
M5
M30
""".splitlines()


def begun(lines: Sequence[str], number: int, dialect: Any = GRBL) -> Resumption:
    rules: Rules = replace(dialect.rules, client=True, start=dialect.known)

    def given() -> Iterator[str]:
        return iter(lines)

    found = from_line(given, number, rules, known=True, look=lambda _: None)
    # the line numbers are those of the program that was handed in
    whole = list(found.lines)
    assert whole[number - 1 :] == list(lines[number - 1 :])
    assert whole[: len(found.preamble)] == list(found.preamble)
    prepare(whole, rules)
    return replace(found, lines=iter(whole))


def refused(lines: Sequence[str], number: int, dialect: Any = GRBL) -> tuple[int, str]:
    with pytest.raises(DriverError) as error:
        begun(lines, number, dialect)
    assert error.value.code == "from_line_refused"
    return error.value.args_["line"], error.value.args_["rule"]


def test_what_the_lines_before_have_set__is_written_before_the_line() -> None:
    found = begun([*MILL[:9], *MILL], 10 + 10)
    assert found.preamble == [
        "G20 G17 G90 G94 G55",
        "T3",
        "M3 S8000",
        "G4 P2",
        "M8",
        "G1 F12",
        "G1",
    ]
    assert found.told["first_motion"] == {
        "line": 20,
        "text": "G1 X1",
        "axes": ["X"],
        "stays": ["Y", "Z"],
    }
    assert found.told["stood_at"] == {"x": 0, "y": 0, "z": -2.54}
    assert (found.told["begins_at"], found.told["tool"]) == (20, 3)


@pytest.mark.parametrize(
    ("before", "line", "rule"),
    [
        (["G91"], 11, "relative"),
        (["G92 X0"], 2, "G92"),
        (["M97 P100"], 2, "M97"),
    ],
)
def test_what_cannot_be_known__is_refused(before: list[str], line: int, rule: str) -> None:
    lines = ["G21", *before, *["(a remark)"] * 8, "G1 X1 F600", "X2"]
    if before == ["M97 P100"]:
        with pytest.raises(DriverError, match="M97"):
            begun(lines, 11)
        return
    at, why = refused(lines, 11)
    assert rule in why
    assert at == line


def test_g92_that_was_taken_back__and_g91_that_has_ended_are_known() -> None:
    lines = ["G92 X0", "G1 X5 F600", "G92.1", "G91", "G1 X1", "G90", *["(x)"] * 6, "G1 X3", "X4"]
    assert begun(lines, 13).preamble == ["G21 G17 G90 G94", "G1 F600", "G1"]


def test_an_arc__does_not_begin_where_the_robot_happens_to_stand() -> None:
    lines = [
        *["(x)"] * 9,
        "G1 X1 Y1 F600",
        "G1 X2",
        "G2 X3 Y1 I0.5 J0",
        "G1 X5 Y5",
        "G2 X6 Y5 I0.5",
    ]
    assert "begins where the robot stands" in refused(lines, 12)[1]
    # X is led there, Y is not
    assert refused(lines, 11)[0] == 12
    assert begun(lines, 10).told["begins_at"] == 10
    assert begun(lines, 13).told["first_motion"]["line"] == 13


def test_a_canned_cycle__is_not_entered_in_its_middle() -> None:
    cycle = ["G98 G81 X1 Y1 Z-1 R2 F100", "X2", "X3", "G80", "G0 X0 Y0"]
    lines = [*["(x)"] * 9, "G0 Z5", *cycle]
    assert "canned cycle" in refused(lines, 12, GRBL_HAL)[1]
    # its height before is that of the robot, unless a line has led it there
    assert "height" in refused(lines, 11, GRBL_HAL)[1]
    assert begun(lines, 10, GRBL_HAL).told["first_motion"]["text"] == "G0 Z5"
    assert begun(lines, 14, GRBL_HAL).told["first_motion"]["line"] == 15


@pytest.mark.parametrize("number", [1_000, 18])
def test_a_line_behind_the_end__is_refused(number: int) -> None:
    assert "no line from there on" in refused(MILL, number)[1]


def test_a_line_among_the_first__is_refused() -> None:
    assert "among the first" in refused(["G21 F600", "G1 X1", "G1 X2"], 2)[1]


def test_marlin__gets_what_it_understands() -> None:
    lines = ["G21", "G90", "M83", "M106 S255", *["; x"] * 6, "G1 X1 Y1 E1 F3000", "G1 X2 E1"]
    found = begun(lines, 12, MARLIN)
    assert found.preamble == ["G21 G90", "M83", "M106 S255", "G1 F3000"]
    absolute = [line for line in lines if line != "M83"]
    assert "extruder" in refused(absolute, 11, MARLIN)[1]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["grbl-gantry", "marlin-arm"])
async def test_over_http__a_person_sees_it_first_and_then_it_runs(
    name: str, tmp_path: Path
) -> None:
    """ "The bit broke at line 120 of 200." """
    lines = ["G21 G90", *square(300)]
    machine = device(name, tmp_path, speed=20)
    async with plugged(machine), site(name, tmp_path) as lab:
        await lab.do("HOME")
        task_id = await lab.submit("RUN_GCODE", program="\n".join(lines))
        await lab.until(lambda: len(machine.axes.moved) > 50)
        await lab.post(f"/task/{task_id}/cancel", {})
        task = await lab.ended(task_id)
        assert task["state"] == "cancelled", task
        stopped = task["error"]["stopped_at"]
        for hold in (await lab.get("/queue/status"))["holds"]:
            await lab.post(hold["clear"]["path"], hold["clear"]["body"])
        # the stop has left the position unknown to some
        await lab.do("HOME")
        path, at = f"/task/{task_id}/rerun", max((stopped["done"] or {"line": 0})["line"], 20)
        look = await lab.post(path, {"from_line": at})
        assert look["success"], look
        assert (look["dry_run"], look["begins_at"]) == (True, at)
        assert look["first_motion"]["text"] == lines[at - 1]
        assert look["program"]["lines"] >= len(lines) - at
        # nothing was done by that
        assert len((await lab.get("/tasks"))["tasks"]) == 3
        other = await lab.post(path, {"from_line": at + 1, "seen": look["seen"]})
        assert other["error_code"] == "from_line_changed"
        assert other["seen"] != look["seen"]
        await _agents_may_not(lab, path, look)
        moved = len(machine.axes.moved)
        done = await lab.post(path, {"from_line": at, "seen": look["seen"]})
        assert done["success"], done
        task = await lab.ended(done["task_id"])
        assert task["status"] == "completed", task
        assert (task["from_line"], task["retry_of"]) == (at, task_id)
        run = [line for line in machine.axes.moved[moved:] if line in lines]
        assert run == [line for line in lines[at - 1 :] if line in run]
        assert len(run) == len(lines) - at + 1
        again = await lab.post(path, {"from_line": at, "seen": look["seen"]})
        assert again["error_code"] == "already_retried"
        async with lab._client.get(f"/task/{done['task_id']}/program") as response:
            text = await response.text()
        assert text.splitlines()[at - 1 :] == lines[at - 1 :]


async def _agents_may_not(lab: Site, path: str, look: Any) -> None:
    body = {"from_line": look["from_line"], "seen": look["seen"]}
    agent = {"X-Robotq-Agent": "1"}
    async with lab._client.post(path, json=body, headers=agent) as response:
        assert (response.status, (await response.json())["error_code"]) == (403, "person_needed")


async def test_over_http__what_cannot_begin_there_says_why(tmp_path: Path) -> None:
    machine = device("grbl-gantry", tmp_path, speed=100)
    async with plugged(machine), site("grbl-gantry", tmp_path) as lab:
        await lab.do("HOME")
        program = "\n".join(["G21", *["(x)"] * 9, "G91", "G1 X1 F600", "G1 X1"])
        done = await lab.do("RUN_GCODE", program=program)
        path = f"/task/{done['task_id']}/rerun"
        async with lab._client.post(path, json={"from_line": 13}) as response:
            answer = await response.json()
            assert (response.status, answer["error_code"]) == (422, "from_line_refused")
        assert (answer["line"], "G91" in answer["rule"]) == (13, True)
        home = await lab.submit("HOME")
        await lab.ended(home)
        other = await lab.post(f"/task/{home}/rerun", {"from_line": 13})
        assert other["error_code"] == "robot_cannot"
        nobody = await lab.post("/task/nobody/rerun", {"from_line": 13})
        assert nobody["error_code"] == "task_not_found"
