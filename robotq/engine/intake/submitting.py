"""How new tasks come in: commands that clients submit, and ended ones that are run again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from operator import attrgetter

import msgspec
from msgspec.structs import replace

from robotq.engine.commit.commit import Commit
from robotq.engine.commit.disk import NotAnswered, Stands
from robotq.engine.commit.locks import unbroken
from robotq.engine.events.rows import saving_new, task_event
from robotq.engine.holds.board import HoldBoard
from robotq.engine.intake.admission import Admission, in_place_of
from robotq.engine.intake.idempotency import (
    Accepted,
    Handing,
    Idempotency,
    KeyedRequest,
    SaveAccepted,
    Witness,
    answer_of,
)
from robotq.engine.intake.judging import Judging
from robotq.engine.intake.programs import Programs
from robotq.engine.intake.read_command import Order
from robotq.engine.reads import written_late
from robotq.model.clock import WallClock
from robotq.model.crashpoints import CrashPoint, crash_point
from robotq.model.errors import RobotqError
from robotq.model.hold import HoldCode
from robotq.model.json import JsonObject
from robotq.model.task import OUTCOME_UNKNOWN, Task
from robotq.model.transitions import Action, transition
from robotq.store.port import Mutation, SaveTask

_command, _id, _programs = attrgetter("command"), attrgetter("id"), attrgetter("programs")


class _Said(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Who submits, and how."""

    api: str
    actor: str
    batch: bool
    contiguous: bool | None
    keyed: KeyedRequest | None
    agent: bool
    along: Callable[[Accepted], Sequence[Mutation]] | None = None
    stands: Stands = False


