"""The outbox: streams a daemon's journal, and the tasks that it tells of, into the database."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from typing import Any

from robotq.engine.reads import Reads
from robotq.engine.waiting.reorder import ALSO_RANKED
from robotq.fleet.members import LostName, Member
from robotq.fleet.records import event_row, shared_event_row, task_row
from robotq.model.event import Event
from robotq.model.task import Task
from robotq.postgres import Database, load
from robotq.postgres.database import Connection
from robotq.store.shared.what import CHECKLIST

_log = logging.getLogger(__name__)

_SQL = load(__package__, "outbox.sql")

SHARED_STORE = "(shared)"
"""In the place of a daemon, of tasks that several have in one store. No daemon can be called so."""
_BATCH = 500
"""Events in one transaction."""


class Outbox:
    """Sends events in order, each once, from wherever it was: how far that is stands in the
    database and is changed in the transaction that brings the events. The journal on disk is what
    waits, so an outage costs no memory and no local command waits for it."""

    def __init__(
        self,
        database: Database,
        member: Member,
        reads: Reads,
        *,
        shared: Collection[str] = (),
        durable: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """`shared`: interfaces whose tasks other daemons have too, in one store; all of them tell
        of those, and the fleet has each once. `durable`: of a robot, see `Durable`."""
        self._database = database
        self._member = member
        self._reads = reads
        self._shared = frozenset(shared)
        self._durable = durable
        self.sent_id = 0
        """As far as is known."""
        self._same = False
        """The events there are those of the journal here; looked at once a connection."""

    @property
    def behind(self) -> int:
        """Events that are not sent."""
        return max(0, self._reads.last_event_id - self.sent_id)

    def look_again(self) -> None:
        """The database was away: it may be another one, or an older state of it."""
        self._same = False

    async def send(self) -> bool:
        """Send what has happened, a batch at most; whether there was anything.

        Raises DatabaseAway, LostName, RobotqError store_unavailable.
        """
        async with self._database.transaction() as connection:
            journal, sent_id = await self._place(connection)
            if not self._same:
                journal, sent_id = await self._agreed(connection, journal, sent_id)
            # the disk may be ahead of what has been told, and of the tasks in memory: what an event
            # tells of its task is read with it, and not read again
            told = self._reads.last_event_id
            events = await self._reads.events(sent_id, limit=_BATCH)
            events = [event for event in events if event.id <= told]
            if events:
                await self._write(connection, journal, events)
                sent_id = events[-1].id
        self.sent_id, self._same = sent_id, True
        return bool(events)

    async def _place(self, connection: Connection) -> tuple[int, int]:
        found = await connection.execute(_SQL["place"], self._member.words)
        row = await found.fetchone()
        if row is None:
            raise LostName(self._member.name)
        return row[0], row[1]

    async def _agreed(self, connection: Connection, journal: int, sent_id: int) -> tuple[int, int]:
        """From where to go on. A data folder that was restored from a backup has an earlier
        journal: what follows the last event that both know is a journal of its own."""
        both = await self._both_know(connection, journal, sent_id)
        if both == sent_id:
            return journal, sent_id
        name = self._member.name
        _log.warning(
            "the fleet knows what the journal of %s does not: a backup was restored. What follows "
            "event %d is sent as another journal; tasks that are not here any more stay there.",
            name,
            both,
        )
        found = await connection.execute(
            _SQL["beyond"], {"name": name, "journal": journal, "id": both}
        )
        known = [
            task
            for (task_id,) in await found.fetchall()
            if (task := await self._reads.task_if_any(task_id)) is not None
        ]
        for task in known:
            # its revision is an earlier one again
            await connection.execute(_SQL["not_task"], {"name": name, "task_id": task.id})
            await connection.execute(_SQL["task"], self._task_row(task))
        await connection.execute(
            _SQL["sent"], {"name": name, "sent_id": both, "journal": journal + 1}
        )
        return journal + 1, both

    async def _both_know(self, connection: Connection, journal: int, sent_id: int) -> int:
        """The last event up to which what was sent is what stands here."""
        low, high, look = 0, sent_id, sent_id
        while low < high:
            found = await connection.execute(
                _SQL["known"], {"name": self._member.name, "journal": journal, "id": look}
            )
            there = await found.fetchone()
            if there is None or await self._is_here(*there):
                # what is older than the database keeps is taken to be the same
                low = look
            else:
                high = there[0] - 1
            look = (low + high + 1) // 2
        return low

    async def _is_here(self, event_id: int, at_ms: int) -> bool:
        here = await self._reads.events(event_id - 1, limit=1)
        return bool(here) and (here[0].id, here[0].at_ms) == (event_id, at_ms)

    async def _write(self, connection: Connection, journal: int, events: Sequence[Event]) -> None:
        name = self._member.name
        found: dict[str, Task] = {}
        for task_id in dict.fromkeys(event.task_id for event in events if event.task_id):
            # as it is now, which may be newer than the event; then it comes again
            task = await self._reads.task_if_any(task_id)
            if task is not None:
                found[task.id] = task
        for queue in {str(event.robot) for event in events if event.data.get(ALSO_RANKED)}:
            # whoever takes it over goes by their ranks
            found |= {task.id: task for task in self._reads.robot_queue(queue)}
        tasks = list(found.values())
        # daemons that tell of the same ones write them in the same order, and never wait in a ring
        tasks.sort(key=lambda task: task.id)
        async with connection.cursor() as cursor:
            await cursor.executemany(
                _SQL["event"], [self._event_row(journal, event) for event in events]
            )
            if tasks:
                await cursor.executemany(_SQL["task"], [self._task_row(task) for task in tasks])
        await connection.execute(
            _SQL["sent"], {"name": name, "sent_id": events[-1].id, "journal": journal}
        )

    def _event_row(self, journal: int, event: Event) -> tuple[Any, ...]:
        # a checklist of its own is nobody's task; one of a step is of a robot here
        api = CHECKLIST if event.task_id is None else event.api
        if event.api == api and event.api in self._shared:
            return shared_event_row(self._member.name, journal, event)
        return event_row(self._member.name, journal, event)

    def _task_row(self, task: Task) -> tuple[Any, ...]:
        if task.api in self._shared:
            return task_row(SHARED_STORE, task)
        return task_row(self._member.name, task, durable=self._durable(task.queue))
