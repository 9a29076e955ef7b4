"""A device's own driver that carries out programs, line by line, and keeps a log of them."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from typing import Any

from robotq.drivers.base import (
    Capabilities,
    CommandContext,
    DriverStatus,
    LinkState,
    Stopped,
    UnknownCommand,
)
from robotq.model.clock import MotionClock
from robotq.model.json import JsonObject
from robotq.model.task import Command


class Plotter:
    capabilities = Capabilities(simulated=True, can_hold=True, position_survives_stop=True)

    def __init__(self, clock: MotionClock, line_s: float) -> None:
        self.done: list[str] = []
        """Lines that have been carried out: the judge."""
        self._clock = clock
        self._line_s = line_s
        self._stopping = threading.Event()
        self._latched = False
        self._held = False

    def connect(self) -> None:
        """It is in the same box."""

    def execute(self, command: Command, context: CommandContext) -> JsonObject:
        if command.cmd_type != "RUN_GCODE":
            raise UnknownCommand(command.cmd_type)
        self._stopping.clear()
        if self._latched:
            raise Stopped
        program: list[str] = command.params["program"]
        with context.step("RUNNING_PROGRAM", lines=len(program)), self._clock.moving():
            for number, line in enumerate(program, 1):
                self._carry_out(line)
                context.progress(number / len(program))
        return {"lines": len(program)}

    def _carry_out(self, line: str) -> None:
        if self._held:
            self._clock.sleep(math.inf, lambda: not self._held or self._stopping.is_set())
        self._clock.sleep(self._line_s, self._stopping.is_set)
        if self._stopping.is_set():
            raise Stopped
        self.done.append(line)

    def immediate(self, command: Command) -> JsonObject:
        raise UnknownCommand(command.cmd_type)

    def hold(self) -> None:
        self._held = True

    def resume(self) -> None:
        self._held = False
        self._clock.notify()

    def stop(self) -> None:
        self._held = False
        self._stopping.set()
        self._clock.notify()

    def emergency_stop(self) -> None:
        self._latched = True
        self.stop()

    def reset(self) -> None:
        self._latched = False

    def status(self) -> DriverStatus:
        return DriverStatus(link=LinkState.CONNECTED, held=self._held)

    def prepare_reload(self, options: Mapping[str, Any]) -> Callable[[], None]:
        return lambda: None

    def close(self) -> None:
        self.emergency_stop()
