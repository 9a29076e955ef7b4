"""A device with everything in it that can be made ready beforehand: patterns, templates, bounds."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from robotq.config.line_device import LineDevice
from robotq.drivers.base import DriverError
from robotq.drivers.line.frame import Frame, NoLine
from robotq.model.json import JsonObject
from robotq.steps.expressions import Expression, ExpressionError
from robotq.steps.templates import Part, Template, number_text

_NUMBER = re.compile(
    r"[+-]?(?:[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})(?:[eE][+-]?[0-9]{1,3})?"
)
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    type: str
    least: float = -math.inf
    most: float = math.inf
    one_of: tuple[Any, ...] = ()
    pattern: re.Pattern[str] | None = None
    default: Any = None
    title: str = ""

    def why_not(self, value: object) -> str | None:
        """What keeps a value from being sent; None where nothing does."""
        if self.type == "text":
            if not isinstance(value, str):
                return f"found {value!r}, expected a text"
            if self.pattern is not None and not self.pattern.fullmatch(value):
                return f"found {value!r:.80}, expected a text like {self.pattern.pattern}"
        else:
            if isinstance(value, bool) or not isinstance(value, int | float):
                return f"found {value!r:.80}, expected a number"
            # not `<`: a NaN is refused too
            if not self.least <= value <= self.most:
                return f"found {value!r}, expected {self._bounds()}"
            if self.type == "integer" and value != int(value):
                return f"found {value!r}, expected a whole number"
        if self.one_of and value not in self.one_of:
            return f"found {value!r:.80}, expected one of {', '.join(map(str, self.one_of))}"
        return None

    def samples(self) -> Iterator[Any]:
        """Values at the ends of what is allowed."""
        if self.one_of:
            yield from self.one_of
        elif self.type != "text":
            yield from (each for each in (self.least, self.most) if math.isfinite(each))
        if self.default is not None:
            yield self.default

    def schema(self) -> JsonObject:
        told: dict[str, Any] = {"type": "string" if self.type == "text" else self.type}
        if math.isfinite(self.least):
            told["minimum"] = self.least
        if math.isfinite(self.most):
            told["maximum"] = self.most
        if self.one_of:
            told["enum"] = list(self.one_of)
        if self.pattern is not None:
            # the device's own look is the one that counts; this one spares a way to it
            told["pattern"] = f"^(?:{self.pattern.pattern})$"
        if self.default is not None:
            told["default"] = self.default
        if self.title:
            told["description"] = self.title
        return told

    def _bounds(self) -> str:
        if math.isinf(self.most):
            return f"at least {self.least:g}"
        return (
            f"at most {self.most:g}"
            if math.isinf(self.least)
            else (f"{self.least:g} to {self.most:g}")
        )


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
        given = params if isinstance(params, Mapping) else {}
        values: dict[str, Any] = {}
        for name, param in self.params.items():
            value = given.get(name, param.default)
            reason = "is missing" if value is None else param.why_not(value)
            if reason is not None:
                raise DriverError(reason, code="bad_parameter", field=f"params.{name}")
            values[name] = value
        return values

    def schema(self) -> JsonObject:
        """JSON Schema of the params."""
        return {
            "type": "object",
            "required": [name for name, param in self.params.items() if param.default is None],
            "properties": {
                "robot_id": {"type": "string"},
                "timeout": {"type": "number"},
                **{name: param.schema() for name, param in self.params.items()},
            },
            "additionalProperties": False,
        }


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
