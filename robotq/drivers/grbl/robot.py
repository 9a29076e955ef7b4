"""One controller of the GRBL family as a robot: link, motion, and what reaches it from outside."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from robotq.drivers.base import (
    Acknowledgement,
    Capabilities,
    DriverError,
    DriverSetup,
    DriverStatus,
    LinkLost,
    LinkState,
    Stopped,
    UncertainOutcome,
)
from robotq.drivers.gcode.controls import Controls
from robotq.drivers.gcode.position import Position
from robotq.drivers.grbl.channel import Channel
from robotq.drivers.grbl.connect import IN_INCHES, SETTINGS, WHO, identity_of, make_link
from robotq.drivers.grbl.controller import Controller
from robotq.drivers.grbl.options import GrblOptions, read_options
from robotq.drivers.grbl.polling import Polling
from robotq.drivers.grbl.protocol import Identity, alarm_text
from robotq.drivers.identity import Recognition, Self
from robotq.model.errors import ConfigError
from robotq.model.json import JsonObject

_log = logging.getLogger(__name__)

_CONFIRM_S = 2.0
"""Wall seconds in which a hold has to show in the reports."""
_WAKE_S = 0.05
_AXES = "xyzabc"
_PROGRAM_PAUSE = "reason.program_pause"


class GrblRobot(Controller):
    """`Controlled` for GRBL: the procedures of Controller, and the rest of a driver."""

    capabilities = Capabilities(
        acknowledgement=Acknowledgement.PLANNED,
        stop_out_of_band=True,
        position_survives_stop=True,
        immediate_while_busy=True,
        can_hold=True,
    )

    def __init__(self, setup: DriverSetup, options: GrblOptions, controls: Controls) -> None:
        self._robot = setup.robot
        self._link_changed = setup.link_changed
        self._identity = Identity()
        self._recognition = Recognition(
            options.port.identity, "`$I=NAME` gives a Grbl a name of its own"
        )
        self._unrecognised = False
        """It moved when the link was made, and has not said yet who it is."""
        self._connected_before = False
        self._holding = threading.Lock()
        self._resets_before = -1
        """Greetings before the emergency stop that is latched."""
        channel = Channel(setup.robot, options.port, Position(), self._on_lost)
        polling = Polling(setup.robot, channel, options.silence_s)
        super().__init__(options, channel, polling, controls)

    # -- the link ------------------------------------------------------------------------------

    def connect(self) -> None:
        """Leaves the position unknown where the link had been lost before."""
        channel, controls, position = self._channel, self._controls, self._position
        begun, losses = controls.interruptions, channel.losses
        emergencies = controls.emergencies
        with self._polling.silent(), channel.turn():
            position.unhome()
            known = not self._connected_before and position.why_lost is None
            # also while an emergency stop is latched: asking who it is moves nothing
            channel.open_gate(unless=lambda: False)
            self._identity, self._state.unsynchronised = make_link(
                channel,
                lambda: controls.interruptions != begun,
                self._recognition,
                stop=controls.latched,
            )
            self._unrecognised = self._state.unsynchronised
            channel.make_room(self._state.options.receive_bytes or self._identity.receive_bytes)
            channel.open_gate(unless=lambda: controls.latched)
        met = position.mark()
        if known and channel.losses == losses and controls.emergencies == emergencies:
            # where it stands when it is first seen is what there is to know
            position.take_as_known(met)
        else:
            position.forget("the link was lost meanwhile")
        self._connected_before = True
        self._state.hold_wanted = False
        self._link_changed(LinkState.CONNECTED, channel.port_name or "")

    def close(self) -> None:
        self._polling.close()
        self._channel.end()

    def _on_lost(self, reason: str) -> None:
        self._position.unhome()
        self._position.forget("the link was lost meanwhile")
        self._link_changed(LinkState.DISCONNECTED, reason)

    # -- a command -----------------------------------------------------------------------------

    def begin(self) -> None:
        self._channel.require_link()
        self._polling.follow_a_command(True)
        self._modes_due, self._touched = True, False
        # whatever was said between two commands belongs to none of them
        self._watch.begin(None)

    def end(self) -> None:
        self._polling.follow_a_command(False)
        if self._state.rest_asked:
            # the command ended by itself; the next one must not find the robot held
            self._stopping.pass_over_emergencies()
            try:
                self._stopping.come_to_rest()
            except (UncertainOutcome, Stopped) as error:
                self._state.unsynchronised = True
                _log.warning("%s: after a stop: %r", self._robot, error)

    # -- from outside --------------------------------------------------------------------------

    def hold(self) -> None:
        if self._polling.is_homing:
            raise DriverError("a controller of this kind cannot be held while it homes")
        with self._holding:
            self._state.hold_wanted = True
            try:
                self._seen_as(b"!", held=True)
                self._state.own_hold = self._channel.holds
            finally:
                # from now on the reports say whether it is held
                self._state.hold_wanted = False

    def resume(self) -> None:
        with self._holding:
            if self._controls.latched:
                raise DriverError("an emergency stop is latched")
            if self._unrecognised:
                raise DriverError(
                    "the controller was held or moved when the link was made, and has not said "
                    "yet who it is"
                )
            status = self._channel.status
            if status is not None and status.ajar:
                raise DriverError("the safety door is open: close it, then resume")
            self._seen_as(b"~", held=False)
        self._channel.be_patient()

    def stop(self) -> None:
        controls = self._controls
        first = not controls.stopping
        if controls.ask_to_stop():
            if first and not self._polling.is_homing and not controls.latched:
                self._state.rest_asked = True
                self._channel.at_once(b"!")
            self._channel.wake()
            return
        # a motion that is not ours: jogged at the machine, or left over from before
        status = self._channel.status
        if status is not None and status.state in ("Run", "Jog", "Hold"):
            self._channel.at_once(b"\x85" if status.state == "Jog" else b"!")

    def emergency_stop(self) -> None:
        channel, controls = self._channel, self._controls
        status = channel.status
        standing = status is not None and status.state in ("Idle", "Alarm", "Sleep", "Check")
        steps_kept = standing and not channel.lines_under_way
        channel.expect_reset(steps_kept)
        if not controls.latched:
            self._resets_before = channel.starts
        # first, so that a link that is being made takes no position for known after this
        controls.latch()
        if not steps_kept:
            self._position.forget("of an emergency stop in motion")
        try:
            channel.reset_now()
        finally:
            controls.interrupt()
            self._state.hold_wanted = False
            if not steps_kept:
                self._position.unhome()
            channel.wake()

    def reset(self) -> None:
        """Raises DriverError where the controller has not confirmed the stop."""
        channel = self._channel
        deadline = time.monotonic() + _CONFIRM_S
        again = time.monotonic() + _CONFIRM_S / 2
        while channel.lost is None and channel.starts == self._resets_before:
            if time.monotonic() > deadline:
                raise DriverError("the controller has not confirmed the emergency stop")
            if time.monotonic() > again:
                # a byte can get lost
                again = deadline
                channel.at_once(b"\x18")
            channel.wait(_WAKE_S)
        self._controls.release()
        channel.open_gate(unless=lambda: self._controls.latched)
        self._recognition.accept()
        channel.accept_board()

    def status(self) -> DriverStatus:
        channel = self._channel
        with channel.still():
            lost, details = channel.lost, self._details()
            status, held = channel.status, self._watch.held
        still_moving = held and (status is None or not status.rests)
        return DriverStatus(
            link=LinkState.CONNECTED if lost is None else LinkState.DISCONNECTED,
            held=held,
            held_because=self._held_because() if held else "",
            still_moving=still_moving,
            planned_moves=None if still_moving else 0,
            position_known=self._position.why_lost is None
            and (self._position.homed or not self._state.options.homing_required),
            details=details,
        )

    def prepare_reload(self, options: Mapping[str, Any]) -> Callable[[], None]:
        new = read_options(self._robot, options)
        if new.port != self._state.options.port or new.scanner != self._state.options.scanner:
            raise ConfigError(
                f"robots.{self._robot}.options: another port or scanner needs a restart"
            )

        def apply() -> None:
            self._state.options = new

        return apply

    # -- helpers -------------------------------------------------------------------------------

    def _recognise(self) -> None:
        """Nothing that moves is sent before it has said who it is."""
        if not self._unrecognised:
            return
        channel = self._channel

        def ask() -> Self:
            self._watch.begin(None)
            self._exchange(WHO)
            self._identity = identity_of(channel)
            return self._identity.told

        try:
            self._exchange(SETTINGS)
            if channel.inches:
                raise LinkLost(IN_INCHES)
            self._recognition.look(ask)
        except LinkLost as error:
            channel.give_up(error.reason)
            raise
        channel.make_room(self._state.options.receive_bytes or self._identity.receive_bytes)
        self._unrecognised = False

    def _held_because(self) -> str:
        """Why it pauses, where it was not `hold`."""
        channel = self._channel
        with channel.still():
            status, lines = channel.status, channel.under_way()
        if status is None or not status.held:
            return ""
        if status.state == "Door":
            return "reason.door_closed" if status.substate == 0 else "reason.door"
        if status.state == "Tool":
            return "reason.tool_change"
        if lines and "M0" in lines[0].codes:
            # it is answered when the program goes on
            return _PROGRAM_PAUSE
        return "" if self._state.own_hold == channel.holds else "reason.held_at_robot"

    def _seen_as(self, byte: bytes, *, held: bool) -> None:
        """Send a byte, again where it seems to be lost, until the reports show its effect."""
        channel = self._channel
        deadline = time.monotonic() + _CONFIRM_S
        again = 0.0
        seen, answered = channel.statuses, channel.answered
        # the pause of a program is answered when it is over
        pauses, over = not held and self._held_because() == _PROGRAM_PAUSE, False
        self._polling.hurry(True)
        try:
            while True:
                now = time.monotonic()
                if pauses and not over and channel.answered > answered:
                    # a second byte would end the next pause too
                    over, seen = True, channel.statuses
                if now > again and not over:
                    channel.at_once(byte)
                    again = now + _CONFIRM_S / 3
                channel.wait(0.05)
                status = channel.status
                fresh = channel.statuses > seen + 1 and status is not None
                if fresh and status is not None and (over or status.held is held):
                    return
                channel.require_link()
                if now > deadline:
                    raise DriverError("the controller does not take it")
        finally:
            self._polling.hurry(False)

    def _details(self) -> JsonObject:
        channel = self._channel
        status = channel.status
        details: dict[str, Any] = {
            "firmware": self._identity.firmware,
            "identity": self._identity.told.whole,
            "port": channel.port_name,
            "state": "unknown" if status is None else status.state,
            "homed": self._position.homed,
            "emergency_stop": self._controls.latched,
            "lines_sent": channel.sent,
            "lines_under_way": channel.lines_under_way,
        }
        reason = self._position.why_lost
        if reason is not None:
            details["position_unknown_because"] = reason
        if status is None:
            return details
        if status.state == "Alarm" and channel.last_alarm is not None:
            details["alarm"] = alarm_text(channel.last_alarm)
        point = _work_point(status.machine_mm, status.work_mm, status.offset_mm)
        if not point and status.machine_mm is not None:
            details["work_position"] = "unknown until the controller tells its work offset"
        details.update({f"{axis}_mm": value for axis, value in zip(_AXES, point, strict=False)})
        if status.feed is not None:
            details["feed_mm_per_min"] = status.feed
        if status.pins:
            details["pins"] = status.pins
        return details


def _work_point(
    machine: Sequence[float] | None,
    work: Sequence[float] | None,
    offset: Sequence[float] | None,
) -> Sequence[float]:
    """Where the tool is in the coordinates that programs use."""
    if work is not None:
        return work
    if machine is None:
        return ()
    if offset is None or len(offset) != len(machine):
        # not told yet: machine coordinates would be other ones under the same name
        return ()
    return [round(m - o, 4) for m, o in zip(machine, offset, strict=True)]
