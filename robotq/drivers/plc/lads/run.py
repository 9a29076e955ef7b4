"""A program of a LADS unit as a command: how it is begun, followed, and asked for afterwards.

The state of a unit that has stopped does not say why it has, and neither does a result: a program
was done only where the unit was seen in Complete under its run, or where the site says that this
unit stops by itself at a good end alone. Knows no protocol and no clock: both are given.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import dropwhile
from typing import Any, Protocol, Self

from robotq.drivers.base import CommandContext, DriverError, Stopped, UncertainOutcome
from robotq.drivers.plc.lads.nodes import Seen
from robotq.drivers.plc.lads.unit import LadsUnit
from robotq.drivers.plc.pattern import Hooks, Refused
from robotq.drivers.settling import LeftRunning, Settled, UnsettledRun

_AGAIN_S = 0.2
"""Between two stops of a program that has not heard the first."""
_ABORTED = "the unit has aborted the program"
_NO_JUDGE = "the unit does not say whether the program came to a good end"


class Limits(Protocol):
    @property
    def ready_s(self) -> float: ...

    @property
    def accept_s(self) -> float: ...

    @property
    def stop_s(self) -> float: ...


class LadsRun:
    def __init__(
        self, unit: LadsUnit, limits: Limits, hooks: Hooks, context: CommandContext,
        *, stopped_is_done: bool,
    ) -> None:  # fmt: skip
        self._unit = unit
        self._limits = limits
        self._hooks = hooks
        self._context = context
        self._stopped_is_done = stopped_is_done
        self._stood_since: float | None = None
        self._seen_complete = False

    def carry_out(
        self, program: str, properties: Mapping[str, Any], sample: str, details: Mapping[str, str]
    ) -> str:
        """The id that the unit has given the run. Raises DriverError, Stopped, UncertainOutcome."""
        boot = self._make_ready().boot
        own = uuid.uuid4().hex
        self._context.run_id(own, boot=boot, details=dict(details))
        self._check()
        self._unit.mark()
        try:
            run = self._unit.start(program, properties, sample, own)
        except Refused as error:
            raise DriverError(f"the unit refuses the program: {error}") from error
        if not run:
            raise UncertainOutcome("answer_lost", "the unit has given the run no id")
        self._context.run_id(own, boot=boot, begun=True, details={**details, "run": run})
        self._follow(run, boot, begun=False)
        return run

    def attach(self, run: UnsettledRun) -> str:
        found = run_of(self._unit, run)
        self._follow(found, run.boot, begun=True)
        return found

    def _make_ready(self) -> Seen:
        """Raises DriverError where it cannot begin; nothing was started."""
        unit, began = self._unit, self._hooks.now()
        self._check()
        if not unit.can_stop:
            raise DriverError("the unit has neither Stop nor Abort: nobody could stop the program")
        if not unit.names_runs:
            raise DriverError("the unit does not say which run it has: no DeviceProgramRunId")
        if not (unit.judges or self._stopped_is_done):
            raise DriverError(
                f"{_NO_JUDGE}: it has no RunningStateMachine, and stopped_is_done is not set"
            )
        while True:
            seen = unit.look()
            if seen.state == "Stopped":
                return seen
            try:
                self._tidy(seen)
            except Refused as error:
                raise DriverError(f"the unit cannot begin: {error}") from error
            if self._hooks.now() - began > self._limits.ready_s:
                raise DriverError(
                    f"the unit is {seen.state}, and not Stopped; its run is {seen.run or 'unknown'}"
                )
            self._hooks.pause()
            self._check()

    def _tidy(self, seen: Seen) -> None:
        """What is left of a program that is at its end, or of a stop of robotq's own."""
        if seen.state == "Running" and seen.inner in ("Complete", "Idle"):
            with self._context.step("reset", state=seen.inner):
                self._unit.end(abort=False)
        elif seen.state == "Aborted":
            if not self._unit.may_clear:
                raise Refused("it is Aborted. Look why, and clear it at the device")
            with self._context.step("reset", state=seen.state):
                self._unit.clear()

    def _check(self) -> None:
        if self._hooks.stopping() or self._hooks.latched():
            raise Stopped

    def _follow(self, run: str, boot: str, *, begun: bool) -> None:
        """To a good end. `begun`: it was seen running before."""
        hooks, began = self._hooks, self._hooks.now()
        ran = False
        stopping_since: float | None = None
        told = -_AGAIN_S
        with self._context.step("run"), _Steps(self._context) as steps:
            while True:
                seen = self._unit.look()
                if seen.boot != boot:
                    raise UncertainOutcome("device_reset", "the unit has started anew")
                stopping = hooks.stopping() or hooks.latched()
                ran = ran or (seen.run == run and "Running" in (seen.state, *self._unit.states))
                if begun or ran:
                    if seen.run not in ("", run):
                        raise UncertainOutcome(
                            "answer_lost", f"the unit has another run: {seen.run}"
                        )
                    if self._ended(seen, stopping=stopping, begun=begun, ran=ran):
                        return
                now = hooks.now()
                if not (begun or ran) and now - began > self._limits.accept_s:
                    raise UncertainOutcome("answer_lost", "the unit was not seen running it")
                if stopping:
                    stopping_since = now if stopping_since is None else stopping_since
                    if now - stopping_since > self._limits.stop_s:
                        raise UncertainOutcome(
                            "stop_unconfirmed", f"the unit is {seen.state}, and does not stand"
                        )
                    # a stop may have come before the start did
                    if seen.state == "Running" and now - told >= _AGAIN_S:
                        told = now
                        self._stop_again()
                if hooks.left():
                    raise LeftRunning
                if seen.fraction is not None:
                    self._context.progress(seen.fraction)
                steps.at(seen.step)
                hooks.pause()

    def _stop_again(self) -> None:
        try:
            self._unit.end(abort=self._hooks.latched())
        except Refused as error:
            raise UncertainOutcome("stop_unconfirmed", f"{error}") from error

    def _ended(self, seen: Seen, *, stopping: bool, begun: bool, ran: bool) -> bool:
        """Whether it came to a good end. Raises where it came to another one."""
        if completed(self._unit.changes):
            # and still so a look later: that the unit had stopped before is told by then
            seen_before, self._seen_complete = self._seen_complete, True
            return seen_before
        if seen.state == "Running":
            # of a run that was begun long ago the change is over
            return begun and seen.inner == "Complete" and seen.run != ""
        states = self._unit.states
        aborted = seen.state in ("Aborted", "Clearing") or "Aborted" in states
        if not aborted and seen.state != "Stopped":
            return False
        if stopping:
            raise Stopped
        if aborted:
            raise DriverError(_ABORTED)
        # all that came before it has been told then
        if self._stopped_is_done and ran and states[-1:] == ["Stopped"]:
            return True
        now = self._hooks.now()
        self._stood_since = now if self._stood_since is None else self._stood_since
        if now - self._stood_since <= self._limits.stop_s:
            # a change is told a moment after it has come
            return False
        raise UncertainOutcome("answer_lost", _NO_JUDGE)


