"""A robot whose commands are steps of G-code, whatever firmware its controller has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from robotq.drivers.base import (
    Capabilities,
    CommandContext,
    DriverError,
    DriverSetup,
    DriverStatus,
    Stopped,
    UnknownCommand,
)
from robotq.drivers.gcode.controls import Controls
from robotq.drivers.gcode.written import NO_STEPS, lacks
from robotq.drivers.memory import Memory
from robotq.drivers.scanner import Scanner, ScannerOptions
from robotq.drivers.steps import Machine, run_program, scans
from robotq.model.json import JsonObject
from robotq.model.task import Command

_MOTION_STATE = "GET_ROBOT_MOTION_STATE"


class Controlled(Machine, Protocol):
    """One controller with its link. What `Driver` says of each method holds here too."""

    @property
    def capabilities(self) -> Capabilities: ...

    def connect(self) -> None: ...

    def begin(self) -> None:
        """A command is about to run. Raises LinkLost."""

    def end(self) -> None:
        """It has ended."""

    def switch_off(self) -> None:
        """It has failed or was stopped, and the robot stands: switch off what may be on, where
        the controller still takes lines. Raises nothing."""

    def check(self) -> None:
        """Raises what has befallen the command meanwhile: Stopped, for example."""

    def hold(self) -> None: ...

    def resume(self) -> None: ...

    def stop(self) -> None: ...

    def emergency_stop(self) -> None: ...

    def reset(self) -> None: ...

    def status(self) -> DriverStatus: ...

    def prepare_reload(self, options: Mapping[str, Any]) -> Callable[[], None]: ...

    def close(self) -> None: ...


class GcodeDriver:
    """`Driver` on a controller; see docs/commands-as-configuration."""

    def __init__(
        self,
        setup: DriverSetup,
        controls: Controls,
        controller: Controlled,
        scanner: ScannerOptions | None,
    ) -> None:
        """Raises ConfigError where what the robot remembers cannot be read."""
        self._controls = controls
        self._controller = controller
        self._scanner = None if scanner is None else Scanner(setup.robot, scanner)
        self._memory = Memory(setup.data / "memory" / f"{setup.robot}.json")

    @property
    def capabilities(self) -> Capabilities:
        return self._controller.capabilities

    def connect(self) -> None:
        if self._scanner is not None:
            # also where the robot is not there yet: its own state is shown
            self._scanner.start()
        self._controller.connect()

    def execute(self, command: Command, context: CommandContext) -> JsonObject:
        program = context.program
        reason = lacks(program, scanner=self._scanner is not None)
        if program is None or reason is not None:
            # before anything moves
            raise UnknownCommand(reason or NO_STEPS)
        controls, controller = self._controls, self._controller
        controls.begin()
        if self._scanner is not None and scans(program.steps):
            try:
                # before anything moves, and not with the bottle in the gripper; a stop that
                # comes meanwhile is seen below
                self._scanner.require()
            except DriverError:
                controls.end()
                raise
        try:
            if controls.interrupted:
                raise Stopped
            controller.begin()
            result = run_program(
                program,
                command.params,
                context,
                controller,
                scan=self._scan,
                memory=self._memory,
                check=controller.check,
            )
            if not controls.end_unless_stopping():
                # a stop came with the last answer
                controller.check()
            return result
        except (DriverError, Stopped):
            controller.switch_off()
            raise
        finally:
            controls.end()
            controller.end()

    def immediate(self, command: Command) -> JsonObject:
        if command.cmd_type != _MOTION_STATE:
            raise UnknownCommand(f"at once it answers only {_MOTION_STATE}")
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
        self._controller.hold()

    def resume(self) -> None:
        self._controller.resume()

    def stop(self) -> None:
        self._controller.stop()

    def emergency_stop(self) -> None:
        self._controller.emergency_stop()

    def reset(self) -> None:
        self._controller.reset()

    def status(self) -> DriverStatus:
        status = self._controller.status()
        if self._scanner is None:
            return status
        return replace(status, details={**status.details, "scanner": self._scanner.state()})

    def prepare_reload(self, options: Mapping[str, Any]) -> Callable[[], None]:
        """Limits may change; which port it is, the scanner and its port stay."""
        return self._controller.prepare_reload(options)

    def close(self) -> None:
        self._controls.close()
        if self._scanner is not None:
            self._scanner.close()
        self._controller.close()

    def _scan(self, timeout_s: float) -> str | None:
        if self._scanner is None:
            raise DriverError("this robot has no scanner: set `scanner` in its options")
        return self._scanner.read(timeout_s, self._controller.check)
