"""The simulated robot as a driver."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from robotq.drivers.base import (
    Capabilities,
    CommandContext,
    DriverError,
    DriverSetup,
    DriverStatus,
    Stopped,
    UnknownCommand,
)
from robotq.drivers.memory import Memory
from robotq.drivers.simulator.body import Body
from robotq.drivers.simulator.commands import EXECUTED, IMMEDIATE
from robotq.drivers.simulator.controls import Run
from robotq.drivers.simulator.faults import Faults
from robotq.drivers.simulator.lab.lab import shared_lab
from robotq.drivers.simulator.lab.layout import gripper, removed
from robotq.drivers.simulator.lab.picture import picture
from robotq.drivers.simulator.lab.state import bottle_in
from robotq.drivers.simulator.link import SimulatorLink
from robotq.drivers.simulator.machine import Machine
from robotq.drivers.simulator.motion_log import MotionLog
from robotq.drivers.simulator.options import NO_PART, read_options
from robotq.drivers.simulator.params import Params
from robotq.drivers.simulator.stepping import run_steps
from robotq.model.carried.live_value import LiveValue
from robotq.model.errors import ConfigError
from robotq.model.json import JsonObject
from robotq.model.task import Command

_SETTLING = 0.1
"""Seconds that an emergency stop, which has acted by then, waits for a stuck motion log."""


class SimulatorDriver:
    """One robot of the simulated lab; all robots of a daemon share the lab.

    Unlike others it lets `close` be called from any thread, also while a command runs.
    """

    capabilities = Capabilities(
        simulated=True,
        stop_out_of_band=True,
        position_survives_stop=True,
        immediate_while_busy=True,
        can_hold=True,
    )

    def __init__(self, setup: DriverSetup) -> None:
        options = read_options(setup.robot, setup.options)
        folder = setup.data / "simulator"
        self._robot = setup.robot
        self._memory = Memory(setup.data / "memory" / f"{setup.robot}.json")
        self._body = Body(
            robot=setup.robot,
            lab=shared_lab(setup.shared, folder, options.layout),
            clock=setup.clock,
            log=MotionLog(folder, setup.robot),
            link=SimulatorLink(setup.link_changed),
            faults=Faults(options.faults),
            random=Random(f"{options.seed}/{setup.robot}"),  # noqa: S311 - not a secret
        )

    def connect(self) -> None:
        self._body.link.connect()

    def execute(self, command: Command, context: CommandContext) -> JsonObject:
        if context.program is None and command.cmd_type not in EXECUTED:
            raise UnknownCommand(NO_PART)
        body = self._body
        body.link.check()
        run = body.controls.begin()
        with body.clock.moving():
            try:
                if run.emergency:
                    raise Stopped
                return self._carried_out(command, run, context)
            except Stopped:
                if run.deaf:
                    body.clock.sleep(math.inf, lambda: run.released)
                raise
            finally:
                body.controls.end()

    def _carried_out(self, command: Command, run: Run, context: CommandContext) -> JsonObject:
        # what an operator has written comes before what the robot would do by itself
        if context.program is None:
            return EXECUTED[command.cmd_type](Machine(self._body, run, command, context))

        def part(cmd_type: str, params: JsonObject) -> JsonObject:
            function = EXECUTED.get(cmd_type)
            if function is None:
                raise DriverError(f"{self._robot} has no command {cmd_type} by itself")
            inner = Command(cmd_type=cmd_type, params=params)
            return function(Machine(self._body, run, inner, context, part=True))

        body = self._body
        machine = Machine(body, run, command, context)

        def again() -> Machine | str:
            if run.emergency:
                return "reason.finally_estop"
            if run.deaf:
                return "reason.finally_unknown"
            return Machine(body, body.controls.begin(), command, context)

        return run_steps(machine, context.program, part=part, memory=self._memory, again=again)

    def immediate(self, command: Command) -> JsonObject:
        function = IMMEDIATE.get(command.cmd_type)
        if function is None:
            raise UnknownCommand(f"at once it answers only {', '.join(sorted(IMMEDIATE))}")
        self._body.link.check()
        return function(self._body, Params(command.params))

    def hold(self) -> None:
        self._body.controls.hold()

    def resume(self) -> None:
        self._body.controls.resume()

    def stop(self) -> None:
        """End the command that runs; without one, nothing happens."""
        self._body.controls.stop()

    def emergency_stop(self) -> None:
        """Once this returns, no line is added to the motion log until `reset`."""
        self._body.controls.emergency_stop()
        self._body.log.settle(_SETTLING)

    def reset(self) -> None:
        self._body.controls.reset()

    def status(self) -> DriverStatus:
        body = self._body
        x, y = body.position()
        battery = round(body.battery(), 1)
        held = bottle_in(body.lab.state, gripper(self._robot))
        return DriverStatus(
            link=body.link.state,
            held=body.controls.held,
            held_because=body.controls.held_because if body.controls.held else "",
            place=body.me.place,
            details={
                "x_mm": round(x, 1),
                "y_mm": round(y, 1),
                "battery_percent": battery,
                "gripper": held.id if held else None,
                "emergency_stop": body.controls.latched,
            },
            values={
                "battery": LiveValue(
                    value=battery,
                    unit="%",
                    normal=(body.layout.thresholds.battery_swap_below, 100.0),
                ),
                "x": LiveValue(value=round(x, 1), unit="mm"),
                "y": LiveValue(value=round(y, 1), unit="mm"),
            },
        )

    def picture(self) -> JsonObject:
        """The lab as the dashboard draws it."""
        return picture(self._body.layout, self._body.lab.state)

    def prepare_reload(self, options: Mapping[str, Any]) -> Callable[[], None]:
        """Poses, speeds, thresholds, first bottles and faults change, places and stations may be
        added; which lab file it is, and what stands where in the lab, stays."""
        new = read_options(self._robot, options)
        lab = self._body.lab
        if new.layout.source != lab.layout.source:
            raise ConfigError(
                f"robots.{self._robot}.options: lab: a running lab stays {lab.layout.source}; "
                f"restart for {new.layout.source}"
            )
        lacking = removed(lab.layout, new.layout)
        if lacking is not None:
            raise ConfigError(f"{new.layout.source}: {lacking} is gone; that needs a restart")

        def apply() -> None:
            lab.put_in_place(new.layout)
            # the same faults go on counting
            if new.faults != self._body.faults.all:
                self._body.faults = Faults(new.faults)

        return apply

    def close(self) -> None:
        self._body.controls.close()
        self._body.link.close()
        self._body.log.close()
