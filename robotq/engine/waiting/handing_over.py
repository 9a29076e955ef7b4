"""Tasks that go from one daemon to another, with the robot that is to carry them out."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from robotq.engine.commit.commit import Commit
from robotq.engine.commit.locks import unbroken
from robotq.engine.events.rows import saving_end, saving_new, task_event
from robotq.engine.intake.admission import Admission
from robotq.engine.reads import Reads
from robotq.model.clock import WallClock
from robotq.model.ids import Numbers
from robotq.model.task import HANDED_OVER, DeviceRun, Task, TaskError, TaskState
from robotq.model.transitions import Action, transition
from robotq.store.port import Mutation, SaveTask

ACTOR = "fleet"


class HandingOver:
    """A task is at one daemon at a time: whoever takes it over writes it down before whoever had it
    hears of that, and who had it never runs it."""

    def __init__(
        self, *, commit: Commit, admission: Admission, reads: Reads, clock: WallClock
    ) -> None:
        self._commit = commit
        self._admission = admission
        self._reads = reads
        self._clock = clock

    def ids_of_its_own(self, numbers: Numbers) -> None:
        """From now on make ids that the other daemons do not make: a device knows a run by them."""
        self._admission.numbers = numbers

    async def adopt(
        self,
        tasks: Sequence[tuple[Task, str]],
        *,
        source: str,
        begun: str = "",
        run: DeviceRun | None = None,
    ) -> Sequence[str]:
        """Take over unfinished tasks of another daemon, all or none, behind what waits here and in
        their order; those that are here already are left as they are. Each comes with the id that
        it gets where it was here before, and was handed over. `begun`: the one that its robot may
        have in hand, by `run`. Returns the ids that they have here.

        Raises RobotqError queue_full, queue_bytes_full, shutting_down, store_unavailable.
        """
        ids: list[str] = []
        new: list[Task] = []
        for task, again in tasks:
            here = await self._reads.task_if_any(task.id)
            task_id = task.id
            if here is not None and (_was_ours(here) or not _is_same(here, task)):
                # it was here before, and went: its end stays, and it has another id now. Two
                # daemons may also have given two tasks one id
                task_id = again
                here = await self._reads.task_if_any(task_id)
            ids.append(task_id)
            if here is None:
                new.append(replace(task, id=task_id))
            if task.id == begun:
                begun = task_id
        if not new:
            return ids
        with self._admission.room([task.command for task in new]) as room:
            ranks = self._admission.ranks(len(new))
            mutations: list[Mutation] = []
            for task, rank in zip(new, ranks, strict=True):
                is_begun = task.id == begun
                mutations += self._adopting(task, int(rank), source, is_begun, run)
            await self._commit.write(mutations, room)
        return ids

    def _adopting(
        self, task: Task, seq: int, source: str, begun: bool, run: DeviceRun | None
    ) -> list[Mutation]:
        waits = Task(
            id=task.id,
            seq=seq,
            api=task.api,
            queue=task.queue,
            command=task.command,
            actor=task.actor,
            submitted_at_ms=task.submitted_at_ms,
            priority=task.priority,
            rank=float(seq),
            not_before_ms=task.not_before_ms,
            expires_at_ms=task.expires_at_ms,
            batch_id=task.batch_id,
            contiguous=task.contiguous,
            awaits_approval=task.awaits_approval,
            retry_of=task.retry_of,
            from_line=task.from_line,
            repeat=task.repeat,
            repeat_of=task.repeat_of,
            # a run that it had elsewhere has an id at the device, which is not used again
            attempt=task.attempt,
        )
        mutations = saving_new([waits], ACTOR)
        now_ms = self._clock.now_ms()
        if begun:
            running = replace(
                transition(replace(waits, awaits_approval=False), Action.CLAIM),
                attempt=max(1, task.attempt),
                started_at_ms=task.started_at_ms or now_ms,
                run=run,
                asked=task.asked,
                steps=task.steps,
            )
            mutations.append(SaveTask(running, waits))
            mutations.append(
                task_event("task.adopted", running, now_ms, ACTOR, before=waits, daemon=source)
            )
        else:
            mutations.append(task_event("task.adopted", waits, now_ms, ACTOR, daemon=source))
        return mutations

    @unbroken
    async def hand_over(self, task_id: str, *, daemon: str, epoch: int) -> bool:
        """End a waiting task that another daemon has now. False where it does not wait."""
        async with self._commit.of(task_id) as task:
            if task.state is not TaskState.PENDING:
                return False
            ended = transition(
                task,
                Action.CANCEL,
                error=TaskError(code=HANDED_OVER, args={"daemon": daemon, "epoch": epoch}),
                ended_at_ms=self._clock.now_ms(),
            )
            await self._commit.write(saving_end(task, ended, ACTOR))
            return True


def _is_same(here: Task, task: Task) -> bool:
    return (here.submitted_at_ms, here.actor) == (task.submitted_at_ms, task.actor)


def _was_ours(task: Task) -> bool:
    return task.state.final and task.error is not None and task.error.code == HANDED_OVER
