"""The handshake with a PLC: what is written and waited for, in which order, and what is certain at
each moment. Knows no protocol and no clock: both are given.

A start is written once and never again. A wrong "done" is worse than "nobody knows": done counts
only where it was seen to be low (or another number) before the start.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from robotq.drivers.base import DriverError, Stopped, UncertainOutcome
from robotq.drivers.plc.handshakes.before import Before
from robotq.drivers.plc.handshakes.edges import Edges
from robotq.drivers.plc.handshakes.look import Look
from robotq.drivers.plc.pattern import Hooks, Pattern, Plc, Refused, Reports, Station, Values, judge
from robotq.drivers.settling import LeftRunning


class Handshake:
    """One command. `carry_out` begins it, `follow` waits for one that was begun before."""

    def __init__(
        self, plc: Plc, pattern: Pattern, station: Station, hooks: Hooks, reports: Reports
    ) -> None:
        self._plc = plc
        self._pattern = pattern
        self._station = station
        self._hooks = hooks
        self._reports = reports
        self._edges = Edges(plc, pattern, station, hooks, reports)
        self._on: Any = True
        """What start holds while the command runs, and done at its end: 1, or its number."""
        self._boot: Any = None
        self._before: Values | None = None
        """What stood in the nodes of the results before the start."""

    def carry_out(self, values: Values) -> Values:
        """The results. `values`: what is written before the start, node by node.

        Raises DriverError, Stopped, UncertainOutcome, of which LinkLost is one.
        """
        before, check = Before(self._edges), self._edges.check
        try:
            self._on = before.make_ready()
        finally:
            self._boot = before.boot
        check()
        try:
            for name, value in values.items():
                self._plc.write(name, value)
            results = self._pattern.results if self._pattern.outcome is not None else ()
            names = {*values, *results}
            kept = self._plc.read(names) if names else {}
            self._before = {name: kept[name] for name in results}
        except Refused as error:
            raise DriverError(f"the PLC refuses a parameter: {error}") from error
        wrong = [name for name, value in values.items() if kept[name] != value]
        if wrong:
            told = ", ".join(f"{name} is {kept[name]!r} and not {values[name]!r}" for name in wrong)
            raise DriverError(f"the PLC has not kept what was written: {told}")
        if self._pattern.numbered:
            details = {"start": self._pattern.start}
            self._reports.run_id(str(self._on), boot=self.boot, details=details)
        check()
        # who has written to done, or to start, since it was looked at?
        before.look_free()
        check()
        try:
            self._plc.write(self._pattern.start, self._on)
        except Refused as error:
            start = self._pattern.start
            if error.certain and self._plc.read([start])[start] != self._on:
                raise DriverError(
                    f"the PLC refuses the start: {error}; nothing was started"
                ) from error
            raise UncertainOutcome(
                "answer_lost", f"the PLC refuses the start, or a part of it: {error}"
            ) from error
        with self._reports.step("run"):
            return self._followed()

    def follow(self, number: int, boot: str) -> Values:
        """The same of a command that was begun with this number before."""
        self._on = number
        self._boot = self._edges.read_boot()
        if self.boot != boot:
            raise UncertainOutcome("device_reset", "the PLC has started anew")
        with self._reports.step("run"):
            return self._followed()

    @property
    def boot(self) -> str:
        return "" if self._boot is None else str(self._boot)

    # -- while it runs -------------------------------------------------------------------------

    def _followed(self) -> Values:
        pattern, station, hooks = self._pattern, self._station, self._hooks
        began = hooks.now()
        stopping_since: float | None = None
        alarm_since: float | None = None
        accepted = pattern.accepted is None
        lowered = False
        before: Look | None = None
        """The last look before a stop."""
        while True:
            seen = self._edges.look()
            self._check_memory(seen, lowered=lowered)
            done = seen.done == self._on
            stopping = hooks.stopping() or hooks.latched()
            if before is None or not stopping:
                # an alarm that is there at the first look may be an old one that is latched
                before = seen
            if stopping and stopping_since is None:
                stopping_since = hooks.now()
            alarms, stands = seen.alarms
            if done and (pattern.outcome is not None or not (stopping or alarms)):
                return self._ended()
            if stopping_since is not None:
                late = hooks.now() - stopping_since > station.stop_s
                stands_now = seen.is_stopped or seen.stands_since(before)
                if stands_now and (late or not pattern.numbered):
                    self._after_stop()
                    raise Stopped
                if late:
                    raise UncertainOutcome(
                        "stop_unconfirmed",
                        f"not done {hooks.now() - began:.0f} s after the start, and no answer to "
                        f"the stop within {station.stop_s:g} s: {seen.told}",
                    )
            elif alarms:
                alarm_since = hooks.now() if alarm_since is None else alarm_since
                self._check_alarm(seen, alarms, hooks.now() - alarm_since, stands=stands)
            if hooks.left():
                raise LeftRunning
            accepted = accepted or seen.accepted == self._on
            if not (accepted or stopping):
                self._check_accepted(hooks.now() - began)
            lowered = lowered or self._end_pulse(hooks.now() - began)
            hooks.pause()

    def _check_alarm(
        self, seen: Look, texts: Sequence[str], since_s: float, *, stands: bool
    ) -> None:
        """A PLC that stores how a command ended gets a moment to say so."""
        if self._pattern.outcome is not None and since_s <= self._station.stop_s:
            return
        self._edges.withdraw()
        text = "; ".join(texts)
        error = DriverError(text) if stands else UncertainOutcome("answer_lost", text)
        error.device = {"alarms": seen.words}
        raise error

    def _check_accepted(self, waited_s: float) -> None:
        if waited_s <= self._station.accept_s:
            return
        self._edges.withdraw()
        raise UncertainOutcome(
            "answer_lost",
            f"{self._pattern.accepted} was not seen in {self._station.accept_s:g} s",
        )

    def _end_pulse(self, passed_s: float) -> bool:
        pulse_s = self._pattern.pulse_s
        if pulse_s is None or passed_s < pulse_s:
            return False
        self._edges.write_low(self._pattern.start)
        return True

    def _ended(self) -> Values:
        """Done was seen. What belongs to it was written before it, and is read after it."""
        pattern = self._pattern
        names = {*pattern.results, *([pattern.outcome.node] if pattern.outcome else [])}
        read = dict(self._plc.read(names)) if names else {}
        again = self._edges.look()
        if again.done != self._on or again.boot != self._boot:
            raise UncertainOutcome("device_reset", f"{pattern.done} has gone again at once")
        if pattern.numbered and again.start != self._on:
            raise UncertainOutcome("device_reset", f"somebody else has written {pattern.start}")
        if not pattern.numbered:
            self._finish()
        if again.stop_is_high and not self._hooks.latched():
            # it has ended, one way or another; an emergency stop alone keeps the bit
            self._edges.lower_stop()
        results = {name: read[name] for name in pattern.results}
        if pattern.outcome is not None:
            code = read[pattern.outcome.node]
            try:
                judge(pattern.outcome, code, again.alarms[0])
            except (DriverError, Stopped) as error:
                # the others may be of the command before
                new = {} if self._before is None else self._before
                own = {name: results[name] for name, old in new.items() if results[name] != old}
                error.device = {"outcome": code, "alarms": again.words, "result": own}
                raise
        return results

    def _finish(self) -> None:
        """The second edge: done falls when start has. Raises UncertainOutcome: a done that does
        not fall is stuck, and nobody knows since when."""
        self._edges.reset(self._pattern.start)
        if late := self._edges.answers_that_stay():
            raise UncertainOutcome(
                "answer_lost", f"{', '.join(late)} did not fall after {self._pattern.start}"
            )

    def _check_memory(self, seen: Look, *, lowered: bool) -> None:
        """Raises UncertainOutcome where the PLC does not have what was written."""
        if seen.boot != self._boot:
            raise UncertainOutcome("device_reset", "the PLC has started anew")
        start = self._pattern.start
        if not lowered and seen.start != self._on:
            raise UncertainOutcome(
                "device_reset",
                f"{start} is {seen.start!r} and no more {self._on!r}: the PLC has started anew, "
                "or somebody else writes it",
            )

    def _after_stop(self) -> None:
        """The station stands. First start falls, then the stop: never the other way round. A number
        that the PLC has not answered cannot be taken back, and may begin anew when the stop falls:
        a person is asked first."""
        self._edges.withdraw()
        if self._pattern.numbered:
            return
        if self._station.stop is not None and not self._hooks.latched():
            self._edges.lower_stop()
