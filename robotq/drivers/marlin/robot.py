"""One Marlin as a robot: link, motion, and what reaches it from outside."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from robotq.drivers.base import (
    Acknowledgement,
    Busy,
    Capabilities,
    DriverError,
    DriverSetup,
    DriverStatus,
    LinkLost,
    LinkState,
    NotUnderstood,
)
from robotq.drivers.gcode.controls import Controls
from robotq.drivers.identity import Recognition
from robotq.drivers.marlin.channel import Channel
from robotq.drivers.marlin.connect import Identity, WaitsForPerson, identify
from robotq.drivers.marlin.controller import Controller
from robotq.drivers.marlin.counting import count_anew
from robotq.drivers.marlin.lines import GO_ON, QUICK_STOP, SHUTDOWN
from robotq.drivers.marlin.options import MarlinOptions, read_options
from robotq.model.errors import ConfigError
from robotq.model.json import JsonObject

_log = logging.getLogger(__name__)

_HEARTBEAT_S = 4.0
_TICK_S = 0.2
_WAKE_S = 0.05
_GOES_ON_S = 2.0
"""Wall seconds that the controller has to go on after M108."""
_WAITS = "the board waits for a person"
_PLANNER = 16
"""Motions that Marlin plans ahead."""


class MarlinRobot(Controller):
    """`Controlled` for Marlin: the procedures of Controller, and the rest of a driver."""

    def __init__(self, setup: DriverSetup, options: MarlinOptions, controls: Controls) -> None:
        self._robot = setup.robot
        self._link_changed = setup.link_changed
        self._identity = Identity()
        self._recognition = Recognition(
            options.port.identity, "MACHINE_TYPE and UUID are set in Marlin's Configuration.h"
        )
        self._connected_before = False
        self._listen_first = False
        """It was at work when it was last asked."""
        self._talking = threading.Lock()
        """Held by whoever sends lines: a command, or the heartbeat between two of them."""
        self._begun = False
        """The command holds it; belongs to the command thread."""
        self._ended = threading.Event()
        super().__init__(options, Channel(setup.robot, options.port, self._on_lost), controls)
        self._heart = threading.Thread(
            target=self._beat, name=f"{setup.robot}-heartbeat", daemon=True
        )
        self._heart.start()

    @property
    def capabilities(self) -> Capabilities:
        """Whether a stop gets through at once is known when the link has been made."""
        return Capabilities(
            acknowledgement=Acknowledgement.PLANNED,
            stop_out_of_band=self._state.emergency_parser,
            position_survives_stop=not self._state.emergency_parser,
            immediate_while_busy=True,
            can_hold=True,
        )

    # -- the link ------------------------------------------------------------------------------

    def connect(self) -> None:
        """Leaves the position unknown where the link had been lost before."""
        channel, controls = self._channel, self._controls
        begun = controls.interruptions
        self._state.homed = False
        self._state.hold_wanted = self._state.go_on = self._state.waits = False
        known = not self._connected_before
        with self._talking:
            try:
                channel.open()
                if controls.latched:
                    # the stop itself may have come while the link was down
                    self._stopping.quick_stop()
                self._recognise(begun)
            except WaitsForPerson:
                # whether M108 reaches it is seen when somebody resumes
                self._identity, self._state.emergency_parser = Identity(), False
                self._state.waits = True
            except LinkLost as error:
                channel.transport.close(error.reason)
                with channel.changed:
                    channel.lost = error.reason
                raise
        channel.shut = controls.latched
        channel.why_lost = None if known else channel.why_lost or "the link was lost meanwhile"
        self._connected_before = True
        self._state.unsynchronised = True
        self._link_changed(LinkState.CONNECTED, channel.transport.port_name or "")

    def _recognise(self, begun: int) -> None:
        """See who it is. Given up at the first stop after `begun`."""
        controls, listen = self._controls, self._listen_first
        self._listen_first = False
        try:
            self._identity = identify(
                self._channel,
                lambda: controls.interruptions != begun,
                self._recognition,
                listen=listen,
            )
        except NotUnderstood as error:
            self._listen_first = error.what == "busy"
            raise
        self._state.emergency_parser = self._identity.emergency_parser

    def _meet(self) -> None:
        """What waited for a person may have gone on: see who it is, before it counts as free.
        The lock is held. Raises LinkLost."""
        channel = self._channel
        if not self._state.waits or channel.lost is not None:
            return
        try:
            self._recognise(self._controls.interruptions)
        except WaitsForPerson:
            return
        except LinkLost as error:
            channel.transport.lose(error.reason)
            raise
        finally:
            self._state.unsynchronised = True
        self._state.waits = False

    def close(self) -> None:
        self._ended.set()
        self._channel.transport.shut()

    def _on_lost(self, reason: str) -> None:
        self._state.homed = False
        self._channel.why_lost = self._channel.why_lost or "the link was lost meanwhile"
        self._link_changed(LinkState.DISCONNECTED, reason)

    def _beat(self) -> None:
        """Between two commands, make sure that there is still somebody at the other end."""
        channel = self._channel
        due = time.monotonic() + _HEARTBEAT_S
        while not self._ended.wait(_TICK_S):
            if channel.lost is not None:
                due = time.monotonic() + _HEARTBEAT_S
                continue
            if channel.halted is not None:
                channel.transport.lose(f"the controller has halted ({channel.halted}); restart it")
                continue
            if self._state.waits:
                self._meet_where_it_goes_on()
                continue
            if (
                time.monotonic() < due
                or channel.shut
                or channel.paused
                or not self._talking.acquire(blocking=False)
            ):
                continue
            try:
                self._one_beat()
            finally:
                self._talking.release()
                due = time.monotonic() + _HEARTBEAT_S

    def _meet_where_it_goes_on(self) -> None:
        if self._channel.paused or not self._talking.acquire(blocking=False):
            return
        try:
            self._meet()
        except LinkLost as error:
            _log.warning("%s: it has gone on, and there is no link: %s", self._robot, error)
        finally:
            self._talking.release()

    def _one_beat(self) -> None:
        channel = self._channel

        def unless_running() -> None:
            over = channel.shut or channel.halted is not None
            if self._controls.running or over or channel.paused:
                raise Busy

        try:
            channel.begin()
            count_anew(channel, self._state.options.answer_timeout_s, unless_running)
        except Busy:
            return
        except LinkLost as error:
            channel.transport.lose(error.reason)
        finally:
            # whatever is left of it must not count for a command
            self._state.unsynchronised = True

    # -- a command -----------------------------------------------------------------------------

    def begin(self) -> None:
        self._talking.acquire()
        self._begun = True
        self._modes_due, self._touched = True, False
        if self._channel.lost is not None:
            raise LinkLost(self._channel.lost)
        if self._state.waits:
            raise DriverError(_WAITS)
        self._watch.begin(None)

    def end(self) -> None:
        # without begin(), the lock is somebody else's
        if self._begun:
            self._begun = False
            self._talking.release()
        self._wake()

    # -- from outside --------------------------------------------------------------------------

    def hold(self) -> None:
        """No further line is sent; what is planned already is carried out."""
        self._state.hold_wanted = True

    def resume(self) -> None:
        """Also where the controller itself waits for a person: M108."""
        channel = self._channel
        if self._controls.latched:
            raise DriverError("an emergency stop is latched")
        paused = channel.paused
        waits = self._state.waits
        if waits and self._recognition.needed:
            raise DriverError(
                f"{_WAITS}, and cannot say who it is meanwhile: see that it is the right machine, "
                "and press its button, or end its pause by an emergency stop"
            )
        if paused and not waits and not self._state.emergency_parser:
            raise DriverError(
                "the controller waits for a person (paused for user), and its firmware has no "
                "EMERGENCY_PARSER: press the button at the machine"
            )
        with channel.changed:
            channel.last_heard = time.monotonic()
        self._state.hold_wanted = False
        self._state.go_on = paused
        self._wake()
        if paused or waits:
            self._until_it_goes_on()

    def _until_it_goes_on(self) -> None:
        channel = self._channel
        deadline = time.monotonic() + _GOES_ON_S
        while channel.paused and channel.lost is None:
            if time.monotonic() > deadline:
                self._state.go_on = False
                raise DriverError(
                    f"{_WAITS} still (paused for user): press its button; M108 reaches only a "
                    "firmware with EMERGENCY_PARSER"
                )
            # a command sends it itself; between two of them nobody else does
            if not self._controls.running and self._talking.acquire(blocking=False):
                try:
                    if self._state.go_on:
                        self._state.go_on = False
                        channel.put(GO_ON, None, end_other=self._state.waits)
                        self._state.unsynchronised = True
                finally:
                    self._talking.release()
            with channel.changed:
                channel.changed.wait(_WAKE_S)
        if self._state.waits:
            with self._talking:
                self._meet()
            if self._state.waits:
                raise DriverError(f"{_WAITS} again (paused for user)")

    def stop(self) -> None:
        if self._controls.ask_to_stop():
            self._wake()
        elif self._state.emergency_parser and self._channel.lost is None:
            self._stopping.quick_stop()

    def emergency_stop(self) -> None:
        channel, controls = self._channel, self._controls
        controls.latch()
        channel.shut = True
        if controls.running or self._state.options.emergency == "M112":
            channel.why_lost = channel.why_lost or "of an emergency stop"
            self._state.homed = False
        self._state.unsynchronised = True
        halt = self._state.options.emergency == "M112"
        lines = self._stopping.lines_under_way()
        try:
            channel.urgent(SHUTDOWN if halt else QUICK_STOP)
        finally:
            if not halt:
                self._stopping.stop_again(lines)
            controls.interrupt()
            self._state.hold_wanted = False
            self._wake()

    def reset(self) -> None:
        self._controls.latched = False
        self._channel.shut = False
        self._recognition.accept()
        self._channel.transport.accept_board()

    def status(self) -> DriverStatus:
        channel = self._channel
        with channel.changed:
            lost, details = channel.lost, self._details()
            # until it is known who it is, nothing begins
            paused, wanted = channel.paused or self._state.waits, self._state.hold_wanted
            planned = self._planned() if wanted else 0
        return DriverStatus(
            link=LinkState.CONNECTED if lost is None else LinkState.DISCONNECTED,
            held=wanted or paused,
            held_because=self._paused_because() if paused else "",
            still_moving=planned > 0 and not paused,
            planned_moves=0 if paused else planned,
            position_known=channel.why_lost is None
            and not self._state.waits
            and (self._state.homed or not self._state.options.homing_required),
            details=details,
        )

    def _planned(self) -> int:
        """The most motions that are carried out before it stands. `changed` is held."""
        channel = self._channel
        coming = sum(sent.line.motion for sent in channel.outstanding)
        most = coming + _PLANNER if self._state.emergency_parser else max(1, coming)
        return min(most, channel.motions_sent - channel.motions_over)

    def _paused_because(self) -> str:
        with self._channel.changed:
            oldest = self._channel.outstanding[0].line if self._channel.outstanding else None
        if oldest is not None and not {"M0", "M1"}.isdisjoint(oldest.codes):
            return "reason.program_pause"
        at_machine = (
            self._recognition.needed if self._state.waits else not self._state.emergency_parser
        )
        return "reason.paused_at_machine" if at_machine else "reason.paused_for_user"

    def prepare_reload(self, options: Mapping[str, Any]) -> Callable[[], None]:
        new = read_options(self._robot, options)
        if new.port != self._state.options.port or new.scanner != self._state.options.scanner:
            raise ConfigError(
                f"robots.{self._robot}.options: another port or scanner needs a restart"
            )

        def apply() -> None:
            self._state.options = new

        return apply

    def _wake(self) -> None:
        channel = self._channel
        # nobody holds it for long; whoever waits looks by itself after a moment
        if channel.changed.acquire(timeout=_WAKE_S):
            try:
                channel.changed.notify_all()
            finally:
                channel.changed.release()

    def _details(self) -> JsonObject:
        channel = self._channel
        details: dict[str, Any] = {
            "firmware": self._identity.firmware,
            "identity": self._identity.told.whole,
            "port": channel.transport.port_name,
            "emergency_parser": self._state.emergency_parser,
            "homed": self._state.homed,
            "emergency_stop": self._controls.latched,
            "lines_sent": channel.sent,
            "lines_under_way": len(channel.outstanding),
        }
        if channel.why_lost is not None:
            details["position_unknown_because"] = channel.why_lost
        if channel.point:
            # Marlin tells where it is going to, not where it is
            target = zip("xyz", channel.point, strict=False)
            details.update({f"target_{axis}_mm": value for axis, value in target})
        return details