def completed(changes: Sequence[str]) -> bool:
    """Whether a unit was Complete in what it did in one run. One that was so before it did anything
    still shows the end of another run."""
    works = False
    for each in dropwhile(lambda state: state == "Complete", changes):
        if each == "Complete":
            return True
        if works and not each:
            return False
        works = works or bool(each)
    return False


def settled(unit: LadsUnit, run: UnsettledRun) -> Settled:
    """What the unit has stored of a run under robotq's own id."""
    seen = unit.look()
    if seen.boot != run.boot:
        return Settled.unknown("the unit has started anew")
    found = run_of(unit, run)
    if not found or seen.run != found:
        return Settled.unknown(f"the unit has another run, or none: {seen.run}")
    task = dict(unit.results()).get(found)
    if task is None and not seen.boot:
        return Settled.unknown("nothing says that the unit has kept its memory")
    if task not in (None, run.id):
        return Settled.unknown(f"the unit has {found} under another id")
    if seen.state in ("Aborted", "Clearing"):
        return Settled.failed(_ABORTED, id=run.id, boot=seen.boot)
    if seen.state == "Stopped" or seen.inner in ("Resetting", "Idle"):
        return Settled.unknown(_NO_JUDGE)
    return Settled.running(id=run.id, boot=seen.boot)


def run_of(unit: LadsUnit, run: UnsettledRun) -> str:
    """The unit's own id of it: as it was told, or as its result has it. Empty: nobody knows."""
    told = run.at_device.details.get("run")
    if told:
        return str(told)
    return next((its for its, task in unit.results() if task == run.id), "")


class _Steps:
    """The step that the unit is at, as a step of the command."""

    def __init__(self, context: CommandContext) -> None:
        self._context = context
        self._name = ""
        self._open: AbstractContextManager[None] | None = None

    def at(self, name: str) -> None:
        if name == self._name:
            return
        self._close(None, None, None)
        self._name = name
        if name:
            self._open = self._context.step(name)
            self._open.__enter__()

    def _close(self, *error: Any) -> None:
        step, self._open = self._open, None
        if step is not None:
            step.__exit__(*error)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._close(*error)
