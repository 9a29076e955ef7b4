"""Compares the three records: what clients were told, what the store says, what has moved."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

from robotq.model.carried.program import programs_in
from robotq.model.task import OUTCOME_UNKNOWN, Task, TaskState

from . import order
from .ledger import Control, Ledger, Submission
from .records import Disk, Motion

IDEMPOTENT = frozenset({"ROBOT_ACTION"})
"""What tests/crash/commands.yaml declares so."""


_HELD_AFTER: Mapping[str, Mapping[str, bool]] = {
    "pause": {"paused": True},
    "resume": {"paused": False},
    "estop": {"estop": True},
    "reset": {"estop": False, "paused": True},
}
"""What is decided -> which holds are there afterwards, and which are not."""


@dataclass(frozen=True, slots=True)
class Violation:
    kind: Literal["lost", "doubled", "stuck", "wrong"]
    text: str


def at_death(ledger: Ledger, disk: Disk, motions: list[Motion]) -> Iterator[Violation]:
    """What must hold of the disk at any moment, whenever the process dies."""
    for fault in disk.faults:
        yield Violation("lost", f"the database is damaged: {fault}")
    for text in ledger.contradictions:
        yield Violation("wrong", text)
    ledger.contradictions.clear()
    yield from _submissions(ledger, disk)
    yield from _told(ledger, disk)
    yield from _controls(ledger, disk)
    yield from _moved(disk, motions)
    yield from _still(ledger, motions)
    yield from _journal(disk)
    yield from _programs(ledger, disk)
    for text in order.faults(ledger, disk):
        yield Violation("wrong", text)


def after_restart(
    ledger: Ledger, disk: Disk, tasks: Mapping[str, str], holds: list[dict[str, Any]]
) -> Iterator[Violation]:
    """What the next life says, against the disk that it found: `tasks` are states by id."""
    for task_id in ledger.known_ms:
        if task_id not in tasks:
            yield Violation("lost", f"{task_id} was accepted, and is not listed after a restart")
    for task in disk.tasks.values():
        state = tasks.get(task.id)
        if task.state.final and state != task.state:
            yield Violation("lost", f"{task.id} was {task.state}, and is {state} after a restart")
        if task.state is TaskState.RUNNING and task.command.cmd_type not in IDEMPOTENT:
            yield from _cut(task, state, holds)


def _cut(task: Task, state: str | None, holds: list[dict[str, Any]]) -> Iterator[Violation]:
    """A command that was cut short, and what tells a person so."""
    if state != "failed":
        yield Violation("wrong", f"{task.id} was cut short and is {state}, not outcome_unknown")
    hold = next((h for h in holds if h["task_id"] == task.id), None)
    if hold is None:
        yield Violation("stuck", f"{task.id} was cut short, and no hold says so")
        return
    path = f"/task/{task.id}/resolve"
    if hold["code"] != OUTCOME_UNKNOWN or hold["clear"]["path"] != path or not hold["reason"]:
        yield Violation("wrong", f"{task.id} was cut short, and its hold is {hold}")


def at_end(ledger: Ledger, disk: Disk) -> Iterator[Violation]:
    """What must hold when everything was resolved and the queues have run empty."""
    for task in disk.tasks.values():
        if task.id not in ledger.called_in:
            yield Violation("lost", f"the webhook of {task.id} never came")
        if not task.state.final:
            yield Violation("stuck", f"{task.id} ({task.command.cmd_type}) is {task.state}")
        if task.outcome_unknown:
            yield Violation("stuck", f"{task.id} was not resolved")


def _programs(ledger: Ledger, disk: Disk) -> Iterator[Violation]:
    """Whatever a task is to carry out is there, and is what was handed in."""
    sent = {
        item.cmd_id: hashlib.sha256(item.params["program"].encode()).hexdigest()
        for submission in ledger.submissions
        for item in submission.items
        if "program" in item.params
    }
    for task in disk.tasks.values():
        for _, program in programs_in(task.command.params):
            if program.sha256 not in disk.programs:
                yield Violation("lost", f"the program of {task.id} is missing or damaged")
            if program.sha256 != sent.get(task.command.cmd_id or ""):
                yield Violation("wrong", f"the program of {task.id} is not what was handed in")
        if task.command.cmd_type == "RUN_GCODE" and not programs_in(task.command.params):
            yield Violation("wrong", f"the program of {task.id} stands in its row")


def _submissions(ledger: Ledger, disk: Disk) -> Iterator[Violation]:
    roots: dict[str | None, list[Task]] = {}
    for task in disk.tasks.values():
        if task.retry_of is None:
            roots.setdefault(task.command.cmd_id, []).append(task)
    for submission in ledger.submissions:
        yield from _submission(submission, disk, roots)


def _submission(
    submission: Submission, disk: Disk, roots: Mapping[str | None, list[Task]]
) -> Iterator[Violation]:
    found = [roots.get(item.cmd_id, []) for item in submission.items]
    for item, tasks in zip(submission.items, found, strict=True):
        if len(tasks) > 1:
            yield Violation("doubled", f"{item.cmd_id} is {', '.join(task.id for task in tasks)}")
    present = sum(bool(tasks) for tasks in found)
    if present not in (0, len(found)):
        yield Violation("lost", f"only {present} of the batch of {submission.items[0].cmd_id}")
    for item, task_id in zip(submission.items, submission.task_ids, strict=False):
        task = disk.tasks.get(task_id)
        if task is None:
            yield Violation("lost", f"{task_id} ({item.cmd_id}) was accepted and is not on disk")
        elif (task.command.cmd_id, task.command.cmd_type, task.queue) != (
            item.cmd_id,
            item.cmd_type,
            item.robot,
        ):
            yield Violation("wrong", f"{task_id} was {item}, and on disk is {task.command}")


def _told(ledger: Ledger, disk: Disk) -> Iterator[Violation]:
    for task_id, state in ledger.endings.items():
        task = disk.tasks.get(task_id)
        if task is None or task.state != state:
            on_disk = None if task is None else task.state
            yield Violation("lost", f"{task_id} was told as {state}, and on disk is {on_disk}")
    for task_id, outcome in ledger.resolutions.items():
        task = disk.tasks.get(task_id)
        resolution = None if task is None else task.resolution
        if resolution is None or resolution.outcome != outcome:
            yield Violation("lost", f"{task_id} was resolved as {outcome}, on disk: {resolution}")
    for task_id, of in ledger.again.items():
        if task_id not in disk.tasks or disk.tasks[task_id].retry_of != of:
            yield Violation("lost", f"{task_id} repeats {of}, and is not so on disk")
    written = {event.id: (event.kind, event.task_id, event.after) for event in disk.events}
    for number, told in ledger.events.items():
        if (kept := written.get(number)) != told:
            yield Violation("lost", f"event {number}: {told} was told, {kept} is kept")


def _controls(ledger: Ledger, disk: Disk) -> Iterator[Violation]:
    """The last thing that was decided about a robot, where it was answered, is on disk."""
    last: dict[tuple[str, str], tuple[Control, bool]] = {}
    for control in ledger.controls:
        for robot in control.robots:
            for code, held in _HELD_AFTER[control.action].items():
                last[robot, code] = (control, held)
    for (robot, code), (control, held) in last.items():
        on_disk = disk.hold(robot, code) is not None
        if control.answered_ms is not None and control.recorded and on_disk != held:
            text = f"{robot}: {control.action} was answered, and {code} on disk is {on_disk}"
            yield Violation("lost", text)


def _moved(disk: Disk, motions: list[Motion]) -> Iterator[Violation]:
    lives: dict[tuple[str, int], set[int]] = {}
    attempts: dict[str, set[int]] = {}
    for motion in motions:
        lives.setdefault((motion.task_id, motion.attempt), set()).add(motion.life)
        attempts.setdefault(motion.task_id, set()).add(motion.attempt)
        yield from _motion(motion, disk.tasks.get(motion.task_id))
    for (task_id, attempt), seen in lives.items():
        if len(seen) > 1:
            yield Violation("doubled", f"{task_id} attempt {attempt} moved in lives {sorted(seen)}")
    for task_id, numbers in attempts.items():
        if len(numbers) > 1 and disk.tasks[task_id].command.cmd_type not in IDEMPOTENT:
            yield Violation("doubled", f"{task_id} moved in attempts {sorted(numbers)}")
    for robot in {motion.robot for motion in motions}:
        of_robot = [motion for motion in motions if motion.robot == robot]
        blocks = Counter(key for key, _ in groupby(of_robot, key=lambda m: (m.task_id, m.attempt)))
        for block, times in blocks.items():
            if times > 1:
                yield Violation("doubled", f"{robot}: {block} moved, then another, then it again")


def _motion(motion: Motion, task: Task | None) -> Iterator[Violation]:
    if task is None or motion.attempt > task.attempt or task.queue != motion.robot:
        known = None if task is None else f"{task.state}, attempt {task.attempt}, {task.queue}"
        yield Violation("doubled", f"{motion} has no record of its start: {known}")
    elif motion.attempt == task.attempt:
        began, ended = task.started_at_ms, task.ended_at_ms
        if began is not None and motion.at_ms < began:
            yield Violation("doubled", f"{motion} is from before the start of {task.id}")
        # written in whole milliseconds, cut off
        if ended is not None and motion.at_ms >= ended + 1:
            yield Violation("doubled", f"{motion} is from after the end of {task.id}")


def _still(ledger: Ledger, motions: list[Motion]) -> Iterator[Violation]:
    """Nothing moves from the answer of an emergency stop until somebody resumes the queue.

    One that is not on disk holds as long as the process.
    """
    stopped: dict[str, Control] = {}
    for control in ledger.controls:
        for robot in control.robots:
            if control.action == "estop" and control.answered_ms is not None:
                stopped.setdefault(robot, control)
            elif control.action == "resume" and robot in stopped:
                since_ms, until_ms = _stood(stopped.pop(robot), control, ledger.deaths_ms)
                for motion in motions:
                    if motion.robot == robot and since_ms < motion.at_ms < until_ms:
                        yield Violation("wrong", f"{motion} in an emergency stop")


def _stood(stop: Control, resume: Control, deaths_ms: list[float]) -> tuple[float, float]:
    """From when until when a robot had to stand."""
    since_ms = stop.answered_ms or stop.sent_ms
    ends = [] if stop.recorded else [death for death in deaths_ms if death > since_ms]
    return since_ms, min([resume.sent_ms, *ends])


def _journal(disk: Disk) -> Iterator[Violation]:
    if disk.counted() != disk.counts:
        yield Violation("wrong", f"counters {disk.counts}, rows {disk.counted()}")
    states: dict[str, str | None] = {}
    claims: Counter[str] = Counter()
    for event in disk.events:
        task_id = event.task_id
        if task_id is None or event.after is None:
            continue
        if event.kind != "task.resolved" and event.before != states.get(task_id):
            before = states.get(task_id)
            yield Violation("wrong", f"{task_id}: {event.kind} from {event.before}, was {before}")
        states[task_id] = event.after
        claims[task_id] += (event.kind == "task.claimed") - (event.kind == "task.released")
    for task in disk.tasks.values():
        state, claimed = states.get(task.id), claims[task.id]
        if state != task.state:
            yield Violation("wrong", f"{task.id} is {task.state}, the journal says {state}")
        if claimed != task.attempt:
            yield Violation("wrong", f"{task.id}: {claimed} claims, attempt {task.attempt}")


def totals(disk: Disk, status: Mapping[str, Any]) -> Iterator[Violation]:
    """The numbers of /queue/status against the rows."""
    rows = Counter(task.state.value for task in disk.tasks.values())
    told = {
        "completed": status["completed_tasks"],
        "failed": status["failed_tasks"],
        "cancelled": status["cancelled_tasks"],
    }
    if status["total_tasks"] != status["queue_size"] + sum(told.values()):
        yield Violation("wrong", f"the totals of the status do not add up: {status}")
    if status["queue_size"] == 0 and Counter(told) != rows:
        yield Violation("wrong", f"the status says {told}, the rows {dict(rows)}")
