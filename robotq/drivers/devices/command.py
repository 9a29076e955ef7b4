"""A command of a robot while it runs: its context, and the devices that it uses."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from robotq.drivers.base import (
    CommandContext,
    DeviceUncertain,
    DriverError,
    LinkLost,
    Stopped,
    UncertainOutcome,
    UnknownCommand,
)
from robotq.drivers.devices.acted import Acted
from robotq.drivers.devices.device import Device
from robotq.drivers.devices.options import no_device
from robotq.model.json import JsonObject
from robotq.model.task import Command

_log = logging.getLogger(__name__)

_JOIN_S = 2.0


class DeviceCommand:
    """`CommandContext`, and `HasDevices`. One for each command that uses devices."""

    def __init__(
        self,
        inner: CommandContext,
        devices: Mapping[str, Device],
        acted: Acted,
        latched: Callable[[], bool],
    ) -> None:
        self._devices = devices
        self._noted = acted
        self._latched = latched
        self._changing = threading.Lock()
        self._stopping = False
        self._running: Device | None = None
        self._did: set[str] = set()
        """Devices that have done something in this command, or may have."""
        self.task_id = inner.task_id
        self.attempt = inner.attempt
        self.program = inner.program
        self.step = inner.step
        self.progress = inner.progress
        self.partial = inner.partial
        self.artifact = inner.artifact
        self.moved_to = inner.moved_to
        self.ask = inner.ask
        self.withdraw = inner.withdraw
        self.run_id = inner.run_id

    def stop(self) -> Device | None:
        """No device begins any more. The one that runs, which has to be stopped."""
        with self._changing:
            self._stopping = True
            return self._running

    @property
    def did(self) -> Collection[str]:
        return self._did

    def on(self, device: str, command: Command, timeout_s: float | None) -> JsonObject:
        """Of `HasDevices`."""
        one = self._devices.get(device)
        if one is None:
            raise DriverError(no_device(device), code="device_absent", device=device)
        try:
            limit_s = one.limit_s(command.cmd_type)
        except KeyError:
            raise DriverError(f"{device} cannot do {command.cmd_type}") from None
        if timeout_s is not None:
            limit_s = min(limit_s, timeout_s)
        with self._turn_of(one):
            return self._on(one, command, limit_s)

    def _on(self, one: Device, command: Command, limit_s: float) -> JsonObject:
        acts = one.acts(command.cmd_type)
        if acts:
            # on disk before its first byte: who is killed now finds it at the next start
            self._noted.add(one.name)
        certain = False
        limit = _Limit(one, limit_s)
        try:
            with limit:
                result = one.carry_out(command, _Within(self, one.name), self._called_off)
            certain = True
        except Stopped:
            certain = True
            if limit.over:
                raise DriverError(
                    f"{one.name}: {command.cmd_type} was not done within {limit_s:g} s, and was "
                    "stopped"
                ) from None
            raise
        except UncertainOutcome as error:
            raise self._uncertain(one, error) from error
        except (DriverError, UnknownCommand) as error:
            certain = True
            raise self._failed(one, error) from error
        finally:
            if acts:
                self._did.add(one.name)
                if not certain and one.due is None:
                    one.must_rest("nobody knows how its command has ended")
        return result

    def _uncertain(self, one: Device, error: UncertainOutcome) -> DeviceUncertain:
        # a lost link of the device is none of the robot's
        cause = "link_lost" if isinstance(error, LinkLost) else error.cause
        one.must_rest(error.reason)
        return DeviceUncertain(cause, f"{one.name}: {error.reason}")

    def _failed(self, one: Device, error: DriverError | UnknownCommand) -> Exception:
        if not isinstance(error, DriverError):
            return DriverError(f"{one.name}: {error}")
        if not one.connected:
            if one.name in self._did:
                one.must_rest(str(error))
                return DeviceUncertain("link_lost", f"{one.name}: {error}")
            return one.absent(str(error))
        args = {name: value for name, value in error.args_.items() if name != "reason"}
        if "field" in args:
            args["field"] = f"{one.name}.{args['field']}"
        return DriverError(f"{one.name}: {error}", code=error.code, **args)

    def check(self) -> None:
        """Raises Stopped."""
        if self._called_off():
            raise Stopped

    def _called_off(self) -> bool:
        return self._stopping or self._latched()

    @contextmanager
    def _turn_of(self, one: Device) -> Iterator[None]:
        with self._changing:
            self.check()
            self._running = one
        try:
            yield
        finally:
            with self._changing:
                self._running = None


class _Within:
    """The context of a device's own command: its steps are steps of the robot's command."""

    def __init__(self, of: DeviceCommand, device: str) -> None:
        self._step = of.step
        self._device = device
        self.task_id = of.task_id
        self.attempt = of.attempt
        self.program = None
        self.partial = of.partial
        self.artifact = of.artifact
        self.moved_to = of.moved_to
        self.ask = of.ask
        self.withdraw = of.withdraw

    def step(self, name: str, **detail: Any) -> AbstractContextManager[None]:
        return self._step(name, device=self._device, **detail)

    def progress(self, fraction: float) -> None:
        """How far a part of the command is says nothing about the whole."""

    def run_id(self, run_id: str, **_: Any) -> None:
        """What a device calls its part of the command says nothing about the whole."""


class _Limit:
    """Stops a device whose time is up."""

    def __init__(self, one: Device, seconds: float) -> None:
        self._one = one
        self.over = False
        self._timer = threading.Timer(seconds, self._expired)
        self._timer.daemon = True

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *exc: object) -> None:
        self._timer.cancel()
        # a stop that is still on its way would stop the next command
        self._timer.join(_JOIN_S)

    def _expired(self) -> None:
        self.over = True
        try:
            self._one.stop().result(_JOIN_S)
        except Exception as error:  # noqa: BLE001 - what becomes of it shows at the end of the command
            _log.error("%s could not be stopped: %r", self._one.name, error)
