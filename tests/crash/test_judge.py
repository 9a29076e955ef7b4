"""The judge finds each kind of wrong; without that, a clean table would mean nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from robotq.model.carried.program import stored
from robotq.model.event import Event
from robotq.model.hold import Hold, HoldCode
from robotq.model.task import OUTCOME_UNKNOWN, Command, Resolution, Task, TaskError, TaskState

from . import judge
from .ledger import Control, Item, Ledger, Submission
from .records import Disk, Motion, MotionLog


def item(cmd_id: str, cmd_type: str = "NAVIGATION") -> Item:
    return Item(cmd_id=cmd_id, cmd_type=cmd_type, robot="robot_a", params={"area": "HOME"})


def task(number: int, cmd_id: str, cmd_type: str = "NAVIGATION", **changes: object) -> Task:
    made = Task(
        id=f"task_{number}",
        seq=number,
        api="robot",
        queue="robot_a",
        command=Command(cmd_type=cmd_type, params={"area": "HOME"}, cmd_id=cmd_id),
        actor="anonymous",
        submitted_at_ms=1_000,
        rank=float(number),
        state=TaskState.COMPLETED,
        attempt=1,
        started_at_ms=2_000 + number * 100,
        ended_at_ms=2_050 + number * 100,
    )
    return replace(made, **changes)


def event(number: int, kind: str, of: int, before: str | None, after: str) -> Event:
    return Event(
        id=number,
        kind=f"task.{kind}",
        at_ms=2_000 + of * 100,
        actor="robotq",
        robot="robot_a",
        task_id=f"task_{of}",
        before=before,
        after=after,
    )


def motion(of: int, at_ms: float, *, attempt: int = 1, life: int = 0) -> Motion:
    return Motion(at_ms=at_ms, robot="robot_a", task_id=f"task_{of}", attempt=attempt, life=life)


class Day:
    """Two commands that were accepted, ran one after the other, and were told as done."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        for number, cmd_id in ((1, "one"), (2, "two")):
            submission = Submission(items=(item(cmd_id),), batch=False)
            self.ledger.submissions.append(submission)
            self.ledger.accepted(submission, (f"task_{number}",))
            self.ledger.known_ms[f"task_{number}"] = 1_500
            self.ledger.called(f"webhook_{number}", f"task_{number}", "completed", life=0)
        self.tasks = {"task_1": task(1, "one"), "task_2": task(2, "two")}
        self.events = [
            event(1, "submitted", 1, None, "pending"),
            event(2, "submitted", 2, None, "pending"),
            event(3, "claimed", 1, "pending", "running"),
            event(4, "completed", 1, "running", "completed"),
            event(5, "claimed", 2, "pending", "running"),
            event(6, "completed", 2, "running", "completed"),
        ]
        for told in self.events:
            self.ledger.heard(told.id, (told.kind, told.task_id, told.after))
        self.motions = [motion(1, 2_110), motion(2, 2_210), motion(2, 2_220)]
        self.holds: list[Hold] = []
        self.counts = {("robot", "robot_a", "completed"): 2}
        self.programs: set[str] = set()

    def verdict(self) -> set[str]:
        disk = Disk(
            tasks=self.tasks,
            events=self.events,
            holds=self.holds,
            counts=self.counts,
            faults=[],
            programs=self.programs,
        )
        found = [*judge.at_death(self.ledger, disk, self.motions), *judge.at_end(self.ledger, disk)]
        return {violation.kind for violation in found}


def lose_a_task(day: Day) -> None:
    del day.tasks["task_2"]


def forget_an_end(day: Day) -> None:
    day.tasks["task_2"] = replace(day.tasks["task_2"], state=TaskState.FAILED)


def forget_an_event(day: Day) -> None:
    del day.events[-1]


def forget_a_resolution(day: Day) -> None:
    day.ledger.resolutions["task_1"] = "failed"


def forget_a_pause(day: Day) -> None:
    control = Control(action="pause", robots=("robot_a",), sent_ms=9_000, answered_ms=9_001)
    day.ledger.controls.append(control)


