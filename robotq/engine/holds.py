"""Why queues start nothing: the holds of every robot."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from robotq.model.clock import WallClock
from robotq.model.event import Event
from robotq.model.hold import TRANSIENT_HOLDS, Hold, HoldCode
from robotq.store.port import AppendEvent, DropHold, Mutation, SaveHold


class HoldBoard:
    """Every hold of every robot.

    A new hold counts at once and is written after; a hold is lifted only after that is
    written. So a full disk can keep a robot standing, and can never set one in motion.
    """

    def __init__(self, robots: Iterable[str], holds: Iterable[Hold], clock: WallClock) -> None:
        self._holds: dict[str, dict[HoldCode, Hold]] = {robot: {} for robot in robots}
        for hold in holds:
            self._holds.setdefault(hold.robot, {})[hold.code] = hold
        self._clock = clock
        self.on_change: Callable[[str], None] = lambda _: None
        """Called with the robot after its holds have changed in memory."""

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

    def set(
        self,
        robot: str,
        code: HoldCode,
        *,
        actor: str = "robotq",
        task_id: str | None = None,
        **args: Any,
    ) -> list[Mutation]:
        """Hold `robot` from this moment on. Returns what to write; nothing if it was held so.

        A hold that is set again keeps its first time and reason.
        """
        of_robot = self._holds.setdefault(robot, {})
        if code in of_robot:
            return []
        hold = Hold(
            robot=robot,
            code=code,
            since_ms=self._clock.now_ms(),
            actor=actor,
            task_id=task_id,
            args=args,
        )
        of_robot[code] = hold
        self.on_change(robot)
        event = AppendEvent(self._event("hold.set", hold, actor))
        return [event] if code in TRANSIENT_HOLDS else [SaveHold(hold), event]

    def to_lift(self, robot: str, code: HoldCode, *, actor: str = "robotq") -> list[Mutation]:
        """What to write before `lifted`; nothing if there is no such hold."""
        hold = self._holds.get(robot, {}).get(code)
        if hold is None:
            return []
        event = AppendEvent(self._event("hold.lifted", hold, actor))
        return [event] if code in TRANSIENT_HOLDS else [DropHold(robot, code), event]

    def lifted(self, robot: str, code: HoldCode) -> None:
        """Take over that a hold was lifted."""
        if self._holds.get(robot, {}).pop(code, None) is not None:
            self.on_change(robot)

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
