"""What a running command is told besides its request: answers, and lines of a long parameter."""

from __future__ import annotations

from typing import Any

from robotq.drivers.base import DriverError
from robotq.drivers.jsonline.calls import CallRefused
from robotq.drivers.jsonline.link import JsonlineLink
from robotq.drivers.jsonline.long_params import LongRun
from robotq.drivers.jsonline.messages import Ask, Report
from robotq.drivers.jsonline.run import Run, result_of
from robotq.drivers.transport import Discarded
from robotq.model.json import JsonObject


class Dialogue:
    """Of one command, on its thread."""

    def __init__(self, link: JsonlineLink, run: Run, long: LongRun) -> None:
        self._link = link
        self._run = run
        self._long = long
        self._asked = 0
        """The last question that was put to somebody."""
        self._unanswered: DriverError | None = None

    def answer(self, report: Report) -> None:
        """Give the device what it waits for, if anything."""
        if report.need is not None:
            first = report.need.first
            lines = self._long.lines(first, report.need.count)
            message = {"op": "lines", "id": self._run.id, "from": first, "lines": lines}
            try:
                self._link.send(message)
            except Discarded:
                return
        if report.ask is not None and report.ask.n > self._asked:
            self._asked = report.ask.n
            self._answer(report.ask)

    def result(self, report: Report) -> JsonObject:
        """The result of a command that is done. Raises how it ended otherwise."""
        fault = report.fault
        if self._unanswered is not None and fault is not None and fault.code == "answer_timeout":
            raise self._unanswered
        return result_of(report)

    def _answer(self, ask: Ask) -> None:
        try:
            value = self._run.ask(ask)
        except DriverError as error:
            self._unanswered = error
            self._tell(ask, timed_out=True)
        except ValueError as error:
            self._tell(ask, refused=f"the schema of the question is not right: {error}")
        else:
            if value is not None:
                self._tell(ask, value=dict(value))

    def _tell(self, ask: Ask, **answer: Any) -> None:
        try:
            self._link.call("answer", run=self._run.id, n=ask.n, **answer)
        except CallRefused:
            # it does not wait for it any more; how the command goes on it reports
            return
