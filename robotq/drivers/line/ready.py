"""A device with everything in it that can be made ready beforehand: patterns, templates, bounds."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from robotq.config.line_device import LineDevice
from robotq.drivers.base import DriverError
from robotq.drivers.line.frame import Frame, NoLine
from robotq.drivers.params import Param, checked, schema_of
from robotq.model.json import JsonObject
from robotq.steps.expressions import Expression, ExpressionError
from robotq.steps.templates import Part, Template, number_text

_NUMBER = re.compile(
    r"[+-]?(?:[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})(?:[eE][+-]?[0-9]{1,3})?"
)
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    line: Template
    expect: re.Pattern[str] | None = None
    types: Mapping[str, str] = field(default_factory=dict)
    errors: tuple[tuple[re.Pattern[str], str], ...] = ()
    busy: tuple[re.Pattern[str], ...] = ()
    pending: tuple[re.Pattern[str], ...] = ()
    check: Expression | None = None
    otherwise: str = ""
    answer_s: float = 2.0
    reads: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    question: Question
    until: re.Pattern[str] | None
    reached: Expression | None
    progress: Expression | None
    every_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    question: Question
    poll: Poll | None = None
    step: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineProgram:
    """What is done for one command."""

    exchanges: tuple[Exchange, ...]
    params: Mapping[str, Param]
    result: Mapping[str, Expression]
    query: bool

    @property
    def reads(self) -> bool:
        """Nothing in it moves or changes anything."""
        return all(each.question.reads for each in self.exchanges)

    def checked(self, params: Any) -> JsonObject:
        """The params with defaults. Raises DriverError bad_parameter; nothing was sent."""
        return checked(self.params, params)

    def schema(self) -> JsonObject:
        """JSON Schema of the params."""
        return schema_of(self.params)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyDevice:
    device: LineDevice
    frame: Frame
    programs: Mapping[str, LineProgram]
    who: Question | None
    sync: Question | None
    """What the device is asked to know that nothing is on its way any more."""
    start: tuple[Exchange, ...]
    safe_state: tuple[Exchange, ...]
    errors: Question | None
    """Asks the device for the next error of its queue."""
    no_error: re.Pattern[str]
    ignore: tuple[re.Pattern[str], ...]
    restarted: re.Pattern[str] | None


def text_of(line: Template, scope: Mapping[str, Any]) -> str:
    """The line. Raises DriverError bad_parameter."""
    try:
        return "".join(part.literal + _piece(part, scope) for part in line.parts)
    except (ExpressionError, NoLine) as error:
        raise DriverError(str(error), code="bad_parameter", field="params") from error


def _piece(part: Part, scope: Mapping[str, Any]) -> str:
    if part.expression is None:
        return ""
    value = part.expression.value(scope)
    if isinstance(value, str) and part.decimals is None:
        return value
    try:
        return number_text(value, part.decimals)
    except ExpressionError as error:
        raise ExpressionError(f"{part.expression.text}: {error}") from error


def typed(name: str, text: str | None, kind: str) -> Any:
    """What a group of an answer means. Raises ValueError for a number that is none."""
    if text is None or kind == "text":
        return text
    plain = text.strip(" \t")
    pattern = _NUMBER if kind == "number" else _INTEGER
    value = float(plain) if pattern.fullmatch(plain) else math.nan
    if not math.isfinite(value):
        raise ValueError(f"{name} is {text!r}, expected a number")
    return int(plain) if kind == "integer" else value
