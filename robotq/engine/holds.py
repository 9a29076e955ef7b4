"""Why queues start nothing: the holds of every robot."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from robotq.model.clock import WallClock
from robotq.model.event import Event
from robotq.model.hold import TRANSIENT_HOLDS, Hold, HoldCode
from robotq.model.ids import hold_id
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

    def get(self, robot: str, code: HoldCode) -> Hold | None:
        return self._holds.get(robot, {}).get(code)

    def set(
        self,
        robot: str,
        code: HoldCode,
        *,
        actor: str = "robotq",
        task_id: str | None = None,
        **args: Any,
    ) -> list[Mutation]:
        """Hold `robot` from this moment on. Returns what to write.

        A hold that is set again keeps its first time; one of `TRANSIENT_HOLDS` takes the new
        reason, the others keep theirs. A lift of it that is under way lifts nothing then.
        """
        of_robot = self._holds.setdefault(robot, {})
        known = of_robot.get(code)
        transient = code in TRANSIENT_HOLDS
        if known is not None and not transient:
            # written again, because a lift of it may be on its way to the disk
            again = of_robot[code] = replace(known, id=hold_id())
            return [SaveHold(again)]
        hold = of_robot[code] = Hold(
            robot=robot,
            code=code,
            since_ms=self._clock.now_ms() if known is None else known.since_ms,
            actor=actor,
            task_id=task_id,
            args=args,
        )
        self.on_change(robot)
        event = AppendEvent(self._event("hold.set", hold, actor))
        return [event] if transient else [SaveHold(hold), event]

    def to_lift(self, hold: Hold, *, actor: str = "robotq") -> list[Mutation]:
        """What to write before `lifted`."""
        event = AppendEvent(self._event("hold.lifted", hold, actor))
        return [event] if hold.code in TRANSIENT_HOLDS else [DropHold(hold.robot, hold.code), event]

    def lifted(self, *holds: Hold) -> None:
        """Take over that these holds were lifted. One that was set again meanwhile stays."""
        for hold in holds:
            of_robot = self._holds.get(hold.robot, {})
            if of_robot.get(hold.code) is hold:
                del of_robot[hold.code]
                self.on_change(hold.robot)

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
