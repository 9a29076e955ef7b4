"""Sends notices, each until its receiver has taken it, over restarts too."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Protocol

import msgspec

from robotq.engine.commit.commit import Commit
from robotq.engine.notify.incident import Notice
from robotq.engine.robot.driver_calls import DriverCalls
from robotq.engine.webhooks.slots import ReceiverSlots
from robotq.model.clock import WallClock
from robotq.model.event import Event
from robotq.store.port import AppendEvent

_log = logging.getLogger(__name__)

_AT_ONCE = 8
_MOST = 1_000
"""Notices that may wait; the next one is given up at once."""
_ANSWER_S = 60.0
"""Wall seconds that a service has; its thread may hang for longer, and takes nothing else then."""
_PAUSE_S, _LONGEST_PAUSE_S = 5.0, 600.0
"""After a failed attempt, twice as long after each further one."""
_GIVEN_UP_MS = 24 * 3_600_000
"""After its making."""


class Send(Protocol):
    """Blocking. Returns why it was not taken; empty where it was."""

    def __call__(self, url: str, notice: Notice) -> str: ...


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    pending: int
    sent: int
    """Since the start, like the next one."""
    given_up: int


class Outbox:
    """At least once. A notice is on disk before it is sent, and stays until its receiver has
    taken it; where the daemon dies between the two, it comes again under the same id."""

    def __init__(
        self,
        *,
        commit: Commit,
        clock: WallClock,
        notices: Mapping[str, Notice],
        targets: Callable[[], Mapping[str, str]],
        send: Send,
        pause_s: float = _PAUSE_S,
    ) -> None:
        """`targets`: digest -> URL, as configured now."""
        self._commit = commit
        self._clock = clock
        self._pending = dict(notices)
        self._targets = targets
        self._send = send
        self._pause_s = pause_s
        self._attempts: dict[str, int] = {}
        self._threads: dict[str, DriverCalls] = {}
        self._slots = ReceiverSlots(self._attempt, per_receiver=1, at_once=_AT_ONCE)
        self._sent = self._given_up = 0

    def start(self) -> None:
        for notice in self._pending.values():
            self._slots.put(notice.name, notice.target, 0.0)

    async def stop(self, grace_s: float) -> None:
        """Send nothing more; what is not sent is sent after the next start."""
        await self._slots.stop(grace_s)
        for thread in self._threads.values():
            thread.close()

    @property
    def has_room(self) -> bool:
        return len(self._pending) < _MOST

    def put(self, notices: Iterable[Notice]) -> None:
        """Send what is on disk by now, or cannot be while the disk is out."""
        for notice in notices:
            self._pending[notice.name] = notice
            self._attempts.pop(notice.name, None)
            self._slots.put(notice.name, notice.target, 0.0)

    def of(self, subject: str) -> Sequence[Notice]:
        """Those about this that are not sent yet."""
        return [each for each in self._pending.values() if each.subject == subject]

    def forget(self, notices: Iterable[Notice]) -> None:
        for notice in notices:
            self._pending.pop(notice.name, None)

    def statistics(self) -> Sent:
        return Sent(pending=len(self._pending), sent=self._sent, given_up=self._given_up)

    async def _attempt(self, name: str) -> None:
        notice = self._pending.get(name)
        if notice is None:
            return
        url = self._targets().get(notice.target)
        if url is None:
            await self._done(notice, "its receiver is not in the configuration any more")
            return
        problem = await self._tried(url, notice)
        if not problem:
            await self._done(notice, "")
            return
        attempts = self._attempts[name] = self._attempts.get(name, 0) + 1
        if self._clock.now_ms() - notice.made_ms > _GIVEN_UP_MS:
            await self._done(notice, problem)
            return
        if attempts == 1:
            _log.warning("a notification has to wait: %s", problem)
        pause_s = min(self._pause_s * 2 ** (attempts - 1), _LONGEST_PAUSE_S)
        self._slots.put(name, notice.target, pause_s)

    async def _tried(self, url: str, notice: Notice) -> str:
        thread = self._threads.get(notice.target)
        if thread is None:
            thread = self._threads[notice.target] = DriverCalls(f"notify-{notice.target}")
        if not thread.idle.is_set():
            return "its service has not come back from the last one"
        try:
            async with asyncio.timeout(_ANSWER_S):
                return await thread.call(partial(self._send, url, notice))
        except TimeoutError:
            return f"no answer within {_ANSWER_S:g} s"
        except Exception as error:  # noqa: BLE001 - of a library, for a hundred services
            return f"{type(error).__name__}: {error}"[:500]

    async def _done(self, notice: Notice, problem: str) -> None:
        kind = "notification.undelivered" if problem else "notification.sent"
        data = {"subject": notice.subject, "target": notice.target, "title": notice.title}
        if problem:
            _log.error("a notification is given up: %s: %s", notice.title, problem)
            data["problem"] = problem
        # one that was made anew meanwhile is another one
        if self._pending.get(notice.name) is notice:
            del self._pending[notice.name]
            event = Event(kind=kind, at_ms=self._clock.now_ms(), actor="robotq", data=data)
            await self._commit.write_when_possible([notice.forgotten, AppendEvent(event)])
        # when the journal has it
        self._given_up += bool(problem)
        self._sent += not problem
