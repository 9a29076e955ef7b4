"""The commands of a robot with everything in them that can be made ready beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from robotq.config.sila_robot import SilaCommand, SilaRobot
from robotq.drivers.mapped.filling import Tree, results
from robotq.drivers.mapped.told import Telling
from robotq.drivers.params import Param
from robotq.model.json import JsonObject
from robotq.steps.expressions import Expression
from robotq.steps.templates import Template


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
    telling: Telling
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


def results_of(program: SilaProgram, scope: Mapping[str, Any]) -> JsonObject:
    """Raises DriverError where one of them cannot be calculated."""
    if program.result:
        return results(program.result, scope)
    return {"value": scope["value"]} if program.ask.is_property else dict(scope["response"])
