"""The one thread that writes. It owns the connection, and commits for many callers at once."""

from __future__ import annotations

import asyncio
import itertools
import logging
import queue
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec

from robotq.model.crashpoints import CrashPoint, crash_point
from robotq.model.event import Event
from robotq.store.port import Committed, DuplicateKey, Mutation, SaveAnswer, StoreUnavailable
from robotq.store.sqlite.changes import Changes, taken_keys
from robotq.store.sqlite.handover import Handover

_log = logging.getLogger(__name__)

_GROUP = 512
"""Calls in one commit at most, so that no caller waits for all the others."""

_WAITING = 20_000
"""Calls that may wait; the next one is refused."""

_CALLERS_FAULT = (
    sqlite3.IntegrityError,
    sqlite3.DataError,
    sqlite3.ProgrammingError,
    sqlite3.InterfaceError,
    sqlite3.NotSupportedError,
)
"""What is wrong with a row. Every other sqlite3.Error is the disk's."""

T = TypeVar("T")


class _Call(msgspec.Struct, frozen=True, gc=False):
    mutations: Sequence[Mutation]
    future: asyncio.Future[Sequence[Event]]
    committed: Committed | None


class _Job(NamedTuple):
    """Something to do with the connection between two commits."""

    work: Callable[[sqlite3.Connection], Any]
    future: asyncio.Future[Any]


class _Close:
    pass


class Writer:
    """Group commit: while one commit waits for the disk, the next group gathers.

    Rows are made from records in the thread and not by the callers: measured with 64 of them
    the rate is the same, and a batch of a thousand commands does not hold up the event loop.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._connection: sqlite3.Connection | None = None
        self._last_event_id: int | None = None
        """The last number of the journal, where the last to write was a group of changes: then
        it need not be read."""
        self._handover = Handover(_WAITING, "calls")
        self._loop = asyncio.get_running_loop()
        self._gathered: list[_Call | _Job] = []
        """What this turn of the loop has asked for."""
        self._turns: queue.SimpleQueue[Sequence[_Call | _Job | _Close]] = queue.SimpleQueue()
        self._items: deque[_Call | _Job | _Close] = deque()
        """What the thread has taken and not done yet."""
        # a daemon thread: an event loop that ended without `close` must not keep the process
        self._thread = threading.Thread(target=self._run, name="robotq-store", daemon=True)
        self.commits = 0
        self.applied = 0
        self.last_commit_s = 0.0
        self._thread.start()

    @property
    def waiting(self) -> int:
        return self._handover.waiting

    def apply(
        self, mutations: Sequence[Mutation], committed: Committed | None = None
    ) -> asyncio.Future[Sequence[Event]]:
        """See `Store.apply`. Calls are written in the order of these calls."""
        future = self._handover.future()
        self._gather(_Call(mutations, future, committed))
        return future

    def run(self, work: Callable[[sqlite3.Connection], T]) -> asyncio.Future[T]:
        """Do something with the connection outside any transaction; holds up all writes.

        The future raises StoreUnavailable for every sqlite3.Error.
        """
        future = self._handover.future()
        self._gather(_Job(work, future))
        return future

    def hand_over(self) -> None:
        """Give the thread what is gathered. On the loop; `close` wants it before."""
        if self._gathered:
            gathered, self._gathered = self._gathered, []
            self._turns.put(gathered)

    def close(self) -> None:
        """Write what was handed over, then close. Blocks until it is done; the last call."""
        self._turns.put((_Close(),))
        self._thread.join()

    def _gather(self, item: _Call | _Job) -> None:
        """The thread is woken once for a turn of the loop: at the first call it would begin with
        that alone, and get in the way of all that come in the same turn."""
        if not self._gathered:
            self._loop.call_soon(self.hand_over)
        self._gathered.append(item)

    def _run(self) -> None:
        while not isinstance(item := self._next(), _Close):
            if isinstance(item, _Job):
                self._do(item)
            else:
                self._commit(item)
        self._disconnect()

    def _next(self) -> Sequence[_Call] | _Job | _Close:
        """All calls that wait and may share a commit; or the next other thing."""
        items = self._items
        if not items:
            items.extend(self._turns.get())
        while True:
            try:
                items.extend(self._turns.get_nowait())
            except queue.Empty:
                break
        item = items.popleft()
        if not isinstance(item, _Call):
            return item
        calls = [item]
        while items and len(calls) < _GROUP and isinstance(item := items[0], _Call):
            calls.append(item)
            items.popleft()
        return calls

    def _do(self, job: _Job) -> None:
        outcome: object
        self._last_event_id = None
        try:
            outcome = job.work(self._connected())
        except sqlite3.Error as error:
            self._disconnect()
            outcome = StoreUnavailable(str(error))
        except Exception as error:  # noqa: BLE001 - whoever asked gets it
            outcome = error
        self._handover.answer([(job.future, outcome, None)])

    def _commit(self, calls: Sequence[_Call]) -> None:
        began = time.perf_counter()
        outcomes: Sequence[object]
        try:
            outcomes = self._write(calls)
        except sqlite3.Error as error:
            # a new connection, because what the failed one still believes is not certain
            self._disconnect()
            outcomes = [StoreUnavailable(str(error)) for _ in calls]
        except Exception as error:  # noqa: BLE001 - callers must be answered, and the next ones served
            _log.exception("the store could not write")
            self._disconnect()
            outcomes = [StoreUnavailable(repr(error)) for _ in calls]
        else:
            self.commits += 1
            self.last_commit_s = time.perf_counter() - began
        answers = []
        for call, outcome in zip(calls, outcomes, strict=True):
            self.applied += not isinstance(outcome, Exception)
            answers.append((call.future, outcome, call.committed))
        self._handover.answer(answers)

    def _write(self, calls: Sequence[_Call]) -> Sequence[object]:
        """Returns the events of each call, or the exception that it gets instead."""
        connection = self._connected()
        known, self._last_event_id = self._last_event_id, None
        outcomes: Sequence[object]
        last: int | None = None
        connection.execute("BEGIN IMMEDIATE")
        try:
            outcomes, last = _all_together(connection, calls, known)
        except DuplicateKey:
            _begin_again(connection)
            outcomes = _without_taken(connection, calls)
        except Exception as error:
            if is_the_disks(error):
                raise
            # seldom, so all the others need no savepoint, which costs as much as their rows
            _begin_again(connection)
            outcomes = _one_by_one(connection, calls)
        crash_point(CrashPoint.COMMIT)
        connection.execute("COMMIT")
        self._last_event_id = last
        crash_point(CrashPoint.COMMITTED)
        return outcomes

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def _disconnect(self) -> None:
        """Close the connection, which rolls back what it has open."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.close()
            except sqlite3.Error:
                _log.exception("the database could not be closed")


