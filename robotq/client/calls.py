"""Every route that a client asks, and how its answer is read. No I/O."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from robotq.client.errors import WrongKind
from robotq.client.request import (
    READ_IN_S,
    Call,
    Repeat,
    about,
    as_it_is,
    as_json,
    get,
    keyed,
    part,
    post,
    query_of,
)
from robotq.client.shapes import Accepted, AcceptedBatch, Task, ToCancel, shapes
from robotq.model.json import JsonObject, JsonValue
from robotq.model.task import TaskState
from robotq.wire.holds import Hold
from robotq.wire.robots import EmergencyStop, QueueStatus, Resource, Robot
from robotq.wire.robots import MovedTask as Moved
from robotq.wire.service import CommandSpec
from robotq.wire.task_lists import CancelledMany
from robotq.wire.task_lists import Tasks as TaskPage

_STOP_S = 60.0
"""Wall seconds that a robot may take to confirm a stop before the daemon answers."""


def submit(body: JsonObject, key: str) -> Call[Accepted]:
    def read(answer: JsonObject) -> Accepted:
        if "task_id" not in answer:
            raise WrongKind(f"{body.get('cmd_type')} acts at once: use `immediate`", answer)
        return Accepted.read(answer, idempotency_key=key)

    return keyed(
        post("/", body, read),
        key,
        repeat=Repeat.QUEUED,
        cmd_type=str(body.get("cmd_type", "")),
    )


def submit_batch(
    bodies: Sequence[JsonObject], key: str, contiguous: bool | None
) -> Call[AcceptedBatch]:
    query = {} if contiguous is None else {"contiguous": str(contiguous).lower()}
    call = post(
        "/",
        list(bodies),
        lambda answer: AcceptedBatch.read(answer, idempotency_key=key),
        query=query,
    )
    # only queued commands are taken in a batch
    return keyed(call, key, repeat=Repeat.ALWAYS)


def submit_file(content: bytes, key: str) -> Call[JsonObject]:
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        # the daemon says what is wrong with it
        body = None
    cmd_type = body.get("cmd_type") if isinstance(body, dict) else None
    if isinstance(body, list):
        # only queued commands are taken in a batch
        repeat = Repeat.ALWAYS
    else:
        repeat = Repeat.QUEUED if isinstance(cmd_type, str) else Repeat.UNSENT
    wait_s = _STOP_S + len(content) / READ_IN_S
    call = Call(method="POST", path="/", read=as_it_is, body=content, wait_s=wait_s)
    return keyed(call, key, repeat=repeat, cmd_type=str(cmd_type))


def immediate(body: JsonObject) -> Call[JsonObject]:
    def read(answer: JsonObject) -> JsonObject:
        if "task_id" in answer and "cmd_type" not in answer:
            raise WrongKind(f"{body.get('cmd_type')} is queued: use `submit`", answer)
        return answer

    call = post("/", body, read)
    return replace(call, headers={**call.headers, "Prefer": "respond-async"}, wait_s=_STOP_S)


def dry_run(body: JsonValue) -> Call[Sequence[JsonObject]]:
    return post(
        "/",
        body,
        lambda answer: tuple(answer["commands"]),
        query={"dry_run": "true"},
        repeat=Repeat.ALWAYS,
    )


def task(task_id: str, wait_s: float = 0.0) -> Call[Task]:
    query = {"wait": f"{wait_s:g}"} if wait_s > 0 else {}
    return replace(get(f"/task/{part(task_id)}", Task.read, query), wait_s=wait_s)


def tasks(filters: Mapping[str, Any]) -> Call[TaskPage]:
    return get("/tasks", TaskPage.read, query_of(filters))


def cancel(task_id: str, reason: str) -> Call[Task]:
    return _on_task(task_id, "cancel", {"reason": reason}, repeat=Repeat.ALWAYS, wait_s=_STOP_S)


def to_cancel(selection: Mapping[str, Any]) -> Call[ToCancel]:
    wanted = {key: _listed(value) for key, value in selection.items() if value is not None}
    return post(
        "/tasks/cancel",
        wanted,
        lambda answer: ToCancel.read(answer, selection=wanted),
        repeat=Repeat.ALWAYS,
    )


def cancel_many(found: ToCancel, reason: str) -> Call[CancelledMany]:
    seen = {"count": found.matching, "up_to": found.up_to, "reason": reason}
    body = {**found.selection, **seen}
    # the second one goes on with what the first has left
    call = post("/tasks/cancel", body, CancelledMany.read, repeat=Repeat.ALWAYS)
    return replace(call, wait_s=_STOP_S)


def resolve(
    task_id: str, outcome: str, key: str, *, note: str, revision: int | None, then: str | None
) -> Call[Task]:
    body = {"outcome": outcome, "note": note, **about(revision=revision, then=then)}
    call = _on_task(task_id, "resolve", body, repeat=Repeat.ALWAYS)
    return replace(call, headers={**call.headers, "Idempotency-Key": key})


def answer_task(task_id: str, value: JsonValue, question: int | None) -> Call[Task]:
    return replace(_on_task(task_id, "input", value), query=query_of({"question": question}))


def retry(task_id: str, key: str, note: str, then: str | None) -> Call[Task]:
    call = _on_task(task_id, "retry", about(note=note, then=then), repeat=Repeat.ALWAYS)
    return replace(call, headers={**call.headers, "Idempotency-Key": key})


def retry_batch(batch_id: str, key: str, note: str, then: str | None) -> Call[AcceptedBatch]:
    call = post(
        f"/batch/{part(batch_id)}/retry",
        about(note=note, then=then),
        lambda answer: AcceptedBatch.read(answer, idempotency_key=key),
        repeat=Repeat.ALWAYS,
    )
    return replace(call, headers={**call.headers, "Idempotency-Key": key})


def approve(task_id: str, note: str, revision: int | None, then: str | None) -> Call[Task]:
    return _on_task(task_id, "approve", {"note": note, **about(revision=revision, then=then)})


def reject(task_id: str, reason: str, revision: int | None) -> Call[Task]:
    return _on_task(task_id, "reject", {"reason": reason, **about(revision=revision)})


def move(task_id: str, robot_id: str, note: str) -> Call[Moved]:
    # the other robot may begin it at once, so it must not come late
    body = {"robot_id": robot_id, **about(note=note)}
    return post(f"/task/{part(task_id)}/move", body, Moved.read)


def waiting(status: QueueStatus) -> list[str]:
    """The waiting tasks of a status, in the order of the queue."""
    return [task.task_id for task in status.tasks if task.state is TaskState.PENDING]


def resources() -> Call[tuple[Resource, ...]]:
    return get("/resources", shapes(Resource.read, "resources"))


def release(resource: str, holder: str, note: str, since_ms: int | None) -> Call[JsonObject]:
    # the place may have changed hands meanwhile
    body = about(holder=holder, note=note, since_ms=since_ms)
    return post(f"/resources/{part(resource)}/release", body, as_it_is)


def queue_status(robot_id: str | None, limit: int) -> Call[QueueStatus]:
    query = query_of({"robot_id": robot_id, "limit": limit})
    return get("/queue/status", QueueStatus.read, query)


def pause(robot_id: str | None, reason: str) -> Call[tuple[Hold, ...]]:
    body = {**_robot(robot_id), "reason": reason}
    return post("/queue/pause", body, shapes(Hold.read, "holds"), repeat=Repeat.ALWAYS)


def resumable(status: QueueStatus) -> list[str]:
    """The ids of the holds that a resume lifts."""
    return [hold.id for hold in status.holds if hold.clear.get("action") == "resume" and hold.id]


def resume(
    robot_id: str | None, holds: Sequence[str] | None, note: str, then: str | None
) -> Call[tuple[Hold, ...]]:
    body = {**_robot(robot_id), **about(holds=holds, note=note, then=then)}
    return post("/queue/resume", body, shapes(Hold.read, "holds"))


def estop(reason: str) -> Call[EmergencyStop]:
    return post("/estop", {"reason": reason}, EmergencyStop.read, repeat=Repeat.ALWAYS)


def estop_state() -> Call[EmergencyStop]:
    return get("/estop", EmergencyStop.read)


def reset_estop(
    robot_id: str | None, holds: Sequence[str] | None, note: str
) -> Call[EmergencyStop]:
    path = "/estop/reset" if robot_id is None else f"/robots/{part(robot_id)}/reset"
    return replace(post(path, about(holds=holds, note=note), EmergencyStop.read), wait_s=_STOP_S)


def robots() -> Call[tuple[Robot, ...]]:
    return get("/robots", shapes(Robot.read, "robots"))


def robot(robot_id: str) -> Call[Robot]:
    return get(f"/robots/{part(robot_id)}", Robot.read)


def on_robot(robot_id: str, action: str, body: JsonObject) -> Call[tuple[Hold, ...]]:
    """`action`: hold, resume, stop."""
    call = post(f"/robots/{part(robot_id)}/{action}", body, shapes(Hold.read, "holds"))
    # letting a motion go on is the one that must not come late
    repeat = Repeat.UNSENT if action == "resume" else Repeat.ALWAYS
    return replace(call, repeat=repeat, wait_s=_STOP_S)


def commands() -> Call[tuple[CommandSpec, ...]]:
    return get("/commands", shapes(CommandSpec.read, "commands"))


def command(cmd_type: str) -> Call[CommandSpec]:
    return get(f"/commands/{part(cmd_type)}", CommandSpec.read)


def health() -> Call[JsonObject]:
    return get("/health", as_it_is)


def other(
    method: str,
    path: str,
    body: JsonValue,
    query: Mapping[str, Any],
    headers: Mapping[str, str],
    *,
    safe: bool = False,
) -> Call[Any]:
    """Any request."""
    repeat = Repeat.ALWAYS if safe or method in ("GET", "HEAD") else Repeat.UNSENT
    return Call(
        method=method,
        path=path,
        read=as_it_is,
        query=query_of(query),
        body=body if body is None or isinstance(body, bytes) else as_json(body),
        headers=headers,
        repeat=repeat,
        wait_s=_STOP_S,
    )


def _on_task(
    task_id: str,
    action: str,
    body: JsonValue,
    *,
    repeat: Repeat = Repeat.UNSENT,
    wait_s: float = 0.0,
) -> Call[Task]:
    call = post(f"/task/{part(task_id)}/{action}", body, lambda answer: Task.read(answer["task"]))
    return replace(call, repeat=repeat, wait_s=wait_s)


def _robot(robot_id: str | None) -> JsonObject:
    return {} if robot_id is None else {"robot_id": robot_id}


def _listed(value: Any) -> JsonValue:
    """A set or a tuple as JSON has it."""
    return value if isinstance(value, str | int) else list(value)
