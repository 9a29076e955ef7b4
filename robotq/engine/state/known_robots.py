"""What is known of the robots beforehand: their places, and what they cannot do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from robotq.catalog import Catalog, CommandSpec
from robotq.model.errors import RobotqError
from robotq.model.json import JsonValue
from robotq.steps import Program

_MOST_TOLD = 30
"""Known places that a message lists."""
_SHOWN = 80
"""Characters of a wrong place that it repeats."""


@dataclass(frozen=True, slots=True)
class KnownRobots:
    """What drivers and the configuration tell of the robots before any is asked."""

    places: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Robot -> its places. One that is not in here: nobody has said which places it has, so none
    is refused."""
    lacks: Mapping[str, Callable[[str, Program | None], str | None]] = field(default_factory=dict)
    """Robot -> why it cannot do a command with these steps; None where it can."""

    def check_robot(self, spec: CommandSpec, robot: str) -> None:
        """Raises RobotqError robot_cannot."""
        lacks = self.lacks.get(robot)
        if lacks is None or spec.handler != "driver":
            return
        reason = lacks(spec.cmd_type, spec.program(robot))
        if reason is not None:
            raise RobotqError("robot_cannot", robot=robot, cmd_type=spec.cmd_type, reason=reason)

    def check_places(
        self, catalog: Catalog, spec: CommandSpec, params: JsonValue, robot: str
    ) -> None:
        """Raises RobotqError bad_parameter where a parameter names a place that this robot does
        not have. The params were validated."""
        known = self.places.get(robot)
        if known is None or not spec.resources:
            return
        for parameter, place in catalog.places_named(spec, params):
            if parameter is not None and place not in known:
                raise RobotqError(
                    "bad_parameter",
                    field=f"params.{parameter}",
                    reason=f"{robot} has {unknown_place(place, known)}",
                    known=sorted(known),
                    suggestions=nearest(place, known),
                )


NOBODY_KNOWS = KnownRobots()


def nearest(place: str, known: Iterable[str]) -> list[str]:
    """Up to three known places that read like this one."""
    spelled = {name.casefold(): name for name in known}
    return [spelled[name] for name in get_close_matches(place[:_SHOWN].casefold(), spelled)]


def unknown_place(place: str, known: Collection[str]) -> str:
    """What is wrong with a place that nobody knows, with what was meant perhaps."""
    near = nearest(place, known)
    meant = f"; did you mean {near[0]}?" if near else ""
    names = sorted(known)
    listed = ", ".join(names[:_MOST_TOLD]) or "none"
    more = f" and {len(names) - _MOST_TOLD} more" if len(names) > _MOST_TOLD else ""
    return f"no place {place[:_SHOWN]!r}{meant or '.'} Known: {listed}{more}"