def _all_together(
    connection: sqlite3.Connection, calls: Sequence[_Call], last_event_id: int | None
) -> tuple[Sequence[object], int]:
    """Returns the events of each call, and the last number of the journal."""
    changes = Changes(connection, last_event_id)
    outcomes = [changes.add(call.mutations) for call in calls]
    changes.flush()
    return outcomes, changes.last_event_id


def _without_taken(connection: sqlite3.Connection, calls: Sequence[_Call]) -> Sequence[object]:
    """The same where keys have come again: that is no reason to write all others by themselves."""
    keys = [_keys(call.mutations) for call in calls]
    taken = taken_keys(connection, itertools.chain.from_iterable(keys))
    fresh = [call for call, own in zip(calls, keys, strict=True) if taken.isdisjoint(own)]
    if len(fresh) == len(calls):
        # the same one twice in this group
        return _one_by_one(connection, calls)
    try:
        written, _ = _all_together(connection, fresh, None)
    except Exception as error:
        if is_the_disks(error):
            raise
        _begin_again(connection)
        written = _one_by_one(connection, fresh)
    following = iter(written)
    return [
        next(following) if taken.isdisjoint(own) else DuplicateKey("has its answer") for own in keys
    ]


def _keys(mutations: Sequence[Mutation]) -> Sequence[tuple[str, str]]:
    return [(one.answer.scope, one.answer.key) for one in mutations if isinstance(one, SaveAnswer)]


def _one_by_one(connection: sqlite3.Connection, calls: Sequence[_Call]) -> Sequence[object]:
    outcomes: list[object] = []
    for call in calls:
        connection.execute("SAVEPOINT one")
        try:
            changes = Changes(connection)
            outcome: object = changes.add(call.mutations)
            changes.flush()
        except Exception as error:
            if is_the_disks(error):
                raise
            connection.execute("ROLLBACK TO one")
            outcome = error
        connection.execute("RELEASE one")
        outcomes.append(outcome)
    return outcomes


def _begin_again(connection: sqlite3.Connection) -> None:
    connection.execute("ROLLBACK")
    connection.execute("BEGIN IMMEDIATE")


def is_the_disks(error: Exception) -> bool:
    """Whether it is no fault of the call, so that the same call may work later."""
    return isinstance(error, sqlite3.Error) and not isinstance(error, _CALLERS_FAULT)
