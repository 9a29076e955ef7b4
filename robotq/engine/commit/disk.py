"""Whether the disk takes writes, and answers in time."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from collections.abc import Awaitable, Iterable, Sequence
from typing import TypeAlias, TypeVar

import msgspec

from robotq.engine.signals import Signals
from robotq.model.errors import RobotqError
from robotq.model.event import Event
from robotq.store.port import Mutation, SaveTask

_log = logging.getLogger(__name__)

_T = TypeVar("_T")

NO_ANSWER = "reason.no_answer"


Stands: TypeAlias = bool | asyncio.Future[bool]
"""Whether new tasks stand where the disk takes them late: True where they are promised elsewhere,
as in a row of the fleet's inbox, and come in again until they are here. Where that is not known
yet, a future that says so soon."""


class Writing(msgspec.Struct):
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


class Disk:
    """While the store takes no writes, `available` is false; `Signals.outage` was told of it. A
    store that does not answer within `deadline_s` is out as well: whoever asked is told so. See
    `Outage` for what ends it."""

    def __init__(self, signals: Signals, deadline_s: float) -> None:
        self._signals = signals
        self.deadline_s = deadline_s
        self._handed_over: deque[tuple[float, asyncio.Future[Sequence[Event]], Writing]] = deque()
        """When the disk should have answered, by the clock of the loop; its answer. In the order
        in which it gets them, and answers."""
        self._look_at = math.inf
        """When it is looked next whether the disk has answered in time."""
        self._looking: asyncio.TimerHandle | None = None
        self._working = asyncio.Event()
        self._working.set()
        self.answering = asyncio.Event()
        """Set while it is known what became of all that was handed over."""
        self.answering.set()
        self._given_up: list[Writing] = []
        """What may be on disk by now, and whose callers were told that it is not."""
        self.late: list[Writing] = []
        """What came to it then: to be undone, except what stands."""
        self.reason: str | None = None
        """Why the store takes no writes; None while it does."""

    def expect(
        self, writing: Writing, answer: asyncio.Future[Sequence[Event]]
    ) -> asyncio.Future[Sequence[Event]]:
        """The store has been given this. One timer is enough for all that the disk has."""
        due = asyncio.get_running_loop().time() + self.deadline_s
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

    @property
    def available(self) -> bool:
        return self._working.is_set()

    def takes_back(self, task_ids: Iterable[str]) -> bool:
        """Whether new ones of these were written too late to be told, and will be called off, or
        nobody knows yet whether they will."""
        doubtful = [*self.late, *self._given_up]
        if not self.answering.is_set():
            # they wait behind what came too late
            doubtful += [one for _, answer, one in self._handed_over if not answer.done()]
        ids = frozenset(task_ids) if doubtful else frozenset()
        return any(
            isinstance(one, SaveTask) and one.before is None and one.task.id in ids
            for writing in doubtful
            if not _known_to_stand(writing.stands)
            for one in writing.mutations
        )

    async def until_available(self) -> None:
        """Wait for the disk."""
        await self._working.wait()

    async def until_answered(self) -> None:
        """Wait until it is known what became of all that was handed over."""
        await self.answering.wait()

    async def in_time(self, waiting: Awaitable[_T]) -> _T:
        """What `waiting` returns. Raises RobotqError store_unavailable where that takes longer
        than the disk has; then it was cancelled."""
        try:
            async with asyncio.timeout(self.deadline_s):
                return await waiting
        except TimeoutError:
            raise RobotqError("store_unavailable", reason=NO_ANSWER) from None

    def all_answered(self) -> None:
        """It is known what became of all that was handed over."""
        self._given_up.clear()
        self.answering.set()

    def works_again(self) -> None:
        """The outage is over."""
        _log.warning("the store takes writes again")
        self.reason = None
        self._working.set()

    def _hangs(self) -> None:
        self.answering.clear()
        self.failed(NO_ANSWER)

    def failed(self, reason: str) -> None:
        if self._working.is_set():
            _log.error("the store takes no writes: %s", reason)
            self.reason = reason
            self._working.clear()
            self._signals.outage.tell(reason)


def _known_to_stand(stands: Stands) -> bool:
    if isinstance(stands, bool):
        return stands
    return stands.done() and not stands.cancelled() and stands.result()
