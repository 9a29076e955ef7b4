"""Why queues start nothing: the holds of every robot."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from robotq.engine.signals import Signals
from robotq.model.clock import WallClock
from robotq.model.event import Event
from robotq.model.hold import SET_BY_PEOPLE, TRANSIENT_HOLDS, Hold, HoldCode, set_over
from robotq.model.ids import hold_id
from robotq.model.json.safe import plain

_log = logging.getLogger(__name__)

_MAX_UNTOLD = 5_000
"""Events that wait for the disk; of more, the first ones are kept. The holds themselves are all
written."""


class HoldBoard:
    """Every hold of every robot, as it is wanted.

    A new hold counts at once and is written after; a hold is lifted only after that is
    written. So a full disk can keep a robot standing, and can never set one in motion. Only the
    `HoldWriter` brings them to the disk, and only it lifts one.
    """

    def __init__(
        self,
        robots: Iterable[str],
        holds: Iterable[Hold],
        clock: WallClock,
        signals: Signals,
    ) -> None:
        self._holds: dict[str, dict[HoldCode, Hold]] = {robot: {} for robot in robots}
        for hold in holds:
            self._holds.setdefault(hold.robot, {})[hold.code] = hold
        self._clock = clock
        self.untold: list[Event] = []
        """What was decided and is not in the journal yet, in this order."""
        self._starting: set[str] = set()
        """The ids of holds that the journal does not know: a start is no loss of a link."""
        self.decisions = 0
        """Events that were ever put into `untold`."""
        self._signals = signals

    @property
    def robots(self) -> Sequence[str]:
        return tuple(self._holds)

    def of(self, robot: str) -> Sequence[Hold]:
        """The holds of one robot, oldest first. Empty: its queue may start things."""
        return sorted(self._holds.get(robot, {}).values(), key=lambda hold: hold.since_ms)

    def all(self) -> Sequence[Hold]:
        holds = [hold for of_robot in self._holds.values() for hold in of_robot.values()]
        return sorted(holds, key=lambda hold: hold.since_ms)

    def held(self, robot: str) -> bool:
        return bool(self._holds.get(robot))

    def has(self, robot: str, code: HoldCode) -> bool:
        return code in self._holds.get(robot, {})

    def get(self, robot: str, code: HoldCode) -> Hold | None:
        return self._holds.get(robot, {}).get(code)

    def in_force(self, hold: Hold) -> bool:
        """Whether it is there, and was not set again since."""
        return self.get(hold.robot, hold.code) is hold

    def set(
        self,
        robot: str,
        code: HoldCode,
        *,
        actor: str = "robotq",
        task_id: str | None = None,
        **args: Any,
    ) -> Hold:
        """Hold `robot` from this moment on.

        A hold that is set again keeps its first time and gets a new id, so that what somebody
        decides about the earlier one, or a lift of it that is under way, lifts nothing. One
        that people set keeps everybody's reason, the latest first; those of
        `TRANSIENT_HOLDS` take the new reason, and the others keep theirs.
        """
        of_robot = self._holds.setdefault(robot, {})
        known = of_robot.get(code)
        hold = Hold(
            robot=robot,
            code=code,
            since_ms=self._clock.now_ms() if known is None else known.since_ms,
            actor=actor,
            task_id=task_id,
            # drivers' words are among them: nothing may keep a hold from the disk
            args=plain(args),
            set_at_ms=self._clock.now_ms(),
        )
        self.note(self._event("hold.set", hold, actor))
        if known is not None and code in SET_BY_PEOPLE:
            hold = set_over(known, hold)
        elif known is not None and code not in TRANSIENT_HOLDS:
            hold = replace(known, id=hold_id(), set_at_ms=hold.set_at_ms)
        of_robot[code] = hold
        if known is not None:
            self._starting.discard(known.id)
        self._signals.hold_changed.tell(robot)
        self._signals.hold_decided.tell()
        return hold

    def amend(self, hold: Hold, **args: Any) -> None:
        """Tell more exactly what a hold is about. It stays the same one; nothing is written."""
        if self.in_force(hold):
            self._holds[hold.robot][hold.code] = replace(hold, args=plain({**hold.args, **args}))

    def starts(self, robot: str) -> None:
        """It has no link yet, as every robot at the start; told only where none comes."""
        hold = Hold(
            robot=robot,
            code=HoldCode.DISCONNECTED,
            since_ms=self._clock.now_ms(),
            args={"reason": "reason.connecting"},
        )
        self._holds.setdefault(robot, {})[hold.code] = hold
        self._starting.add(hold.id)

    def note(self, event: Event) -> None:
        """Have an event written in the order of the decisions."""
        if len(self.untold) >= _MAX_UNTOLD:
            _log.error("not in the journal, too much waits for the disk: %s", event)
            return
        self.untold.append(event)
        self.decisions += 1
        self._signals.hold_decided.tell()

    def lifting(self, hold: Hold, actor: str) -> Event | None:
        """What the journal says of a lift."""
        return None if hold.id in self._starting else self._event("hold.lifted", hold, actor)

    def lifted(self, hold: Hold) -> None:
        """It was lifted, and that is on disk. One that was set again meanwhile stays."""
        if self.in_force(hold):
            del self._holds[hold.robot][hold.code]
            self._starting.discard(hold.id)
            self._signals.hold_changed.tell(hold.robot)

    def _event(self, kind: str, hold: Hold, actor: str) -> Event:
        return Event(
            kind=kind,
            at_ms=self._clock.now_ms(),
            actor=actor,
            robot=hold.robot,
            task_id=hold.task_id,
            data={"code": hold.code.value, **hold.args},
        )


def places_to_resources(resources: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Turn the configuration's resource -> places around."""
    return {place: resource for resource, places in resources.items() for place in places}
