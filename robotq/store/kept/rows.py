"""Records to rows and back: tasks, the journal, answers to keys. A record that is read equals the
one that was written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import compress
from operator import attrgetter, ne
from typing import Any, TypeAlias

import orjson
from msgspec import NODEFAULT, Struct
from msgspec.structs import asdict, fields

from robotq.model.carried.artifact import Artifact
from robotq.model.carried.program import StoredProgram, programs_in, with_programs
from robotq.model.event import Event
from robotq.model.json import JsonValue
from robotq.model.json.known import EMBED, embedded
from robotq.model.task import (
    Asked,
    Command,
    DeviceRun,
    Question,
    Repeat,
    Resolution,
    Step,
    StepState,
    Task,
    TaskError,
    TaskState,
    Work,
)
from robotq.store.port import Answer

Row: TypeAlias = tuple[Any, ...]

WHO_IT_IS = 6
"""Leading columns of a task's row that only a move to another place changes."""

_STEPS = (
    # one value for all of them: each row that is fetched gives the interpreter's lock away
    "(SELECT '[' || group_concat(step) || ']' FROM "
    "(SELECT step FROM steps WHERE task = tasks.seq ORDER BY number))"
)
TASK_COLUMNS = (
    "api, queue, cmd_type, cmd_id, batch_id, submitted_at_ms, state, revision, ended_at_ms, "
    f"rest, seq, id, {_STEPS}"
)
EVENT_COLUMNS = "kind, at_ms, actor, api, robot, task_id, before, after, data, id"

# Fields of a task that have a default and no place of their own: kept in `rest` where they
# differ from it.
_OPTIONAL = {
    field.name: field.default
    for field in fields(Task)
    if field.default is not NODEFAULT
    and field.name not in ("batch_id", "state", "revision", "ended_at_ms", "steps")
}
_DEFAULTS = tuple(_OPTIONAL.values())
_optional_values = attrgetter(*_OPTIONAL)


def task_to_row(task: Task) -> Row:
    """The parameters of `insert_task`.

    Raises TypeError for what JSON cannot hold.
    """
    command = task.command
    rest = {"actor": task.actor, "rank": task.rank, "params": command.params}
    if names_programs(command.params):
        # a client may have sent an object that looks the same
        rest["programs"] = [name for name, _ in programs_in(command.params)]
    if command.extra:
        rest["extra"] = command.extra
    if command.callback_url is not None:
        rest["callback_url"] = command.callback_url
    values = _optional_values(task)
    if values != _DEFAULTS:  # one comparison is all that a new task needs
        rest.update(compress(zip(_OPTIONAL, values, strict=True), map(ne, values, _DEFAULTS)))
    return (
        task.api,
        task.queue,
        command.cmd_type,
        command.cmd_id,
        task.batch_id,
        task.submitted_at_ms,
        # not `.value`, which takes longer than all other columns together
        str(task.state),
        task.revision,
        task.ended_at_ms,
        task.error.code if task.error is not None else None,
        task.error is not None and task.outcome_unknown,
        json_text(rest),
        task.seq,
        task.id,
    )


def task_from_row(row: Row) -> Task:
    """The task of a row of TASK_COLUMNS."""
    (api, queue, cmd_type, cmd_id, batch_id, submitted_at_ms, *row_rest) = row
    (state, revision, ended_at_ms, rest_text, seq, task_id, steps_text) = row_rest
    rest = orjson.loads(rest_text)
    if "steps" in rest:
        # an earlier robotq has written them here, and they are not moved yet
        rest["steps"] = steps_in(rest)
    elif steps_text is not None:
        rest["steps"] = tuple(map(_step, orjson.loads(steps_text)))
    params = rest.pop("params")
    if "programs" in rest:
        params = with_programs(params, rest.pop("programs"))
    command = Command(
        cmd_type=cmd_type,
        params=params,
        cmd_id=cmd_id,
        callback_url=rest.pop("callback_url", None),
        extra=rest.pop("extra", {}),
    )
    for name, record in (
        ("repeat", Repeat),
        ("waiting_for", Question),
        ("error", TaskError),
        ("resolution", Resolution),
        ("asked", Asked),
        ("run", DeviceRun),
        ("work", Work),
    ):
        if name in rest:
            rest[name] = record(**rest[name])
    if "artifacts" in rest:
        rest["artifacts"] = tuple(Artifact(**one) for one in rest["artifacts"])
    return Task(
        id=task_id,
        seq=seq,
        api=api,
        queue=queue,
        command=command,
        submitted_at_ms=submitted_at_ms,
        batch_id=batch_id,
        state=TaskState(state),
        revision=revision,
        ended_at_ms=ended_at_ms,
        **rest,
    )


