"""Patterns, expressions and names of a device, read; every fault in them is kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from robotq.config.strict_yaml import KeyPath
from robotq.steps.expressions import Expression, ExpressionError, parse
from robotq.steps.shapes import Shape

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}", re.ASCII)
_RESERVED = {"params", "values", "null", "true", "false", "len", "robot_id", "timeout"}
_MADE = TypeVar("_MADE")


class Pieces:
    """Where a value is wrong, the fault is kept and something harmless returned in its place."""

    def __init__(self) -> None:
        self.faults: list[tuple[KeyPath, str]] = []

    def optional(self, text: str | None, at: KeyPath) -> re.Pattern[str] | None:
        return None if text is None else self.pattern(text, at)

    def patterns(self, texts: Iterable[str], at: KeyPath) -> tuple[re.Pattern[str], ...]:
        return tuple(self.pattern(text, (*at, index)) for index, text in enumerate(texts))

    def pattern(self, text: str, at: KeyPath) -> re.Pattern[str]:
        made = self.attempt(at, lambda: re.compile(text, re.ASCII))
        return made or re.compile("")

    def maybe(self, text: str | None, at: KeyPath, names: Mapping[str, Shape]) -> Expression | None:
        return None if text is None else self.expression(text, at, names)

    def expression(self, text: str, at: KeyPath, names: Mapping[str, Shape]) -> Expression:
        try:
            expression = parse(text)
            expression.shape(names)
        except ExpressionError as error:
            self.fault(at, str(error))
            return parse("null")
        return expression

    def name(self, name: str, at: KeyPath) -> None:
        if not _NAME.fullmatch(name) or name in _RESERVED:
            self.fault(at, f"found {name!r}, expected a name of its own: letters, digits and _")

    def attempt(self, at: KeyPath, make: Callable[[], _MADE]) -> _MADE | None:
        try:
            return make()
        except re.error as error:
            self.fault(at, f"expected a regular expression: {error}")
        except (ValueError, UnicodeError) as error:
            self.fault(at, str(error))
        return None

    def fault(self, at: KeyPath, text: str) -> None:
        self.faults.append((at, text))
