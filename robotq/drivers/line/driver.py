"""One device that answers a line, as a robot of robotq."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

from robotq.drivers.base import (
    Acknowledgement,
    Capabilities,
    CommandContext,
    DriverError,
    DriverSetup,
    DriverStatus,
    LinkLost,
    LinkState,
    Stopped,
    UnknownCommand,
    WrongDevice,
)
from robotq.drivers.identity import Recognition, Self
from robotq.drivers.line.link import LineLink
from robotq.drivers.line.options import LineOptions, read_options
from robotq.drivers.line.ready import LineProgram
from robotq.drivers.line.run import Exchanges, Interrupted, Run, errors_of
from robotq.drivers.line.safe_state import SafeState, nobody
from robotq.drivers.line.talk import NoAnswer, Talk, said_in
from robotq.drivers.transport.heard import why_no_link
from robotq.model.errors import ConfigError
from robotq.model.json import JsonObject
from robotq.model.task import Command

_log = logging.getLogger(__name__)

_TURN_S = 0.7
"""Wall seconds that a query waits for the question before it."""
_STOP_CAME = "a stop came before the device had answered"


class LineDriver:
    def __init__(self, setup: DriverSetup, options: LineOptions) -> None:
        self._robot = setup.robot
        self._options = options
        self._link_changed = setup.link_changed
        self._link = LineLink(setup.robot, options, self._on_lost)
        self._talk = Talk(options.ready, self._link)
        self._recognition = Recognition(options.port.identity, "its file says what it is asked")
        self._run: Run | None = None
        self.called_off: Callable[[], bool] = _never
        """Whether the command that is being carried out was stopped as a part of another one:
        asked before each line, also before `stop` has met it."""
        self._making = False
        self._interrupted = False
        self._latched = False
        self._up = False
        self._who: str | None = None
        self._safe = SafeState(setup.robot, self._talk)
        self._errors = threading.Lock()
        """Held by whoever reads the device's queue of errors: a query would take those of the
        command that runs."""
        self._state = threading.Lock()

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            acknowledgement=Acknowledgement.FINISHED,
            stop_out_of_band=bool(self._options.ready.safe_state),
            position_survives_stop=True,
            immediate_while_busy=True,
        )

    # -- the link ------------------------------------------------------------------------------

    def connect(self) -> None:
        self._up = False
        with self._state:
            self._making, self._interrupted = True, False
        try:
            self._connect()
        finally:
            with self._state:
                self._making = False

    def _connect(self) -> None:
        talk, link = self._talk, self._link
        talk.open()
        try:
            if self._latched:
                talk.now(self._safe.lines())
            self._meet()
            with self._state:
                if self._interrupted:
                    raise LinkLost(_STOP_CAME)
                self._up = link.made = True
        except (NoAnswer, LinkLost, DriverError) as error:
            link.close(str(error))
            if isinstance(error, WrongDevice) or self._interrupted:
                raise
            if not link.heard:
                baud = self._options.port.baud
                raise why_no_link(link.heard, driver="line", baud=baud) from error
            raise LinkLost(f"{link.port_name}: {error}") from error

    def _meet(self) -> None:
        """Who it is, and both sides begin anew. Raises LinkLost, NoAnswer, DriverError."""
        talk, ready = self._talk, self._options.ready
        self._recognition.look(self._told)
        exchanges = Exchanges(talk, self._connecting, {})
        for exchange in ready.start:
            exchanges.carry_out(exchange)
        left = errors_of(talk, self._connecting)
        if left:
            _log.warning("%s: it had errors from before: %s", self._robot, "; ".join(left))

    def _told(self) -> Self:
        """What it says of itself."""
        talk, ready = self._talk, self._options.ready
        answer = talk.sync(self._connecting) if ready.sync is not None else ""
        if ready.who is None:
            return Self()
        if ready.who is not ready.sync:
            answer, _ = talk.ask(ready.who, {"values": ready.device.values}, self._connecting)
        said = said_in(ready.who, answer) or ()
        self._who = " ".join(said)
        return Self(names=(*said, self._who), whole=self._who)

    def _connecting(self) -> None:
        if self._interrupted:
            raise LinkLost(_STOP_CAME)

    def _on_lost(self, reason: str) -> None:
        self._up = False
        self._link_changed(LinkState.DISCONNECTED, reason)

    # -- commands ------------------------------------------------------------------------------

    def execute(self, command: Command, context: CommandContext) -> JsonObject:
        program = self._options.program(command)
        params = program.checked(command.params)
        if not self._up:
            raise LinkLost("not connected")
        run = Run(self._talk, program, params, self._check_latch)
        self._run = run
        try:
            with self._errors:
                return run.carry_out(context)
        except Interrupted:
            self._come_to_rest(run)
            raise Stopped from None
        finally:
            self._run = None

    def immediate(self, command: Command) -> JsonObject:
        program = self._options.program(command)
        if not program.query:
            raise UnknownCommand("it is no query")
        params = program.checked(command.params)
        if not self._up:
            raise LinkLost("not connected")
        try:
            return self._answered(program, params)
        except NoAnswer as error:
            raise DriverError(str(error)) from error

    def _answered(self, program: LineProgram, params: JsonObject) -> JsonObject:
        exchanges = Exchanges(self._talk, nobody, params, wait_s=_TURN_S)
        failed = ""
        try:
            for exchange in program.exchanges:
                exchanges.carry_out(exchange)
        except DriverError as error:
            failed = str(error)
        left: list[str] = []
        if self._errors.acquire(blocking=False):
            # else the next command would be blamed for what is in the device's queue
            try:
                left = errors_of(self._talk, nobody, wait_s=_TURN_S)
            finally:
                self._errors.release()
        if failed or left:
            raise DriverError("; ".join([failed, *left] if failed else left))
        return {**exchanges.found, **exchanges.values(program.result)}

    # -- stopping ------------------------------------------------------------------------------

    def hold(self) -> None:
        raise DriverError("this device cannot pause")

    def resume(self) -> None:
        raise DriverError("this device cannot pause")

    def stop(self) -> None:
        with self._state:
            self._interrupted = self._interrupted or self._making
        run = self._run
        if run is None:
            self._link.wake()
            return
        run.stopping = True
        if run.stoppable:
            self._safe.send()
        self._link.wake()

    def emergency_stop(self) -> None:
        # before the link is looked at: a device that is not there is stopped when it comes back
        self._latched = True
        self._safe.send()
        with self._state:
            self._interrupted = self._interrupted or self._making
        self._link.wake()
        if self._options.ready.device.safe_state is None:
            raise DriverError("its file has no safe_state: robotq cannot stop it")
        if self._run is None and self._up:
            self._safe.confirm_soon()

    def reset(self) -> None:
        self._recognition.accept()
        self._link.accept_board()
        self._latched = False

    def _check_latch(self) -> None:
        if self._latched or self.called_off():
            raise Interrupted

    @property
    def safe_state(self) -> str | None:
        """What became of the last safe state; None where none was sent."""
        return self._safe.told

    def rest(self) -> None:
        """Bring it to its safe state, with its own answer for it. On the thread of `connect`.
        Raises UncertainOutcome."""
        with self._errors:
            self._safe.reach()

    def _come_to_rest(self, run: Run) -> None:
        if run.acted:
            self._safe.reach()

    # -- the rest ------------------------------------------------------------------------------

    def status(self) -> DriverStatus:
        talk, link = self._talk, self._link
        if not self._up or not link.is_open:
            return DriverStatus(link=LinkState.DISCONNECTED, position_known=False)
        details: dict[str, Any] = {
            "device": self._who,
            "emergency_stop": self._latched,
            "dropped_lines": link.dropped,
            "resynchronised": talk.resyncs,
        }
        if self._safe.told is not None:
            details["safe_state"] = self._safe.told
        return DriverStatus(link=LinkState.CONNECTED, details=details)

    def prepare_reload(self, options: Mapping[str, Any]) -> Callable[[], None]:
        """Only the same options: what a device is asked needs a new start."""
        new = read_options(self._robot, options)
        old = self._options
        if new.port != old.port or new.ready.device != old.ready.device:
            raise ConfigError(
                f"robots.{self._robot}.options: another port or other lines need a restart"
            )
        return lambda: None

    def close(self) -> None:
        self._up = False
        with self._state:
            self._interrupted = True
        self._link.shut()


def _never() -> bool:
    return False
