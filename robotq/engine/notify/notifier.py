"""Follows the alarms, and has people told: one message an incident, and one more where nobody
acknowledges it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from robotq.config import NotifyConfig
from robotq.engine.commit.commit import Commit
from robotq.engine.notify.incident import EVENTS, Incident, Notice, subject_of
from robotq.engine.notify.notices import HIGH, MEDIUM, is_quiet, notices_of
from robotq.engine.notify.outbox import Outbox
from robotq.engine.notify.receivers import Receivers
from robotq.model.clock import WallClock
from robotq.model.event import Event
from robotq.model.ids import hold_id
from robotq.model.outcome import error_view
from robotq.model.task import FINAL_STATES, Task, TaskState
from robotq.model.texts import Language
from robotq.store.port import AppendEvent, Mutation, SaveTask

_log = logging.getLogger(__name__)

_MOST_OPEN = 200
_FAILED_FOR_MS = 3_600_000
"""That a failed command is news, unless another one completes before."""


class Alarm(Protocol):
    """What somebody has to act on, as far as it matters here."""

    @property
    def id(self) -> str: ...
    @property
    def code(self) -> str: ...
    @property
    def priority(self) -> str: ...
    @property
    def queue(self) -> str: ...
    @property
    def task_id(self) -> str | None: ...
    @property
    def acknowledged_by(self) -> str | None: ...


class Notifier:
    """Incidents are on disk before anybody is told of them, except where the disk itself is out;
    so a restart forgets none and repeats none."""

    def __init__(
        self,
        *,
        config: Callable[[], NotifyConfig],
        language: Callable[[], Language],
        clock: WallClock,
        commit: Commit,
        standing: Callable[[], Sequence[Alarm]],
        words_of: Callable[[Alarm], str],
        open_before: Mapping[str, Incident],
        outbox: Outbox,
        receivers: Receivers,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._language = language
        self._clock = clock
        self._commit = commit
        self._standing = standing
        self._words_of = words_of
        self._outbox = outbox
        self._receivers = receivers
        self._now = now
        self.open: dict[str, Incident] = dict(open_before)
        """By subject."""
        self._seen_since: dict[str, float] = {}
        """Subjects that stand and are no incident yet, by when they were seen first."""
        self._gone_since: dict[str, float] = {}
        """Incidents whose cause is gone, by when that was seen first."""

    # -- alarms --------------------------------------------------------------------------------

    async def look(self) -> None:
        """See what has come and what is over. Once a second."""
        alarms = {
            subject_of(each.id, each.code, each.queue, each.task_id): each
            for each in reversed(self._standing())
            if EVENTS.get(each.code) in self._config().events
        }
        await self._close(alarms)
        await self._open(alarms)
        await self._acknowledged(alarms)
        await self._tell_on()

    async def _open(self, alarms: Mapping[str, Alarm]) -> None:
        now = self._now()
        for gone in self._seen_since.keys() - alarms.keys():
            del self._seen_since[gone]
        for subject, alarm in alarms.items():
            if subject in self.open:
                self._seen_since.pop(subject, None)
                continue
            since = self._seen_since.setdefault(subject, now)
            if now - since < self._rest_s(alarm) or len(self.open) >= _MOST_OPEN:
                continue
            incident = Incident(
                subject=subject,
                id=hold_id().replace("hold", "incident"),
                event=EVENTS[alarm.code],
                code=alarm.code,
                priority=alarm.priority,
                robot=alarm.queue,
                task_id=alarm.task_id,
                opened_ms=self._clock.now_ms(),
                words=self._words_of(alarm),
                acknowledged_by=alarm.acknowledged_by,
            )
            await self._told(incident, [self._event("incident.opened", incident)])

    def _rest_s(self, alarm: Alarm) -> float:
        """What is over before that is no news."""
        config = self._config()
        if alarm.code == "disconnected":
            return config.disconnected_after_s
        return 0.0 if alarm.priority == HIGH else config.after_s

    async def _close(self, alarms: Mapping[str, Alarm]) -> None:
        now, config = self._now(), self._config()
        for subject, incident in list(self.open.items()):
            if subject in alarms:
                self._gone_since.pop(subject, None)
                continue
            if incident.code == "failed":
                over = self._clock.now_ms() - incident.opened_ms > _FAILED_FOR_MS
            else:
                # one that comes back within that is the same one
                over = now - self._gone_since.setdefault(subject, now) >= config.over_s
            if over:
                await self._over(incident)

    async def _over(self, incident: Incident) -> None:
        self._gone_since.pop(incident.subject, None)
        del self.open[incident.subject]
        # whoever was not told that it began need not be told any more
        late = self._outbox.of(incident.subject) if incident.told_ms is None else ()
        ends: Sequence[Notice] = ()
        if self._config().tell_end and incident.told_ms is not None:
            ends = self._notices(incident, "ended", self._receivers.to)
        mutations: list[Mutation] = [incident.forgotten, self._event("incident.closed", incident)]
        mutations += [notice.forgotten for notice in late]
        mutations += [notice.saved for notice in ends]
        await self._write(mutations)
        self._outbox.forget(late)
        self._outbox.put(ends)

    async def _acknowledged(self, alarms: Mapping[str, Alarm]) -> None:
        for subject, incident in list(self.open.items()):
            by = alarms[subject].acknowledged_by if subject in alarms else None
            if by is not None and incident.acknowledged_by is None:
                after = msgspec.structs.replace(incident, acknowledged_by=by)
                self.open[subject] = after
                await self._write([after.saved])

    async def _tell_on(self) -> None:
        """What had to wait for the end of quiet hours, and what nobody has acknowledged."""
        config, now_ms = self._config(), self._clock.now_ms()
        for incident in list(self.open.values()):
            if self._is_quiet(incident):
                continue
            if incident.told_ms is None:
                await self._told(incident, [])
                continue
            after_s = config.escalate_after_s
            due = after_s is not None and now_ms - incident.told_ms >= after_s * 1000
            if due and not incident.escalated and self._waits_for_somebody(incident):
                after = msgspec.structs.replace(incident, escalated=True)
                notices = self._notices(after, "escalated", self._receivers.escalate_to)
                self.open[incident.subject] = after
                event = self._event("incident.escalated", after)
                await self._write([after.saved, event, *(notice.saved for notice in notices)])
                self._outbox.put(notices)

    def _waits_for_somebody(self, incident: Incident) -> bool:
        over = incident.subject in self._gone_since
        return incident.acknowledged_by is None and incident.code != "failed" and not over

    async def _told(self, incident: Incident, events: Sequence[Mutation]) -> None:
        """Write it with its messages, then send them; in quiet hours only write it."""
        incident, notices = self._made(incident)
        # before the disk has it, so that the next look does not find it anew
        self.open[incident.subject] = incident
        self._seen_since.pop(incident.subject, None)
        await self._write([incident.saved, *events, *(notice.saved for notice in notices)])
        self._outbox.put(notices)

    def _made(self, incident: Incident) -> tuple[Incident, Sequence[Notice]]:
        if self._is_quiet(incident):
            return incident, ()
        told = msgspec.structs.replace(incident, told_ms=self._clock.now_ms())
        return told, self._notices(told, "opened", self._receivers.to)

    async def _write(self, mutations: Sequence[Mutation]) -> None:
        if not await self._commit.written(mutations):
            # people are told all the same: that the disk is out is news too
            _log.warning("an incident is not on disk; after a restart it may be told again")

    # -- commands that have failed -------------------------------------------------------------

    def following(self, saving: SaveTask) -> Sequence[Mutation]:
        """The news that a command has failed is written together with its end."""
        if not _has_failed(saving) or "failed" not in self._config().events:
            return ()
        incident = self._of_failure(saving.task)
        if incident.subject in self.open:
            return ()
        incident, notices = self._made(incident)
        return [incident.saved, *(notice.saved for notice in notices)]

    def task_written(self, task: Task) -> None:
        """It is on disk that this task has ended."""
        subject = f"failed/{task.queue}/task"
        known = self.open.get(subject)
        if task.state is TaskState.COMPLETED and known is not None and known.told_ms is not None:
            # its hour is over: the next failure is news again
            self.open[subject] = msgspec.structs.replace(known, opened_ms=0)
        if not _is_failure(task) or known is not None or "failed" not in self._config().events:
            return
        if task.ended_at_ms is None or self._clock.now_ms() - task.ended_at_ms > 60_000:
            return
        incident, notices = self._made(self._of_failure(task))
        self.open[subject] = incident
        self._outbox.put(notices)

    def _of_failure(self, task: Task) -> Incident:
        """The same whenever it is made."""
        error = task.error
        why = "" if error is None else str(error_view(error, self._language())["message"])
        return Incident(
            subject=f"failed/{task.queue}/task",
            id=f"failed_{task.id}",
            event="failed",
            code="failed",
            priority=MEDIUM,
            robot=task.queue,
            task_id=task.id,
            opened_ms=task.ended_at_ms or 0,
            words=f"{task.command.cmd_type}: {why}"[:500],
        )

    # -- small ---------------------------------------------------------------------------------

    def _notices(self, incident: Incident, what: str, to: Iterable[str]) -> Sequence[Notice]:
        if not self._outbox.has_room:
            _log.error("too many notifications wait; nobody is told of %s", incident.subject)
            return ()
        return notices_of(
            incident,
            what,
            to,
            language=self._language(),
            config=self._config(),
            now_ms=self._clock.now_ms(),
        )

    def _is_quiet(self, incident: Incident) -> bool:
        return is_quiet(incident.priority, self._config(), self._clock.now_ms())

    def _event(self, kind: str, incident: Incident) -> AppendEvent:
        data = {
            "incident": incident.id,
            "event": incident.event,
            "code": incident.code,
            "priority": incident.priority,
        }
        return AppendEvent(
            Event(
                kind=kind,
                at_ms=self._clock.now_ms(),
                actor="robotq",
                robot=incident.robot or None,
                task_id=incident.task_id,
                data=data,
            )
        )


def _has_failed(saving: SaveTask) -> bool:
    return saving.before not in FINAL_STATES and _is_failure(saving.task)


def _is_failure(task: Task) -> bool:
    """Of a robot; an unknown outcome has an alarm of its own."""
    failed = task.state is TaskState.FAILED and not task.outcome_unknown
    return failed and task.api == "robot"
