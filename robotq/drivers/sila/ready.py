"""The commands of a robot with everything in them that can be made ready beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from robotq.config.sila_robot import SilaCommand, SilaRobot
from robotq.drivers.base import DriverError
from robotq.drivers.params import Param
from robotq.model.json import JsonObject
from robotq.steps.expressions import Expression, ExpressionError
from robotq.steps.templates import Template

Tree: TypeAlias = Any
"""JSON whose texts are templates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A command that is called, or a property that is read."""

    feature: str
    part: str
    """The identifier of the command or the property."""
    is_property: bool
    parameters: Tree
    check: Expression | None
    otherwise: str
    answer_s: float

    @property
    def name(self) -> str:
        return f"{self.feature.split('/')[-2]}.{self.part}" if self.feature else self.part


@dataclass(frozen=True, slots=True, kw_only=True)
class SilaProgram:
    """What is done for one command."""

    ask: Ask
    progress: Expression | None
    step: Template | None
    partial: Mapping[str, Expression]
    requires: tuple[Ask, ...]
    params: Mapping[str, Param]
    result: Mapping[str, Expression]
    place: Template | None
    query: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Halt:
    """A command that stops the robot."""

    feature: str
    command: str
    parameters: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyRobot:
    robot: SilaRobot
    commands: Mapping[str, SilaCommand]
    """Those that are written, and those of the descriptions."""
    programs: Mapping[str, SilaProgram]
    halts: tuple[Halt, ...]

    @property
    def features(self) -> frozenset[str]:
        asks = [each for one in self.programs.values() for each in (one.ask, *one.requires)]
        return frozenset({ask.feature for ask in asks} | {halt.feature for halt in self.halts})


def filled(tree: Tree, scope: Mapping[str, Any]) -> Any:
    """The tree with its values. Raises DriverError bad_parameter."""
    try:
        return _filled(tree, scope)
    except ExpressionError as error:
        raise DriverError(str(error), code="bad_parameter", field="params") from error


def require(check: Expression | None, scope: Mapping[str, Any], otherwise: str, name: str) -> None:
    """Raises DriverError where `check` is not true."""
    if check is None:
        return
    try:
        true = check.value(scope) is True
    except ExpressionError as error:
        raise DriverError(f"{name}: {error}") from error
    if not true:
        raise DriverError(otherwise or f"{name}: {check.text} is not true")


def results(program: SilaProgram, scope: Mapping[str, Any]) -> JsonObject:
    """Raises DriverError where one of them cannot be calculated."""
    if not program.result:
        if program.ask.is_property:
            return {"value": scope["value"]}
        return dict(scope["response"])
    told: dict[str, Any] = {}
    for name, expression in program.result.items():
        try:
            told[name] = expression.value(scope)
        except ExpressionError as error:
            raise DriverError(f"result.{name}: {error}") from error
    return told


def place_of(template: Template, scope: Mapping[str, Any]) -> str:
    """Raises DriverError."""
    try:
        return str(template.value(scope))
    except ExpressionError as error:
        raise DriverError(f"place: {error}") from error


def _filled(tree: Tree, scope: Mapping[str, Any]) -> Any:
    if isinstance(tree, Template):
        return tree.value(scope)
    if isinstance(tree, Mapping):
        return {name: _filled(value, scope) for name, value in tree.items()}
    if isinstance(tree, list):
        return [_filled(value, scope) for value in tree]
    return tree
