"""What the templates and expressions of steps come to while a command runs, within bounds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from robotq.drivers.base import DriverError
from robotq.drivers.text_lines import split_blocks, split_lines
from robotq.model.carried.program import ProgramFile
from robotq.model.json import JsonObject
from robotq.steps import language as lang
from robotq.steps.expressions import Expression, ExpressionError
from robotq.steps.templates import Template

_NUMBER = re.compile(r"[ \t]*[+-]?(?:[0-9]{1,30}(?:\.[0-9]*)?|\.[0-9]+)[ \t]*")


class Scope:
    """The names that a running command knows, and what is calculated from them. Everything
    raises DriverError bad_parameter for what cannot be calculated."""

    def __init__(self, names: dict[str, Any]) -> None:
        self.names = names

    def value(self, expression: Expression) -> Any:
        with _calculating():
            return expression.value(self.names)

    def seconds(self, expression: Expression) -> float:
        value = self.value(expression)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1e6:
            raise bad(expression.text, f"found {value!r}, expected a number of seconds")
        return float(value)

    def skips(self, when: Expression | None) -> bool:
        """Whether a step with this condition is left out."""
        with _calculating():
            return when is not None and when.value(self.names) in (None, False)

    def text(self, template: Template) -> Any:
        with _calculating():
            return template.value(self.names)

    def lines(self, templates: Sequence[Template]) -> list[str]:
        with _calculating():
            return [template.line(self.names) for template in templates]

    def tree(self, tree: lang.Tree) -> Any:
        value = self._plain_tree(tree)
        if size_of(value) > lang.MAX_TEXT:
            raise bad("steps", f"more than {lang.MAX_TEXT} characters in one value")
        return value

    def _plain_tree(self, tree: lang.Tree) -> Any:
        if isinstance(tree, Template):
            return self.text(tree)
        if isinstance(tree, Mapping):
            return {name: self._plain_tree(value) for name, value in tree.items()}
        if isinstance(tree, list):
            return [self._plain_tree(value) for value in tree]
        return tree


@contextmanager
def _calculating() -> Iterator[None]:
    try:
        yield
    except ExpressionError as error:
        raise bad("steps", str(error)) from error


def bad(field: str, reason: str) -> DriverError:
    return DriverError(reason, code="bad_parameter", field=field)


def program_lines(value: Any) -> Iterator[str]:
    """The lines of a program: a text, also in a file, or a list of texts. Raises DriverError
    bad_parameter."""
    if isinstance(value, ProgramFile):
        return split_blocks(value.blocks())
    if isinstance(value, str):
        return split_lines(value)
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        # an item with a line end in it is two lines, and each is looked at
        return (line for item in value for line in split_lines(item))
    raise bad("program", "expected a text, or a list of lines")


def first_group(found: Any) -> Any:
    return _number_or_text(found.group(1 if found.re.groups else 0))


def read_groups(groups: Mapping[str, str | None]) -> JsonObject:
    return {name: _number_or_text(value) for name, value in groups.items()}


def _number_or_text(text: str | None) -> Any:
    # int() and float() would take `1_0`, `nan`, and the digits of other scripts too
    if text is None or not _NUMBER.fullmatch(text):
        return text
    return float(text) if "." in text else int(text)


def size_of(value: Any) -> int:
    """About the characters of a value; not more than just above the bound."""
    size = 0
    left = [value]
    while left and size <= lang.MAX_TEXT:
        each = left.pop()
        if isinstance(each, str):
            size += len(each)
        elif isinstance(each, Mapping):
            left.extend(each.values())
            size += sum(len(str(name)) for name in each)
        elif isinstance(each, list | tuple):
            left.extend(each)
        size += 8
    return size
