"""The commands of a robot with everything in them that can be made ready beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from robotq.config.ros_robot import RosRobot
from robotq.drivers.base import DriverError
from robotq.drivers.params import Param
from robotq.model.json import JsonObject
from robotq.steps.expressions import Expression, ExpressionError
from robotq.steps.templates import Template

Tree: TypeAlias = Any
"""JSON whose texts are templates."""


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
    progress: Expression | None
    step: Template | None
    partial: Mapping[str, Expression]


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
class ReadyRobot:
    robot: RosRobot
    programs: Mapping[str, RosProgram]
    halts: tuple[Halt, ...] = ()
    actions: Mapping[str, str] = field(default_factory=dict)
    """Every action -> its type."""


def filled(tree: Tree, scope: Mapping[str, Any]) -> Any:
    """The tree with its values. Raises DriverError bad_parameter."""
    try:
        return _filled(tree, scope)
    except ExpressionError as error:
        raise DriverError(str(error), code="bad_parameter", field="params") from error


def _filled(tree: Tree, scope: Mapping[str, Any]) -> Any:
    if isinstance(tree, Template):
        return tree.value(scope)
    if isinstance(tree, Mapping):
        return {name: _filled(value, scope) for name, value in tree.items()}
    if isinstance(tree, list):
        return [_filled(value, scope) for value in tree]
    return tree
