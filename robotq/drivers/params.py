"""Parameters of a command as the file of a device or a robot describes them: bounds, and what is
wrong with a value. Nothing is sent for a command whose values are not allowed."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from robotq.config.device_params import DeviceParam
from robotq.config.strict_yaml import KeyPath
from robotq.drivers.base import DriverError
from robotq.drivers.pieces import Pieces
from robotq.model.json import JsonObject
from robotq.steps.expressions import ExpressionError
from robotq.steps.shapes import Shape, shape_of

LONGEST_TEXT = 10_000
"""Characters of a text that may be anything."""


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
            if len(value) > LONGEST_TEXT:
                return f"found {len(value)} characters, expected {LONGEST_TEXT} at most"
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
            told["minimum"] = self._as_whole(self.least)
        if math.isfinite(self.most):
            told["maximum"] = self._as_whole(self.most)
        if self.one_of:
            told["enum"] = [self._as_whole(each) for each in self.one_of]
        if self.pattern is not None:
            # the device's own look is the one that counts; this one spares a way to it
            told["pattern"] = f"^(?:{self.pattern.pattern})$"
        if self.default is not None:
            told["default"] = self._as_whole(self.default)
        if self.title:
            told["description"] = self.title
        return told

    def _as_whole(self, value: Any) -> Any:
        """A file is read with 1 as 1.0; what is told, and kept with a task, is what was written."""
        whole = self.type == "integer" and isinstance(value, float) and value.is_integer()
        return int(value) if whole else value

    def _bounds(self) -> str:
        if math.isinf(self.most):
            return f"at least {self.least:g}"
        return (
            f"at most {self.most:g}"
            if math.isinf(self.least)
            else (f"{self.least:g} to {self.most:g}")
        )


def checked(params: Mapping[str, Param], given: Any) -> JsonObject:
    """The values, with defaults. Raises DriverError bad_parameter; nothing was sent."""
    told = given if isinstance(given, Mapping) else {}
    values: dict[str, Any] = {}
    for name, param in params.items():
        value = told.get(name, param.default)
        reason = "is missing" if value is None else param.why_not(value)
        if reason is not None:
            raise DriverError(reason, code="bad_parameter", field=f"params.{name}")
        # JSON and YAML may write a whole number as 3.0, which a typed protocol refuses
        values[name] = int(value) if param.type == "integer" else value
    return values


def schema_of(params: Mapping[str, Param]) -> JsonObject:
    """JSON Schema of the params of a command."""
    return {
        "type": "object",
        "required": [name for name, param in params.items() if param.default is None],
        "properties": {
            "robot_id": {"type": "string"},
            "timeout": {"type": "number"},
            **{name: param.schema() for name, param in params.items()},
        },
        "additionalProperties": False,
    }


class Limits(Protocol):
    """Tighter bounds of a parameter."""

    @property
    def min(self) -> float | None: ...

    @property
    def max(self) -> float | None: ...


class ParamReader:
    """Reads parameters; what is wrong in them is kept by `pieces`."""

    def __init__(
        self,
        pieces: Pieces,
        values: Mapping[str, Any],
        limits: Mapping[str, Limits],
        *,
        any_text: bool = False,
    ) -> None:
        """`any_text`: a text may be anything, since it stands in no line."""
        self._pieces = pieces
        self._values = values
        self._shapes: Mapping[str, Shape] = {"values": shape_of(dict(values))}
        self._limits = limits
        self._any_text = any_text
        self.names: set[str] = set()
        """Those that were read."""

    def read(self, name: str, param: DeviceParam, at: KeyPath) -> Param:
        self._pieces.name(name, at)
        self.names.add(name)
        limits = self._limits.get(name)
        least = self._bound(param.min, -math.inf, (*at, "min"))
        most = self._bound(param.max, math.inf, (*at, "max"))
        if limits is not None:
            least = max(least, -math.inf if limits.min is None else limits.min)
            most = min(most, math.inf if limits.max is None else limits.max)
        if least > most:
            self._pieces.fault(at, f"nothing is allowed: at least {least:g}, at most {most:g}")
        if param.type == "text":
            if not self._any_text and not param.one_of and param.pattern is None:
                self._pieces.fault(at, "a text needs one_of or pattern, to stand in a line")
            if math.isfinite(least) or math.isfinite(most):
                self._pieces.fault(at, "a text has no min and max")
        read = Param(
            type=param.type,
            least=least,
            most=most,
            one_of=tuple(param.one_of),
            pattern=self._pieces.optional(param.pattern, (*at, "pattern")),
            default=param.default,
            title=param.title,
        )
        if param.default is not None and (reason := read.why_not(param.default)) is not None:
            self._pieces.fault((*at, "default"), reason)
        return read

    def listed(self) -> str:
        """All of them, for the text of a fault."""
        return f"; there are {', '.join(sorted(self.names))}" if self.names else ""

    def _bound(self, bound: float | str | None, none: float, at: KeyPath) -> float:
        if bound is None:
            return none
        if isinstance(bound, int | float):
            return float(bound)
        expression = self._pieces.expression(bound, at, self._shapes)
        try:
            value = expression.value({"values": self._values})
        except ExpressionError as error:
            self._pieces.fault(at, str(error))
            return none
        if isinstance(value, bool) or not isinstance(value, int | float):
            self._pieces.fault(at, f"found {value!r}, expected a number")
            return none
        return float(value)
