"""What a person found out about a task whose outcome was unknown."""

from __future__ import annotations

from contextlib import AsyncExitStack

from robotq.engine.commit.commit import Commit
from robotq.engine.commit.locks import unbroken
from robotq.engine.events.rows import saving_new, task_event
from robotq.engine.holds.board import HoldBoard
from robotq.engine.holds.writer import HoldWriter
from robotq.engine.intake.admission import Admission, in_place_of
from robotq.engine.intake.idempotency import Accepted, Idempotency, KeyedRequest, SaveAccepted
from robotq.engine.intake.read_command import Order
from robotq.engine.reads import Reads
from robotq.engine.state.tasks import Room
from robotq.engine.waiting.repeats import Repeats
from robotq.model.clock import WallClock
from robotq.model.crashpoints import CrashPoint, crash_point
from robotq.model.errors import RobotqError
from robotq.model.hold import HoldCode
from robotq.model.task import Resolution, Task
from robotq.model.transitions import Action, transition
from robotq.store.port import Mutation, SaveTask


class Resolving:
    """Writes a resolution beside the end state, and lifts the hold with it."""

    def __init__(
        self,
        *,
        commit: Commit,
        reads: Reads,
        admission: Admission,
        idempotency: Idempotency,
        repeats: Repeats,
        holds: HoldBoard,
        hold_writer: HoldWriter,
        clock: WallClock,
    ) -> None:
        self._commit = commit
        self._reads = reads
        self._admission = admission
        self._idempotency = idempotency
        self._repeats = repeats
        self._holds = holds
        self._hold_writer = hold_writer
        self._clock = clock

    @unbroken
    async def resolve(
        self,
        task_id: str,
        outcome: str,
        *,
        actor: str,
        note: str = "",
        retry: Order | None = None,
        seen: int | None = None,
        stay_paused: bool = False,
        keyed: KeyedRequest | None = None,
    ) -> Task:
        """Write what a person found out about an unknown outcome, and lift the hold.

        `outcome` is completed, failed or retry; for retry, `retry` is the order to run again,
        as a new task at the head of the queue. The end state of the task stays as it is.
        `seen`: the revision by which the person decided. `stay_paused`: a pause takes the place
        of the hold, so that nothing starts.
        Raises RobotqError task_not_found, wrong_state, task_changed, store_unavailable,
        idempotency_conflict; for retry also queue_full, shutting_down.
        """

        async def accept(save_answer: SaveAccepted | None) -> Accepted:
            return await self._resolve(
                task_id,
                outcome,
                actor=actor,
                note=note,
                retry=retry,
                seen=seen,
                stay_paused=stay_paused,
                save_answer=save_answer,
            )

        if keyed is None:
            await accept(None)
        else:
            await self._idempotency.once(keyed, self._clock.now_ms(), accept)
        return await self._reads.task(task_id)

    async def _resolve(
        self,
        task_id: str,
        outcome: str,
        *,
        actor: str,
        note: str,
        retry: Order | None,
        seen: int | None,
        stay_paused: bool,
        save_answer: SaveAccepted | None,
    ) -> Accepted:
        async with self._commit.of(task_id) as task, AsyncExitStack() as stack:
            if seen is not None and task.outcome_unknown and seen != task.revision:
                raise RobotqError("task_changed", task_id=task.id, revision=task.revision)
            again: Task | None = None
            room: Room | None = None
            if retry is not None and task.outcome_unknown:
                room = stack.enter_context(self._admission.room([retry.command]))
                again = in_place_of(task, self._admission.again(task, retry, actor=actor))
            now_ms = self._clock.now_ms()
            resolution = Resolution(
                outcome=outcome,
                actor=actor,
                at_ms=now_ms,
                note=note,
                retried_as=again.id if again is not None else None,
            )
            resolved = transition(task, Action.RESOLVE, resolution=resolution)
            # one commit: a retry without its resolution could be asked for a second time
            mutations: list[Mutation] = [
                SaveTask(resolved, task),
                task_event("task.resolved", resolved, now_ms, actor, outcome=outcome, note=note),
                *self._repeats.following(resolved),
            ]
            if again is not None:
                mutations += saving_new([again], actor)
            accepted = Accepted(task_ids=(task.id,), batch_id=None, queue_size=0)
            if save_answer is not None:
                mutations.append(save_answer(accepted))
            if stay_paused:
                reason = note or "reason.resolved"
                self._holds.set(task.queue, HoldCode.PAUSED, actor=actor, reason=reason)
            hold = self._holds.get(task.queue, HoldCode.OUTCOME_UNKNOWN)
            lifting = [hold] if hold is not None and hold.task_id == task.id else []
            async with self._hold_writer.along(lifting, actor) as holds:
                await self._commit.write(mutations, room, holds)
            crash_point(CrashPoint.RESOLVED)
            return accepted
