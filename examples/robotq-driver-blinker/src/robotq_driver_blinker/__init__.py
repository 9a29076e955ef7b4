"""A lamp on a serial port, as a robot of robotq.

The lamp takes `on` and `off`, answers each with `ok` or `error <text>`, and switches itself
off at the byte 0x18 and at `off`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from robotq.drivers.base import (
    Acknowledgement,
    Capabilities,
    CommandContext,
    Driver,
    DriverError,
    DriverSetup,
    DriverStatus,
    LinkLost,
    LinkState,
    Stopped,
    UnknownCommand,
)
from robotq.drivers.reading import Section
from robotq.drivers.transport import PortOptions, Transport, read_port_options
from robotq.model.errors import ConfigError
from robotq.model.json import JsonObject
from robotq.model.task import Command

_ANSWER_S = 2.0
_DARK = b"\x18"


class BlinkerDriver:
    """BLINK {"times": n, "seconds": s} switches the lamp on and off again n times."""

    capabilities = Capabilities(
        acknowledgement=Acknowledgement.FINISHED,
        stop_out_of_band=True,
        position_survives_stop=True,
        immediate_while_busy=True,
    )

    def __init__(self, setup: DriverSetup) -> None:
        self._port = read_options(setup.robot, setup.options)
        self._robot = setup.robot
        self._link_changed = setup.link_changed
        self._transport = Transport(
            setup.robot, self._port, on_line=self._on_line, on_lost=self._on_lost
        )
        self._changed = threading.Condition()
        self._answers: list[str] = []
        self._stopping = False
        self._latched = False
        self._lost: str | None = None

    # -- the link ------------------------------------------------------------------------------

    def connect(self) -> None:
        self._lost = None
        self._transport.open()
        if self._latched:
            self._transport.write_now(_DARK)

    def _on_line(self, line: bytes) -> None:
        with self._changed:
            self._answers = [line.decode("ascii", "replace")]
            self._changed.notify_all()

    def _on_lost(self, reason: str) -> None:
        with self._changed:
            self._lost = reason
            self._changed.notify_all()
        self._link_changed(LinkState.DISCONNECTED, reason)

    # -- commands ------------------------------------------------------------------------------

    def execute(self, command: Command, context: CommandContext) -> JsonObject:
        if command.cmd_type != "BLINK":
            raise UnknownCommand(command.cmd_type)
        self._stopping = False
        times, seconds = _blinks(command.params)
        for number in range(1, times + 1):
            with context.step("BLINKING", number=number):
                try:
                    self._say("on")
                    self._wait(seconds)
                finally:
                    if self._transport.is_open:
                        self._say("off", even_if_stopped=True)
            context.progress(number / times)
        return {"blinks": times}

    def _say(self, line: str, *, even_if_stopped: bool = False) -> None:
        """Send a line and wait for its answer. A lamp that gives none may be on or off."""
        with self._changed:
            if not even_if_stopped:
                self._look()
            self._answers.clear()
        self._transport.write(line.encode() + b"\n")
        with self._changed:
            self._changed.wait_for(lambda: self._answers or self._lost, _ANSWER_S)
            answers = list(self._answers)
        if not answers:
            raise LinkLost(self._lost or f"no answer to {line}")
        if answers != ["ok"]:
            raise DriverError(answers[0].removeprefix("error "))

    def _wait(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._stopping or self._latched or self._lost, seconds)
            self._look()

    def _look(self) -> None:
        if self._lost is not None:
            raise LinkLost(self._lost)
        if self._stopping or self._latched:
            raise Stopped

    def immediate(self, command: Command) -> JsonObject:
        raise UnknownCommand(command.cmd_type)

    # -- stopping ------------------------------------------------------------------------------

    def hold(self) -> None:
        raise DriverError("a lamp cannot pause")

    def resume(self) -> None:
        """There is nothing to go on with."""

    def stop(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    def emergency_stop(self) -> None:
        self._latched = True
        # before any lock: the byte goes out whatever else is going on
        self._transport.write_now(_DARK, discard=True)
        with self._changed:
            self._changed.notify_all()

    def reset(self) -> None:
        self._latched = False

    # -- the rest ------------------------------------------------------------------------------

    def status(self) -> DriverStatus:
        up = self._transport.is_open
        return DriverStatus(link=LinkState.CONNECTED if up else LinkState.DISCONNECTED)

    def prepare_reload(self, options: Mapping[str, Any]) -> Callable[[], None]:
        if read_options(self._robot, options) != self._port:
            raise ConfigError(f"robots.{self._robot}.options: another port needs a restart")
        return lambda: None

    def close(self) -> None:
        self._transport.shut()


def create(setup: DriverSetup) -> Driver:
    """What the entry point names."""
    return BlinkerDriver(setup)


def read_options(robot: str, options: Mapping[str, Any]) -> PortOptions:
    """The options of a robot: those of its port. Raises ConfigError; opens nothing."""
    section = Section(options, lambda _: f"robots.{robot}.options")
    port = read_port_options(section)
    section.end()
    return port


def _blinks(params: Any) -> tuple[int, float]:
    values = params if isinstance(params, Mapping) else {}
    times, seconds = values.get("times", 1), values.get("seconds", 0.5)
    if not isinstance(times, int) or not 1 <= times <= 1_000:
        raise DriverError(f"times is {times!r}, expected 1 to 1000")
    if not isinstance(seconds, int | float) or not 0 <= seconds <= 60:
        raise DriverError(f"seconds is {seconds!r}, expected 0 to 60")
    return times, float(seconds)
