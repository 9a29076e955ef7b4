"""`robotq doctor` and the daemon of a data folder: whether its memory says what the disk says."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from robotq.cli.doctor.finding import Finding, Verdict
from robotq.cli.shared.failure import Failure
from robotq.cli.shared.http import Caller, asking
from robotq.engine.intake.admission import series_of
from robotq.engine.state.worker_queue import due_at_ms
from robotq.model.hold import TRANSIENT_HOLDS
from robotq.model.task import Task, TaskState
from robotq.store.port import Restored
from robotq.store.sqlite.peek import peek_at_all

_LISTED = 200
"""Waiting tasks that are compared one by one; of the others their number."""
_ENDED = 10
"""Ended tasks whose steps are compared, besides those that run."""
_TRIES = 5
"""Of moments in which nothing changes while the daemon is asked."""
_PAUSE_S = 0.2
_MOMENT_S = 1.0
"""After which what is only there for a moment is gone."""
_PASSING = ("changing", "starting")

_API = "robot"
_WHAT = "memory and disk"
_SHOWN = 3
REPORT = "keep a copy of the data folder (`robotq backup`) and report it"


def against_daemon(database: Path, url: str, key: str | None) -> list[Finding]:
    """What the daemon of this folder has in memory, where it runs."""
    try:
        with asking(url, key) as caller:
            for _ in range(_TRIES):
                before, _events = _look(database)
                status = caller.get("/queue/status", limit=_LISTED)
                places = caller.get("/resources")
                steps = {task.id: _told_steps(caller, task.id) for task in _with_steps(before)}
                audit = _audit(caller)
                after, _events = _look(database)
                if before == after:
                    return [_compared(before, status, places, audit, steps)]
                time.sleep(_PAUSE_S)
    except Failure as failure:
        return [
            Finding(
                what=_WHAT,
                verdict=Verdict.NOTE,
                found=f"not compared: {failure}",
                mend="A key that may read: --key or ROBOTQ_KEY; another address: --url.",
            )
        ]
    return [
        Finding(
            what=_WHAT,
            verdict=Verdict.NOTE,
            found="not compared: the robots are at work, and every look finds something new",
            mend="Look again when they rest, or after `robotq pause`.",
        )
    ]


def _audit(caller: Caller) -> Mapping[str, Any]:
    """Timers and locks. What is only there for a moment counts if it is there twice."""
    first: Mapping[str, Any] = caller.get("/audit")
    if not any(first[name] for name in (*_PASSING, "idle")):
        return first
    time.sleep(_MOMENT_S)
    again = caller.get("/audit")
    there = {name: [one for one in first[name] if one in again[name]] for name in _PASSING}
    idle = dict(set(first["idle"].items()) & set(again["idle"].items()))
    return {**again, **there, "idle": idle}


def _look(database: Path) -> tuple[Restored, object]:
    return peek_at_all(database, finished=_ENDED, events=0)


def _with_steps(disk: Restored) -> list[Task]:
    running = [task for task in disk.unfinished if task.state is TaskState.RUNNING]
    return [*running, *disk.finished]


def _told_steps(caller: Caller, task_id: str) -> list[tuple[str, str, float | None]]:
    steps = caller.get(f"/task/{task_id}").get("steps", [])
    return [(step["name"], step["state"], step["duration_s"]) for step in steps]


def _compared(
    disk: Restored,
    status: Mapping[str, Any],
    places: Mapping[str, Any],
    audit: Mapping[str, Any],
    steps: Mapping[str, Sequence[tuple[str, str, float | None]]],
) -> Finding:
    wrong = [
        *_tasks(disk, status),
        *_holds(disk, status),
        *_counts(disk, status),
        *_places(disk, places),
        *_timers(disk, audit),
        *_locks(disk, audit),
        *_steps(disk, steps),
    ]
    if not wrong:
        found = (
            "tasks, steps, holds, counts, places, timers and locks of the daemon are those of "
            "the disk"
        )
        return Finding(what=_WHAT, verdict=Verdict.OK, found=found)
    return Finding(
        what=_WHAT,
        verdict=Verdict.BAD,
        found=listed(wrong),
        mend="Is this the daemon of this data folder (--url, --data)? If it is, pause the "
        f"queues, {REPORT}, then restart the daemon: the disk is what counts.",
    )


def _tasks(disk: Restored, status: Mapping[str, Any]) -> Iterator[str]:
    for name, robot in status["robots"].items():
        of_robot = [task for task in disk.unfinished if task.queue == name]
        waiting = {task.id for task in of_robot if task.state is TaskState.PENDING}
        running = {task.id for task in of_robot if task.state is TaskState.RUNNING}
        if len(waiting) != robot["queue_size"]:
            yield f"{name}: {robot['queue_size']} wait in the daemon, {len(waiting)} on disk"
        listed = [
            task["task_id"]
            for task in status["tasks"]
            if (task["robot_id"], task["state"]) == (name, TaskState.PENDING.value)
        ]
        for task_id in listed:
            if task_id not in waiting:
                yield f"{name}: {task_id} waits in the daemon only"
        in_order = sorted(of_robot, key=lambda task: task.order)
        # one of an open batch goes before all others, which only the daemon knows
        alone = {task.id for task in of_robot if task.batch_id is None}
        kept_order = [task.id for task in in_order if task.id in alone and task.id in listed]
        if kept_order != [task_id for task_id in listed if task_id in alone]:
            yield f"{name}: the daemon has its tasks in another order"
        told = robot["running_task"]
        if running != ({told} if told is not None else set()):
            kept = ", ".join(sorted(running)) or "nothing"
            yield f"{name}: {told or 'nothing'} runs in the daemon, {kept} on disk"


def _holds(disk: Restored, status: Mapping[str, Any]) -> Iterator[str]:
    transient = {code.value for code in TRANSIENT_HOLDS}
    told = {
        (hold["robot_id"], hold["code"], hold["id"])
        for hold in status["holds"]
        if hold["code"] not in transient
    }
    kept = {
        (hold.robot, hold.code.value, hold.id)
        for hold in disk.holds
        if hold.robot in status["robots"] and hold.code not in TRANSIENT_HOLDS
    }
    for robot, code, hold_id in sorted(told ^ kept):
        where = "in the daemon" if (robot, code, hold_id) in told else "on disk"
        yield f"{robot}: held by {code} {where} only ({hold_id})"


def _counts(disk: Restored, status: Mapping[str, Any]) -> Iterator[str]:
    for state in (TaskState.COMPLETED, TaskState.FAILED, TaskState.CANCELLED):
        kept = sum(
            number for (api, _, of), number in disk.counts.items() if (api, of) == (_API, state)
        )
        told = status[f"{state.value}_tasks"]
        if told != kept:
            yield f"{told} tasks {state.value} in the daemon, {kept} on disk"


def _places(disk: Restored, places: Mapping[str, Any]) -> Iterator[str]:
    told = {
        (place["resource"], place["held_by"]["robot_id"])
        for place in places["resources"]
        if place["held_by"] is not None
    }
    kept = {(one.resource, one.robot) for one in disk.occupancies}
    for resource, robot in sorted(told ^ kept):
        where = "in the daemon" if (resource, robot) in told else "on disk"
        yield f"{resource} is taken by {robot} {where} only"


def _timers(disk: Restored, audit: Mapping[str, Any]) -> Iterator[str]:
    expiring = {
        task.id: task.expires_at_ms
        for task in disk.unfinished
        if task.expires_at_ms is not None
        and task.state is TaskState.PENDING
        and task.attempt == 0
        and task.work is None
    }
    armed = audit["expires_ms"]
    for task_id in sorted({*expiring, *armed}):
        if expiring.get(task_id) != armed.get(task_id):
            yield (
                f"{task_id} expires at {armed.get(task_id, 'no time')} in the daemon, "
                f"{expiring.get(task_id, 'no time')} on disk"
            )
    due = {task.id: at_ms for task in disk.unfinished if (at_ms := due_at_ms(task)) is not None}
    looked_at = audit["due_ms"]
    for task_id in sorted({*due, *looked_at}):
        # it may be looked at before its time, and never after
        if task_id not in due or looked_at.get(task_id, due[task_id] + 1) > due[task_id]:
            yield (
                f"{task_id}: the daemon looks at its lease at {looked_at.get(task_id, 'no time')}, "
                f"which is over at {due.get(task_id, 'no time')}"
            )
    series = {series_of(task): task.id for task in disk.unfinished if task.repeat is not None}
    for first in sorted({*series, *audit["repeats"]}):
        told = audit["repeats"].get(first)
        if told != series.get(first):
            yield (
                f"{first} repeats, with the run {told or 'none'} in the daemon, "
                f"{series.get(first) or 'none'} on disk"
            )
    for task_id in audit["starting"]:
        yield f"{task_id}: nothing keeps it from beginning, and nothing begins it"


def _locks(disk: Restored, audit: Mapping[str, Any]) -> Iterator[str]:
    held = {(one.resource, one.robot) for one in disk.occupancies}
    for task in disk.unfinished:
        for resource in audit["needs"].get(task.id, ()):
            if (resource, task.queue) not in held:
                yield f"{task.id} runs, and {task.queue} does not have {resource}"
    for resource, robot in audit["idle"].items():
        yield f"{robot} has {resource}, has nothing to do, and says that it stands elsewhere"
    for task_id in audit["changing"]:
        yield f"{task_id}: somebody has been changing it for a second or more"


def _steps(
    disk: Restored, told: Mapping[str, Sequence[tuple[str, str, float | None]]]
) -> Iterator[str]:
    for task in _with_steps(disk):
        kept = [(step.name, step.state.value, step.duration_s) for step in task.steps]
        if kept != told[task.id]:
            yield f"{task.id}: {len(told[task.id])} steps in the daemon, {len(kept)} on disk"
            yield from (
                f"{task.id}: its step {one[0]} is {one[1]} in the daemon, {other[1]} on disk"
                for one, other in zip(told[task.id], kept, strict=False)
                if one != other
            )


def listed(wrong: Sequence[str]) -> str:
    more = f"; and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
    return "; ".join(wrong[:_SHOWN]) + more
