"""Expressions over a command's params: `params.x + values.offset`, `index < params.run_times`.

They read and calculate, and can do nothing else. What they mean is that of Python, with three
differences that suit values of JSON: a member or an entry that is not there is null and no
error; `a or b` is `b` only where `a` is null or false, so that a 0 stays a 0; and numbers
are never mixed with anything else.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from robotq.steps.shapes import NUMBER, TRUTH, Shape, shape_of

_LONGEST = 500
"""Characters of one expression."""

_CONSTANTS: Mapping[str, Any] = {"null": None, "true": True, "false": False}

_ARITHMETIC: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
}
_ORDER: Mapping[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


class ExpressionError(Exception):
    """An expression that is not one, or that cannot be calculated from these values."""


class Expression(msgspec.Struct, frozen=True):
    """An expression that was found to be right."""

    text: str
    tree: ast.expr

    def shape(self, names: Mapping[str, Shape]) -> Shape:
        """What is known of its value. Raises ExpressionError for a name that there is not."""
        return _shape(self.tree, names)

    def value(self, scope: Mapping[str, Any]) -> Any:
        """Its value. Raises ExpressionError, e.g. for a division by zero."""
        try:
            return _value(self.tree, scope)
        except ExpressionError as error:
            raise ExpressionError(f"{self.text}: {error}") from error


def parse(text: str) -> Expression:
    """Raises ExpressionError for anything but an expression of this language."""
    if len(text) > _LONGEST:
        raise ExpressionError(f"longer than {_LONGEST} characters")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ExpressionError(f"{text!r} is not an expression") from error
    _check(tree)
    return Expression(text.strip(), tree)


def _check(node: ast.expr) -> None:
    match node:
        case ast.Name() | ast.Constant(value=str() | int() | float()):
            return
        case ast.Attribute(value=of):
            _check(of)
        case ast.Subscript(value=of, slice=key):
            _check(of)
            _check(key)
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            _check(operand)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            _check(left)
            _check(right)
        case ast.BoolOp(values=values):
            for value in values:
                _check(value)
        case ast.Compare(left=left, ops=[_], comparators=[right]):
            _check(left)
            _check(right)
        case ast.Call(func=ast.Name(id="len"), args=[of], keywords=[]):
            _check(of)
        case _:
            raise ExpressionError(
                f"`{ast.unparse(node)}` is not part of this language: expected names, members, "
                "entries, numbers, texts, + - * / %, comparisons, and, or, not, len()"
            )


def _shape(  # noqa: C901, PLR0912 - one case for each kind of node
    node: ast.expr, names: Mapping[str, Shape]
) -> Shape:
    match node:
        case ast.Name(id=name):
            if name in _CONSTANTS:
                return shape_of(_CONSTANTS[name])
            if name not in names:
                raise ExpressionError(f"unknown name {name}, expected one of {', '.join(names)}")
            return names[name]
        case ast.Constant(value=value):
            return shape_of(value)
        case ast.Attribute(value=of, attr=name):
            return _member(of, name, names)
        case ast.Subscript(value=of, slice=ast.Constant(value=str() as name)):
            return _member(of, name, names)
        case ast.Subscript(value=of, slice=key):
            _shape(key, names)
            return _shape(of, names).item()
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            _shape(operand, names)
            return TRUTH
        case ast.BoolOp(op=op, values=values):
            return _both(op, [_shape(value, names) for value in values])
        case ast.Compare(left=left, comparators=[right]):
            _shape(left, names)
            _shape(right, names)
            return TRUTH
        case ast.UnaryOp(operand=operand) | ast.Call(args=[operand]):
            _shape(operand, names)
        case ast.BinOp(left=left, right=right):
            _shape(left, names)
            _shape(right, names)
        case _:  # pragma: no cover - _check lets nothing else through
            raise ExpressionError(ast.unparse(node))
    # what a calculation cannot take, it refuses when it is carried out
    return NUMBER


def _both(op: ast.boolop, shapes: list[Shape]) -> Shape:
    if isinstance(op, ast.And):
        return Shape(nullable=True)
    shape = shapes[0]
    for other in shapes[1:]:
        shape = shape.or_else(other)
    return shape


def _member(of: ast.expr, name: str, names: Mapping[str, Shape]) -> Shape:
    around = _shape(of, names)
    found = around.member(name)
    if found is None:
        known = ", ".join(around.names() or ()) or "none"
        raise ExpressionError(f"{ast.unparse(of)} has no {name}, expected one of {known}")
    return found


def _value(node: ast.expr, scope: Mapping[str, Any]) -> Any:
    match node:
        case ast.Name(id=name):
            return _CONSTANTS[name] if name in _CONSTANTS else scope.get(name)
        case ast.Constant(value=value):
            return value
        case ast.Attribute(value=of, attr=name):
            return _entry(_value(of, scope), name)
        case ast.Subscript(value=of, slice=key):
            return _entry(_value(of, scope), _value(key, scope))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _value(operand, scope)
        case ast.UnaryOp(operand=operand):
            return -_number(_value(operand, scope))
        case ast.BinOp(left=left, op=op, right=right):
            return _calculated(op, _value(left, scope), _value(right, scope))
        case ast.BoolOp(op=op, values=values):
            return _decided(op, values, scope)
        case ast.Compare(left=left, ops=[comparison], comparators=[right]):
            return _compared(comparison, _value(left, scope), _value(right, scope))
        case ast.Call(args=[of]):
            value = _value(of, scope)
            if not isinstance(value, str | list | tuple | Mapping):
                raise ExpressionError(f"len() of {_shown(value)}")
            return len(value)
        case _:  # pragma: no cover - _check lets nothing else through
            raise ExpressionError(ast.unparse(node))


def _entry(of: Any, key: Any) -> Any:
    if isinstance(of, Mapping):
        return of.get(key) if isinstance(key, str) else None
    if isinstance(of, list | tuple) and isinstance(key, int | float):
        return of[int(key)] if key == int(key) and 0 <= key < len(of) else None
    return None


def _decided(op: ast.boolop, values: list[ast.expr], scope: Mapping[str, Any]) -> Any:
    value: Any = None
    for each in values:
        value = _value(each, scope)
        there = value is not None and value is not False
        if there is isinstance(op, ast.Or):
            return value
    return value


def _compared(op: ast.cmpop, left: Any, right: Any) -> bool:
    match op:
        case ast.Eq() | ast.Is():
            return bool(left == right)
        case ast.NotEq() | ast.IsNot():
            return bool(left != right)
        case ast.In() | ast.NotIn():
            if not isinstance(right, str | list | tuple | Mapping):
                raise ExpressionError(f"{_shown(right)} holds nothing")
            if isinstance(right, str) and not isinstance(left, str):
                return isinstance(op, ast.NotIn)
            return (left in right) is isinstance(op, ast.In)
        case _:
            return _ORDER[type(op)](_number(left), _number(right))


def _calculated(op: ast.operator, left: Any, right: Any) -> float:
    try:
        result = _ARITHMETIC[type(op)](_number(left), _number(right))
    except (ZeroDivisionError, OverflowError) as error:
        raise ExpressionError(str(error)) from error
    return _number(result)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ExpressionError(f"found {_shown(value)}, expected a number")
    if not math.isfinite(value) or abs(value) > 1e12:
        raise ExpressionError(f"found {_shown(value)}, which is out of range")
    return value


def _shown(value: Any) -> str:
    text = "null" if value is None else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
