"""The handshake with a PLC: what is written and waited for, in which order, and what is certain at
each moment. Knows no protocol and no clock: both are given.

A start is written once and never again. A wrong "done" is worse than "nobody knows": done counts
only where it was seen to be low (or another number) before the start.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from typing import Any

from robotq.drivers.base import DriverError, Stopped, UncertainOutcome
from robotq.drivers.plc.look import Look
from robotq.drivers.plc.pattern import Hooks, Pattern, Plc, Refused, Reports, Station, Values, judge
from robotq.drivers.settling import LeftRunning

_DRAW = random.SystemRandom()


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
        self._on: Any = True
        """What start holds while the command runs, and done at its end: 1, or its number."""
        self._boot: Any = None

    def carry_out(self, values: Values) -> Values:
        """The results. `values`: what is written before the start, node by node.

        Raises DriverError, Stopped, UncertainOutcome, of which LinkLost is one.
        """
        self._make_ready()
        self._check()
        try:
            for name, value in values.items():
                self._plc.write(name, value)
            kept = self._plc.read(values.keys()) if values else {}
        except Refused as error:
            raise DriverError(f"the PLC refuses a parameter: {error}") from error
        wrong = [name for name, value in values.items() if kept[name] != value]
        if wrong:
            told = ", ".join(f"{name} is {kept[name]!r} and not {values[name]!r}" for name in wrong)
            raise DriverError(f"the PLC has not kept what was written: {told}")
        if self._pattern.numbered:
            details = {"start": self._pattern.start}
            self._reports.run_id(str(self._on), boot=self.boot, details=details)
        self._check()
        # who has written to done, or to start, since it was looked at?
        self._look_free()
        self._check()
        try:
            self._plc.write(self._pattern.start, self._on)
        except Refused as error:
            raise UncertainOutcome(
                "answer_lost", f"the PLC refuses the start, or a part of it: {error}"
            ) from error
        with self._reports.step("run"):
            return self._followed()

    def follow(self, number: int, boot: str) -> Values:
        """The same of a command that was begun with this number before."""
        self._on = number
        self._boot = self._read_boot()
        if self.boot != boot:
            raise UncertainOutcome("device_reset", "the PLC has started anew")
        with self._reports.step("run"):
            return self._followed()

    @property
    def boot(self) -> str:
        return "" if self._boot is None else str(self._boot)

    # -- before --------------------------------------------------------------------------------

    def _make_ready(self) -> None:
        """Raises DriverError, where the station cannot begin; nothing was started."""
        self._boot = self._read_boot()
        self._release_stop()
        pattern, seen = self._pattern, self._look()
        if not pattern.numbered and seen.start:
            if not seen.done:
                raise DriverError(
                    f"{pattern.start} is high already, and {pattern.done} is not: the PLC may be "
                    "carrying out a command of somebody else"
                )
            # of a command that is at its end, and whose handshake was cut off
            self._reset(pattern.start)
        if not pattern.numbered and (late := self._answers_that_stay()):
            raise DriverError(f"still high from before: {', '.join(late)}; nothing was started")
        taken = self._look_free().taken
        if pattern.numbered:
            # drawn, not counted: a PLC that has forgotten its numbers would give this one again
            drawn = _DRAW.sample(range(1, pattern.most + 1), len(taken) + 1)
            self._on = next(number for number in drawn if number not in taken)

    def _look_free(self) -> Look:
        """Raises DriverError where the station is not free: nothing was started."""
        pattern, seen = self._pattern, self._look()
        if alarms := seen.alarms[0]:
            raise DriverError("; ".join(alarms))
        if seen.boot != self._boot:
            raise DriverError("the PLC has started anew; nothing was started")
        if pattern.numbered:
            if seen.start != seen.done:
                raise DriverError(
                    f"{pattern.start} is {seen.start} and {pattern.done} is {seen.done}: the last "
                    "command of the PLC is not at its end"
                )
        elif seen.high:
            raise DriverError(f"high before the start: {', '.join(seen.high)}; nothing was started")
        return seen

    def _release_stop(self) -> None:
        """Take the stop of before back. Raises DriverError where the PLC still answers it."""
        stop, stopped = self._station.stop, self._station.stopped
        if stop is None:
            return
        self._check()
        if self._plc.read([stop])[stop]:
            start = self._pattern.start
            if not self._pattern.numbered and self._plc.read([start])[start]:
                # or the PLC would begin again what the stop has ended
                self._reset(start)
            self._reset(stop)
            self._stop_again()
        if stopped is not None and self._wait_low([stopped], self._station.ready_s):
            raise DriverError(f"{stopped} is still high although {stop} is low")

    def _check(self) -> None:
        if self._hooks.stopping() or self._hooks.latched():
            raise Stopped

    # -- while it runs -------------------------------------------------------------------------

    def _followed(self) -> Values:
        pattern, station, hooks = self._pattern, self._station, self._hooks
        began = hooks.now()
        stopping_since: float | None = None
        alarm_since: float | None = None
        accepted = pattern.accepted is None
        lowered = False
        while True:
            seen = self._look()
            self._check_memory(seen, lowered=lowered)
            done = seen.done == self._on
            stopping = hooks.stopping() or hooks.latched()
            if stopping and stopping_since is None:
                stopping_since = hooks.now()
            alarms, stands = seen.alarms
            if done and (pattern.outcome is not None or not (stopping or alarms)):
                return self._ended()
            if stopping_since is not None:
                late = hooks.now() - stopping_since > station.stop_s
                if seen.is_stopped and (late or not pattern.numbered):
                    self._after_stop()
                    raise Stopped
                if late:
                    raise UncertainOutcome(
                        "stop_unconfirmed", "the PLC has not said that the station stands"
                    )
            elif alarms:
                alarm_since = hooks.now() if alarm_since is None else alarm_since
                self._check_alarm(alarms, hooks.now() - alarm_since, stands=stands)
            if hooks.left():
                raise LeftRunning
            accepted = accepted or seen.accepted == self._on
            if not (accepted or stopping):
                self._check_accepted(hooks.now() - began)
            lowered = lowered or self._end_pulse(hooks.now() - began)
            hooks.pause()

    def _check_alarm(self, texts: Sequence[str], since_s: float, *, stands: bool) -> None:
        """A PLC that stores how a command ended gets a moment to say so."""
        if self._pattern.outcome is not None and since_s <= self._station.stop_s:
            return
        self._withdraw()
        text = "; ".join(texts)
        raise DriverError(text) if stands else UncertainOutcome("answer_lost", text)

    def _check_accepted(self, waited_s: float) -> None:
        if waited_s <= self._station.accept_s:
            return
        self._withdraw()
        raise UncertainOutcome(
            "answer_lost",
            f"{self._pattern.accepted} was not seen in {self._station.accept_s:g} s",
        )

    def _end_pulse(self, passed_s: float) -> bool:
        pulse_s = self._pattern.pulse_s
        if pulse_s is None or passed_s < pulse_s:
            return False
        self._write_low(self._pattern.start)
        return True

    def _ended(self) -> Values:
        """Done was seen. What belongs to it was written before it, and is read after it."""
        pattern = self._pattern
        names = {*pattern.results, *([pattern.outcome.node] if pattern.outcome else [])}
        read = dict(self._plc.read(names)) if names else {}
        again = self._look()
        if again.done != self._on or again.boot != self._boot:
            raise UncertainOutcome("device_reset", f"{pattern.done} has gone again at once")
        if pattern.numbered and again.start != self._on:
            raise UncertainOutcome("device_reset", f"somebody else has written {pattern.start}")
        if not pattern.numbered:
            self._finish()
        if pattern.outcome is not None:
            judge(pattern.outcome, read[pattern.outcome.node])
        return {name: read[name] for name in pattern.results}

    def _finish(self) -> None:
        """The second edge: done falls when start has. Raises UncertainOutcome: a done that does
        not fall is stuck, and nobody knows since when."""
        self._reset(self._pattern.start)
        if late := self._answers_that_stay():
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
        """The station stands. First start falls, then the stop: never the other way round."""
        self._withdraw()
        if self._station.stop is not None and not self._hooks.latched():
            self._reset(self._station.stop)
            self._stop_again()

    def _stop_again(self) -> None:
        """An emergency stop may have come while the bit was being lowered."""
        if self._station.stop is not None and self._hooks.latched():
            self._plc.write(self._station.stop, True)

    def _withdraw(self) -> None:
        """So that nothing begins later. A number cannot be taken back."""
        if not self._pattern.numbered:
            self._reset(self._pattern.start)

    # -- small ---------------------------------------------------------------------------------

    def _reset(self, name: str) -> None:
        """Told as a step, so that it stands in the journal."""
        with self._reports.step("reset", node=name):
            self._write_low(name)

    def _write_low(self, name: str) -> None:
        try:
            self._plc.write(name, False)
        except Refused as error:
            raise UncertainOutcome("answer_lost", f"the PLC refuses a reset: {error}") from error

    def _answers_that_stay(self) -> Sequence[str]:
        """Done and accepted, where they do not fall in time."""
        return self._wait_low(self._pattern.of_command[1:], self._station.ready_s)

    def _wait_low(self, names: Collection[str], limit_s: float) -> Sequence[str]:
        """Those that are still high at the end."""
        began = self._hooks.now()
        while True:
            seen = self._plc.read(names)
            high = [name for name in names if seen[name]]
            if not high or self._hooks.now() - began > limit_s:
                return high
            self._hooks.pause()

    def _look(self) -> Look:
        return Look(self._plc, self._pattern, self._station)

    def _read_boot(self) -> Any:
        name = self._station.boot
        return None if name is None else self._plc.read([name])[name]