def keep_half_a_batch(day: Day) -> None:
    day.ledger.submissions.append(Submission(items=(item("one"), item("three")), batch=True))


def keep_a_webhook(day: Day) -> None:
    del day.ledger.called_in["task_2"]


def _hand_in(day: Day, program: object, *programs: str) -> None:
    """The second command carries out a program, and those with these hashes are there."""
    command = Command(cmd_type="RUN_GCODE", params={"program": program}, cmd_id="two")
    day.tasks["task_2"] = replace(day.tasks["task_2"], command=command)
    sent = Item(cmd_id="two", cmd_type="RUN_GCODE", robot="robot_a", params={"program": PROGRAM})
    day.ledger.submissions[1].items = (sent,)
    day.programs = set(programs)


PROGRAM = "G1 X1"
KEPT = stored(hashlib.sha256(PROGRAM.encode()).hexdigest(), len(PROGRAM), PROGRAM)


def lose_a_program(day: Day) -> None:
    _hand_in(day, KEPT)


def run_another_program(day: Day) -> None:
    _hand_in(day, stored("0" * 64, 5, "G1 X9"), "0" * 64)


def keep_a_program_in_its_row(day: Day) -> None:
    _hand_in(day, PROGRAM)


def send_a_webhook_again(day: Day) -> None:
    day.ledger.called("webhook_1", "task_1", "completed", life=0)


def accept_twice(day: Day) -> None:
    day.tasks["task_3"] = task(3, "two")
    day.counts = {("robot", "robot_a", "completed"): 3}


def move_again_after_a_restart(day: Day) -> None:
    day.motions.append(motion(2, 2_230, life=1))


def move_under_a_second_attempt(day: Day) -> None:
    day.tasks["task_2"] = replace(day.tasks["task_2"], attempt=2)
    day.motions.append(motion(2, 2_230, attempt=2))


def move_after_the_end(day: Day) -> None:
    day.motions.append(motion(2, 2_300))


def move_without_a_start(day: Day) -> None:
    day.motions.append(motion(7, 2_300))


def mix_two_commands(day: Day) -> None:
    day.motions.insert(2, motion(1, 2_215))


def run_out_of_order(day: Day) -> None:
    late = [replace(one, at_ms=1_900) for one in day.events[4:]]
    day.events[2:] = [*late, *day.events[2:4]]
    for number, one in enumerate(day.events, 1):
        day.events[number - 1] = replace(one, id=number)
    day.ledger.events.clear()


def move_in_an_emergency_stop(day: Day) -> None:
    stop = Control(action="estop", robots=("robot_a",), sent_ms=2_200, answered_ms=2_205)
    resume = Control(action="resume", robots=("robot_a",), sent_ms=2_215)
    day.ledger.controls += [stop, resume]


def claim_while_paused(day: Day) -> None:
    pause = Control(action="pause", robots=("robot_a",), sent_ms=2_150, answered_ms=2_160)
    resume = Control(action="resume", robots=("robot_a",), sent_ms=2_260)
    day.ledger.controls += [pause, resume]


def count_wrong(day: Day) -> None:
    day.counts = {("robot", "robot_a", "completed"): 3}


def leave_one_waiting(day: Day) -> None:
    day.tasks["task_3"] = task(3, "three", state=TaskState.PENDING)


def leave_one_unresolved(day: Day) -> None:
    error = TaskError(code=OUTCOME_UNKNOWN)
    day.tasks["task_3"] = task(3, "three", state=TaskState.FAILED, error=error)


