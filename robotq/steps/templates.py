"""Texts with `{expressions}` in them, and lines of G-code, which take numbers and nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from string import Formatter
from typing import Any

import msgspec

from robotq.steps.expressions import Expression, ExpressionError, parse
from robotq.steps.shapes import Kind, Shape, is_word

_PRECISION = re.compile(r"\.([0-9])f")

_MAX_NUMBER = 1e7
"""No coordinate, feed or speed is larger, and controllers do not check."""

_MOST_TEXT = 1_000_000
"""A text that is put together of itself doubles in each round."""

_DECIMALS = 4
"""Of a number without a format: a tenth of a micrometre."""


class Part(msgspec.Struct, frozen=True):
    """A literal, and the expression that follows it, if one does."""

    literal: str
    expression: Expression | None = None
    decimals: int | None = None
    word: bool = False
    """The operator has written down which texts it can be."""
    options: tuple[str, ...] = ()
    """What it can be, where a schema lists that."""


class Template(msgspec.Struct, frozen=True):
    """A text with expressions in it."""

    source: str
    parts: tuple[Part, ...]

    def value(self, scope: Mapping[str, Any]) -> Any:
        """The text; where it is nothing but one `{expression}`, the value of that itself.

        Raises ExpressionError.
        """
        if len(self.parts) == 1:
            (only,) = self.parts
            if not only.literal and only.expression is not None and only.decimals is None:
                return only.expression.value(scope)
        pieces = []
        size = 0
        for part in self.parts:
            pieces.append(part.literal + _text(part, scope))
            size += len(pieces[-1])
            if size > _MOST_TEXT:
                raise ExpressionError(f"a text of more than {_MOST_TEXT} characters")
        return "".join(pieces)

    def line(self, scope: Mapping[str, Any]) -> str:
        """A line of G-code: every expression in it gives a number, or a word that the operator
        chose. Raises ExpressionError for anything else."""
        return "".join(part.literal + in_line(part, scope) for part in self.parts)


def read_template(source: str, names: Mapping[str, Shape]) -> Template:
    """Raises ExpressionError."""
    return Template(source, tuple(_part(*parsed, names) for parsed in _parsed(source)))


def read_line(source: str, names: Mapping[str, Shape]) -> Template:
    """A template of one line of G-code. Raises ExpressionError for a line that a parameter
    could make into another one, or that holds what a controller acts upon at once."""
    parts = []
    for literal, field, spec, conversion in _parsed(source):
        check_line(literal)
        part = _part(literal, field, spec, conversion, names)
        if part.expression is not None:
            part = _fit_for_line(part, part.expression, names)
        parts.append(part)
    if not source.strip():
        raise ExpressionError("expected a line of G-code, found none")
    if source.lstrip().startswith("$"):
        raise ExpressionError("a `$` line is no G-code: use the actions home, unlock and query")
    return Template(source, tuple(parts))


def check_line(text: str) -> None:
    """Raises ExpressionError for characters that no line of G-code may hold: those that end
    it, and those that a controller takes out of the stream and acts upon at once."""
    for character in text:
        if not " " <= character <= "~":
            raise ExpressionError(f"the character {character!r} may not stand in a line")
        if character in "!?~":
            raise ExpressionError(f"{character} is acted upon at once and may not stand in a line")


def number_text(value: Any, decimals: int | None = None) -> str:
    """A number as controllers read it: no exponent. Raises ExpressionError."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        shown = "null" if value is None else repr(value)[:60]
        raise ExpressionError(f"found {shown}, expected a number")
    # not `>`: a NaN is refused too
    if not abs(value) <= _MAX_NUMBER:
        raise ExpressionError(f"found {value!r}, expected a number up to {_MAX_NUMBER:.0f}")
    if decimals is not None:
        return f"{value:.{decimals}f}"
    if isinstance(value, int):
        return str(value)
    return f"{value:.{_DECIMALS}f}".rstrip("0").rstrip(".")


def _parsed(source: str) -> list[tuple[str, str | None, str | None, str | None]]:
    try:
        return list(Formatter().parse(source))
    except ValueError as error:
        raise ExpressionError(f"{source!r}: {error}") from error


def _part(
    literal: str,
    field: str | None,
    spec: str | None,
    conversion: str | None,
    names: Mapping[str, Shape],
) -> Part:
    if field is None:
        return Part(literal)
    if conversion:
        raise ExpressionError(f"`!{conversion}` is not known")
    precision = _PRECISION.fullmatch(spec or ".0f")
    if precision is None:
        raise ExpressionError(f"found the format {spec!r}, expected one like .3f")
    expression = parse(field)
    expression.shape(names)
    return Part(literal, expression, int(precision[1]) if spec else None)


def _fit_for_line(part: Part, expression: Expression, names: Mapping[str, Shape]) -> Part:
    shape = expression.shape(names)
    if shape.kind is Kind.OTHER:
        raise ExpressionError(
            f"{{{expression.text}}} may be any text or list: in a line of G-code, expected a "
            "number, or a parameter whose schema has an `enum` of words"
        )
    if shape.nullable and shape.kind is not Kind.OPEN and _is_param(expression):
        raise ExpressionError(
            f"{{{expression.text}}} may be missing: expected it to be required, to have a "
            "default, or an alternative such as `or 0`"
        )
    return Part(
        part.literal,
        expression,
        part.decimals,
        word=shape.kind is Kind.WORD,
        options=() if shape.nullable else _options(shape, part.decimals),
    )


def _options(shape: Shape, decimals: int | None) -> tuple[str, ...]:
    schema = shape.schema or {}
    listed = [schema["const"]] if "const" in schema else schema.get("enum") or ()
    try:
        return tuple(
            value if isinstance(value, str) else number_text(value, decimals) for value in listed
        )
    except ExpressionError:
        # refused when it is carried out
        return ()


def _is_param(expression: Expression) -> bool:
    return expression.text.startswith("params.")


def _text(part: Part, scope: Mapping[str, Any]) -> str:
    if part.expression is None:
        return ""
    value = part.expression.value(scope)
    if part.decimals is not None or isinstance(value, float):
        return number_text(value, part.decimals)
    return "" if value is None else str(value)


def in_line(part: Part, scope: Mapping[str, Any]) -> str:
    """What the expression of a part gives in a line. Raises ExpressionError."""
    if part.expression is None:
        return ""
    value = part.expression.value(scope)
    if part.word and is_word(value):
        return str(value)
    try:
        return number_text(value, part.decimals)
    except ExpressionError as error:
        raise ExpressionError(f"{part.expression.text}: {error}") from error
