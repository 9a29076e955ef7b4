"""Every request that a client makes, and how its answer is read. No I/O."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from robotq.client.errors import WrongKind
from robotq.client.shapes import Accepted, AcceptedBatch, Task, ToCancel, shapes
from robotq.model.json import JsonObject, JsonValue
from robotq.model.task import TaskState
from robotq.wire.holds import Hold
from robotq.wire.robots import EmergencyStop, QueueStatus, Resource, Robot
from robotq.wire.robots import MovedTask as Moved
from robotq.wire.service import CommandSpec
from robotq.wire.tasks import CancelledMany
from robotq.wire.tasks import Tasks as TaskPage

_T_co = TypeVar("_T_co", covariant=True)

_STOP_S = 60.0
"""Wall seconds that a robot may take to confirm a stop before the daemon answers."""


_READ_IN_S = 500_000
"""Bytes of a program that the daemon reads in a second, at least, before it answers."""


class Repeat(Enum):
    """When a request may be sent again after it got no answer."""

    UNSENT = auto()
    """Only where it never reached the daemon: a second one could do something twice."""
    QUEUED = auto()
    """Also where it may have; its key makes sure that it counts once, if the command is one of
    those that are queued."""
    ALWAYS = auto()
    """A second one changes nothing, or stops what is stopped already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[_T_co]):
    """One request."""

    method: str
    path: str
    read: Callable[[Any], _T_co]
    """What the answer means."""
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    repeat: Repeat = Repeat.UNSENT
    cmd_type: str = ""
    """With `Repeat.QUEUED`, the command that has to be one that is queued."""
    wait_s: float = 0.0
    """Wall seconds that the daemon may take on purpose."""

    @property
    def target(self) -> str:
        """Path and query as they stand in the request."""
        query = "&".join(f"{quote(key)}={quote(value)}" for key, value in self.query.items())
        return f"{self.path}?{query}" if query else self.path


def new_key() -> str:
    """An Idempotency-Key that nobody has used."""
    return uuid.uuid4().hex


def command_of(
    command: str | JsonObject, params: JsonValue, fields: Mapping[str, Any]
) -> JsonObject:
    """The body of a command: a `cmd_type` with its params, or a whole command; `fields` that
    are not None go over it."""
    body = {"cmd_type": command} if isinstance(command, str) else dict(command)
    if params is not None:
        body["params"] = params
    return {**body, **{key: value for key, value in fields.items() if value is not None}}


def submit(body: JsonObject, key: str) -> Call[Accepted]:
    def read(answer: JsonObject) -> Accepted:
        if "task_id" not in answer:
            raise WrongKind(f"{body.get('cmd_type')} acts at once: use `immediate`", answer)
        return Accepted.read(answer, idempotency_key=key)

    return _keyed(
        _post("/", body, read), key, repeat=Repeat.QUEUED, cmd_type=str(body.get("cmd_type", ""))
    )


def submit_batch(
    bodies: Sequence[JsonObject], key: str, contiguous: bool | None
) -> Call[AcceptedBatch]:
    query = {} if contiguous is None else {"contiguous": str(contiguous).lower()}
    call = _post(
        "/",
        list(bodies),
        lambda answer: AcceptedBatch.read(answer, idempotency_key=key),
        query=query,
    )
    # only queued commands are taken in a batch
    return _keyed(call, key, repeat=Repeat.ALWAYS)


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
    wait_s = _STOP_S + len(content) / _READ_IN_S
    call = Call(method="POST", path="/", read=_as_it_is, body=content, wait_s=wait_s)
    return _keyed(call, key, repeat=repeat, cmd_type=str(cmd_type))


def immediate(body: JsonObject) -> Call[JsonObject]:
    def read(answer: JsonObject) -> JsonObject:
        if "task_id" in answer and "cmd_type" not in answer:
            raise WrongKind(f"{body.get('cmd_type')} is queued: use `submit`", answer)
        return answer

    call = _post("/", body, read)
    return replace(call, headers={**call.headers, "Prefer": "respond-async"}, wait_s=_STOP_S)


