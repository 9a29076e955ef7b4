"""The simulated robot as a machine for steps that an operator has written."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from robotq.drivers.base import Ended, HasDevices, HearsOfRest, Stopped, UncertainOutcome
from robotq.drivers.gcode.reader.lines import Line, Rules, prepare
from robotq.drivers.memory import Memory
from robotq.drivers.simulator.lab.layout import gripper
from robotq.drivers.simulator.lab.state import bottle_in
from robotq.drivers.simulator.machine import Machine
from robotq.drivers.steps.machine import Part
from robotq.drivers.steps.run import ProgramRun
from robotq.model.json import JsonObject
from robotq.steps import Program

RULES = Rules(longest=256, bare_words=True)
_WORD = re.compile(r"([A-Z])[ \t]*([+-]?(?:\d+\.?\d*|\.\d+))")
_AXES = "XYZ"
_MM_PER_INCH = 25.4
_HOMING_S = 5.0
_READING_S = 1.0
"""Of one attempt at a code that can be read."""


def run_steps(
    m: Machine,
    program: Program,
    *,
    part: Part,
    memory: Memory,
    again: Callable[[], Machine | str],
) -> JsonObject:
    """Carry out a command that is written in steps. `again` gives the robot for what follows a
    stop or a failure, or why it takes nothing any more. Raises what `Driver.execute` may."""
    machine = _StepMachine(m)
    run = ProgramRun(
        program,
        m.params.whole,
        machine.context,
        machine,
        scan=machine.scan,
        memory=memory,
        part=part,
        check=m.check,
    )
    try:
        return run.run()
    except UncertainOutcome as error:
        run.after(error, None)
        raise
    except Ended as error:
        if isinstance(error, Stopped) and isinstance(machine.context, HearsOfRest):
            machine.context.at_rest()
        following = again()
        if isinstance(following, str):
            run.after(error, following)
        else:
            run.after(error, None, _StepMachine(following), following.check)
        raise


def run_lines(m: Machine, lines: Iterable[str]) -> None:
    """Carry out a program that is the whole command, and tell how far it is."""
    _StepMachine(m).run(lines, progress=m.context.progress)


class _StepMachine:
    """What steps need: lines of G-code take the time that their words say, as motions of the arms;
    the tool begins each command at X0 Y0 Z0."""

    def __init__(self, m: Machine) -> None:
        self._m = m
        self.context = _Context(m)
        self._tool = dict.fromkeys(_AXES, 0.0)
        self._feed = math.inf
        self._rapid = True
        self._relative = False
        self._unit = 1.0

    def run(
        self,
        lines: Iterable[str],
        *,
        from_client: bool = False,  # noqa: ARG002 - there is nothing stored to be protected
        progress: Callable[[float], None] | None = None,
        timeout_s: float | None = None,
    ) -> None:
        prepared = prepare(lines, RULES, look=lambda _: self._m.check())
        try:
            with self._m.limited(timeout_s):
                for done, line in enumerate(prepared, 1):
                    self._line(line)
                    if progress is not None:
                        progress(done / len(prepared))
        finally:
            # what the last motions have worn off
            self._m.change(lambda state: state)

    def home(self, axes: str, *, timeout_s: float | None = None) -> None:
        with self._m.limited(timeout_s):
            self._m.lasting(f"home {axes or _AXES}", _HOMING_S)
        self._tool.update(dict.fromkeys(axes or _AXES, 0.0))

    def unlock(self) -> None:
        """There is no alarm to leave."""

    def jog(self, axes: str, *, timeout_s: float | None = None) -> None:
        relative, unit = self._relative, self._unit
        self._relative, self._unit = True, 1.0
        try:
            self.run((f"G1 {axes}",), timeout_s=timeout_s)
        finally:
            self._relative, self._unit = relative, unit

    def query(self, line: str, *, timeout_s: float | None = None) -> Sequence[str]:  # noqa: ARG002
        """Nothing but `ok`: what a controller would tell is not simulated."""
        prepare((line,), RULES)
        return ("ok",)

    def wait(self, seconds: float) -> None:
        self._m.rest(seconds)

    def scan(self, timeout_s: float) -> str | None:
        """The code of the bottle in the gripper; None where there is none, or none to be read."""
        bottle = bottle_in(self._m.state, gripper(self._m.robot))
        if bottle is None or not bottle.readable or timeout_s < _READING_S:
            self._m.rest(timeout_s)
            return None
        self._m.lasting("turn the bottle before the scanner", _READING_S)
        return bottle.id

    def _line(self, line: Line) -> None:
        words: Mapping[str, float] = {
            letter: float(value) for letter, value in _WORD.findall(line.text)
        }
        self._modes(line.codes)
        if "F" in words:
            # millimetres per minute
            self._feed = words["F"] * self._unit / 60
        if line.dwell_s:
            self._m.rest(line.dwell_s)
            return
        if not line.motion:
            return
        target = dict(self._tool)
        for axis in _AXES:
            if axis in words:
                way = words[axis] * self._unit
                target[axis] = target[axis] + way if self._relative else way
        distance = math.dist(tuple(self._tool.values()), tuple(target.values()))
        self._m.along(line.text, distance, math.inf if self._rapid else self._feed)
        self._tool = target

    def _modes(self, codes: Sequence[str]) -> None:
        for code in codes:
            match code:
                case "G0" | "G28" | "G30":
                    self._rapid = True
                case "G1" | "G2" | "G3" | "G5":
                    self._rapid = False
                case "G90":
                    self._relative = False
                case "G91":
                    self._relative = True
                case "G20":
                    self._unit = _MM_PER_INCH
                case "G21":
                    self._unit = 1.0
                case _:
                    pass


class _Context:
    """The command's context, whose steps are steps of the simulated robot: they stand in its
    log of motions, and faults can be injected into them."""

    def __init__(self, m: Machine) -> None:
        self._m = m
        self._inner = m.context
        self.task_id = m.context.task_id
        self.attempt = m.context.attempt
        self.program = m.context.program
        self.progress = m.context.progress
        self.partial = m.context.partial
        self.artifact = m.context.artifact
        self.moved_to = m.context.moved_to
        self.withdraw = m.context.withdraw
        self.run_id = m.context.run_id
        if isinstance(m.context, HearsOfRest):
            self.at_rest = m.context.at_rest
        if isinstance(m.context, HasDevices):
            self.on = m.context.on

    @contextmanager
    def step(self, name: str, **detail: Any) -> Iterator[None]:
        with self._m.step(name, span=(0.0, 0.0), **detail):
            yield

    def ask(
        self,
        prompt: str,
        schema: JsonObject,
        timeout_s: float,
        *,
        answered_by: str | None = None,
        **args: Any,
    ) -> JsonObject:
        return self._inner.ask(prompt, schema, timeout_s, answered_by=answered_by, **args)
