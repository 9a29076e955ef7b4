"""The commands of a device: one at a time is carried out, and the latest are remembered."""

from __future__ import annotations

import logging
import queue
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from robotq.drivers.base import (
    Driver,
    DriverError,
    LinkLost,
    Stopped,
    UncertainOutcome,
    UnknownCommand,
)
from robotq.drivers.jsonline import messages
from robotq.drivers.jsonline.device.command import DeviceCommand
from robotq.drivers.jsonline.device.kept import Kept
from robotq.drivers.jsonline.device.params import MOST_LINES, Collecting, too_long
from robotq.model.clock import MotionClock
from robotq.model.json import JsonObject
from robotq.model.task import Command

_log = logging.getLogger(__name__)


class Commands:
    """A command is begun once, however often it is asked for, and reported when it changes."""

    def __init__(
        self,
        driver: Driver,
        clock: MotionClock,
        kept: Kept,
        send: Callable[[JsonObject], None],
        *,
        boot: str,
        remembers: int,
    ) -> None:
        self._driver = driver
        self._clock = clock
        self._kept = kept
        self._send = send
        self._boot = boot
        self._remembers = remembers
        self._begun: queue.SimpleQueue[tuple[DeviceCommand, Command] | None] = queue.SimpleQueue()
        """Never more than one: a device does one command at a time."""
        self._deciding = threading.Lock()
        self._commands: OrderedDict[str, DeviceCommand] = OrderedDict()
        self._collecting: Collecting | None = None
        self.running: DeviceCommand | None = None
        """The one that is not at its end."""
        self.latched = False
        """The device is in emergency stop: none is begun."""

    def run(self, id_: str, request: Mapping[str, Any]) -> JsonObject:
        """Begin a command, unless it was begun before; how it stands."""
        known = self.known(id_)
        if known is not None:
            if known["state"] == messages.UNKNOWN:
                return _refused(id_, "refused", "the host was told that it never began")
            return known
        if request.get("boot") != self._boot:
            return _refused(id_, "rebooted", "the device has started anew meanwhile")
        if self.latched:
            return _refused(id_, "estop", "the device is in emergency stop")
        if self.running is not None:
            return _refused(id_, "busy", f"{self.running.id} is not at its end")
        if too_long(request):
            return _refused(id_, "device_error", f"more than {MOST_LINES} lines")
        try:
            self._kept.begins(id_)
        except OSError as error:
            return _refused(id_, "device_error", f"it cannot be remembered: {error}")
        command = DeviceCommand(
            id_,
            str(request.get("task", id_)),
            int(request.get("attempt", 1)),
            clock=self._clock,
            changed=self._report,
        )
        self._commands[id_] = self.running = command
        while len(self._commands) > self._remembers:
            self._commands.popitem(last=False)
        collecting = Collecting(command, request)
        if collecting.complete:
            self._start(collecting)
        else:
            collecting.ask()
            self._collecting = collecting
        return command.report()

    def known(self, id_: str) -> JsonObject | None:
        """How a command stands that is remembered."""
        command = self._commands.get(id_)
        return self._kept.report(id_) if command is None else command.report()

    def refuse(self, id_: str) -> JsonObject:
        try:
            self._kept.refuses(id_)
        except OSError as error:
            _log.error("an id cannot be refused for good: %s", error)
            return {"id": id_, "state": messages.UNKNOWN}
        return self._kept.report(id_) or {}

    def collect(self, request: Mapping[str, Any]) -> None:
        with self._deciding:
            collecting = self._collecting
            if collecting is None or collecting.command.id != request.get("id"):
                return
            collecting.take(request)
            if collecting.complete:
                self._collecting = None
        if collecting.complete:
            self._start(collecting)

    def give_up_collecting(self) -> None:
        """A command whose lines were still to come has not begun, and is stopped here."""
        with self._deciding:
            collecting, self._collecting = self._collecting, None
        if collecting is not None:
            self._end(collecting.command, messages.STOPPED)

    def _start(self, collecting: Collecting) -> None:
        self._begun.put((collecting.command, command_of(collecting.request)))

    def carry_out_all(self) -> None:
        while (begun := self._begun.get()) is not None:
            self._carry_out(*begun)

    def _carry_out(self, command: DeviceCommand, what: Command) -> None:
        try:
            if command.stopping:
                raise Stopped
            result = self._driver.execute(what, command)
        except Stopped:
            self._end(command, messages.STOPPED)
        except UnknownCommand as error:
            told = str(error) or what.cmd_type
            self._end(command, messages.FAILED, **fault("unknown_command", told))
        except DriverError as error:
            self._end(command, messages.FAILED, **fault(error.code, str(error)))
        except UncertainOutcome as error:
            self._end(command, messages.UNCERTAIN, **fault(error.cause, error.reason))
            if isinstance(error, LinkLost):
                _log.error("the robot's own link is lost: %s", error.reason)
        except Exception as error:  # noqa: BLE001 - the host is told
            _log.error("%s failed", what.cmd_type, exc_info=error)
            self._end(command, messages.UNCERTAIN, **fault("driver_raised", repr(error)))
        else:
            self._end(command, messages.DONE, result=result)

    def _end(self, command: DeviceCommand, state: str, **fields: Any) -> None:
        self.running = None
        command.ended(state, **fields)

    def _report(self, command: DeviceCommand) -> None:
        if command.over:
            try:
                self._kept.ended(command.report())
            except OSError as error:
                # after a restart nobody knows how it ended
                _log.error("the end of %s is not kept: %s", command.id, error)
        status = self._driver.status()
        held: dict[str, Any] = {"held": status.held}
        if status.held_because:
            held["held_because"] = status.held_because
        self._send({**command.report(), **held})

    def report_running(self) -> None:
        command = self.running
        if command is not None:
            self._report(command)

    def end(self) -> None:
        """`carry_out_all` returns after the command that runs."""
        self._begun.put(None)


def command_of(request: Mapping[str, Any]) -> Command:
    return Command(cmd_type=str(request.get("cmd")), params=request.get("params") or {})


def fault(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


def _refused(id_: str, code: str, message: str) -> dict[str, Any]:
    return {"id": id_, "state": messages.REFUSED, **fault(code, message)}
