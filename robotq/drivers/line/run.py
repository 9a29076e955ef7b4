"""One command: its lines, what is waited for, and what is certain at its end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from typing import Any

from robotq.drivers.base import CommandContext, DriverError, LinkLost, UncertainOutcome
from robotq.drivers.line.link import Guard
from robotq.drivers.line.ready import Exchange, LineProgram, Poll, Question
from robotq.drivers.line.talk import NoAnswer, Talk
from robotq.model.json import JsonObject
from robotq.steps.expressions import Expression, ExpressionError

_SILENT_POLLS = 3
"""Polls one after another that may stay without an answer."""


class Interrupted(Exception):
    """A stop came."""


class Exchanges:
    """Carries out exchanges, and keeps what was answered."""

    def __init__(
        self,
        talk: Talk,
        guard: Guard,
        params: Mapping[str, Any],
        *,
        sent: Callable[[], None] = lambda: None,
        progress: Callable[[float], None] = lambda _: None,
        wait_s: float | None = None,
    ) -> None:
        """`sent` is called before a line that may act goes out; `guard` before every line, and
        while something is waited for."""
        self._talk = talk
        self._guard = guard
        self._sent = sent
        self._progress = progress
        self._wait_s = wait_s
        self.scope: dict[str, Any] = {"params": params, "values": talk.ready.device.values}
        self.found: dict[str, Any] = {}

    def carry_out(self, exchange: Exchange) -> None:
        """Raises what `Talk.ask` raises."""
        self._ask(exchange.question)
        if exchange.poll is not None:
            self._wait_for(exchange.poll)

    def _ask(self, question: Question) -> str:
        sent = (lambda: None) if question.reads else self._sent
        answer, groups = self._talk.ask(
            question, self.scope, self._guard, sent=sent, wait_s=self._wait_s
        )
        self.scope.update(groups)
        self.found.update({name: value for name, value in groups.items() if name[0] != "_"})
        if question.check is not None and self._value(question.check) is not True:
            reason = question.otherwise or f"{question.check.text} is not true"
            raise DriverError(reason, answer=answer)
        return answer

    def _wait_for(self, poll: Poll) -> None:
        silent = 0
        while True:
            try:
                answer = self._ask(poll.question)
                silent = 0
            except NoAnswer:
                silent += 1
                if silent == _SILENT_POLLS:
                    raise
                continue
            if poll.progress is not None:
                self._tell(self._value(poll.progress))
            if poll.until is not None and poll.until.fullmatch(answer):
                return
            if poll.reached is not None and self._value(poll.reached) is True:
                return
            self._talk.link.pause(poll.every_s, self._guard)

    def _tell(self, fraction: Any) -> None:
        if isinstance(fraction, int | float) and fraction == fraction:  # noqa: PLR0124 - no NaN
            self._progress(min(1.0, max(0.0, float(fraction))))

    def _value(self, expression: Expression) -> Any:
        try:
            return expression.value(self.scope)
        except ExpressionError as error:
            raise NoAnswer(str(error)) from error

    def values(self, expressions: Mapping[str, Expression]) -> JsonObject:
        return {name: self._value(each) for name, each in expressions.items()}


class Run:
    """A command that is being carried out. `execute` has its thread; `stop` comes from others."""

    def __init__(
        self, talk: Talk, program: LineProgram, params: Mapping[str, Any], latched: Guard
    ) -> None:
        self._talk = talk
        self._program = program
        self._params = params
        self._latched = latched
        self.stopping = False
        self.acted = False
        """A line that may have changed something has gone out, or was about to."""

    @property
    def stoppable(self) -> bool:
        """A stop has something to bring to rest."""
        return not self._program.reads

    def carry_out(self, context: CommandContext) -> JsonObject:
        """Raises Interrupted, and what `Driver.execute` may."""
        exchanges = Exchanges(
            self._talk, self._guard, self._params, sent=self._act, progress=context.progress
        )
        try:
            for exchange in self._program.exchanges:
                name = exchange.step or ("WAITING" if exchange.poll is not None else None)
                with context.step(name) if name is not None else nullcontext():
                    exchanges.carry_out(exchange)
            found = errors_of(self._talk, self._guard)
            if found:
                raise DriverError("; ".join(found))
            self._talk.confirm(self._guard)
            return {**exchanges.found, **exchanges.values(self._program.result)}
        except NoAnswer as error:
            raise self._unclear(str(error)) from error
        except DriverError as error:
            # else the next command would be blamed for what is in the device's queue
            told = "; ".join([str(error), *self._errors_left()])
            raise DriverError(told, code=error.code) from error
        except LinkLost as error:
            if self.acted and self._talk.link.restarted:
                raise UncertainOutcome("device_reset", error.reason) from error
            if self.acted:
                raise
            raise DriverError(f"{error.reason}; nothing was changed") from error

    def _unclear(self, reason: str) -> Exception:
        """How a command ends whose answer did not come."""
        told = "; ".join([reason, *self._errors_left()])
        if self.acted:
            return UncertainOutcome("answer_lost", told)
        return DriverError(f"{told}; nothing was changed")

    def _errors_left(self) -> list[str]:
        """What the device says of it, once both sides are in step again."""
        try:
            self._talk.get_in_step(self._guard)
            return errors_of(self._talk, self._guard)
        except (LinkLost, NoAnswer) as error:
            return [str(error)]

    def _act(self) -> None:
        self.acted = True

    def _guard(self) -> None:
        self._latched()
        if self.stopping:
            raise Interrupted


def errors_of(talk: Talk, guard: Guard, *, wait_s: float | None = None) -> list[str]:
    """All errors that wait in the device's queue. Raises what `Talk.ask` raises."""
    question, ready = talk.ready.errors, talk.ready
    if question is None or ready.device.error_query is None:
        return []
    found: list[str] = []
    for _ in range(ready.device.error_query.most):
        scope = {"values": ready.device.values}
        answer, _groups = talk.ask(question, scope, guard, wait_s=wait_s)
        if ready.no_error.fullmatch(answer):
            break
        found.append(answer)
    return found


def lines_now(exchanges: Iterable[Exchange]) -> list[Question]:
    """What is sent of these without waiting: the lines that do something."""
    return [each.question for each in exchanges if not each.question.reads]
