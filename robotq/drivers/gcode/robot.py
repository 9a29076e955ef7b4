"""One controller as a robot, whatever its firmware: its link, the commands that get it, and what
reaches it from outside."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from robotq.drivers.base import (
    Capabilities,
    DeviceUncertain,
    DriverError,
    DriverSetup,
    DriverStatus,
    Ended,
    LinkLost,
    LinkState,
    Stopped,
    UncertainOutcome,
)
from robotq.drivers.gcode.channel import LineChannel
from robotq.drivers.gcode.controller import Controller
from robotq.drivers.gcode.controls import Controls
from robotq.drivers.gcode.jogging import limits_of
from robotq.drivers.gcode.options import GcodeOptions
from robotq.drivers.gcode.raw_line import why_never
from robotq.drivers.gcode.reader.rules import Rules
from robotq.drivers.gcode.state import Pause, RobotState
from robotq.drivers.identity import Recognition
from robotq.model.carried.live_value import LiveValues
from robotq.model.errors import ConfigError
from robotq.model.json import JsonObject


class GcodeRobot(ABC):
    """A subclass makes the parts, and says what its firmware does in another way."""

    jogs = False
    """Its controller can be jogged: `Controller._jog_while` is there."""

    def __init__(
        self,
        setup: DriverSetup,
        controls: Controls,
        *,
        state: RobotState[Any],
        channel: LineChannel[Any],
        controller: Controller,
        recognition: Recognition,
    ) -> None:
        self._robot = setup.robot
        self._link_changed = setup.link_changed
        self._controls = controls
        self._state = state
        self._channel = channel
        self._position = channel.position
        self._controller = controller
        self._recognition = recognition
        self._connected_before = False

    # -- what a firmware gives -----------------------------------------------------------------

    @property
    @abstractmethod
    def capabilities(self) -> Capabilities: ...

    @abstractmethod
    def _meet(self, interrupted: Callable[[], bool]) -> None:
        """Behind the port that is open now: see that it is the controller that is meant, and
        that both sides begin anew. Nothing moves by it; where an emergency stop is latched, it is
        stopped first. Raises LinkLost, also as soon as `interrupted`."""

    @abstractmethod
    def hold(self) -> None: ...

    @abstractmethod
    def resume(self) -> None: ...

    @abstractmethod
    def stop(self) -> None: ...

    @abstractmethod
    def _lost_by_stop(self, *, first: bool) -> str | None:
        """An emergency stop is about to be sent, the `first` one since the last reset. Why the
        position is not known after it; None: it is. Takes no lock, and waits for nothing."""

    @abstractmethod
    def _stop_at_once(self) -> None:
        """Send the bytes of an emergency stop, past everything. Raises LinkLost."""

    @abstractmethod
    def _pause(self) -> Pause: ...

    @abstractmethod
    def _identity_details(self) -> JsonObject:
        """`firmware`, `identity`, as the controller has said them."""

    @abstractmethod
    def _point_details(self) -> JsonObject:
        """Where it is, as far as it has said, and whatever else it tells of itself."""

    @abstractmethod
    def _read_options(self, options: Mapping[str, Any]) -> GcodeOptions:
        """Raises ConfigError."""

    def _values(self) -> LiveValues:
        """The numbers that it has told of itself, each with its age."""
        return {}

    def _position_at_first_sight(self) -> bool:
        """At the first connection: whether where it stands is what there is to know."""
        return True

    def _may_begin(self) -> None:  # noqa: B027 - many have nothing to do here
        """Raises DriverError where no command can begin now."""

    def _following(self) -> AbstractContextManager[None]:
        """Inside, a command runs."""
        return nullcontext()

    def _after_command(self) -> None:  # noqa: B027 - many have nothing to do here
        """A command has ended; nothing of it may be left for the next one."""

    def _until_stop_confirmed(self) -> None:  # noqa: B027 - many have nothing to do here
        """Before an emergency stop is reset. Raises DriverError where the controller has not
        confirmed it."""

    # -- the link ------------------------------------------------------------------------------

    def connect(self) -> None:
        """Leaves the position unknown where the link had been lost before."""
        channel, controls, position = self._channel, self._controls, self._position
        begun, emergencies, losses = controls.interruptions, controls.emergencies, channel.losses
        position.unhome()
        self._state.hold_wanted = False
        known = not self._connected_before and self._position_at_first_sight()
        with channel.turn:
            try:
                channel.open()
                self._meet(lambda: controls.interruptions != begun)
            except LinkLost as error:
                channel.close(error.reason)
                raise
            channel.gate.open(unless=lambda: controls.latched)
        met = position.mark()
        if known and channel.losses == losses and controls.emergencies == emergencies:
            position.take_as_known(met)
        else:
            position.forget("the link was lost meanwhile")
        self._connected_before = True
        self._link_changed(LinkState.CONNECTED, channel.transport.port_name or "")

    def close(self) -> None:
        self._channel.transport.shut()

    def _on_lost(self, reason: str) -> None:
        self._position.unhome()
        self._position.forget("the link was lost meanwhile")
        self._link_changed(LinkState.DISCONNECTED, reason)

    @property
    def connected(self) -> bool:
        return self._channel.lost is None

    def rules_of_programs(self) -> tuple[Rules, bool]:
        """By which a program would be read that began a command now, and whether it begins in
        known modes. Sends nothing, and waits for nothing."""
        return self._controller.rules_of_programs()

    # -- a command -----------------------------------------------------------------------------

    @contextmanager
    def command(
        self,
        after: Callable[[Ended, str | None], None] = lambda _error, _why_not: None,
        at_rest: Callable[[], None] = lambda: None,
    ) -> Iterator[Controller]:
        """Inside, the command has the turn, and gets what it can ask the controller for. Where it
        ends with DriverError, Stopped or DeviceUncertain, what may be on is switched off. `after`
        is called with what ends it, and why the controller must not get lines any more. `at_rest`
        is called first if a stop ends it: the same stop sent once more would break these lines off.

        Raises LinkLost, DriverError, Stopped.
        """
        channel, controller = self._channel, self._controller
        try:
            with self._following(), channel.turn:
                try:
                    controller.begin()
                    if self._controls.interrupted:
                        raise Stopped
                    channel.require_link()
                    self._may_begin()
                    controller.start()
                    yield controller
                except (DriverError, Stopped, DeviceUncertain) as error:
                    if isinstance(error, Stopped):
                        at_rest()
                    controller.switch_off()
                    controller.begin_last()
                    after(error, self._why_no_lines())
                    raise
                except UncertainOutcome as error:
                    after(error, None)
                    raise
                finally:
                    self._controls.end()
                    self._after_command()
        finally:
            channel.wake()

    def why_no_raw_line(self, line: str) -> str | None:
        """See `TakesRawLines`."""
        return why_never(line)

    def _why_no_lines(self) -> str | None:
        if self._controls.latched:
            return "reason.finally_estop"
        if self._controls.closed:
            return "reason.finally_closed"
        return None if self._channel.lost is None else "reason.finally_no_link"

    # -- from outside --------------------------------------------------------------------------

    def emergency_stop(self) -> None:
        """Takes no lock before the bytes are on their way."""
        channel, controls, position = self._channel, self._controls, self._position
        first = not controls.latched
        # first, so that a link that is being made takes no position for known after this
        controls.latch()
        channel.gate.shut()
        why = self._lost_by_stop(first=first)
        if why is not None:
            position.forget(why)
            position.unhome()
        try:
            self._stop_at_once()
        finally:
            controls.interrupt()
            self._state.hold_wanted = False
            channel.wake()

    def reset(self) -> None:
        """Raises DriverError where the controller has not confirmed the stop."""
        self._until_stop_confirmed()
        self._controls.release()
        self._channel.gate.open(unless=lambda: self._controls.latched)
        self._recognition.accept()
        self._channel.transport.accept_board()

    def status(self) -> DriverStatus:
        channel, known = self._channel, self._controller.knows_where
        with channel.still():
            lost, details, pause = channel.lost, self._details(), self._pause()
            values = self._values()
        return DriverStatus(
            link=LinkState.CONNECTED if lost is None else LinkState.DISCONNECTED,
            held=pause.held,
            held_because=pause.because,
            still_moving=pause.still_moving,
            planned_moves=pause.planned_moves,
            position_known=self._position_known(),
            jog=limits_of(self._state.options.jog, known=known) if self.jogs else None,
            details=details,
            values={} if lost is not None else values,
        )

    def _position_known(self) -> bool:
        return self._controller.knows_where

    def _details(self) -> JsonObject:
        channel = self._channel
        reason = self._position.why_lost
        return {
            **self._identity_details(),
            "port": channel.transport.port_name,
            "homed": self._position.homed,
            "emergency_stop": self._controls.latched,
            "lines_sent": channel.gate.sent,
            "lines_under_way": channel.lines_under_way,
            **({} if reason is None else {"position_unknown_because": reason}),
            **self._point_details(),
        }

    def prepare_reload(self, options: Mapping[str, Any]) -> Callable[[], None]:
        """Limits may change; which port it is, the scanner and its port stay."""
        new, old = self._read_options(options), self._state.options
        if new.port != old.port or new.scanner != old.scanner:
            raise ConfigError(
                f"robots.{self._robot}.options: another port or scanner needs a restart"
            )

        def apply() -> None:
            self._state.options = new

        return apply
