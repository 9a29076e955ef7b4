"""Tasks and events as the engine makes them."""

from __future__ import annotations

import hashlib
import itertools
from typing import Any

from msgspec.structs import replace

from robotq.model.carried.artifact import Artifact
from robotq.model.carried.program import stored
from robotq.model.delivery import Delivery, DeliveryState, Problem, Receiver
from robotq.model.event import Event
from robotq.model.hold import Hold, HoldCode, Occupancy
from robotq.model.ids import task_id
from robotq.model.item import Item, ItemBatch, ItemPriority, ItemStatus
from robotq.model.task import (
    OUTCOME_UNKNOWN,
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
)
from robotq.model.transitions import Action, transition
from robotq.store.port import (
    AddToTally,
    Answer,
    AppendEvent,
    Mutation,
    SaveAnswer,
    SaveDelivery,
    SaveHold,
    SaveItem,
    SaveItemBatch,
    SaveOccupancy,
    SaveTask,
    SetFact,
    Tally,
)

NOON_MS = 1_702_641_600_000


def pending(seq: int, **changes: Any) -> Task:
    """A task that has just been submitted, a second after the one before."""
    at_ms = NOON_MS + seq * 1000
    fields: dict[str, Any] = {
        "id": task_id(at_ms, seq),
        "seq": seq,
        "api": "robot",
        "queue": "robot_a",
        "command": Command(cmd_type="SCAN_QRCODE", params={"timeout": 30}, cmd_id=f"CMD_{seq}"),
        "actor": "anonymous",
        "submitted_at_ms": at_ms,
        "rank": float(seq),
    }
    return Task(**(fields | changes))


def claimed(task: Task) -> Task:
    return transition(task, Action.CLAIM, started_at_ms=task.submitted_at_ms + 100)


def completed(task: Task, **changes: Any) -> Task:
    """The claimed task, done."""
    changes = {"ended_at_ms": task.submitted_at_ms + 900, "result": {"scanned": 4}} | changes
    return transition(task, Action.COMPLETE, fence=task.fence, **changes)


def failed(task: Task, code: str = "device_error", **changes: Any) -> Task:
    """The claimed task, gone wrong."""
    changes = {
        "ended_at_ms": task.submitted_at_ms + 900,
        "error": TaskError(code=code, args={"reason": "gripper empty"}, step="pick"),
    } | changes
    return transition(task, Action.FAIL, fence=task.fence, **changes)


def submit(task: Task) -> list[Mutation]:
    """What a submit writes."""
    return [SaveTask(task, None), AppendEvent(event(task))]


def change(before: Task, after: Task) -> list[Mutation]:
    """What any later change of a task writes."""
    return [SaveTask(after, before), AppendEvent(event(after, before))]


def life(*states: Task) -> list[Mutation]:
    """What is written from the submit of a task on."""
    mutations = submit(states[0])
    for before, after in itertools.pairwise(states):
        mutations += change(before, after)
    return mutations


def event(task: Task, before: Task | None = None) -> Event:
    return Event(
        kind=f"task.{task.state.value}",
        at_ms=task.ended_at_ms or task.started_at_ms or task.submitted_at_ms,
        actor=task.actor,
        api=task.api,
        robot=task.queue,
        task_id=task.id,
        before=before.state.value if before is not None else None,
        after=task.state.value,
        data={"cmd_type": task.command.cmd_type},
    )


def answer(key: str, at_ms: int = NOON_MS, scope: str = "robot/anonymous") -> Answer:
    return Answer(
        scope=scope,
        key=key,
        fingerprint="ab" * 32,
        body={"task_ids": ["task_20231215_143022_abc123"], "queue_size": 5},
        at_ms=at_ms,
    )