def test_day__without_a_fault_is_clean() -> None:
    assert Day().verdict() == set()


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (lose_a_task, "lost"),
        (forget_an_end, "lost"),
        (forget_an_event, "lost"),
        (forget_a_resolution, "lost"),
        (forget_a_pause, "lost"),
        (keep_half_a_batch, "lost"),
        (keep_a_webhook, "lost"),
        (lose_a_program, "lost"),
        (run_another_program, "wrong"),
        (keep_a_program_in_its_row, "wrong"),
        (send_a_webhook_again, "wrong"),
        (accept_twice, "doubled"),
        (move_again_after_a_restart, "doubled"),
        (move_under_a_second_attempt, "doubled"),
        (move_after_the_end, "doubled"),
        (move_without_a_start, "doubled"),
        (mix_two_commands, "doubled"),
        (run_out_of_order, "wrong"),
        (move_in_an_emergency_stop, "wrong"),
        (claim_while_paused, "wrong"),
        (count_wrong, "wrong"),
        (leave_one_waiting, "stuck"),
        (leave_one_unresolved, "stuck"),
    ],
)
def test_fault__is_found(spoil: Callable[[Day], None], kind: str) -> None:
    day = Day()
    spoil(day)
    assert kind in day.verdict()


def test_second_attempt__of_a_command_that_may_run_twice_is_no_fault() -> None:
    day = Day()
    twice = day.tasks["task_2"]
    command = replace(twice.command, cmd_type="ROBOT_ACTION")
    day.tasks["task_2"] = replace(twice, command=command, attempt=2)
    day.motions.append(motion(2, 2_230, attempt=2, life=1))
    assert "doubled" not in day.verdict()


@pytest.mark.parametrize(
    ("holds", "kinds"),
    [
        ([], {"stuck"}),
        (
            [{"task_id": "task_1", "code": "paused", "reason": "x", "clear": {"path": "/"}}],
            {"wrong"},
        ),
        (
            [
                {
                    "task_id": "task_1",
                    "code": "outcome_unknown",
                    "reason": "The outcome is unknown.",
                    "clear": {"path": "/task/task_1/resolve"},
                }
            ],
            set(),
        ),
    ],
)
def test_command_cut_short__needs_a_hold_that_says_how_to_clear_it(
    holds: list[dict[str, object]], kinds: set[str]
) -> None:
    cut = task(1, "one", state=TaskState.RUNNING, ended_at_ms=None)
    disk = Disk(tasks={"task_1": cut}, events=[], holds=[], counts={}, faults=[])
    found = judge.after_restart(Ledger(), disk, {"task_1": "failed"}, holds)
    assert {violation.kind for violation in found} == kinds


def test_a_program_that_is_there__is_no_fault() -> None:
    day = Day()
    _hand_in(day, KEPT, KEPT.sha256)
    assert day.verdict() == set()


def test_resolved_outcome__is_an_end() -> None:
    resolution = Resolution(outcome="failed", actor="somebody", at_ms=3_000)
    error = TaskError(code=OUTCOME_UNKNOWN)
    over = task(1, "one", state=TaskState.FAILED, error=error, resolution=resolution)
    disk = Disk(tasks={"task_1": over}, events=[], holds=[], counts={}, faults=[])
    assert list(judge.at_end(Ledger(called_in={"task_1": [0]}), disk)) == []


def test_webhook__that_comes_again_after_a_death_is_no_fault() -> None:
    day = Day()
    day.ledger.called("webhook_1", "task_1", "completed", life=1)
    assert day.verdict() == set()


def test_hold_on_disk__that_nobody_has_lifted_is_no_fault() -> None:
    day = Day()
    forget_a_pause(day)
    day.holds = [Hold(robot="robot_a", code=HoldCode.PAUSED, since_ms=9_000)]
    assert day.verdict() == set()


def test_a_line_of_the_motion_log_that_a_kill_cut_short__is_no_motion(tmp_path: Path) -> None:
    file = tmp_path / "simulator" / "motions.jsonl"
    file.parent.mkdir()
    line = '{"ts":1.5,"robot":"robot_a","task_id":"task_1","attempt":1}\n'
    file.write_text(line + line[:30])
    log = MotionLog(tmp_path)
    log.read_on(life=1)
    file.write_text(line + line[:30] + "\n" + line)
    log.read_on(life=2)
    assert [motion.life for motion in log.motions] == [1, 2]
    assert log.cut_short == 1
