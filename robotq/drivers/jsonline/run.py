"""One command as the device carries it out: what it reports, and what it is told."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from robotq.drivers.base import (
    CommandContext,
    DriverError,
    Stopped,
    UncertainOutcome,
    UnknownCommand,
    Withdrawn,
)
from robotq.drivers.jsonline import messages
from robotq.drivers.jsonline.messages import Ask, Report
from robotq.model.json import JsonObject

_WAITING = 256
"""Reports that wait to be followed; of more, the oldest are left out: each tells all."""
_RESERVED = frozenset({"self", "name", "prompt", "schema", "timeout_s", "answered_by"})
"""Names that an argument of a step or a question cannot have."""


class Run:
    """A command of the device, from its request to its last report.

    Reports come on the reader thread, and are followed on the thread of `execute`.
    """

    def __init__(self, id_: str, context: CommandContext) -> None:
        self.id = id_
        self.context = context
        self.known = False
        """The device has said that it has the command."""
        self.stopping = False
        """It was asked to stop, so it must not be begun any more."""
        self._reports: deque[Report] = deque(maxlen=_WAITING)
        self._changed = threading.Condition()
        self._broken: UncertainOutcome | None = None
        self._open_ask: int | None = None
        """The question of the device that somebody is asked now."""
        self._obsolete = False

    def reported(self, report: Report) -> None:
        """Take a report from the wire."""
        with self._changed:
            self._reports.append(report)
            asks = report.ask.n if report.ask is not None else None
            self._obsolete = self._open_ask is not None and asks != self._open_ask
            self._changed.notify_all()
        self.look_at_question()

    def breaks(self, error: UncertainOutcome) -> None:
        """The link is down, or the device has started anew; the first reason counts."""
        with self._changed:
            self._broken = self._broken or error
            self._changed.notify_all()
        self.look_at_question()

    def look_at_question(self) -> None:
        """Take back a question whose answer is of no use any more. It is looked at again and
        again: `ask` may have been on its way."""
        if self._open_ask is not None and (self._obsolete or self._broken is not None):
            self.context.withdraw()

    def next_report(self, seconds: float) -> Report | None:
        """The next report, None where there is none within `seconds`. Raises UncertainOutcome
        where there will be none; what came before that is not lost."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._reports) or self._broken is not None, seconds)
            if self._reports:
                return self._reports.popleft()
            if self._broken is not None:
                raise self._broken
            return None

    def ask(self, ask: Ask) -> JsonObject | None:
        """Somebody's answer; None where it is not needed any more."""
        with self._changed:
            if self._broken is not None:
                raise self._broken
            self._open_ask, self._obsolete = ask.n, False
        try:
            return self.context.ask(
                ask.prompt,
                ask.schema,
                ask.timeout_s,
                answered_by=ask.answered_by,
                **_harmless(ask.args),
            )
        except (Withdrawn, Stopped):
            # how the command ends is for the device to say
            return None
        finally:
            with self._changed:
                self._open_ask = None


class Followed:
    """Tells the engine what the reports of a run say, each thing once."""

    def __init__(self, context: CommandContext) -> None:
        self._context = context
        self._stack = ExitStack()
        self._step = 0
        self._place: str | None = None
        self._placed = False
        self._progress: float | None = None
        self._partial: JsonObject | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def follow(self, report: Report) -> None:
        step = report.step
        if (step.n if step is not None else 0) != self._step and (step or not report.final):
            self._stack.close()
            self._step = 0
            if step is not None:
                self._stack.enter_context(self._context.step(step.name, **_harmless(step.detail)))
                self._step = step.n
        if report.tells_place and (not self._placed or report.place != self._place):
            self._placed, self._place = True, report.place
            self._context.moved_to(report.place)
        progress = 1.0 if report.state == messages.DONE else report.progress
        if progress is not None and progress != self._progress:
            self._progress = progress
            self._context.progress(min(1.0, max(0.0, progress)))
        if report.partial is not None and report.partial != self._partial:
            self._partial = report.partial
            self._context.partial(**{k: v for k, v in report.partial.items() if k != "self"})


def result_of(report: Report) -> JsonObject:
    """The result of a command that is done. Raises what says how it ended otherwise."""
    match report.state:
        case messages.DONE:
            return report.result
        case messages.STOPPED:
            raise Stopped
        case messages.FAILED | messages.REFUSED:
            raise _failure(report)
        case messages.UNCERTAIN:
            raise UncertainOutcome("link_lost", _told(report))
        case _:
            raise UncertainOutcome("device_reset", "the device does not know this command any more")


def _failure(report: Report) -> Exception:
    code = report.fault.code if report.fault is not None else "device_error"
    if code == "unknown_command":
        return UnknownCommand(_told(report))
    if code == "rebooted":
        return UncertainOutcome("device_reset", _told(report))
    return DriverError(_told(report), code=code)


def _told(report: Report) -> str:
    return report.fault.message if report.fault is not None else "it gives no reason"


def _harmless(values: JsonObject) -> dict[str, Any]:
    return {f"{key}_" if key in _RESERVED else str(key): value for key, value in values.items()}
