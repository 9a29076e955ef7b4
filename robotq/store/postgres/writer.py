"""Commits for many callers at once, in one round trip, and knows what became of each."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace
from psycopg.pq import TransactionStatus

from robotq.model.event import Event
from robotq.postgres import Database, DatabaseAway
from robotq.postgres.database import Connection, one
from robotq.store.kept import rows
from robotq.store.port import (
    Committed,
    Mutation,
    StoreUnavailable,
    Taking,
)
from robotq.store.postgres.changes import WRITE, Changes
from robotq.store.postgres.reads import READ
from robotq.store.postgres.refusals import Unknown, refusal, rolled_back
from robotq.store.sqlite.handover import Handover

_log = logging.getLogger(__name__)

_GROUP = 256
"""Calls in one commit at most, so that no caller waits for all the others."""

_WAITING = 20_000
"""Calls that may wait; the next one is refused."""

_AGAIN_S = 0.25
"""Seconds until the database is asked once more what became of a commit."""

_SPARE = 8
"""Waiting tasks that are looked at besides: some may be over their time."""


class _Claim(NamedTuple):
    queue: str
    match: str
    take: Taking


class _Call(msgspec.Struct, frozen=True, gc=False):
    mutations: Sequence[Mutation]
    future: asyncio.Future[Any]
    committed: Committed | None
    claim: _Claim | None = None


class Writer:
    """Group commit: while one commit is on its way, the next group gathers.

    Every commit has a number of its writer. Where the answer is lost, the writer asks for the
    number that the database has; what has not come in by then is refused when it comes. So each
    caller learns what is true, though not before the database is there again.
    """

    def __init__(self, database: Database, name: str) -> None:
        self._database = database
        self._name = name
        self._handover = Handover(_WAITING, "calls")
        self._calls: deque[_Call] = deque()
        self._wanted = asyncio.Event()
        self._closing = False
        self._token = self._tried = 0
        """The number of its last commit, and of the last that was sent."""
        self.unsure = False
        """Whether it is being asked what became of a commit."""
        self.commits = 0
        self.applied = 0
        self.last_commit_s = 0.0
        self._task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        return self._handover.waiting

    async def open(self) -> None:
        """Refuse what a process of this name before may still have on its way. Raises
        DatabaseAway."""
        async with self._database.transaction() as connection:
            await connection.execute(WRITE["writer"], {"writer": self._name})
        self._task = asyncio.create_task(self._run(), name=f"commits of {self._name}")

    def apply(
        self, mutations: Sequence[Mutation], committed: Committed | None = None
    ) -> asyncio.Future[Sequence[Event]]:
        """See `Store.apply`."""
        return self._handed_over(mutations, committed)

    def claim(
        self, queue: str, match: str, take: Taking, committed: Committed
    ) -> asyncio.Future[Sequence[Event] | None]:
        """Choose the next waiting task that nobody else is choosing right now, and write what
        `take` makes of it. None where there is none. Raises as `apply` does."""
        return self._handed_over((), committed, _Claim(queue, match, take))

    def _handed_over(
        self,
        mutations: Sequence[Mutation],
        committed: Committed | None,
        claim: _Claim | None = None,
    ) -> asyncio.Future[Any]:
        if self._closing:
            raise StoreUnavailable("the store is not open")
        if self.unsure:
            raise StoreUnavailable("the database is away")
        future = self._handover.future()
        self._calls.append(_Call(mutations, future, committed, claim))
        self._wanted.set()
        return future

    async def close(self) -> None:
        """Write what was handed over, as far as the database is there."""
        self._closing = True
        self._wanted.set()
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            while self._calls:
                group = [self._calls.popleft() for _ in range(min(_GROUP, len(self._calls)))]
                await self._commit(group)
            if self._closing and not self._calls:
                return

    async def _commit(self, calls: Sequence[_Call]) -> None:
        began = time.perf_counter()
        try:
            outcomes = await self._together(calls)
        except Exception as error:  # noqa: BLE001 - callers must be answered, and the next served
            _log.exception("the store could not write")
            outcomes = [StoreUnavailable(repr(error)) for _ in calls]
        self.last_commit_s = time.perf_counter() - began
        self.applied += sum(not isinstance(outcome, Exception) for outcome in outcomes)
        self._handover.answer(
            [
                (call.future, outcome, None if outcome is None else call.committed)
                for call, outcome in zip(calls, outcomes, strict=True)
            ]
        )

    async def _together(self, calls: Sequence[_Call]) -> Sequence[object]:
        """The events of each call, or the exception that it gets instead."""
        try:
            return await self._write(calls)
        except DatabaseAway as error:
            return [StoreUnavailable(str(error)) for _ in calls]
        except Exception as error:  # noqa: BLE001 - whoever asked gets it
            if len(calls) == 1:
                return [refusal(error)]
            # seldom, so the others do not pay for it
            alone = [await self._together([call]) for call in calls]
            return list(itertools.chain.from_iterable(alone))

    async def _write(self, calls: Sequence[_Call]) -> Sequence[object]:
        """All or none of them. Raises DatabaseAway where nothing was written."""
        changes = Changes()
        appended: list[list[Event] | None] = []
        self._tried += 1
        try:
            async with self._database.connection() as connection, rolled_back(connection):
                taken = await self._taken(connection, calls)
                appended += [None if one is None else changes.add(one) for one in taken]
                if not any(taken):
                    await connection.rollback()
                    return appended
                last = await self._send(connection, changes)
        except Unknown:
            last = await self._what_became_of_it()
        self._token = self._tried
        self.commits += 1
        first = last - changes.events
        return [
            None if events is None else [replace(one, id=first + one.id) for one in events]
            for events in appended
        ]

    async def _taken(
        self, connection: Connection, calls: Sequence[_Call]
    ) -> Sequence[Sequence[Mutation] | None]:
        """What to write for each call. Begins the transaction, in which others pass over what is
        chosen here; where nothing is to be chosen that costs no round trip."""
        wanted = Counter((one.claim.queue, one.claim.match) for one in calls if one.claim)
        if not wanted:
            return [call.mutations for call in calls]
        async with connection.pipeline():
            await connection.execute("BEGIN")
            await self._database.limit(connection)
            cursors = {
                (queue, match): await connection.execute(
                    READ["next"], {"queue": queue, "match": match, "limit": number + _SPARE}
                )
                for (queue, match), number in wanted.items()
            }
        waiting = {
            key: iter([rows.task_from_row(row) for row in await cursor.fetchall()])
            for key, cursor in cursors.items()
        }
        return [
            call.mutations
            if (claim := call.claim) is None
            else next(filter(None, map(claim.take, waiting[claim.queue, claim.match])), None)
            for call in calls
        ]

    async def _send(self, connection: Connection, changes: Changes) -> int:
        """All in one go, and the last number of the journal. Raises Unknown where the connection
        breaks after the first byte."""
        statements = list(changes.statements())
        begin = {"events": changes.events, "seq": changes.last_seq}
        fence = {"writer": self._name, "token": self._tried, "was": self._token}
        begun = connection.info.transaction_status is not TransactionStatus.IDLE
        async with connection.pipeline():
            if not begun:
                await connection.execute("BEGIN")
                await self._database.limit(connection)
            numbers = await connection.execute(WRITE["begin"], begin)
            await connection.execute(WRITE["fence"], fence)
            for statement in statements:
                await connection.execute(*statement)
            await connection.execute("COMMIT")
        row = await numbers.fetchone()
        assert row is not None
        return int(row[0])

    async def _what_became_of_it(self) -> int:
        """Ask until the database says so. Raises DatabaseAway where it was not written, and can
        not be any more."""
        self.unsure = True
        # what waits would wait for as long; nothing of it was sent
        self._refuse_all()
        _log.warning("the database is away while a commit was on its way; it is asked again")
        asked = {"writer": self._name, "token": self._tried}
        known: tuple[int, int] | None = None
        try:
            while known is None:
                known = await self._known(asked)
        finally:
            self.unsure = False
        token, event = known
        if token == self._tried:
            return event
        raise DatabaseAway("the connection broke before the commit")

    async def _known(self, asked: Mapping[str, object]) -> tuple[int, int] | None:
        """The number of the last commit, and of the journal then; None a moment later where the
        database is away."""
        try:
            async with self._database.transaction() as connection:
                token, event = await one(connection, WRITE["last_commit"], asked)
        except DatabaseAway:
            if self._closing:
                raise
            await asyncio.sleep(_AGAIN_S)
            return None
        return int(token), int(event)

    def _refuse_all(self) -> None:
        calls, self._calls = list(self._calls), deque()
        away_now = StoreUnavailable("the database is away")
        self._handover.answer([(call.future, away_now, None) for call in calls])