def dry_run(body: JsonValue) -> Call[Sequence[JsonObject]]:
    return _post(
        "/",
        body,
        lambda answer: tuple(answer["commands"]),
        query={"dry_run": "true"},
        repeat=Repeat.ALWAYS,
    )


def task(task_id: str, wait_s: float = 0.0) -> Call[Task]:
    query = {"wait": f"{wait_s:g}"} if wait_s > 0 else {}
    return replace(_get(f"/task/{_part(task_id)}", Task.read, query), wait_s=wait_s)


def tasks(filters: Mapping[str, Any]) -> Call[TaskPage]:
    return _get("/tasks", TaskPage.read, _query(filters))


def cancel(task_id: str, reason: str) -> Call[Task]:
    return _on_task(task_id, "cancel", {"reason": reason}, repeat=Repeat.ALWAYS, wait_s=_STOP_S)


def to_cancel(selection: Mapping[str, Any]) -> Call[ToCancel]:
    wanted = {key: _listed(value) for key, value in selection.items() if value is not None}
    return _post(
        "/tasks/cancel",
        wanted,
        lambda answer: ToCancel.read(answer, selection=wanted),
        repeat=Repeat.ALWAYS,
    )


def cancel_many(found: ToCancel, reason: str) -> Call[CancelledMany]:
    seen = {"count": found.matching, "up_to": found.up_to, "reason": reason}
    body = {**found.selection, **seen}
    # the second one goes on with what the first has left
    call = _post("/tasks/cancel", body, CancelledMany.read, repeat=Repeat.ALWAYS)
    return replace(call, wait_s=_STOP_S)


def resolve(
    task_id: str, outcome: str, key: str, *, note: str, revision: int | None, then: str | None
) -> Call[Task]:
    body = {"outcome": outcome, "note": note, **about(revision=revision, then=then)}
    call = _on_task(task_id, "resolve", body, repeat=Repeat.ALWAYS)
    return replace(call, headers={**call.headers, "Idempotency-Key": key})


def answer_task(task_id: str, value: JsonValue, question: int | None) -> Call[Task]:
    return replace(_on_task(task_id, "input", value), query=_query({"question": question}))


def retry(task_id: str, key: str, note: str, then: str | None) -> Call[Task]:
    call = _on_task(task_id, "retry", about(note=note, then=then), repeat=Repeat.ALWAYS)
    return replace(call, headers={**call.headers, "Idempotency-Key": key})


