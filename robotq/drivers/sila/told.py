"""What an execution tells the engine: steps, progress, what has been found so far."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from robotq.drivers.base import CommandContext
from robotq.drivers.sila.ready import SilaProgram
from robotq.model.json import JsonObject
from robotq.steps.expressions import Expression, ExpressionError
from robotq.steps.templates import Template

_log = logging.getLogger(__name__)

_MOST_FAULTS = 10
"""Different faults of expressions that are logged for one command."""


class Told:
    """Tells the engine what an execution says, each thing once."""

    def __init__(
        self, program: SilaProgram, scope: Mapping[str, Any], context: CommandContext
    ) -> None:
        self._program = program
        self._scope = scope
        self._context = context
        self._stack = ExitStack()
        self._step: str | None = None
        self._progress: float | None = None
        self._partial: JsonObject = {}
        self._seen: JsonObject | None = None
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

    def progress(self, value: float | None) -> None:
        """As the server tells it."""
        if self._program.progress is None:
            self._to_progress(value)

    def intermediate(self, values: JsonObject | None) -> None:
        if values is None or values == self._seen:
            return
        self._seen = values
        scope = {**self._scope, "intermediate": values}
        program = self._program
        if program.step is not None:
            self._to_step(self._value(program.step, scope))
        if program.progress is not None:
            self._to_progress(self._value(program.progress, scope))
        if program.partial:
            partial = {name: self._value(each, scope) for name, each in program.partial.items()}
            if partial != self._partial:
                self._partial = partial
                self._context.partial(**partial)

    def _to_step(self, name: object) -> None:
        step = str(name)[:200] if name not in (None, "") else None
        if step == self._step:
            return
        self._stack.close()
        self._step = step
        if step is not None:
            self._stack.enter_context(self._context.step(step))

    def _to_progress(self, value: object) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return
        if not math.isfinite(value):
            return
        fraction = min(1.0, max(0.0, float(value)))
        if fraction != self._progress:
            self._progress = fraction
            self._context.progress(fraction)

    def _value(self, made: Expression | Template, scope: Mapping[str, Any]) -> Any:
        """None where it cannot be calculated, which is said once: it breaks no motion."""
        try:
            return made.value(scope)
        except ExpressionError as error:
            text = str(error)
            if text not in self._faults and len(self._faults) < _MOST_FAULTS:
                self._faults.add(text)
                _log.warning("%s: intermediate: %s", self._program.ask.name, text)
            return None
