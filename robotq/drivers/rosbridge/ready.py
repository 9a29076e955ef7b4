"""The commands of a robot with everything in them that can be made ready beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from robotq.config.ros_robot import RosRobot
from robotq.drivers.mapped.filling import Tree
from robotq.drivers.mapped.told import Telling
from robotq.drivers.params import Param
from robotq.model.carried.live_value import Range
from robotq.model.json import JsonObject
from robotq.steps.expressions import Expression
from robotq.steps.templates import Template


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A service that is called, or a topic of which the next message is taken."""

    service: str | None
    topic: str | None
    type: str | None
    request: Tree
    check: Expression | None
    otherwise: str
    answer_s: float

    @property
    def name(self) -> str:
        return self.service or self.topic or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    name: str
    type: str
    goal: Tree
    telling: Telling


@dataclass(frozen=True, slots=True, kw_only=True)
class RosProgram:
    """What is done for one command: one action, or one service or topic."""

    action: Action | None
    ask: Ask | None
    check: Expression | None
    """Of the result of an action."""
    otherwise: str
    requires: tuple[Ask, ...]
    params: Mapping[str, Param]
    result: Mapping[str, Expression]
    place: Template | None
    query: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Halt:
    """What an emergency stop sends besides."""

    service: str | None
    topic: str | None
    type: str
    content: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Shows:
    """What a value that is shown is taken from."""

    topic: str
    type: str
    value: Expression
    unit: str
    normal: Range | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyRobot:
    robot: RosRobot
    programs: Mapping[str, RosProgram]
    halts: tuple[Halt, ...] = ()
    shows: Mapping[str, Shows] = field(default_factory=dict)
    actions: Mapping[str, str] = field(default_factory=dict)
    """Every action -> its type."""