def everything() -> list[Mutation]:
    """One of everything that a store keeps, with every field of a task set at least once.

    The kept databases contain this: what is new goes into a function of its own.
    """
    first = completed(claimed(pending(1)), simulated=True, progress=1.0)
    asking = transition(
        claimed(pending(2)),
        Action.PROGRESS,
        fence=1,
        steps=(
            Step(
                name="移动到扫码位",
                state=StepState.COMPLETED,
                started_at_ms=NOON_MS,
                duration_s=12.25,
                detail={"bottle_id": "bottle_001"},
            ),
            Step(name="scan", state=StepState.RUNNING, started_at_ms=NOON_MS + 13_000),
        ),
        progress=0.5,
        partial={"scanned_bottles": [{"slot_index": 0}]},
        waiting_for=Question(
            prompt="ask.bottle_id",
            args={"slot_index": 3},
            schema={"type": "object"},
            answered_by="SCAN_QRCODE_ENTER_ID",
            asked_at_ms=NOON_MS + 14_000,
            deadline_ms=NOON_MS + 74_000,
        ),
    )
    later = pending(
        3,
        command=Command(cmd_type="WAIT", params=[1, 2.5, None, "\x00"], extra={"note": "瓶子"}),
        priority=-10,
        rank=0.5,
        not_before_ms=NOON_MS,
        expires_at_ms=NOON_MS * 2,
        batch_id="batch_20231215_143022_abc123",
        contiguous=True,
        retry_of=first.id,
    )
    unknown = failed(claimed(pending(4, queue="robot_b")), OUTCOME_UNKNOWN)
    resolved = transition(
        unknown,
        Action.RESOLVE,
        resolution=Resolution(
            outcome="retry", actor="wang", at_ms=NOON_MS, note="arm was empty", retried_as=later.id
        ),
    )
    return [
        *life(pending(1), claimed(pending(1)), first),
        *life(pending(2), claimed(pending(2)), asking),
        *life(later),
        *life(pending(4, queue="robot_b"), claimed(pending(4, queue="robot_b")), unknown, resolved),
        *life(pending(5, api="task_queue", queue="print", command=Command(cmd_type="PRINT"))),
        SaveHold(
            Hold(
                robot="robot_b",
                code=HoldCode.OUTCOME_UNKNOWN,
                since_ms=NOON_MS,
                task_id=unknown.id,
                args={"cause": "cause.daemon_died"},
            )
        ),
        SaveHold(Hold(robot="robot_a", code=HoldCode.PAUSED, since_ms=NOON_MS + 1, actor="wang")),
        SaveOccupancy(
            Occupancy(resource="scanner", robot="robot_a", since_ms=NOON_MS, task_id=asking.id)
        ),
        SaveAnswer(answer("first")),
        SetFact("armed", {"value": True}),
    ]


def saved(mutations: list[Mutation]) -> dict[str, Task]:
    """The tasks as they are after these mutations."""
    return {
        mutation.task.id: mutation.task for mutation in mutations if isinstance(mutation, SaveTask)
    }


def counted(tasks: dict[str, Task]) -> dict[tuple[str, str, TaskState], int]:
    counts: dict[tuple[str, str, TaskState], int] = {}
    for task in tasks.values():
        key = (task.api, task.queue, task.state)
        counts[key] = counts.get(key, 0) + 1
    return counts


def numbered(mutations: list[Mutation]) -> list[Event]:
    """The journal after these mutations, on a new store."""
    events = [mutation.event for mutation in mutations if isinstance(mutation, AppendEvent)]
    return [replace(event, id=number) for number, event in enumerate(events, 1)]


def webhooks() -> list[Mutation]:
    """One webhook in each state."""
    sent = Delivery(
        task_id=pending(1).id,
        receiver=Receiver.SITE,
        url="http://127.0.0.1:9000/hook",
        created_at_ms=NOON_MS,
        state=DeliveryState.DELIVERED,
        attempts=1,
        ended_at_ms=NOON_MS + 20,
    )
    waiting = Delivery(
        task_id=pending(1).id,
        receiver=Receiver.CALLER,
        url="http://lab.example/回调",
        created_at_ms=NOON_MS,
        attempts=2,
        problem=Problem(code="webhook.status", args={"status": 500}),
        next_attempt_at_ms=NOON_MS + 10_000,
    )
    given_up = Delivery(
        task_id=pending(4).id,
        receiver=Receiver.SITE,
        url="http://127.0.0.1:9000/hook",
        created_at_ms=NOON_MS + 1,
        state=DeliveryState.UNDELIVERED,
        attempts=4,
        problem=Problem(code="webhook.timeout"),
        ended_at_ms=NOON_MS + 40_000,
    )
    return [SaveDelivery(sent), SaveDelivery(waiting), SaveDelivery(given_up)]


def tallies() -> list[Mutation]:
    """One tally over all time, one of an hour."""
    hour_ms = NOON_MS // 3_600_000 * 3_600_000
    return [
        AddToTally(Tally(api="orchestrator", name="completed", value=7)),
        AddToTally(Tally(api="orchestrator", name="completed", hour_ms=hour_ms, value=3)),
    ]


def repeats() -> list[Mutation]:
    """Two runs of a repeating command."""
    first = pending(6, queue="robot_b", repeat=Repeat(count=3))
    again = Repeat(count=3, run=2)
    following = pending(7, queue="robot_b", repeat=again, repeat_of=first.id)
    return [*life(first, claimed(first), completed(claimed(first))), *submit(following)]


