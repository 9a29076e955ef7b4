"""A robot with devices beside it: its own driver, and around it what the devices need."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, wait
from dataclasses import replace
from typing import Any, cast

from robotq.drivers.base import (
    Capabilities,
    CommandContext,
    Driver,
    DriverError,
    DriverSetup,
    DriverStatus,
    JudgesPrograms,
    Pictured,
    ReadsPrograms,
    Reporting,
    ResumesPrograms,
    Resumption,
    UnknownCommand,
)
from robotq.drivers.devices.acted import Acted
from robotq.drivers.devices.command import DeviceCommand
from robotq.drivers.devices.device import Device
from robotq.drivers.devices.options import no_device, read_devices, steps_on
from robotq.drivers.jogging import JogLife, Jogs, JogWanted
from robotq.model.json import JsonObject
from robotq.model.task import Command
from robotq.steps import Program

_log = logging.getLogger(__name__)

_TOLD_S = 1.5
"""Wall seconds that a device has to say what became of a stop; the robot's own never waits."""


class WithDevices:
    """`Driver`. Everything but the devices is the robot's own driver's."""

    def __init__(self, setup: DriverSetup, robot: Driver) -> None:
        read = read_devices(setup.robot, setup.devices, beside=setup.options)
        self._name = setup.robot
        self._robot = robot
        self._reporting = isinstance(robot, Reporting)
        self._pictured = isinstance(robot, Pictured)
        path = setup.data / "devices" / f"{setup.robot}.json"
        self._acted = Acted(path, read.options)
        self._devices = {
            name: Device(name, setup, options, self._rested)
            for name, options in read.options.items()
        }
        self.cut_off: Collection[str] = self._acted.names
        """What a command used when the run before ended, until the next command."""
        for name in self.cut_off:
            self._devices[name].must_rest("robotq ended while a command used it")
        self._command: DeviceCommand | None = None
        self._latched = False

    def _rested(self, name: str) -> None:
        self._acted.remove([name])

    @property
    def capabilities(self) -> Capabilities:
        return self._robot.capabilities

    def connect(self) -> None:
        for device in self._devices.values():
            # each on its own: the robot waits for none
            device.start()
        self._robot.connect()

    # -- a command -----------------------------------------------------------------------------

    def execute(self, command: Command, context: CommandContext) -> JsonObject:
        return self.carried_out(context, lambda within: self._robot.execute(command, within))

    def carried_out(
        self, context: CommandContext, work: Callable[[CommandContext], JsonObject]
    ) -> JsonObject:
        """`work` with the devices that its command names; before that, nothing moves."""
        named = self.used_by(context)
        self.cut_off = ()
        for name in named:
            if name not in self._devices:
                raise UnknownCommand(no_device(name))
        waiting = self._waiting_for()
        if waiting is not None:
            raise DriverError(waiting[1], code="device_absent", device=waiting[0])
        if not named:
            return work(context)
        running = DeviceCommand(context, self._devices, self._acted, lambda: self._latched)
        self._command = running
        try:
            for name in named:
                # before anything moves
                self._devices[name].require(running.check)
            return work(running)
        finally:
            self._command = None
            self._acted.remove(name for name in running.did if self._devices[name].due is None)

    @staticmethod
    def used_by(context: CommandContext) -> Collection[str]:
        """The devices that the steps of a command name, each once."""
        program = context.program
        named = [] if program is None else [on.device for _, on in steps_on(program.steps)]
        return tuple(dict.fromkeys(named))

    @property
    def uses_devices(self) -> bool:
        """Whether a command runs that does."""
        return self._command is not None

    def judge(
        self, command: Command, steps: Program, look: Callable[[int], None]
    ) -> JsonObject | None:
        """Of `JudgesPrograms`; None where the robot judges nothing."""
        if not isinstance(self._robot, JudgesPrograms):
            return None
        return self._robot.judge(command, steps, look)

    def from_line(
        self, command: Command, steps: Program, line: int, look: Callable[[int], None]
    ) -> Resumption:
        """Of `ResumesPrograms`."""
        if not isinstance(self._robot, ResumesPrograms):
            raise DriverError("its driver cannot do that", code="robot_cannot")
        return self._robot.from_line(command, steps, line, look)

    def reads_as_files(self, steps: Program) -> Collection[str]:
        """Of `ReadsPrograms`."""
        robot = self._robot
        return robot.reads_as_files(steps) if isinstance(robot, ReadsPrograms) else ()

    def jog(self, wanted: JogWanted, life: JogLife) -> JsonObject:
        """Of `Jogs`. Not where a device may still be at work beside it."""
        waiting = self._waiting_for()
        if waiting is not None:
            raise DriverError(waiting[1], code="device_absent", device=waiting[0])
        if not isinstance(self._robot, Jogs):
            raise UnknownCommand("its driver cannot jog")
        return self._robot.jog(wanted, life)

    def immediate(self, command: Command) -> JsonObject:
        return self._robot.immediate(command)

    def hold(self) -> None:
        self._robot.hold()

    def resume(self) -> None:
        waiting = self._waiting_for()
        if waiting is not None:
            raise DriverError(f"{waiting[0]}: {waiting[1]}")
        self._robot.resume()

    # -- stops ---------------------------------------------------------------------------------

    def stop(self) -> None:
        command = self._command
        device = None if command is None else command.stop()
        calls = {} if device is None else {device.name: device.stop()}
        self._robot_and(calls, self._robot.stop)

    def emergency_stop(self) -> None:
        self._latched = True
        calls = {name: device.emergency_stop() for name, device in self._devices.items()}
        self._robot_and(calls, self._robot.emergency_stop)

    def reset(self) -> None:
        # where the robot stays stopped, so do they
        self._robot.reset()
        self._robot_and({name: device.reset() for name, device in self._devices.items()}, None)
        self._latched = False

    def _robot_and(self, calls: Mapping[str, Future[None]], own: Callable[[], None] | None) -> None:
        """`own`, while the calls of the devices are under way. Raises what it raises, and
        DriverError with what went wrong at devices, by name."""
        failed: Exception | None = None
        try:
            if own is not None:
                own()
        except Exception as error:  # noqa: BLE001 - raised below, with what the devices say
            failed = error
        wait(calls.values(), timeout=_TOLD_S)
        told = [f"{name}: {text}" for name, call in calls.items() if (text := _problem(call))]
        for text in told:
            _log.error("%s: a stop or a reset at %s", self._name, text)
        if failed is not None and told:
            raise DriverError("; ".join([str(failed) or type(failed).__name__, *told])) from failed
        if failed is not None:
            raise failed
        if told:
            raise DriverError("; ".join(told))

    # -- what it tells -------------------------------------------------------------------------

    def status(self) -> DriverStatus:
        return self._with_devices(self._robot.status())

    def last_status(self) -> DriverStatus:
        """Of `Reporting`."""
        robot = self._robot
        return self._with_devices(
            cast(Reporting, robot).last_status() if self._reporting else robot.status()
        )

    def picture(self) -> JsonObject | None:
        """Of `Pictured`; None where the robot tells nothing."""
        return cast(Pictured, self._robot).picture() if self._pictured else None

    def _with_devices(self, status: DriverStatus) -> DriverStatus:
        devices = {name: device.state() for name, device in self._devices.items()}
        waiting = self._waiting_for()
        if waiting is None or status.held:
            return replace(status, devices=devices)
        # nothing begins: the queue says why
        because = f"{waiting[0]}: {waiting[1]}"
        return replace(status, devices=devices, held=True, held_because=because)

    def _waiting_for(self) -> tuple[str, str] | None:
        """A device that has to confirm its safe state first, and why."""
        if self._command is not None:
            # its end comes first, and says what is not known
            return None
        for name, device in self._devices.items():
            due = device.due
            if due is not None:
                return name, f"its safe state is not confirmed: {due}"
        return None

    # -- the rest ------------------------------------------------------------------------------

    def prepare_reload(self, options: Mapping[str, Any]) -> Callable[[], None]:
        """Of the robot; devices stay until a restart."""
        return self._robot.prepare_reload(options)

    def close(self) -> None:
        for device in self._devices.values():
            device.close()
        self._robot.close()


def _problem(call: Future[None]) -> str | None:
    if not call.done():
        return f"no answer within {_TOLD_S:g} s"
    error = call.exception()
    return None if error is None else str(error) or type(error).__name__
