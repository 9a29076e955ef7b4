"""A device: bytes from the host in, a driver at work, reports out."""

from __future__ import annotations

import logging
import queue
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from robotq.drivers.base import (
    Busy,
    Driver,
    DriverError,
    UnknownCommand,
)
from robotq.drivers.jsonline import messages
from robotq.drivers.jsonline.device.commands import Commands, command_of, fault
from robotq.drivers.jsonline.device.kept import Kept
from robotq.drivers.jsonline.device.options import DeviceOptions, DevicePort
from robotq.drivers.jsonline.wire import (
    PROTOCOL,
    SETTLES,
    STOP_BYTE,
    BadLine,
    decode,
    encode,
)
from robotq.drivers.transport.lines import LineFramer
from robotq.model.clock import MotionClock
from robotq.model.json import JsonObject
from robotq.model.version import __version__

_log = logging.getLogger(__name__)

_WAITING = 256
"""Requests that wait; of more, the next are dropped as a full buffer would, and come again."""


class Device:
    """One robot that speaks the protocol. `serve` reads until the port ends."""

    def __init__(
        self, driver: Driver, port: DevicePort, clock: MotionClock, options: DeviceOptions
    ) -> None:
        self._driver = driver
        self._port = port
        self._clock = clock
        self._options = options
        self._boot = secrets.token_hex(4)
        self._kept = Kept(options.remembers, options.memory)
        self._requests: queue.Queue[bytes | None] = queue.Queue(_WAITING)
        self._framer = LineFramer(self._enqueue, limit=options.max_line)
        self._writing = threading.Lock()
        self._commands = Commands(
            driver, clock, self._kept, self._send, boot=self._boot, remembers=options.remembers
        )
        self._answers: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._over = threading.Event()
        self._operations: Mapping[str, Callable[[Mapping[str, Any]], JsonObject]] = {
            "hello": self._hello,
            "status": self._status,
            "query": self._query,
            "answer": self._answer,
            "hold": self._hold,
            "resume": self._resume,
            "stop": self._stop,
            "reset": self._reset,
        }

    @property
    def busy(self) -> bool:
        """A command is not at its end."""
        return self._commands.running is not None

    def serve(self) -> None:
        """Connect the driver and serve until the port ends or the driver's link breaks."""
        self._driver.connect()
        threads = [
            threading.Thread(target=self._work, name="device-requests", daemon=True),
            threading.Thread(target=self._beat, name="device-beat", daemon=True),
        ]
        # a driver that does not come back must not keep the device from ending
        commands = threading.Thread(
            target=self._commands.carry_out_all, name="device-command", daemon=True
        )
        commands.start()
        for thread in threads:
            thread.start()
        self._send({"ev": "boot", "boot": self._boot})
        try:
            while data := self._port.read():
                self._take(data)
        finally:
            self._over.set()
            self._requests.put(None)
            self._commands.end()
            for thread in threads:
                thread.join()

    # -- bytes ---------------------------------------------------------------------------------

    def _take(self, data: bytes) -> None:
        """The stop byte acts here, on the thread that reads, before anything is understood."""
        *before, rest = data.split(STOP_BYTE)
        if before:
            self._emergency_stop()
            self._framer.clear()
        self._framer.feed(rest)

    def _emergency_stop(self) -> None:
        self._commands.latched = True
        command = self._commands.running
        if command is not None:
            command.stopping = True
        self._driver.emergency_stop()
        self._clock.notify()
        self._send({"ev": "estop", "boot": self._boot})
        self._commands.give_up_collecting()

    def _enqueue(self, line: bytes) -> None:
        if line.strip():
            try:
                self._requests.put_nowait(line)
            except queue.Full:
                _log.warning("a request is dropped: %d wait", _WAITING)

    def _send(self, message: JsonObject) -> None:
        with self._writing:
            self._port.write(encode(dict(message), crc=self._options.crc))

    # -- requests ------------------------------------------------------------------------------

    def _work(self) -> None:
        while (line := self._requests.get()) is not None:
            try:
                self._serve(decode(line, crc=self._options.crc))
            except BadLine as error:
                _log.debug("dropped %r: %s", line[:200], error)

    def _serve(self, request: Mapping[str, Any]) -> None:
        id_, op = request.get("id"), request.get("op")
        if not isinstance(id_, str) or not isinstance(op, str):
            raise BadLine("a request has an id and an op")
        refused = self._refused_epoch(op, request)
        if refused is not None:
            _log.warning("%s %s under epoch %s is refused", op, id_, request.get("epoch"))
            self._send(_stale(id_, refused))
            return
        match op:
            case "run":
                self._send(self._commands.run(id_, request))
            case "look":
                self._send(self._commands.known(id_) or {"id": id_, "state": messages.UNKNOWN})
            case "lines":
                self._commands.collect(request)
            case _:
                self._send(self._remembered(id_, op, request))

    def _refused_epoch(self, op: str, request: Mapping[str, Any]) -> int | None:
        """The epoch of the device, where this request comes from a host with an earlier one, or
        with none: another host drives the robot since. A greeting with a higher one is what makes
        it so, and is on disk before it is answered."""
        if self._options.newest < SETTLES:
            return None
        told = request.get("epoch", 0)
        epoch = told if isinstance(told, int) and not isinstance(told, bool) else 0
        kept = self._kept
        if op == "hello" and epoch > kept.epoch:
            try:
                kept.rises(epoch)
            except OSError as error:
                _log.error("an epoch is not kept: %s", error)
        return None if epoch == kept.epoch else kept.epoch

    def _remembered(self, id_: str, op: str, request: Mapping[str, Any]) -> JsonObject:
        """The answer; the same one to a request that was answered before."""
        if id_ not in self._answers:
            self._answers[id_] = {"id": id_, **self._answered(op, request)}
            while len(self._answers) > self._options.remembers:
                self._answers.popitem(last=False)
        return self._answers[id_]

    def _answered(self, op: str, request: Mapping[str, Any]) -> JsonObject:
        operation = self._operations.get(op)
        if operation is None:
            return fault("unknown_operation", f"no operation {op}")
        try:
            return {"ok": operation(request)}
        except UnknownCommand as error:
            return fault("unknown_command", str(error))
        except Busy as error:
            return fault("busy", str(error))
        except DriverError as error:
            return fault(error.code, str(error))
        except Exception as error:  # noqa: BLE001 - the device goes on
            _log.error("%s failed", op, exc_info=error)
            return fault("device_error", repr(error))

    def _hello(self, request: Mapping[str, Any]) -> JsonObject:  # noqa: ARG002 - as all others
        can, options = self._driver.capabilities, self._options
        return {
            "protocol": PROTOCOL,
            "boot": self._boot,
            "name": options.name,
            "firmware": f"robotq {__version__}",
            "simulated": can.simulated,
            "crc": options.crc,
            "max_line": options.max_line,
            "beat_s": options.beat_s,
            "remembers": options.remembers,
            **({} if options.newest < SETTLES else self._remembers()),
            "can": {
                "hold": can.can_hold,
                "position_survives_stop": can.position_survives_stop,
                "query_while_busy": can.immediate_while_busy,
            },
        }

    def _remembers(self) -> JsonObject:
        kept = self._kept
        told = {"newest": self._options.newest, "memory": kept.id, "begun": kept.begun}
        return {**told, "epoch": kept.epoch} if kept.epoch else told

    def _status(self, request: Mapping[str, Any]) -> JsonObject:
        run = request.get("run")
        of_run: JsonObject = {}
        if isinstance(run, str) and run:
            # what it has never begun it does not begin from now on
            report = self._commands.known(run) or self._commands.refuse(run)
            of_run = {"run": report, "memory": self._kept.id, "begun": self._kept.begun}
        return {**self._state(), **of_run}

    def _state(self) -> JsonObject:
        status, command = self._driver.status(), self._commands.running
        return {
            "boot": self._boot,
            "running": None if command is None else command.id,
            "held": status.held,
            "held_because": status.held_because,
            "still_moving": status.still_moving,
            **({} if status.planned_moves is None else {"planned_moves": status.planned_moves}),
            "estop": self._commands.latched,
            "position_known": status.position_known,
            "place": status.place,
            "details": status.details,
        }

    def _query(self, request: Mapping[str, Any]) -> JsonObject:
        return {"result": self._driver.immediate(command_of(request))}

    def _answer(self, request: Mapping[str, Any]) -> JsonObject:
        command = self._commands.running
        if command is None or command.id != request.get("run"):
            raise DriverError("that command does not run", code="no_question")
        if not command.answer(int(request.get("n", 0)), dict(request)):
            raise DriverError("it is not asked any more", code="no_question")
        return {}

    def _hold(self, request: Mapping[str, Any]) -> JsonObject:  # noqa: ARG002
        self._driver.hold()
        return {}

    def _resume(self, request: Mapping[str, Any]) -> JsonObject:  # noqa: ARG002
        self._driver.resume()
        return {}

    def _stop(self, request: Mapping[str, Any]) -> JsonObject:  # noqa: ARG002
        command = self._commands.running
        if command is not None:
            command.stopping = True
            self._driver.stop()
            self._clock.notify()
            self._commands.give_up_collecting()
        return {}

    def _reset(self, request: Mapping[str, Any]) -> JsonObject:  # noqa: ARG002
        self._driver.reset()
        self._commands.latched = False
        return {}

    def _beat(self) -> None:
        while not self._over.wait(self._options.beat_s):
            self._commands.report_running()


def _stale(id_: str, epoch: int) -> dict[str, Any]:
    """No report, not even to a `run`: on a line that several hosts hear, the one that drives may
    follow the command with this id."""
    message = f"another host drives this device, under epoch {epoch}"
    return {
        "id": id_,
        "error": {"code": messages.STALE_EPOCH, "message": message, "epoch": epoch},
    }