def scanned(seq: int, steps: int, queue: str = "robot_c") -> list[Task]:
    """A scan from its submit to its end, as it was after each report."""
    task = pending(seq, queue=queue)
    states = [task, claimed(task)]
    for number in range(steps):
        at_ms = task.submitted_at_ms + 100 + number
        step = Step(
            name="SCANNING",
            state=StepState.RUNNING,
            started_at_ms=at_ms,
            detail={"bottle_id": f"bottle_{number:04}"},
        )
        done = replace(step, state=StepState.COMPLETED, duration_s=round(1.5 + number / 8, 3))
        known = states[-1].steps
        for reported in (step, done):
            after = (*known, reported)
            states.append(transition(states[-1], Action.PROGRESS, fence=1, steps=after))
    return [*states, completed(states[-1])]


def scans() -> list[Mutation]:
    """A scan that has ended, and one that was begun anew by a worker who had less to do."""
    long, short = scanned(8, 3), scanned(9, 2, queue="robot_d")
    halted = failed(short[-2], steps=short[-2].steps)
    again = replace(halted, state=TaskState.PENDING, revision=halted.revision + 1)
    once_more = transition(again, Action.CLAIM, started_at_ms=NOON_MS + 90_000)
    step = Step(name="POUR", state=StepState.RUNNING, started_at_ms=NOON_MS + 91_000)
    poured = transition(once_more, Action.PROGRESS, fence=once_more.fence, steps=(step,))
    return [*life(*long), *life(*short[:-1], halted, again, once_more, poured)]


def settled() -> list[Mutation]:
    """A run that its device is to be asked for, and one that was settled by that."""
    running, ended = claimed(pending(30, queue="robot_e")), claimed(pending(31, queue="robot_f"))
    run = DeviceRun(
        id=f"{running.id}.1", driver="jsonline", boot="5c07", details={"begun": 41}, at_ms=NOON_MS
    )
    named = transition(running, Action.PROGRESS, fence=running.fence, run=run)
    other = replace(run, id=f"{ended.id}.1", worked_s=2.5, paused=True, left_until_ms=NOON_MS + 9)
    begun = transition(ended, Action.PROGRESS, fence=ended.fence, run=other)
    return [
        *life(pending(30, queue="robot_e"), running, named),
        *life(pending(31, queue="robot_f"), ended, begun, completed(begun, settled=True)),
    ]


def programs() -> list[Mutation]:
    """Two tasks that name the same program, one that looks as if it did, and one without."""
    kept = stored(hashlib.sha256(b"G1 X1").hexdigest(), 5, "G1 X1")
    tasks = [
        replace(pending(20 + number), command=Command(cmd_type="RUN_GCODE", params=params))
        for number, params in enumerate(
            [{"program": kept}, {"program": kept, "robot_id": "robot_a"}, {"program": dict(kept)}]
        )
    ]
    return [mutation for task in tasks for mutation in submit(task)]


ITEM_BATCH = ItemBatch(
    id="018c6b7a-1c00-7000-8000-00000000000b",
    session_id="550e8400-e29b-41d4-a716-446655440001",
    reason="새 주제를 위한 단계별 과제",
    created_at_ms=NOON_MS,
)


def item(number: int, **changes: Any) -> Item:
    """An item that was made a second after the one before."""
    at_ms = NOON_MS + number * 1000
    fields: dict[str, Any] = {
        "id": f"018c6b7a-1c00-7000-8000-{number:012d}",
        "title": f"item {number}",
        "created_at_ms": at_ms,
        "updated_at_ms": at_ms,
    }
    return Item(**(fields | changes))


def checklist() -> list[Mutation]:
    """A batch with an item that has everything, an item that has nothing, and one of a task."""
    full = item(
        1,
        title="nginx Pod 생성하기",
        description="kubectl run",
        session_id=ITEM_BATCH.session_id,
        batch_id=ITEM_BATCH.id,
        priority=ItemPriority.HIGH,
        due_date_ms=NOON_MS + 86_400_000,
        status=ItemStatus.COMPLETED,
        completed_at_ms=NOON_MS + 5,
    )
    of_task = item(3, status=ItemStatus.IN_PROGRESS, task_id=pending(2).id)
    return [
        SaveItemBatch(ITEM_BATCH),
        SaveItem(full),
        SaveItem(item(2)),
        SaveItem(of_task),
    ]


PICTURE = Artifact(name="code.jpg", media_type="image/jpeg", size=7, sha256="ab" * 32)
LOST_PICTURE = Artifact(
    name="code-2.jpg",
    media_type="image/jpeg",
    size=9,
    sha256="cd" * 32,
    not_kept="reason.artifact_no_room",
)


def pictures() -> list[Mutation]:
    """A task that has left a picture behind, and one that was not kept."""
    begun = claimed(pending(40, queue="robot_g"))
    seen = transition(begun, Action.PROGRESS, fence=1, artifacts=(PICTURE,))
    done = completed(seen, artifacts=(PICTURE, LOST_PICTURE))
    return life(pending(40, queue="robot_g"), begun, seen, done)
