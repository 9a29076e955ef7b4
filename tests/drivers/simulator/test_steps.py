"""Commands that an operator has written as steps, on the simulated robot."""

from __future__ import annotations

import json
from typing import Any

import pytest

from robotq.drivers.base import DriverError, LastSteps, Stopped, UnknownCommand
from robotq.model.json import JsonObject
from robotq.model.task import Command
from robotq.steps import read_program
from tests.drivers.simulator.bench import Bench, Recorder

ANY: JsonObject = {"type": "object"}


def steps(
    bench: Bench, *listed: Any, schema: JsonObject = ANY, last: list[Any] | None = None
) -> Recorder:
    """A context with these steps as the program of the command."""
    program, faults = read_program(list(listed), schema=schema, values={}, last=last)
    assert not faults
    context = bench.context()
    context.program = program
    return context


def own(bench: Bench, *listed: Any, params: Any = None) -> tuple[JsonObject, Recorder]:
    return bench.run("RINSE", params, context=steps(bench, *listed))


def motions(bench: Bench) -> list[dict[str, Any]]:
    lines = (bench.folder / "simulator" / "motions.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_own_command__drives_carries_and_waits(bench: Bench) -> None:
    began = bench.clock.now()
    result, context = own(
        bench,
        {"step": "GOING", "do": {"cmd_type": "NAVIGATION", "params": {"area": "CHARGER"}}},
        {"step": "RESTING", "wait_s": "params.seconds"},
        {
            "do": {
                "cmd_type": "PICK_UP",
                "params": {"target_params": [{"bottle_id": "{params.b}"}]},
            },
            "into": "taken",
        },
        {"result": {"slot": "{taken.bottles[0].slot}"}},
        params={"seconds": 100, "b": "bottle_001"},
    )
    assert result == {"slot": "robot_a.gripper"}
    assert context.names()[:3] == ["GOING", "NAVIGATING", "RESTING"]
    assert context.places[-1] == "SCAN_TABLE"
    assert bench.clock.now() - began > 100
    # a part does not tell how far the whole is
    assert not context.fractions


def test_own_command__lines_of_gcode_take_their_time(bench: Bench) -> None:
    _, context = own(
        bench,
        {"step": "DRAWING", "gcode": ["G21 G90", "G1 X100 F600", "G4 P3", "G91", "G1 X-40"]},
    )
    (step,) = context.steps
    # 140 mm at 10 mm/s, and 3 s at rest
    assert step.seconds == pytest.approx(14 + 3, abs=0.2)
    assert [(line["step"], line["motion"]) for line in motions(bench)] == [
        ("DRAWING", "G1 X100 F600"),
        ("DRAWING", "G1 X-40"),
    ]


def test_own_command__program_of_a_client_tells_its_progress(bench: Bench) -> None:
    _, context = own(bench, {"program": "params.lines"}, params={"lines": ["G0 X1", "G0 X2"]})
    assert context.fractions == [0.5, 1.0]
    with pytest.raises(DriverError, match="is not a word of G-code"):
        own(bench, {"program": "params.lines"}, params={"lines": ["G0 X3", "hello!"]})
    assert len(motions(bench)) == 2


def test_own_command__reads_the_code_of_the_bottle_in_the_gripper(bench: Bench) -> None:
    read = ({"scan": {"timeout_s": 2}, "into": "code"}, {"result": {"code": "{code}"}})
    assert own(bench, *read)[0] == {"code": None}
    bench.run("PICK_UP", {"target_params": [{"bottle_id": "bottle_001"}]})
    assert own(bench, *read)[0] == {"code": "bottle_001"}


def test_own_command__homes_jogs_and_has_no_answer_to_a_query(bench: Bench) -> None:
    own(bench, {"home": "XY"}, {"unlock": True}, {"jog": "X10 F300"})
    assert [line["motion"] for line in motions(bench)] == ["home XY", "G1 X10 F300"]
    with pytest.raises(DriverError, match="was answered with ok, expected"):
        own(bench, {"query": {"line": "M105", "expect": r"T:(\d+)"}})


def test_own_command__remembers_over_a_restart(bench: Bench) -> None:
    own(bench, {"remember": {"in": "trays", "key": "last", "value": 7}})
    again = Bench(bench.folder)
    assert own(again, {"result": {"last": "{memory.trays.last}"}})[0] == {"last": 7}


def test_step__that_would_take_longer_than_it_may_fails_before_it_moves(bench: Bench) -> None:
    with pytest.raises(DriverError) as caught:
        own(bench, {"gcode": ["G1 X10 F600", "G1 X1000"], "timeout_s": 5})
    assert (caught.value.code, len(motions(bench))) == ("timeout", 1)


def test_steps__come_before_what_the_robot_does_by_itself(bench: Bench) -> None:
    context = steps(bench, {"step": "OWN", "wait_s": 1})
    bench.run("NAVIGATION", {"area": "CHARGER"}, context=context)
    assert context.names() == ["OWN"]


def test_stop__ends_steps_that_only_calculate(bench: Bench) -> None:
    driver = bench.robot()
    counting = {"for_each": 5_000, "steps": [{"set": {"n": "{1 + 1}"}}]}
    context = steps(bench, {"step": "FIRST", "set": {"n": "0"}}, counting)
    context.at_step["FIRST"] = driver.stop
    with pytest.raises(Stopped):
        bench.run("RINSE", None, context=context)


def test_stop__ends_a_wait(bench: Bench) -> None:
    driver = bench.robot()
    context = steps(bench, {"step": "RESTING", "wait_s": 1000})
    context.at_step["RESTING"] = driver.stop
    with pytest.raises(Stopped):
        driver.execute(Command(cmd_type="RINSE", params={}), context)


def test_no_steps__is_a_command_that_the_robot_does_not_have(bench: Bench) -> None:
    with pytest.raises(UnknownCommand, match="no steps"):
        bench.run("RINSE")
    with pytest.raises(DriverError, match="no command RINSE by itself"):
        own(bench, {"do": {"cmd_type": "RINSE"}})


LAST = [{"step": "AWAY", "gcode": "G1 X7 F600"}]


def test_last_steps__follow_a_failure_and_a_completed_command(bench: Bench) -> None:
    with pytest.raises(DriverError, match="no bottle") as error:
        bench.run("RINSE", None, context=steps(bench, {"fail": "no bottle"}, last=LAST))
    assert error.value.last == LastSteps("done")
    assert motions(bench)[-1]["motion"] == "G1 X7 F600"
    bench.run("RINSE", None, context=steps(bench, {"gcode": "G1 X1 F600"}, last=LAST))
    assert [line["motion"] for line in motions(bench)][-2:] == ["G1 X1 F600", "G1 X7 F600"]


@pytest.mark.parametrize("how", ["stop", "emergency_stop"])
def test_last_steps__follow_a_stop_and_no_emergency_stop(bench: Bench, how: str) -> None:
    context = steps(bench, {"step": "GOING", "gcode": "G1 X90 F60"}, last=LAST)
    context.at_step["GOING"] = getattr(bench.robot(), how)
    with pytest.raises(Stopped) as error:
        bench.run("RINSE", None, context=context)
    last = [line["motion"] for line in motions(bench) if line["motion"] == "G1 X7 F600"]
    if how == "stop":
        assert error.value.last == LastSteps("done")
        assert last
    else:
        assert error.value.last == LastSteps("not_run", "reason.finally_estop")
        assert not last
