"""What a robot tells of a command that runs: steps, progress, what has been found so far."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from robotq.drivers.base import CommandContext
from robotq.model.json import JsonObject
from robotq.steps.expressions import Expression, ExpressionError
from robotq.steps.templates import Template

_log = logging.getLogger(__name__)

_MOST_FAULTS = 10
"""Different faults of expressions that are logged for one command."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """What is made of it."""

    progress: Expression | None
    step: Template | None
    partial: Mapping[str, Expression]

    @property
    def is_nothing(self) -> bool:
        return self.progress is None and self.step is None and not self.partial


class Told:
    """Tells the engine what the robot says, each thing once."""

    def __init__(
        self, name: str, telling: Telling, scope: Mapping[str, Any], context: CommandContext
    ) -> None:
        """`name` of what is carried out, for the log."""
        self._name = name
        self._telling = telling
        self._scope = scope
        self._context = context
        self._stack = ExitStack()
        self._step: str | None = None
        self._progress: float | None = None
        self._partial: JsonObject = {}
        self._faults: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def said(self, **names: Any) -> None:
        """What the robot has said, by the names that expressions have for it."""
        scope, telling = {**self._scope, **names}, self._telling
        if telling.step is not None:
            self._to_step(self._value(telling.step, scope))
        if telling.progress is not None:
            self.progress(self._value(telling.progress, scope))
        if telling.partial:
            partial = {name: self._value(each, scope) for name, each in telling.partial.items()}
            if partial != self._partial:
                self._partial = partial
                self._context.partial(**partial)

    def progress(self, value: object) -> None:
        """From 0 to 1; what is no number tells nothing."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return
        if not math.isfinite(value):
            return
        fraction = min(1.0, max(0.0, float(value)))
        if fraction != self._progress:
            self._progress = fraction
            self._context.progress(fraction)

    def _to_step(self, name: object) -> None:
        step = str(name)[:200] if name not in (None, "") else None
        if step == self._step:
            return
        self._stack.close()
        self._step = step
        if step is not None:
            self._stack.enter_context(self._context.step(step))

    def _value(self, made: Expression | Template, scope: Mapping[str, Any]) -> Any:
        """None where it cannot be calculated, which is said once: it breaks no motion."""
        try:
            return made.value(scope)
        except ExpressionError as error:
            text = str(error)
            if text not in self._faults and len(self._faults) < _MOST_FAULTS:
                self._faults.add(text)
                _log.warning("%s: what it says cannot be read: %s", self._name, text)
            return None
