"""Reads the values in steps: expressions, templates, names. Every fault in them is kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from robotq.config.keys import suggestion
from robotq.config.strict_yaml import KeyPath
from robotq.steps import language as lang
from robotq.steps.expressions import Expression, ExpressionError, parse
from robotq.steps.shapes import Shape
from robotq.steps.templates import Template, read_line, read_template

Fault = tuple[KeyPath, str]
"""Where below the steps, and what is wrong there."""

_NAME = re.compile(r"[a-z_][a-z0-9_]*", re.IGNORECASE)
_RESERVED = {"params", "values", "memory", "result", "null", "true", "false", "len"}


class ValueReader:
    """Knows which names there are at the place that is being read, and what they stand for.

    Where a value is wrong, the fault is kept and something harmless returned in its place, so
    that all faults are found in one go.
    """

    def __init__(self, names: Mapping[str, Shape]) -> None:
        self.faults: list[Fault] = []
        self._names = dict(names)

    # -- names -----------------------------------------------------------------------------

    def define(self, name: str, shape: Shape) -> None:
        """From here on there is this name."""
        self._names[name] = shape

    @contextmanager
    def inside(self, names: Mapping[str, Shape]) -> Iterator[None]:
        """There are these names meanwhile; what else is defined inside stays known."""
        outside = dict(self._names)
        self._names |= names
        yield
        for name in names:
            self._names.pop(name)
            if name in outside:
                self._names[name] = outside[name]

    def shape(self, expression: Expression) -> Shape:
        """Of what the expression gives; the shape of anything where that is a fault."""
        try:
            return expression.shape(self._names)
        except ExpressionError:
            return Shape()

    # -- values ----------------------------------------------------------------------------

    def expression(self, value: object, at: KeyPath) -> Expression:
        """An expression of the names known here."""
        try:
            if isinstance(value, bool) or not isinstance(value, str | int | float):
                raise ExpressionError(f"found {shown(value)}, expected an expression")
            expression = parse(str(value))
            expression.shape(self._names)
        except ExpressionError as error:
            self.fault(at, str(error))
            return parse("null")
        return expression

    def template(self, value: object, at: KeyPath) -> Template:
        """A text with expressions in it."""
        return self._read(value, at, read_template)

    def line(self, value: object, at: KeyPath) -> Template:
        """The same for a line that is sent to a machine."""
        return self._read(value, at, read_line)

    def _read(
        self, value: object, at: KeyPath, read: Callable[[str, Mapping[str, Shape]], Template]
    ) -> Template:
        try:
            if not isinstance(value, str):
                raise ExpressionError(f"found {shown(value)}, expected a text")
            return read(value, self._names)
        except ExpressionError as error:
            self.fault(at, str(error))
            return Template("", ())

    def trees(self, value: object, at: KeyPath) -> Mapping[str, lang.Tree]:
        """Values by name, with templates wherever a text stands."""
        if not isinstance(value, Mapping):
            self.fault(at, f"found {shown(value)}, expected a mapping of names to values")
            return {}
        return {name: self.tree(inner, (*at, name)) for name, inner in value.items()}

    def tree(self, value: object, at: KeyPath) -> lang.Tree:
        """Any JSON, likewise."""
        if isinstance(value, Mapping):
            return self.trees(value, at)
        if isinstance(value, list):
            return [self.tree(item, (*at, index)) for index, item in enumerate(value)]
        return self.template(value, at) if isinstance(value, str) else value

    def pattern(self, value: object, at: KeyPath) -> re.Pattern[str]:
        """A regular expression."""
        try:
            if not isinstance(value, str):
                raise re.error(f"found {shown(value)}, expected a regular expression")
            return re.compile(value)
        except re.error as error:
            self.fault(at, f"expected a regular expression: {error}")
            return re.compile("")

    def name(self, value: object, at: KeyPath) -> str | None:
        """A name that a step may give; None where it is none."""
        if isinstance(value, str) and _NAME.fullmatch(value) and value not in _RESERVED:
            return value
        self.fault(at, f"found {shown(value)}, expected a name of its own")
        return None

    def positive(self, value: object, at: KeyPath) -> float | None:
        """A number above 0; None where it is none."""
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
            return float(value)
        self.fault(at, f"found {shown(value)}, expected a number above 0")
        return None

    def mapping(
        self, value: object, at: KeyPath, known: Sequence[str], needed: Sequence[str] = ()
    ) -> Mapping[str, Any]:
        """A mapping with some of the known keys, and all that are needed."""
        if not isinstance(value, Mapping):
            self.fault(at, f"found {shown(value)}, expected a mapping with {', '.join(known)}")
            return {}
        for text in _lacking(value, known, needed):
            self.fault(at, text)
        return value

    def fault(self, at: KeyPath, text: str) -> None:
        self.faults.append((at, text))


def _lacking(
    value: Mapping[str, Any], known: Sequence[str], needed: Sequence[str]
) -> Iterator[str]:
    for key in value:
        if key not in known:
            yield f"unknown key {key}{suggestion(str(key), known)}"
    for key in needed:
        if key not in value:
            yield f"{key} is missing"


def shown(value: object) -> str:
    """As it stands in a message."""
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
