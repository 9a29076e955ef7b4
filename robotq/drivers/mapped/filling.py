"""What the templates and expressions of a mapped command come to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from robotq.drivers.base import CommandContext, DriverError
from robotq.model.json import JsonObject
from robotq.steps.expressions import Expression, ExpressionError
from robotq.steps.templates import Template

Tree: TypeAlias = Any
"""JSON whose texts are templates."""


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


def results(expressions: Mapping[str, Expression], scope: Mapping[str, Any]) -> JsonObject:
    """Raises DriverError where one of them cannot be calculated."""
    told: dict[str, Any] = {}
    for name, expression in expressions.items():
        try:
            told[name] = expression.value(scope)
        except ExpressionError as error:
            raise DriverError(f"result.{name}: {error}") from error
    return told


def leaves(place: Template | None, context: CommandContext) -> None:
    """A command begins that moves the robot to a place."""
    if place is not None:
        context.moved_to(None)


def arrives(place: Template | None, scope: Mapping[str, Any], context: CommandContext) -> None:
    """It has moved it there. Raises DriverError."""
    if place is None:
        return
    try:
        context.moved_to(str(place.value(scope)))
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
