"""The link to a device: made with a greeting, kept under watch, and sorted into what comes."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from robotq.drivers.base import DriverError, LinkLost, LinkState, UncertainOutcome, WrongDevice
from robotq.drivers.epochs import StaleEpoch
from robotq.drivers.identity import Recognition
from robotq.drivers.jsonline.calls import CallRefused, Calls, Silent, session_for
from robotq.drivers.jsonline.messages import (
    STALE_EPOCH,
    Hello,
    Status,
    read_fault,
    read_hello,
    read_report,
    read_status,
)
from robotq.drivers.jsonline.options import JsonlineOptions
from robotq.drivers.jsonline.run import Run
from robotq.drivers.jsonline.state import DeviceState
from robotq.drivers.jsonline.watch import Watch
from robotq.drivers.jsonline.wire import MOST_LINE, PROTOCOL, STOP_BYTE, BadLine, decode, encode
from robotq.drivers.patience import Turns
from robotq.drivers.transport import Transport
from robotq.drivers.transport.heard import why_no_link
from robotq.model.json import JsonObject
from robotq.model.version import __version__

_log = logging.getLogger(__name__)

_ESTOP_S = 1.0
"""Wall seconds in which a device has to confirm an emergency stop."""
_ESTOP_REPEAT_S = 0.05
_STATUS_S = 0.5
"""Longest that a question for the status takes."""


class JsonlineLink:
    """Down until `connect` succeeds; all methods may be called from any thread."""

    def __init__(
        self,
        robot: str,
        options: JsonlineOptions,
        link_changed: Callable[[LinkState, str], None],
    ) -> None:
        self.options = options
        self.hello: Hello | None = None
        """What the device said of itself last."""
        self.state = DeviceState()
        """How it is, as it has said last."""
        self.begun = 0
        """Ids that the device has remembered for certain: its own number may be greater."""
        self.epoch = 0
        """Under which this host drives the device; 0: no other one ever does."""
        self.run: Run | None = None
        """The command that is being carried out."""
        self.bad_lines = 0
        """Lines that were damaged or made no sense, and were dropped."""
        self._robot = robot
        self._link_changed = link_changed
        self._transport = Transport(
            robot,
            options.port,
            on_line=self._on_line,
            on_lost=self._on_lost,
            line_limit=MOST_LINE,
        )
        self._recognition = Recognition(
            options.port.identity, "`name` in the answer to hello gives a device one"
        )
        self._calls = self._new_calls()
        self._greeted = False
        self._stale: StaleEpoch | None = None
        """Why the link was lost, where another host drives the device."""
        self._heard_since_open = False
        """Something that is a message has come."""
        self._making = threading.Lock()
        """Held for the moment in which a link is there, or is given up."""
        self._made = True
        """No `connect` is under way."""
        self._interrupted: str | None = None
        self._heard = 0.0
        self._estopped = threading.Event()
        self._watch = Watch(robot, self)

    @property
    def heard_at(self) -> float:
        """When something that is a message has come last, by the monotonic clock."""
        return self._heard

    @property
    def up(self) -> bool:
        return self._greeted and self._transport.is_open

    def connect(self, *, latched: bool) -> None:
        """Open the port and greet the device. `latched`: it is stopped before anything else.

        Raises LinkLost, also when it is interrupted.
        """
        self._greeted = False
        self._stale = None
        with self._making:
            self._calls = self._new_calls()
            self._made = False
            self._interrupted = None
        try:
            self._connect(latched=latched)
        finally:
            self._made = True

    def interrupt(self, reason: str) -> None:
        """Have a `connect` that waits for an answer give up; does nothing to a link that is
        there."""
        with self._making:
            if not self._made:
                self._interrupted = reason
                self._calls.end(reason)

    def _connect(self, *, latched: bool) -> None:
        self._heard_since_open = False
        self._transport.open()
        try:
            # whatever half line the device may hold from before ends here
            self._transport.write(b"\n")
            if latched:
                self._transport.write_now(STOP_BYTE)
            ok = self._calls.call(
                "hello", self.options.hello_s, protocol=PROTOCOL, host=f"robotq {__version__}"
            )
            hello = read_hello(ok)
            if hello.epoch != self.epoch:
                raise LinkLost("the device keeps no epoch, so it cannot refuse another host")
            self._recognition.look(lambda: hello.told, once=True)
            self.hello, self.begun = hello, hello.begun
            self._greeted = True
            self.ask_status(self.options.answer_s)
            with self._making:
                self._made = True
                if self._interrupted is not None:
                    raise LinkLost(self._interrupted)
        except (CallRefused, BadLine, LinkLost) as error:
            self._greeted = False
            self._transport.close(str(error))
            if isinstance(error, WrongDevice):
                raise
            if isinstance(error, CallRefused) and error.fault.code == STALE_EPOCH:
                raise StaleEpoch(str(error), error.fault.epoch) from error
            if isinstance(error, Silent) and not self._heard_since_open:
                raise why_no_link(
                    self._transport.heard, driver="jsonline", baud=self.options.port.baud
                ) from error
            raise LinkLost(f"{self._transport.port_name}: {error}") from error
        self._watch.start()

    def call(self, op: str, **fields: Any) -> JsonObject:
        """The device's answer. Raises CallRefused, LinkLost, DriverError for what is too long."""
        if not self.up:
            raise LinkLost("not connected")
        try:
            return self._calls.call(op, self.options.answer_s, **fields)
        except CallRefused as error:
            if error.fault.code == STALE_EPOCH:
                raise StaleEpoch(str(error), error.fault.epoch) from error
            raise

    @property
    def max_line(self) -> int:
        """Bytes of the longest request, without what `send` adds to it."""
        limit = self.hello.max_line if self._greeted and self.hello is not None else MOST_LINE
        return limit - (len(f',"epoch":{self.epoch}') if self.epoch else 0)

    def send(self, message: dict[str, Any]) -> None:
        """Raises LinkLost, Discarded, DriverError for what is too long."""
        if self.epoch:
            message = {**message, "epoch": self.epoch}
        greeted = self._greeted and self.hello is not None
        line = encode(message, crc=not greeted or self._crc)
        limit = self.hello.max_line if greeted and self.hello is not None else MOST_LINE
        if len(line) > limit:
            raise DriverError(f"the request has {len(line)} bytes, the device takes {limit}")
        self._transport.write(line)

    def ask_status(self, timeout_s: float = _STATUS_S) -> Status:
        """How the device is now. Raises LinkLost."""
        try:
            status = read_status(self._calls.call("status", timeout_s))
        except (CallRefused, BadLine) as error:
            raise LinkLost(f"the device tells no status: {error}") from error
        self.state.take(status)
        self._look_at_boot(status.boot)
        return status

    def emergency_stop(self) -> None:
        """Send the stop byte before everything else, until the device confirms it.

        Raises LinkLost, and DriverError where it does not within a second.
        """
        self._estopped.clear()
        turns = Turns(_ESTOP_REPEAT_S)
        deadline = turns.now() + _ESTOP_S
        discard = True
        while turns.now() < deadline:
            self._transport.write_now(STOP_BYTE, discard=discard)
            discard = False
            if self._estopped.wait(_ESTOP_REPEAT_S):
                return
            # the next attempt begins with the stop
            self.interrupt("an emergency stop came before the device had answered")
        raise DriverError("the device has not confirmed the emergency stop")

    def accept(self) -> None:
        """Take the device that was refused because it may be another one: a person says so."""
        self._recognition.accept()
        self._transport.accept_board()

    def lose(self, reason: str) -> None:
        self._transport.lose(reason)

    def shut(self) -> None:
        self._watch.end()
        self._greeted = False
        self._calls.end("closed")
        self._transport.shut()

    # -- what comes ----------------------------------------------------------------------------

    @property
    def _crc(self) -> bool:
        return self.hello is not None and self.hello.crc

    def _on_line(self, line: bytes) -> None:
        if not line.strip():
            return
        try:
            self._sort(decode(line, crc=self._greeted and self._crc))
        except BadLine as error:
            self.bad_lines += 1
            _log.debug("%s: dropped %r: %s", self._robot, line[:200], error)

    def _sort(self, message: Mapping[str, Any]) -> None:
        self._heard = time.monotonic()
        self._heard_since_open = True
        match message.get("ev"):
            case "estop":
                self._estopped.set()
            case "boot":
                self._look_at_boot(str(message.get("boot")))
            case None if "state" in message:
                report, run = read_report(message), self.run
                self.state.take_report(report)
                if run is not None and report.id == run.id:
                    run.reported(report)
            case None:
                self._calls.answered(message)
                self._look_at_epoch(message)
            case _:
                """An event that only a newer protocol knows."""

    def _look_at_epoch(self, answer: Mapping[str, Any]) -> None:
        """Whoever is refused has lost the device, whatever was asked for. On a line that several
        hosts hear, another one's refusal is heard too."""
        if not self._greeted or "error" not in answer:
            return
        fault = read_fault(answer["error"])
        if fault.code == STALE_EPOCH and fault.epoch > self.epoch:
            self._stale = StaleEpoch(fault.message, fault.epoch)
            self.lose(fault.message)

    def _look_at_boot(self, boot: str) -> None:
        if not self._greeted or self.hello is None or boot == self.hello.boot:
            return
        reason = "the device has started anew"
        run = self.run
        if run is not None:
            run.breaks(UncertainOutcome("device_reset", reason))
        self.lose(reason)

    def _on_lost(self, reason: str) -> None:
        self._greeted = False
        self._calls.end(reason)
        run = self.run
        if run is not None:
            run.breaks(self._stale or LinkLost(reason))
        self._link_changed(LinkState.DISCONNECTED, reason)

    def _new_calls(self) -> Calls:
        session = session_for(self.options.port.replay)
        return Calls(self.send, session, first_pause_s=self.options.repeat_s)
