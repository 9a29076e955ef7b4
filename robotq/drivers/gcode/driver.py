"""A robot whose commands are steps of G-code, whatever firmware its controller has."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import Any

from robotq.drivers.base import (
    Capabilities,
    CommandContext,
    DriverError,
    DriverSetup,
    DriverStatus,
    Ended,
    HearsOfRest,
    Resumption,
    UnknownCommand,
)
from robotq.drivers.gcode.controls import Controls
from robotq.drivers.gcode.options import MOTION_STATE
from robotq.drivers.gcode.programs.handed_in import judged, resumed
from robotq.drivers.gcode.programs.written import NO_STEPS, lacks
from robotq.drivers.gcode.robot import GcodeRobot
from robotq.drivers.jogging import JogLife, JogWanted
from robotq.drivers.memory import Memory
from robotq.drivers.scanner import ScannerOptions, reader_of
from robotq.drivers.steps.run import ProgramRun
from robotq.model.json import JsonObject
from robotq.model.task import Command
from robotq.steps import Program
from robotq.steps.uses import only_carried_out, scans


class GcodeDriver:
    """`Driver` on a controller; see docs/commands-as-configuration."""

    def __init__(
        self,
        setup: DriverSetup,
        controls: Controls,
        robot: GcodeRobot,
        scanner: ScannerOptions | None,
    ) -> None:
        """Raises ConfigError where what the robot remembers cannot be read."""
        self._controls = controls
        self._robot = robot
        self._scanner = None if scanner is None else reader_of(setup.robot, scanner)
        self._memory = Memory(setup.data / "memory" / f"{setup.robot}.json")

    @property
    def capabilities(self) -> Capabilities:
        return self._robot.capabilities

    def connect(self) -> None:
        if self._scanner is not None:
            # also where the robot is not there yet: its own state is shown
            self._scanner.start()
        self._robot.connect()

    def execute(self, command: Command, context: CommandContext) -> JsonObject:
        program = context.program
        reason = lacks(program, scanner=self._scanner is not None)
        if program is None or reason is not None:
            # before anything moves
            raise UnknownCommand(reason or NO_STEPS)
        controls = self._controls
        controls.begin()
        if self._scanner is not None and scans(program.steps):
            try:
                # before anything moves, and not with the bottle in the gripper; a stop that
                # comes meanwhile is seen below
                waits = self._scanner.options.wait_s > 0 and not self._scanner.ready
                with context.step("wait_for_scanner") if waits else nullcontext():
                    self._scanner.require(lambda: controls.interrupted)
            except DriverError:
                controls.end()
                raise
        running: list[ProgramRun] = []

        def after(error: Ended, why_not: str | None) -> None:
            for run in running:
                run.after(error, why_not)

        at_rest = context.at_rest if isinstance(context, HearsOfRest) else lambda: None
        with self._robot.command(after, at_rest) as controller:
            run = ProgramRun(
                program,
                command.params,
                context,
                controller,
                scan=partial(self._scan, context, controller.check),
                memory=self._memory,
                check=controller.check,
            )
            running.append(run)
            result = run.run()
            if not controls.end_unless_stopping():
                # a stop came with the last answer
                controller.check()
            if short := controller.not_carried_out:
                result = {**result, "not_carried_out_mm": dict(short)}
            return result

    def jog(self, wanted: JogWanted, life: JogLife) -> JsonObject:
        """Of `Jogs`."""
        self._controls.begin()
        with self._robot.command() as controller:
            return controller.jog_while(wanted, life)

    def why_no_raw_line(self, line: str) -> str | None:
        """Of `TakesRawLines`."""
        return self._robot.why_no_raw_line(line)

    def raw_line(self, line: str, limit_s: float) -> JsonObject:
        """Of `TakesRawLines`."""
        self._controls.begin()
        with self._robot.command() as controller:
            return controller.raw_line(line, limit_s)

    def reads_as_files(self, steps: Program) -> Collection[str]:
        return only_carried_out(steps)

    def from_line(
        self, command: Command, steps: Program, line: int, look: Callable[[int], None]
    ) -> Resumption:
        rules, known = self._robot.rules_of_programs()
        return resumed(steps, command.params, line, rules, known=known, look=look)

    def judge(
        self, command: Command, steps: Program, look: Callable[[int], None]
    ) -> JsonObject | None:
        rules, known = self._robot.rules_of_programs()
        outlook = judged(steps, command.params, rules, known=known, look=look)
        return None if outlook is None else {**outlook, "connected": self._robot.connected}

    def immediate(self, command: Command) -> JsonObject:
        if command.cmd_type != MOTION_STATE:
            raise UnknownCommand(f"at once it answers only {MOTION_STATE}")
        status = self.status()
        moving = status.still_moving if status.held else self._controls.running
        motion = "moving" if moving else "idle"
        if status.held:
            motion = "holding" if moving else "held"
        return {
            "moving": moving,
            "held": status.held,
            "motion": motion,
            "state": motion,
            "planned_moves": status.planned_moves if moving else 0,
            "position_known": status.position_known,
            **status.details,
        }

    def hold(self) -> None:
        self._robot.hold()

    def resume(self) -> None:
        self._robot.resume()

    def stop(self) -> None:
        self._robot.stop()

    def emergency_stop(self) -> None:
        self._robot.emergency_stop()

    def reset(self) -> None:
        self._robot.reset()

    def status(self) -> DriverStatus:
        status = self._robot.status()
        if self._scanner is None:
            return status
        return replace(status, details={**status.details, "scanner": self._scanner.state()})

    def prepare_reload(self, options: Mapping[str, Any]) -> Callable[[], None]:
        """Limits may change; which port it is, the scanner and its port stay."""
        return self._robot.prepare_reload(options)

    def close(self) -> None:
        self._controls.close()
        if self._scanner is not None:
            self._scanner.close()
        self._robot.close()

    def _scan(
        self, context: CommandContext, check: Callable[[], None], timeout_s: float
    ) -> str | None:
        if self._scanner is None:
            raise DriverError("this robot has no scanner: set `scanner` in its options")
        return self._scanner.read(timeout_s, check, context.artifact)