def names_programs(params: JsonValue) -> bool:
    """Whether files of programs belong to a command. Nearly none has any."""
    return type(params) is dict and StoredProgram in map(type, params.values())


def programs_to_rows(task: Task) -> Iterator[Row]:
    """The parameters of `program`: the files that a task names."""
    if not names_programs(task.command.params):
        return
    for sha256 in dict.fromkeys(one.sha256 for _, one in programs_in(task.command.params)):
        yield task.seq, sha256


def steps_in(rest: Mapping[str, Any]) -> tuple[Step, ...]:
    """Those that an earlier robotq has written into the row of their task."""
    return tuple(map(_step, rest.get("steps", ())))


def _step(known: dict[str, Any]) -> Step:
    return Step(**(known | {"state": StepState(known["state"])}))


def steps_to_rows(seq: int, steps: Sequence[Step], was: Sequence[Step] = ()) -> Iterator[Row]:
    """The parameters of `step`, for those of task number `seq` that are not as they were."""
    for number, step in enumerate(steps):
        # the record itself: what was not reported anew is handed on from one task to the next
        if number >= len(was) or step is not was[number]:
            yield seq, number, _step_text(step)


def _step_text(step: Step) -> str:
    known: dict[str, JsonValue] = {
        "name": step.name,
        "state": step.state.value,
        "started_at_ms": step.started_at_ms,
    }
    if step.duration_s is not None:
        known["duration_s"] = step.duration_s
    if step.detail:
        known["detail"] = step.detail
    return json_text(known)


def event_to_row(event: Event, event_id: int) -> Row:
    """The parameters of `insert_event`."""
    return (
        event.kind,
        event.at_ms,
        event.actor,
        event.api,
        event.robot,
        event.task_id,
        event.before,
        event.after,
        json_text(event.data),
        event_id,
    )


def event_from_row(row: Row) -> Event:
    """The event of a row of EVENT_COLUMNS."""
    kind, at_ms, actor, api, robot, task_id, before, after, data, event_id = row
    return Event(
        id=event_id,
        kind=kind,
        at_ms=at_ms,
        actor=actor,
        api=api,
        robot=robot,
        task_id=task_id,
        before=before,
        after=after,
        data=orjson.loads(data),
    )


def answer_to_row(answer: Answer) -> Row:
    return (
        answer.scope,
        answer.key,
        answer.fingerprint,
        json_text(answer.body),
        answer.at_ms,
    )


def answer_from_row(row: Row) -> Answer:
    scope, key, fingerprint, body, at_ms = row
    return Answer(
        scope=scope, key=key, fingerprint=fingerprint, body=orjson.loads(body), at_ms=at_ms
    )


def json_text(value: JsonValue) -> str:
    """`value` as JSON. Raises TypeError for what JSON cannot hold."""
    return orjson.dumps(value, default=plain, option=EMBED).decode()


def plain(value: object) -> Any:
    """A record or a mapping as an object for JSON, or the JSON that a value knows. Raises
    TypeError for anything else."""
    if isinstance(value, Struct):
        return asdict(value)
    if isinstance(value, Mapping) and not isinstance(value, dict):
        return dict(value)
    return embedded(value)
