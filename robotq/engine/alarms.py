"""What somebody has to act on: its priority, what came first, who has seen it, and for how long it
makes no noise. Alarms are what `holds` and `why` say at this moment; nothing here holds a robot or
lets one go."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

import msgspec

from robotq.engine.holds.board import HoldBoard
from robotq.engine.robot.robot import Robot
from robotq.engine.state.robot_queue import RobotQueue
from robotq.engine.upkeep.maintenance import Maintenance
from robotq.engine.why import Why
from robotq.model.clock import WallClock
from robotq.model.errors import RobotqError
from robotq.model.hold import Hold, HoldCode, Wait, WaitCode
from robotq.model.json import JsonObject

HIGH, MEDIUM, LOW = "high", "medium", "low"

_ORDER: Mapping[str, str] = {
    HoldCode.ESTOP: HIGH,
    HoldCode.UNRESPONSIVE: HIGH,
    HoldCode.OUTCOME_UNKNOWN: HIGH,
    HoldCode.STORE_UNAVAILABLE: HIGH,
    WaitCode.QUESTION: MEDIUM,
    HoldCode.MOTION_HELD: MEDIUM,
    HoldCode.FAILURE: MEDIUM,
    HoldCode.DISCONNECTED: MEDIUM,
    HoldCode.SHUTDOWN: MEDIUM,
    WaitCode.RESOURCE: MEDIUM,
    HoldCode.DOES_NOT_FIT: MEDIUM,
    HoldCode.NOT_CONFIGURED: MEDIUM,
    "value": MEDIUM,
    HoldCode.RESTARTED: LOW,
    WaitCode.APPROVAL: LOW,
    WaitCode.FOLDER: LOW,
    HoldCode.PAUSED: LOW,
    "maintenance_due": LOW,
}
"""Most urgent first, with its priority. What is not here needs nobody: a shutdown that goes on,
a task that waits for its time."""
_RANK = {code: rank for rank, code in enumerate(_ORDER)}

MOST = 200
"""Alarms that are told at once."""
LONGEST_MIN = 480
"""A shift: shelving ends by itself after it at the latest."""


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    """Another one as soon as it is set again, so that nobody has seen what is new."""
    code: str
    priority: str
    queue: str
    """Of a robot; empty for all of them."""
    task_id: str | None
    since_ms: int
    first: bool = False
    """Came before all others that stand now; those that follow are often its consequences."""
    acknowledged_by: str | None = None
    acknowledged_at_ms: int | None = None
    shelved_by: str | None = None
    shelved_until_ms: int | None = None


class _Seen(msgspec.Struct, frozen=True, kw_only=True):
    by: str
    at_ms: int


Note = Callable[..., Awaitable[bool]]


class Alarms:
    """Who has seen an alarm is kept in memory for as long as it stands, and in the journal. After
    a start nobody has seen any: it comes back rather than that it is passed over."""

    def __init__(
        self,
        *,
        holds: HoldBoard,
        why: Why,
        queues: Mapping[str, RobotQueue],
        clock: WallClock,
        note: Note,
        robots: Mapping[str, Robot],
        maintenance: Maintenance | None,
    ) -> None:
        """`robots`: what they measure may be out of its range."""
        self._robots = robots
        self._maintenance = maintenance
        self._holds = holds
        self._why = why
        self._queues = queues
        self._clock = clock
        self._note = note
        self._seen: dict[str, _Seen] = {}
        self._shelved: dict[str, _Seen] = {}
        """`at_ms` is when it ends."""

    def standing(self) -> Sequence[Alarm]:
        """All that stand now, most urgent first; of equal ones the oldest first."""
        found = {alarm.id: alarm for alarm in self._found()}
        for kept in (self._seen, self._shelved):
            for gone in kept.keys() - found.keys():
                del kept[gone]
        now_ms = self._clock.now_ms()
        for over in [one for one, until in self._shelved.items() if until.at_ms <= now_ms]:
            del self._shelved[over]
        # of those of one moment the first in line first: ids are in no order
        alarms = sorted(found.values(), key=lambda one: (_RANK[one.code], one.since_ms, one.queue))
        acute = [one for one in alarms if one.priority != LOW]
        first = min(acute, key=lambda one: one.since_ms).id if len(acute) > 1 else None
        return [self._told(one, first) for one in alarms[:MOST]]

    async def acknowledge(self, alarm_id: str, *, actor: str) -> Alarm:
        """Somebody has seen it; the first one counts. It stays until its cause is gone.

        Raises RobotqError alarm_not_found, store_unavailable."""
        alarm = self._find(alarm_id)
        if alarm.acknowledged_by is None:
            await self._write("alarm.acknowledged", alarm, actor, {})
            self._seen.setdefault(alarm_id, _Seen(by=actor, at_ms=self._clock.now_ms()))
        return self._find(alarm_id)

    async def shelve(self, alarm_id: str, minutes: int, *, actor: str) -> Alarm:
        """It makes no sound and does not blink for so long; 0 ends that. A hold, its reason and
        what clears it are shown all the same.

        Raises RobotqError alarm_not_found, bad_parameter, store_unavailable."""
        if not 0 <= minutes <= LONGEST_MIN:
            reason = f"expected 0 to {LONGEST_MIN}"
            raise RobotqError("bad_parameter", field="minutes", reason=reason)
        alarm = self._find(alarm_id)
        await self._write("alarm.shelved", alarm, actor, {"minutes": minutes})
        if minutes:
            until_ms = self._clock.now_ms() + minutes * 60_000
            self._shelved[alarm_id] = _Seen(by=actor, at_ms=until_ms)
        else:
            self._shelved.pop(alarm_id, None)
        return self._find(alarm_id)

    async def _write(self, kind: str, alarm: Alarm, actor: str, more: JsonObject) -> None:
        data = {"alarm": alarm.id, "code": alarm.code, "priority": alarm.priority, **more}
        if not await self._note(kind, actor=actor, data=data, robot=alarm.queue):
            raise RobotqError("store_unavailable", reason="the journal takes nothing")

    def _find(self, alarm_id: str) -> Alarm:
        for alarm in self.standing():
            if alarm.id == alarm_id:
                return alarm
        raise RobotqError("alarm_not_found", alarm_id=alarm_id)

    def _told(self, alarm: Alarm, first: str | None) -> Alarm:
        seen, shelved = self._seen.get(alarm.id), self._shelved.get(alarm.id)
        return msgspec.structs.replace(
            alarm,
            first=alarm.id == first,
            acknowledged_by=None if seen is None else seen.by,
            acknowledged_at_ms=None if seen is None else seen.at_ms,
            shelved_by=None if shelved is None else shelved.by,
            shelved_until_ms=None if shelved is None else shelved.at_ms,
        )

    def _found(self) -> Iterator[Alarm]:
        holds = self._holds.all()
        if stops := [hold for hold in holds if hold.code is HoldCode.ESTOP]:
            # one stop of all robots is one alarm; a newer one is another
            latest = max(stops, key=lambda hold: hold.set_at_ms or hold.since_ms)
            yield _alarm(f"stop-{latest.id}", HoldCode.ESTOP, "", None, latest.since_ms)
        for hold in holds:
            if hold.code in _ORDER and hold.code is not HoldCode.ESTOP:
                yield _of_hold(hold)
        for name, robot_queue in self._queues.items():
            task = robot_queue.running
            if task is not None and task.waiting_for is not None:
                asked_ms = task.waiting_for.asked_at_ms
                yield _alarm(
                    f"question-{task.id}-{asked_ms}", WaitCode.QUESTION, name, task.id, asked_ms
                )
            for unit in robot_queue.undecided:
                first = next(iter(unit.values()))
                alarm_id = f"approval-{first.id}-{first.revision}"
                yield _alarm(alarm_id, WaitCode.APPROVAL, name, first.id, first.submitted_at_ms)
        yield from self._measured_and_counted()
        for standing in self._why.all():
            for reason in standing.reasons:
                if isinstance(reason, Wait) and (alarm := _of_wait(reason)) is not None:
                    yield alarm
                elif isinstance(reason, Hold) and reason.code is HoldCode.NOT_CONFIGURED:
                    yield _of_hold(reason)

    def _measured_and_counted(self) -> Iterator[Alarm]:
        """Values that the site wants to be kept in their range, and what is to be seen to."""
        for name, robot in self._robots.items():
            for look in robot.values.look():
                if look.alarm:
                    since_ms = self._clock.now_ms() - int(look.out_s * 1000)
                    yield _alarm(f"value-{name}-{look.name}", "value", name, None, since_ms)
        for item in () if self._maintenance is None else self._maintenance.items():
            if item.due_ms is not None:
                due = f"maintenance-{item.robot}-{item.name}-{item.since_ms}"
                yield _alarm(due, "maintenance_due", item.robot, None, item.due_ms)


def _of_hold(hold: Hold) -> Alarm:
    return _alarm(hold.id, hold.code, hold.robot, hold.task_id, hold.since_ms)


def _of_wait(wait: Wait) -> Alarm | None:
    """What keeps a whole queue and what a person can do something about."""
    core = wait.because[0] if wait.because else wait
    if core.code is WaitCode.FOLDER:
        return _alarm(f"folder-{core.queue}", core.code, core.queue, None, core.since_ms)
    if core.code is not WaitCode.RESOURCE or core.args.get("occupant", "running") == "running":
        return None
    alarm_id = f"place-{core.task_id}-{core.args.get('resource')}-{core.since_ms}"
    return _alarm(alarm_id, core.code, core.queue, core.task_id, core.since_ms)


def _alarm(alarm_id: str, code: str, queue: str, task_id: str | None, since_ms: int) -> Alarm:
    return Alarm(
        id=alarm_id,
        code=str(code),
        priority=_ORDER[code],
        queue=queue,
        task_id=task_id,
        since_ms=since_ms,
    )
