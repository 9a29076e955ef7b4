"""What the commands of mapped devices have in common where they are read: names, templates in
trees, and what is told while one runs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from robotq.config.strict_yaml import KeyPath
from robotq.drivers.mapped.filling import Tree
from robotq.drivers.mapped.told import Telling
from robotq.drivers.params import Param
from robotq.drivers.pieces import Pieces
from robotq.steps.expressions import Expression, ExpressionError
from robotq.steps.shapes import Shape
from robotq.steps.templates import Template, read_template

_COMMAND = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", re.ASCII)
_DEEPEST = 20
Names = Mapping[str, Shape]


class Feedback(Protocol):
    """What is told while a command runs, as an operator has written it."""

    @property
    def progress(self) -> str | None: ...

    @property
    def step(self) -> str | None: ...

    @property
    def partial(self) -> Mapping[str, str]: ...


class MappedPieces(Pieces):
    def commands(self, names: Iterable[str]) -> None:
        for name in names:
            if not _COMMAND.fullmatch(name):
                self.fault(("commands", name), "expected a name of letters, digits and _")

    def results(
        self, written: Mapping[str, str], at: KeyPath, names: Names
    ) -> dict[str, Expression]:
        for name in written:
            self.name(name, (*at, "result", name))
        return {
            name: self.expression(text, (*at, "result", name), names)
            for name, text in written.items()
        }

    def telling(self, written: Feedback, at: KeyPath, names: Names) -> Telling:
        return Telling(
            progress=self.maybe(written.progress, (*at, "progress"), names),
            step=self.template(written.step, (*at, "step"), names),
            partial={
                name: self.expression(text, (*at, "partial", name), names)
                for name, text in written.partial.items()
            },
        )

    def template(self, text: str | None, at: KeyPath, names: Names) -> Template | None:
        if text is None:
            return None
        try:
            return read_template(text, names)
        except ExpressionError as error:
            self.fault(at, str(error))
            return None

    def tree(self, value: Any, at: KeyPath, names: Names) -> Tree:
        if len(at) > _DEEPEST:
            self.fault(at, "is nested too deep")
            return None
        if isinstance(value, str):
            return self.template(value, at, names)
        if isinstance(value, Mapping):
            return {name: self.tree(each, (*at, name), names) for name, each in value.items()}
        if isinstance(value, list):
            return [self.tree(each, (*at, index), names) for index, each in enumerate(value)]
        return value


def params_shape(params: Mapping[str, Param]) -> Shape:
    """What expressions know of `params`."""
    schema = {
        "type": "object",
        "properties": {name: param.schema() for name, param in params.items()},
        "required": list(params),
        "additionalProperties": False,
    }
    return Shape(schema=schema)
