"""Commands once more, by the specs of today: run again, resolved by a retry, given to another
robot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec.structs import replace

from robotq.engine.events.rows import left_of_batch
from robotq.engine.intake.idempotency import Accepted, KeyedRequest
from robotq.engine.intake.read_command import Order
from robotq.engine.queue.queue import TaskQueue
from robotq.engine.reads import Reads
from robotq.engine.robot.roster import Roster
from robotq.engine.settings import Settings
from robotq.engine.waiting.fitting import why_misfit
from robotq.engine.waiting.reorder import Moved
from robotq.model.errors import RobotqError
from robotq.model.task import Command, Task, TaskState
from robotq.store.port import TaskQuery

_PAGE = 500
_AT_ONCE = 200
"""Tasks in one commit: memory takes them over in one turn of the loop."""


class Again:
    """Looks up what a task asked for, checks it against today's configuration, and hands it to
    the `TaskQueue`."""

    def __init__(
        self, *, queue: TaskQueue, reads: Reads, roster: Roster, settings: Settings
    ) -> None:
        self._queue = queue
        self._reads = reads
        self._roster = roster
        self._settings = settings

    async def retry(self, task_id: str, *, actor: str, agent: bool = False) -> Task:
        """The same as `retry_once` without a key; returns the new task."""
        accepted = await self.retry_once(task_id, actor=actor, agent=agent)
        return await self._reads.task(accepted.task_ids[0])

    async def retry_once(
        self,
        task_id: str,
        *,
        actor: str,
        agent: bool = False,
        note: str = "",
        stay_paused: bool = False,
        keyed: KeyedRequest | None = None,
    ) -> Accepted:
        """Run an ended command again as a new task at the head of its queue. `agent`, `keyed`:
        as in `TaskQueue.submit`; `stay_paused`: nothing starts until somebody resumes."""
        task = await self._reads.task(task_id)
        order = self.order_of(task)
        return await self._queue.retry(
            [(task_id, order)],
            actor=actor,
            agent=agent,
            note=note,
            stay_paused=stay_paused,
            keyed=keyed,
        )

    async def retry_batch(
        self,
        batch_id: str,
        *,
        actor: str,
        agent: bool = False,
        note: str = "",
        stay_paused: bool = False,
        keyed: KeyedRequest | None = None,
    ) -> Accepted:
        """Run what is left of an ended batch, in its order, as a new batch with the same promise.

        What has completed, or was resolved so, is not run again, nor what a person has called
        off before it began. Raises as `retry` does, batch_not_found.
        """
        tasks = await self._batch(batch_id)
        if keyed is None or await self._reads.answer(keyed.scope, keyed.key) is None:
            for task in tasks:
                if not task.state.final:
                    raise RobotqError(
                        "wrong_state", task_id=task.id, state=task.state.value, action="retry"
                    )
        left = [(task.id, self.order_of(task)) for task in tasks if left_of_batch(task)]
        if not left:
            raise RobotqError("wrong_state", task_id=batch_id, state="completed", action="retry")
        return await self._queue.retry(
            left,
            actor=actor,
            agent=agent,
            note=note,
            stay_paused=stay_paused,
            keyed=keyed,
            batch=True,
        )

    async def put_back(
        self, task_ids: Sequence[str], *, actor: str, agent: bool = False
    ) -> Sequence[str]:
        """Submit commands anew that were called off before they began, where they stood in line;
        returns the ids of the new tasks. Those that have begun, or were put back by somebody
        else, are passed over; so the same request again does nothing more.

        Raises RobotqError what a submit of one of them would raise, before anything is done;
        bad_parameter where one cannot stand in its batch as it did.
        """
        found = [task for one in task_ids if (task := await self._reads.task_if_any(one))]
        tasks = sorted(filter(_called_off, found), key=lambda task: (task.queue, task.order))
        orders = {task.id: self.order_of(task) for task in tasks}
        self._check_places(tasks)
        new: list[str] = []
        for part in _parts(tasks):
            pairs = [(task.id, orders[task.id]) for task in part]
            accepted = await self._queue.retry(pairs, actor=actor, agent=agent, back=True)
            new += accepted.task_ids
        return new

    def _check_places(self, tasks: Sequence[Task]) -> None:
        """Commands of a batch can share one place, and then go by their numbers: a new one would
        come behind those that it stood before. Raises RobotqError bad_parameter."""
        for batch_id in {task.batch_id for task in tasks if task.batch_id and task.contiguous}:
            back = [task for task in tasks if task.batch_id == batch_id]
            for other in self._reads.robot_queue(back[0].queue).batch(batch_id):
                if any(_same_place(task, other) and task.seq < other.seq for task in back):
                    reason = f"{other.id} of its batch would come before it"
                    raise RobotqError("bad_parameter", field="task_ids", reason=reason)

    async def _batch(self, batch_id: str) -> Sequence[Task]:
        """The tasks of a batch for robots, in the order in which they came."""
        tasks: list[Task] = []
        before: int | None = None
        while True:
            query = TaskQuery(batch_id=batch_id, before_seq=before, limit=_PAGE)
            page = await self._reads.tasks(query)
            tasks += page
            if len(page) < _PAGE:
                break
            before = page[-1].seq
        if not tasks:
            raise RobotqError("batch_not_found", batch_id=batch_id)
        return sorted(tasks, key=lambda task: task.seq)

    async def resolve(
        self,
        task_id: str,
        outcome: str,
        *,
        actor: str,
        note: str = "",
        seen: int | None = None,
        stay_paused: bool = False,
        keyed: KeyedRequest | None = None,
    ) -> Task:
        """Say how a task with unknown outcome ended: completed, failed or retry.

        `seen`, `stay_paused`: as in `TaskQueue.resolve`.
        Raises RobotqError bad_parameter, task_not_found, wrong_state, task_changed,
        idempotency_conflict, store_unavailable.
        """
        if outcome not in ("completed", "failed", "retry"):
            raise RobotqError(
                "bad_parameter", field="outcome", reason="expected completed, failed or retry"
            )
        task = await self._reads.task(task_id)
        again = self.order_of(task) if outcome == "retry" else None
        return await self._queue.resolve(
            task_id,
            outcome,
            actor=actor,
            note=note,
            retry=again,
            seen=seen,
            stay_paused=stay_paused,
            keyed=keyed,
        )

    async def move_to(
        self, task_id: str, robot: str, *, actor: str, seen: int | None = None, note: str = ""
    ) -> Moved:
        """Give a waiting command, with those of its contiguous batch, to another robot; it
        stands behind all of its priority that waits there.

        `seen`: as in `Editing.move`, of the queue that it leaves. Raises as that does, and what
        a submit to that robot would raise; robot_cannot.
        """
        name = self._roster.robot(robot).name

        def given(task: Task) -> Command:
            params = task.command.params
            if isinstance(params, Mapping) and params.get("robot_id") is not None:
                params = {**params, "robot_id": name}
            command = replace(task.command, params=params)
            why = why_misfit(self._settings, replace(task, queue=name, command=command))
            if why is not None:
                raise why
            return command

        return await self._queue.give(task_id, name, given, actor=actor, seen=seen, note=note)

    def order_of(self, task: Task) -> Order:
        """The same command once more, by today's spec. Raises RobotqError unknown_command,
        missing_parameter, bad_parameter, robot_cannot."""
        spec = self._settings.spec_of(task)
        self._settings.known.check_robot(spec, task.queue, self._settings.config.robots)
        self._settings.known.check_places(
            self._settings.catalog, spec, task.command.params, task.queue
        )
        return Order(
            command=task.command,
            spec=spec,
            robot=self._roster.robot(task.queue).name,
            priority=task.priority,
            from_line=task.from_line,
        )


def _called_off(task: Task) -> bool:
    """Before it began, by somebody, and not run again since."""
    return (
        task.state is TaskState.CANCELLED
        and task.work is None
        and task.started_at_ms is None
        and task.retried_as is None
        and task.error is not None
        and task.error.code == "cancelled"
    )


def _same_place(task: Task, other: Task) -> bool:
    return (task.queue, task.order[:2]) == (other.queue, other.order[:2])


def _parts(tasks: Sequence[Task]) -> Iterator[Sequence[Task]]:
    """As many as are written at once; those of one batch together."""
    part: list[Task] = []
    for task in tasks:
        together = part and task.batch_id is not None and task.batch_id == part[-1].batch_id
        if len(part) >= _AT_ONCE and not together:
            yield part
            part = []
        part.append(task)
    if part:
        yield part
