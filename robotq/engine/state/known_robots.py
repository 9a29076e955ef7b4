"""What is known of the robots beforehand: their places, and what they cannot do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches

import msgspec

from robotq.catalog import Catalog, CommandSpec, Kind
from robotq.model.errors import RobotqError
from robotq.model.json import JsonValue
from robotq.steps import Program

_MOST_TOLD = 30
"""Known places that a message lists."""
_SHOWN = 80
"""Characters of a wrong place that it repeats."""


class KnownRobots(msgspec.Struct, frozen=True):
    """What drivers and the configuration tell of the robots before any is asked."""

    places: Mapping[str, frozenset[str]] = msgspec.field(default_factory=dict)
    """Robot -> its places. One that is not in here: nobody has said which places it has, so none
    is refused."""
    lacks: Mapping[str, Callable[[str, Program | None], str | None]] = msgspec.field(
        default_factory=dict
    )
    """Robot -> why it cannot do a command with these steps; None where it can."""

    def why_not(self, spec: CommandSpec, robot: str) -> str | None:
        """Why this robot cannot do the command; None where it can, and where nobody knows. What
        acts at once is answered at once, so only a queued command is looked at."""
        lacks = self.lacks.get(robot)
        if lacks is None or spec.handler != "driver" or spec.kind is not Kind.QUEUED:
            return None
        return lacks(spec.cmd_type, spec.program(robot))

    def check_robot(self, spec: CommandSpec, robot: str, others: Iterable[str]) -> None:
        """Raises RobotqError robot_cannot, with those of the `others` that can."""
        reason = self.why_not(spec, robot)
        if reason is None:
            return
        able = [name for name in others if name != robot and self.able(spec, name)]
        instead = f"it is done by {', '.join(able)}" if able else "no robot here can do it"
        raise RobotqError(
            "robot_cannot",
            robot=robot,
            cmd_type=spec.cmd_type,
            reason=f"{reason}; {instead}",
            able=able,
        )

    def offered(
        self, catalog: Catalog, robots: Mapping[str, bool]
    ) -> Sequence[tuple[CommandSpec, tuple[str, ...]]]:
        """The commands that a robot here can do, each with those robots; the commands of the
        packaged lab are of no use to a site with other machines. `robots`: whether each one is
        simulated."""
        found = []
        for spec in catalog:
            able = tuple(
                name
                for name, simulated in robots.items()
                if (not spec.robots or name in spec.robots)
                and (simulated or self._serves(spec, name))
                and self.why_not(spec, name) is None
            )
            if able:
                found.append((spec, able))
        return found

    def _serves(self, spec: CommandSpec, robot: str) -> bool:
        """Whether it is known to answer what acts at once, or nobody knows."""
        lacks = self.lacks.get(robot)
        if lacks is None or spec.handler != "driver" or spec.kind is Kind.QUEUED:
            return True
        return lacks(spec.cmd_type, spec.program(robot)) is None

    def able(self, spec: CommandSpec, robot: str) -> bool:
        """Whether this robot can do the command, as far as anybody knows."""
        listed = not spec.robots or robot in spec.robots
        return listed and self.why_not(spec, robot) is None

    def chosen(self, spec: CommandSpec, robots: Sequence[str], default: str) -> str:
        """The robot that gets a command which names none: the default one where it can do it,
        else the first one that can, in the order of the spec and then of the configuration; the
        one that would be it if all could, where none can."""
        listed = [name for name in spec.robots or robots if name in robots]
        candidates = [default, *listed] if default in listed else listed or [*spec.robots, default]
        able = (name for name in candidates if self.why_not(spec, name) is None)
        return next(able, candidates[0])

    def check_places(
        self, catalog: Catalog, spec: CommandSpec, params: JsonValue, robot: str
    ) -> None:
        """Raises RobotqError bad_parameter where a parameter names a place that this robot does
        not have. The params were validated."""
        known = self.places.get(robot)
        if known is None or not spec.resources:
            return
        for parameter, place in catalog.places_named(spec, params):
            if place not in known:
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