class Submitting:
    """Accepts commands for robots, all or none, and each Idempotency-Key once."""

    def __init__(
        self,
        *,
        commit: Commit,
        admission: Admission,
        idempotency: Idempotency,
        holds: HoldBoard,
        clock: WallClock,
        judging: Judging,
        programs: Programs,
    ) -> None:
        self._commit = commit
        self._admission = admission
        self._idempotency = idempotency
        self._holds = holds
        self._clock = clock
        self._judging = judging
        self._programs = programs
        self._witness: Witness | None = None
        self.outlooks = judging.outlooks

    def also_kept_by(self, witness: Witness) -> None:
        """From now on commands that it wants are accepted only when it has them too."""
        self._witness = witness

    async def submit(
        self,
        orders: Sequence[Order],
        *,
        api: str,
        actor: str,
        batch: bool = False,
        contiguous: bool | None = None,
        keyed: KeyedRequest | None = None,
        agent: bool = False,
        along: Callable[[Accepted], Sequence[Mutation]] | None = None,
        stands: Stands = False,
    ) -> Accepted:
        """Accept commands, all or none. They are on disk when this returns.

        `contiguous` (default: where a robot gets more than one command of the batch) lets no
        other command in between. `agent`: it is an agent that submits, so that those whose spec
        says so wait for a person's approval. `along`: what is written together with them.
        `stands`: nobody is told store_unavailable for good; what the disk takes late is accepted.
        Raises RobotqError program_refused, queue_full, store_unavailable, shutting_down,
        idempotency_conflict, fleet_away.
        """
        said = _Said(
            api=api,
            actor=actor,
            batch=batch,
            contiguous=contiguous,
            keyed=keyed,
            agent=agent,
            along=along,
            stands=stands,
        )
        accept = self._accept
        # what the daemon does by itself, as the next run of a repeat, is no submit of anybody
        witness = self._witness if along is None else None
        if witness is not None and witness.wants(orders, keyed=keyed is not None):
            accept = self._accept_twice
        if keyed is None:
            return await accept(orders, said)
        return await self._idempotency.once_written(keyed, partial(accept, orders, said))

    async def _accept_twice(self, orders: Sequence[Order], said: _Said) -> Accepted:
        """First where the witness keeps it: what is there and not here is found again."""
        assert self._witness is not None
        known = None if said.keyed is None else await self._idempotency.known(said.keyed)
        if known is not None:
            return known
        # what is refused for certain need not be kept first
        self._admission.require_room(len(orders))
        handing = Handing(
            orders=orders,
            actor=said.actor,
            batch=said.batch,
            contiguous=said.contiguous,
            keyed=said.keyed,
            agent=said.agent,
            stands=said.stands is True,
        )
        return await self._witness.kept(
            handing, lambda named, stands: self._accept(named, replace(said, stands=stands))
        )

    async def _accept(self, orders: Sequence[Order], said: _Said) -> Accepted:
        outlooks: Sequence[JsonObject | None] = ()
        if self._judging.there and self._judging.has_to(orders):
            outlooks = await self._judging.outlooks(orders, batch=said.batch)
        if not any(map(_programs, orders)):
            return await self._write(orders, said, outlooks)
        self._admission.require_room(len(orders))
        async with self._programs.holding() as held:
            with_files = [
                replace(order, command=await held.kept(order.command, order.programs))
                for order in orders
            ]
            try:
                return await self._write(with_files, said, outlooks)
            except NotAnswered:
                # they may be named by a task that nobody can ask for yet
                held.until(self._commit.disk.until_answered)
                raise

    async def _write(
        self, orders: Sequence[Order], said: _Said, outlooks: Sequence[JsonObject | None]
    ) -> Accepted:
        room = self._admission.room(tuple(map(_command, orders)))
        try:
            tasks = self._admission.tasks(
                orders,
                api=said.api,
                actor=said.actor,
                batch=said.batch,
                contiguous=said.contiguous,
                agent=said.agent,
            )
            first = tasks[0]
            accepted = Accepted(
                task_ids=tuple(map(_id, tasks)),
                batch_id=first.batch_id,
                queue_size=room.queue_size,
            )
            mutations = saving_new(tasks, said.actor, room.weights, outlooks)
            if said.keyed is not None:
                mutations.append(answer_of(said.keyed, accepted, first.submitted_at_ms))
            if said.along is not None:
                mutations += said.along(accepted)
            crash_point(CrashPoint.ACCEPT)
            await self._commit.write(mutations, room, stands=said.stands)
            crash_point(CrashPoint.ACCEPTED)
            return accepted
        except BaseException:
            # else it is taken already, with the tasks in memory
            room.taken()
            raise

    async def retry(
        self,
        again: Sequence[tuple[str, Order]],
        *,
        actor: str,
        agent: bool = False,
        note: str = "",
        stay_paused: bool = False,
        keyed: KeyedRequest | None = None,
        batch: bool = False,
        back: bool = False,
    ) -> Accepted:
        """Run ended commands again, all or none, as new tasks at the head of their queues,
        behind the retries that wait there.

        `stay_paused`: their queues are paused first. `batch`: they are one batch again. `back`:
        they were called off before they began, and get the places back that they had.
        Raises RobotqError wrong_state for one that has not ended, or whose unknown outcome
        nobody has resolved; already_retried; queue_full, store_unavailable, shutting_down,
        idempotency_conflict; fleet_away, and it runs again then.
        """

        async def accept(save_answer: SaveAccepted | None) -> Accepted:
            async with AsyncExitStack() as stack:
                held = await stack.enter_async_context(self._programs.holding())
                # they stay, also where the task that named them goes meanwhile
                orders = [
                    replace(order, command=await held.kept(order.command, order.programs))
                    for _, order in again
                ]
                ended = [
                    (await stack.enter_async_context(self._commit.of(task_id)), order)
                    for (task_id, _), order in zip(again, orders, strict=True)
                ]
                for task, _ in ended:
                    await self._check_retry(task)
                room = stack.enter_context(self._admission.room([one.command for _, one in ended]))
                if stay_paused:
                    for queue in dict.fromkeys(task.queue for task, _ in ended):
                        self._holds.set(queue, HoldCode.PAUSED, actor=actor, reason=note)
                if back:
                    new = [
                        in_place_of(
                            task, self._admission.back(task, order, actor=actor, agent=agent)
                        )
                        for task, order in ended
                    ]
                elif batch:
                    new = self._admission.batch_again(ended, actor=actor, agent=agent)
                else:
                    ((task, order),) = ended
                    new = [self._admission.again(task, order, actor=actor, agent=agent)]
                accepted = Accepted(
                    task_ids=tuple([task.id for task in new]),
                    batch_id=new[0].batch_id,
                    queue_size=room.queue_size,
                )
                now_ms = self._clock.now_ms()
                mutations = saving_new(new, actor)
                for (task, _), one in zip(ended, new, strict=True):
                    done = transition(task, Action.RETRIED, retried_as=one.id)
                    told = {"retried_as": one.id, "note": note}
                    event = task_event("task.retried", done, now_ms, actor, before=task, **told)
                    mutations += [SaveTask(done, task), event]
                if save_answer is not None:
                    mutations.append(save_answer(accepted))
                await self._commit.write(mutations, room)
                crash_point(CrashPoint.RETRIED)
                return accepted

        async def retried() -> Accepted:
            if keyed is None:
                return await accept(None)
            return await self._idempotency.once(keyed, self._clock.now_ms(), accept)

        accepted = await unbroken(retried)()
        if self._witness is not None and any(self._witness.of(order.robot) for _, order in again):
            await self._witness.told()
        return accepted

    async def _check_retry(self, task: Task) -> None:
        """Raises RobotqError wrong_state, already_retried, store_unavailable."""
        if not task.state.final or task.outcome_unknown or task.work is not None:
            state = OUTCOME_UNKNOWN if task.outcome_unknown else task.state.value
            raise RobotqError("wrong_state", task_id=task.id, state=state, action="retry")
        retried_as = task.retried_as
        if retried_as is None and task.resolution is not None:
            retried_as = task.resolution.retried_as
        if retried_as is None:
            return
        try:
            if written_late(await self._commit.find(retried_as)):
                # it was told as refused, and was called off
                return
        except RobotqError as error:
            if error.code.name != "task_not_found":
                raise
        raise RobotqError("already_retried", task_id=task.id, retried_as=retried_as)