def retry_batch(batch_id: str, key: str, note: str, then: str | None) -> Call[AcceptedBatch]:
    call = _post(
        f"/batch/{_part(batch_id)}/retry",
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
    return _post(f"/task/{_part(task_id)}/move", body, Moved.read)


def waiting(status: QueueStatus) -> list[str]:
    """The waiting tasks of a status, in the order of the queue."""
    return [task.task_id for task in status.tasks if task.state is TaskState.PENDING]


def resources() -> Call[tuple[Resource, ...]]:
    return _get("/resources", shapes(Resource.read, "resources"))


def release(resource: str, holder: str, note: str, since_ms: int | None) -> Call[JsonObject]:
    # the place may have changed hands meanwhile
    body = about(holder=holder, note=note, since_ms=since_ms)
    return _post(f"/resources/{_part(resource)}/release", body, _as_it_is)


def queue_status(robot_id: str | None, limit: int) -> Call[QueueStatus]:
    query = _query({"robot_id": robot_id, "limit": limit})
    return _get("/queue/status", QueueStatus.read, query)


def pause(robot_id: str | None, reason: str) -> Call[tuple[Hold, ...]]:
    body = {**_robot(robot_id), "reason": reason}
    return _post("/queue/pause", body, shapes(Hold.read, "holds"), repeat=Repeat.ALWAYS)


def resumable(status: QueueStatus) -> list[str]:
    """The ids of the holds that a resume lifts."""
    return [hold.id for hold in status.holds if hold.clear.get("action") == "resume" and hold.id]


def resume(
    robot_id: str | None, holds: Sequence[str] | None, note: str, then: str | None
) -> Call[tuple[Hold, ...]]:
    body = {**_robot(robot_id), **about(holds=holds, note=note, then=then)}
    return _post("/queue/resume", body, shapes(Hold.read, "holds"))


def estop(reason: str) -> Call[EmergencyStop]:
    return _post("/estop", {"reason": reason}, EmergencyStop.read, repeat=Repeat.ALWAYS)


def estop_state() -> Call[EmergencyStop]:
    return _get("/estop", EmergencyStop.read)


def reset_estop(
    robot_id: str | None, holds: Sequence[str] | None, note: str
) -> Call[EmergencyStop]:
    path = "/estop/reset" if robot_id is None else f"/robots/{_part(robot_id)}/reset"
    return replace(_post(path, about(holds=holds, note=note), EmergencyStop.read), wait_s=_STOP_S)


def robots() -> Call[tuple[Robot, ...]]:
    return _get("/robots", shapes(Robot.read, "robots"))


def robot(robot_id: str) -> Call[Robot]:
    return _get(f"/robots/{_part(robot_id)}", Robot.read)


def on_robot(robot_id: str, action: str, body: JsonObject) -> Call[tuple[Hold, ...]]:
    """`action`: hold, resume, stop."""
    call = _post(f"/robots/{_part(robot_id)}/{action}", body, shapes(Hold.read, "holds"))
    # letting a motion go on is the one that must not come late
    repeat = Repeat.UNSENT if action == "resume" else Repeat.ALWAYS
    return replace(call, repeat=repeat, wait_s=_STOP_S)


def commands() -> Call[tuple[CommandSpec, ...]]:
    return _get("/commands", shapes(CommandSpec.read, "commands"))


def command(cmd_type: str) -> Call[CommandSpec]:
    return _get(f"/commands/{_part(cmd_type)}", CommandSpec.read)


def health() -> Call[JsonObject]:
    return _get("/health", _as_it_is)


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
        read=_as_it_is,
        query=_query(query),
        body=body if body is None or isinstance(body, bytes) else _json(body),
        headers=headers,
        repeat=repeat,
        wait_s=_STOP_S,
    )


def _get(
    path: str, read: Callable[[Any], _T_co], query: Mapping[str, str] | None = None
) -> Call[_T_co]:
    return Call(method="GET", path=path, read=read, query=query or {}, repeat=Repeat.ALWAYS)


def _post(
    path: str,
    body: JsonValue,
    read: Callable[[Any], _T_co],
    *,
    query: Mapping[str, str] | None = None,
    repeat: Repeat = Repeat.UNSENT,
) -> Call[_T_co]:
    content = _json(body)
    return Call(
        method="POST",
        path=path,
        read=read,
        query=query or {},
        body=content,
        repeat=repeat,
        wait_s=len(content) / _READ_IN_S,
    )


def _keyed(call: Call[_T_co], key: str, *, repeat: Repeat, cmd_type: str = "") -> Call[_T_co]:
    # a daemon in synchronous mode would keep the connection until the robot has moved
    headers = {"Idempotency-Key": key, "Prefer": "respond-async"}
    return replace(call, headers=headers, repeat=repeat, cmd_type=cmd_type)


def _on_task(
    task_id: str,
    action: str,
    body: JsonValue,
    *,
    repeat: Repeat = Repeat.UNSENT,
    wait_s: float = 0.0,
) -> Call[Task]:
    call = _post(f"/task/{_part(task_id)}/{action}", body, lambda answer: Task.read(answer["task"]))
    return replace(call, repeat=repeat, wait_s=wait_s)


def _query(values: Mapping[str, Any]) -> Mapping[str, str]:
    return {key: str(value) for key, value in values.items() if value is not None}


def _robot(robot_id: str | None) -> JsonObject:
    return {} if robot_id is None else {"robot_id": robot_id}


def about(**fields: Any) -> JsonObject:
    """What a confirmation names, without what it leaves open."""
    return {
        key: list(value) if key == "holds" else value
        for key, value in fields.items()
        if value is not None and value != ""
    }


def _listed(value: Any) -> JsonValue:
    """A set or a tuple as JSON has it."""
    return value if isinstance(value, str | int) else list(value)


def _part(text: str) -> str:
    return quote(text, safe="")


def _json(value: JsonValue) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


def _as_it_is(answer: Any) -> Any:
    return answer
