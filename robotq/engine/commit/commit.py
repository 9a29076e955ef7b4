"""The one way to the disk: what is written here is visible and told only after it is on disk."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias, TypeVar

import msgspec

from robotq.engine.commit.locks import LockedTask, LockedTasks, Locks
from robotq.engine.events.bus import EventBus
from robotq.engine.reads import Reads
from robotq.engine.settings import Settings
from robotq.engine.signals import Signals
from robotq.engine.state.resources import Resources
from robotq.engine.state.tasks import Room, TaskMemory
from robotq.engine.timings import Timings
from robotq.model.errors import RobotqError
from robotq.model.event import Event
from robotq.model.task import FINAL_STATES, Task, TaskState
from robotq.store.port import (
    AppendEvent,
    DropOccupancy,
    Mutation,
    SaveDelivery,
    SaveOccupancy,
    SaveTask,
    SharedQueues,
    SharedUnavailable,
    StaleRevision,
    Store,
    StoreUnavailable,
)

_log = logging.getLogger(__name__)

_T = TypeVar("_T")

_OCCUPANCIES = (SaveOccupancy, DropOccupancy)

NO_ANSWER = "reason.no_answer"

Follower: TypeAlias = Callable[[SaveTask], Sequence[Mutation]]
"""What has to be written together with a task, e.g. the webhooks of its end."""


class Along(Protocol):
    """What goes into a transaction with the rest, and wants to know what became of it."""

    mutations: Sequence[Mutation]

    def written(self) -> None: ...

    def failed(self) -> None:
        """It is not on disk, or nobody knows."""


_AGAIN_S = 0.5
"""Seconds until something is written once more to a shared database that was away."""


Stands: TypeAlias = bool | asyncio.Future[bool]
"""Whether new tasks stand where the disk takes them late: True where they are promised elsewhere,
as in a row of the fleet's inbox, and come in again until they are here. Where that is not known
yet, a future that says so soon."""


class Late(NamedTuple):
    """What was written after its caller had been told that it was not."""

    mutations: Sequence[Mutation]
    stands: Stands


class _Writing(msgspec.Struct):
    """A transaction on its way to the disk."""

    refused: bool
    """Whether its caller is told that it was not written, once the disk takes too long."""
    mutations: Sequence[Mutation]
    stands: Stands = True
    """Where it comes too late."""
    given_up: bool = False
    """That was told."""


class NotAnswered(RobotqError):
    """A store_unavailable where nobody knows yet whether it was written."""

    def __init__(self) -> None:
        super().__init__("store_unavailable", reason=NO_ANSWER)


class Commit:
    """Writes mutations durably, with what follows from them; then brings memory up to date, then
    tells the listeners.

    While the store takes no writes, `available` is false; `Signals.outage` was told of it. A
    store that does not answer within `deadline_s` is out as well: whoever asked is told so, and
    what comes to the disk later all the same stands in `late`. See `Outage` for what ends it.
    """

    def __init__(
        self,
        *,
        store: Store,
        bus: EventBus,
        reads: Reads,
        memory: TaskMemory,
        resources: Resources,
        signals: Signals,
        settings: Settings,
        at_end: Sequence[Follower],
        by_handler: Mapping[str, Follower],
        deadline_s: float = Timings().disk_s,
    ) -> None:
        """What follows from a task that is written: `at_end` is asked about those that have
        ended, `by_handler` about those whose command this part of the daemon carries out."""
        self._store = store
        self._bus = bus
        self._reads = reads
        self._memory = memory
        self._resources = resources
        self._signals = signals
        self._settings = settings
        self._at_end = at_end
        self._by_handler = by_handler
        self._deadline_s = deadline_s
        self._handed_over: deque[tuple[float, asyncio.Future[Sequence[Event]], _Writing]] = deque()
        """When the disk should have answered, by the clock of the loop; its answer. In the order
        in which it gets them, and answers."""
        self._look_at = math.inf
        """When it is looked next whether the disk has answered in time."""
        self._looking: asyncio.TimerHandle | None = None
        self._working = asyncio.Event()
        self._working.set()
        self._answering = asyncio.Event()
        self._answering.set()
        self.shared = store if isinstance(store, SharedQueues) else None
        """Where tasks for workers are, if other daemons have them too."""
        self.locks = Locks()
        """One for each task that somebody is changing, by its id."""
        self.reason: str | None = None
        """Why the store takes no writes; None while it does."""
        self._given_up: list[_Writing] = []
        """What may be on disk by now, and whose callers were told that it is not."""
        self.late: list[Late] = []
        """To be undone, except what stands."""

    def follow(self, follower: Follower) -> None:
        """From now on ask this one too about tasks that have ended."""
        self._at_end = (*self._at_end, follower)

    # -- one task ------------------------------------------------------------------------------

    async def find(self, task_id: str) -> Task:
        """A task, wherever it is. Raises RobotqError task_not_found, store_unavailable."""
        return await self._reads.task(task_id)

    def of(self, task_id: str, *, patient: bool = False) -> LockedTask:
        """The task as it is now; nobody else changes it meanwhile. Entering raises as `find`
        does, and store_unavailable where whoever changes it now waits for a disk that does not
        answer, unless `patient`."""
        return LockedTask(self.locks, self._reads, None if patient else self.in_time, task_id)

    def several(self) -> LockedTasks:
        """The same for as many tasks as are asked for inside, patiently."""
        return LockedTasks(self.locks, self._reads)

    # -- to the disk ---------------------------------------------------------------------------

    async def write(
        self,
        mutations: Sequence[Mutation],
        room: Room | None = None,
        holds: Along | None = None,
        then: Callable[[], None] | None = None,
        stands: Stands = False,
    ) -> None:
        """Write all or nothing. `room` was kept for the new tasks among them; `holds` is what
        goes along; `then` is called when memory is up to date, before anybody is told; `stands`:
        it is not undone where the disk takes it late.

        A caller that is cancelled meanwhile does not keep memory and listeners from it.
        Raises RobotqError store_unavailable, task_not_found (removed meanwhile), StaleRevision,
        DuplicateKey; NotAnswered where the disk takes too long. What comes to it later is taken
        over too, and then undone, unless it `stands`.
        """
        following = self._following(mutations)
        elsewhere = self._elsewhere(mutations)
        if not self._answering.is_set() and not elsewhere:
            # what is not handed over cannot come to the disk later
            raise RobotqError("store_unavailable", reason=NO_ANSWER)
        whole = mutations
        if following or holds is not None:
            whole = _together(mutations, following, holds)
        writing = _Writing(refused=True, mutations=whole, stands=stands)

        def committed(events: Sequence[Event]) -> None:
            if writing.given_up:
                self.late.append(Late(whole, stands))
            try:
                self._take_over(mutations, following)
                if room is not None:
                    room.taken()
                if holds is not None:
                    holds.written()
                if then is not None:
                    then()
            finally:
                # it is on disk, whatever became of it in memory
                self._bus.publish(events)

        try:
            if elsewhere:
                await self._in_time(self._store.apply(whole, committed))
            else:
                await self._hand_over(writing, whole, committed)
        except StaleRevision as error:
            await self._unless_removed(str(error), mutations)
            raise
        except SharedUnavailable as error:
            # of no robot: what is the daemon's own is on disk
            raise RobotqError("store_unavailable", reason=str(error)) from error
        except StoreUnavailable as error:
            self._failed(str(error))
            raise RobotqError("store_unavailable", reason=str(error)) from error

    async def written(
        self,
        mutations: Sequence[Mutation],
        claimed: Task | None = None,
        holds: Along | None = None,
        then: Callable[[], None] | None = None,
    ) -> bool:
        """The same for what has happened already: waits for the disk's answer, however long that
        takes, and is False where it takes no writes. What was taken for `claimed` is given back
        then."""
        following = self._following(mutations)

        def committed(events: Sequence[Event]) -> None:
            try:
                self._take_over(mutations, following)
                if holds is not None:
                    holds.written()
                if then is not None:
                    then()
            finally:
                self._bus.publish(events)

        written = False
        try:
            if self._answering.is_set():
                whole = _together(mutations, following, holds)
                try:
                    if self._elsewhere(mutations):
                        await self._store.apply(whole, committed)
                    else:
                        await self._hand_over(
                            _Writing(refused=False, mutations=whole), whole, committed
                        )
                    written = True
                except SharedUnavailable as error:
                    _log.warning("not in the shared database: %s", error)
                except StoreUnavailable as error:
                    self._failed(str(error))
        finally:
            if not written and holds is not None:
                holds.failed()
            if not written and claimed is not None:
                self._resources.give_back(claimed.queue)
                self._memory.wake_robots()
        return written

    def takes_back(self, task_ids: Iterable[str]) -> bool:
        """Whether new ones of these were written too late to be told, and will be called off, or
        nobody knows yet whether they will."""
        doubtful: list[Late | _Writing] = [*self.late, *self._given_up]
        if not self._answering.is_set():
            # they wait behind what came too late
            doubtful += [one for _, answer, one in self._handed_over if not answer.done()]
        ids = frozenset(task_ids) if doubtful else frozenset()
        return any(
            isinstance(one, SaveTask) and one.before is None and one.task.id in ids
            for late in doubtful
            if not _known_to_stand(late.stands)
            for one in late.mutations
        )

    # -- what other daemons change as well -------------------------------------------------------

    async def claim(
        self, queue: str, match: str, take: Callable[[Task], Sequence[Mutation] | None]
    ) -> bool:
        """Have the shared database choose a waiting task, and write what `take` makes of it.
        False where there is none. Raises RobotqError store_unavailable, StaleRevision."""
        assert self.shared is not None
        chosen: list[Sequence[Mutation]] = []

        def taken(task: Task) -> Sequence[Mutation] | None:
            mutations = take(task)
            if mutations is not None:
                chosen[:] = [mutations]
            return mutations

        def committed(_: Sequence[Event]) -> None:
            self._take_over(chosen[0], ())

        try:
            answer = self.shared.claim(queue, match, taken, committed)
            return await self._in_time(answer) is not None
        except SharedUnavailable as error:
            raise RobotqError("store_unavailable", reason=str(error)) from error

    async def read_anew(self, task_id: str) -> Task:
        """A task as the shared database has it; memory has it so from here on. Raises RobotqError
        task_not_found, store_unavailable."""
        task = await self._reads.anew(task_id)
        self.mirror([task])
        return task

    def must_know(self, queue: str) -> None:
        """Raises RobotqError store_unavailable where nobody can say what waits in a queue, since
        the database is away."""
        if self.shared is not None and self.shared.shared_queue(queue) and self.shared.reason:
            raise RobotqError("store_unavailable", reason=self.shared.reason)

    async def newest(self, task: Task) -> Task:
        """The task, where other daemons change it too as the database has it. Raises as
        `read_anew`."""
        if self.shared is None or not self.shared.shared_queue(task.queue):
            return task
        return await self.read_anew(task.id)

    async def was_old(self, task_id: str) -> bool:
        """Whether memory had a task that another daemon has changed; it has the new one now.
        Raises as `read_anew`."""
        known = self._memory.get(task_id)
        return known is not None and (await self.newest(known)).revision != known.revision

    def mirror(self, tasks: Iterable[Task]) -> None:
        """Bring memory up to date with what other daemons have written."""
        for task in tasks:
            known = self._memory.get(task.id)
            if known is not None and known.revision >= task.revision:
                continue
            self._memory.update(task, None if known is None else known.state)
            if _is_told(task):
                self._signals.task_written.tell(task)

    async def _in_time(self, answer: asyncio.Future[_T]) -> _T:
        """Its result. Raises NotAnswered; what is written later all the same is taken over
        then, and stands."""
        answer.add_done_callback(_heard)
        done, _ = await asyncio.wait({answer}, timeout=self._deadline_s)
        if not done:
            raise NotAnswered
        return answer.result()

    async def write_when_possible(
        self, mutations: Sequence[Mutation], then: Callable[[], None] | None = None
    ) -> None:
        """The same for what must not be lost: waits until the disk has taken it."""
        while not await self.written(mutations, then=then):
            await self.until_available()
            if self._elsewhere(mutations):
                # the disk works, so nothing says when the shared database does
                await asyncio.sleep(_AGAIN_S)

    async def note(self, event: Event) -> bool:
        """Write one event; False, and a line in the log, where the disk does not take it."""
        if await self.written([AppendEvent(event)]):
            return True
        _log.warning("not in the journal: %s by %s", event.kind, event.actor)
        return False

    def _hand_over(
        self,
        writing: _Writing,
        mutations: Sequence[Mutation],
        committed: Callable[[Sequence[Event]], None],
    ) -> asyncio.Future[Sequence[Event]]:
        """Give it to the store. One timer is enough for all that the disk has."""
        due = asyncio.get_running_loop().time() + self._deadline_s
        answer = self._store.apply(mutations, committed)
        handed_over = self._handed_over
        while handed_over and handed_over[0][1].done():
            handed_over.popleft()
        handed_over.append((due, answer, writing))
        if due < self._look_at:
            self._look_when(due)
        return answer

    def _look_when(self, due: float) -> None:
        if self._looking is not None:
            self._looking.cancel()
        self._look_at = due
        self._looking = asyncio.get_running_loop().call_at(due, self._look)

    def _look(self) -> None:
        """Whether the disk has answered what it should have answered by now."""
        self._looking, self._look_at = None, math.inf
        now, handed_over = asyncio.get_running_loop().time(), self._handed_over
        while handed_over:
            due, answer, writing = handed_over[0]
            if not answer.done():
                if due > now:
                    self._look_when(due)
                    return
                self._hangs()
                if writing.refused:
                    writing.given_up = True
                    self._given_up.append(writing)
                    answer.set_exception(NotAnswered())
            handed_over.popleft()

    async def _unless_removed(self, task_id: str, mutations: Sequence[Mutation]) -> None:
        """Raises RobotqError task_not_found where retention has removed the task meanwhile."""
        if self._elsewhere(mutations):
            # another daemon was first; who asked reads it anew
            return
        ours = any(isinstance(one, SaveTask) and one.task.id == task_id for one in mutations)
        if ours and self._memory.get(task_id) is None:
            await self.find(task_id)

    def _elsewhere(self, mutations: Sequence[Mutation]) -> bool:
        """Whether these go to the database that daemons share."""
        return self.shared is not None and self.shared.shares(mutations)

    def _following(self, mutations: Sequence[Mutation]) -> Sequence[Mutation]:
        """What has to be written with these."""
        following: list[Mutation] = []
        for mutation in mutations:
            if isinstance(mutation, SaveTask):
                task = mutation.task
                if task.state in FINAL_STATES:
                    for follower in self._at_end:
                        following += follower(mutation)
                catalog, cmd_type = self._settings.catalog, task.command.cmd_type
                if cmd_type in catalog.without_driver:
                    handler = catalog.handler(cmd_type)
                    if handler is not None and handler in self._by_handler:
                        following += self._by_handler[handler](mutation)
        return following

    # -- into memory ---------------------------------------------------------------------------

    def _take_over(self, mutations: Iterable[Mutation], following: Sequence[Mutation]) -> None:
        """Bring memory up to date with what was written. It is on disk, so a fault of one part
        is logged, and keeps neither the others nor the caller from it."""
        freed = False
        for mutation in mutations:
            try:
                if isinstance(mutation, SaveTask):
                    task, was = mutation.task, mutation.was
                    if self.shared is not None and self.shared.shared_queue(task.queue):
                        # memory may never have seen what it was
                        self.mirror([task])
                        continue
                    if was is not None:
                        self._memory.update(task, was.state)
                    elif task.state is TaskState.PENDING:
                        self._memory.add(task, mutation.weight)
                    else:
                        self._memory.update(task, None)
                    if _is_told(task):
                        self._signals.task_written.tell(task)
                elif isinstance(mutation, _OCCUPANCIES):
                    freed |= self._resources.commit((mutation,))
            except Exception:  # noqa: BLE001 - as above
                _log.exception("what is on disk could not be taken over: %s", mutation)
        for mutation in following:
            if isinstance(mutation, SaveDelivery):
                self._signals.webhook_written.tell(mutation.delivery)
        if freed:
            self._memory.wake_robots()

    # -- whether the disk works ----------------------------------------------------------------

    @property
    def available(self) -> bool:
        return self._working.is_set()

    async def until_available(self) -> None:
        """Wait for the disk."""
        await self._working.wait()

    async def until_answered(self) -> None:
        """Wait until it is known what became of all that was handed over."""
        await self._answering.wait()

    async def in_time(self, waiting: Awaitable[_T]) -> _T:
        """What `waiting` returns. Raises RobotqError store_unavailable where that takes longer
        than the disk has; then it was cancelled."""
        try:
            async with asyncio.timeout(self._deadline_s):
                return await waiting
        except TimeoutError:
            raise RobotqError("store_unavailable", reason=NO_ANSWER) from None

    def all_answered(self) -> None:
        """It is known what became of all that was handed over."""
        self._given_up.clear()
        self._answering.set()

    def works_again(self) -> None:
        """The outage is over."""
        _log.warning("the store takes writes again")
        self.reason = None
        self._working.set()

    def _hangs(self) -> None:
        self._answering.clear()
        self._failed(NO_ANSWER)

    def _failed(self, reason: str) -> None:
        if self._working.is_set():
            _log.error("the store takes no writes: %s", reason)
            self.reason = reason
            self._working.clear()
            self._signals.outage.tell(reason)


def _together(
    mutations: Sequence[Mutation], following: Sequence[Mutation], holds: Along | None
) -> Sequence[Mutation]:
    """What goes into one transaction."""
    return [*mutations, *following, *(holds.mutations if holds is not None else ())]


def _known_to_stand(stands: Stands) -> bool:
    if isinstance(stands, bool):
        return stands
    return stands.done() and not stands.cancelled() and stands.result()


def _heard(answer: asyncio.Future[Any]) -> None:
    """Nobody may be there any more to hear of an error."""
    if not answer.cancelled():
        answer.exception()


def _is_told(task: Task) -> bool:
    """Whether anybody has to do something about it. Nobody has for one that waits, or runs."""
    return task.state in FINAL_STATES or task.expires_at_ms is not None or task.repeat is not None
