"""One controller of the GRBL family as a robot: link, motion, and what reaches it from outside."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from robotq.drivers.base import (
    Acknowledgement,
    Capabilities,
    DriverError,
    DriverSetup,
    LinkLost,
    Stopped,
    UncertainOutcome,
)
from robotq.drivers.gcode.channel import WAKE_S
from robotq.drivers.gcode.controls import Controls
from robotq.drivers.gcode.position import Position
from robotq.drivers.gcode.raw_line import why_not_grbl
from robotq.drivers.gcode.robot import GcodeRobot
from robotq.drivers.gcode.state import Pause
from robotq.drivers.grbl.channel import Channel
from robotq.drivers.grbl.connect import IN_INCHES, SETTINGS, WHO, identity_of, meet
from robotq.drivers.grbl.controller import GrblController
from robotq.drivers.grbl.faults import alarm_text
from robotq.drivers.grbl.holding import Holding
from robotq.drivers.grbl.options import GrblOptions, read_options
from robotq.drivers.grbl.polling import Polling
from robotq.drivers.grbl.protocol import Identity
from robotq.drivers.grbl.state import State
from robotq.drivers.identity import Recognition, Self
from robotq.drivers.patience import Turns
from robotq.model.carried.live_value import LiveValue, LiveValues
from robotq.model.json import JsonObject

_log = logging.getLogger(__name__)

_CONFIRM_S = 2.0
"""Seconds in which it has to confirm an emergency stop."""
_AXES = "xyzabc"


class GrblRobot(GcodeRobot):
    _state: State
    _channel: Channel
    _controller: GrblController
    jogs = True

    capabilities = Capabilities(
        acknowledgement=Acknowledgement.PLANNED,
        stop_out_of_band=True,
        position_survives_stop=True,
        immediate_while_busy=True,
        can_hold=True,
        raw_lines=True,
    )

    def __init__(self, setup: DriverSetup, options: GrblOptions, controls: Controls) -> None:
        self._identity = Identity()
        self._unrecognised = False
        """It moved when the link was made, and has not said yet who it is."""
        self._resets_before = -1
        """Greetings before the emergency stop that is latched."""
        state = State(options=options)
        channel = Channel(setup.robot, options.port, Position(), self._on_lost)
        self._polling = Polling(setup.robot, channel, options.silence_s)
        self._holding = Holding(state, channel, self._polling)
        controller = GrblController(state, channel, self._polling, controls, self._recognise)
        super().__init__(
            setup,
            controls,
            state=state,
            channel=channel,
            controller=controller,
            recognition=Recognition(
                options.port.identity, "`$I=NAME` gives a Grbl a name of its own"
            ),
        )

    # -- the link ------------------------------------------------------------------------------

    def connect(self) -> None:
        with self._polling.silent():
            super().connect()

    def close(self) -> None:
        self._polling.close()
        super().close()

    def _position_at_first_sight(self) -> bool:
        return self._position.why_lost is None

    def _meet(self, interrupted: Callable[[], bool]) -> None:
        self._identity, self._state.unsynchronised = meet(
            self._channel, interrupted, self._recognition, stop=self._controls.latched
        )
        self._unrecognised = self._state.unsynchronised
        self._make_room()

    def _recognise(self) -> None:
        """Nothing that moves is sent before it has said who it is."""
        if not self._unrecognised:
            return
        channel, controller = self._channel, self._controller

        def ask() -> Self:
            controller.start()
            controller.exchanges.exchange(WHO)
            self._identity = identity_of(channel)
            return self._identity.told

        try:
            controller.exchanges.exchange(SETTINGS)
            if channel.inches:
                raise LinkLost(IN_INCHES)
            self._recognition.look(ask)
        except LinkLost as error:
            channel.transport.lose(error.reason)
            raise
        self._make_room()
        self._unrecognised = False

    def _make_room(self) -> None:
        self._state.planner_blocks = self._identity.planner_blocks
        self._channel.make_room(self._state.options.receive_bytes or self._identity.receive_bytes)

    # -- a command -----------------------------------------------------------------------------

    def _following(self) -> AbstractContextManager[None]:
        return self._polling.following()

    def _after_command(self) -> None:
        if self._state.rest_asked:
            # the command ended by itself; the next one must not find the robot held
            try:
                self._controller.rest_after_all()
            except (UncertainOutcome, Stopped) as error:
                self._state.unsynchronised = True
                _log.warning("%s: after a stop: %r", self._robot, error)

    # -- from outside --------------------------------------------------------------------------

    def hold(self) -> None:
        self._holding.hold()

    def resume(self) -> None:
        self._holding.resume(self._check_goes_on)
        self._channel.be_patient()

    def _check_goes_on(self) -> None:
        if self._controls.latched:
            raise DriverError("an emergency stop is latched")
        if self._unrecognised:
            raise DriverError(
                "the controller was held or moved when the link was made, and has not said yet who "
                "it is"
            )

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

    def why_no_raw_line(self, line: str) -> str | None:
        return super().why_no_raw_line(line) or why_not_grbl(line)

    def _lost_by_stop(self, *, first: bool) -> str | None:
        channel = self._channel
        status = channel.status
        standing = status is not None and status.state in ("Idle", "Alarm", "Sleep", "Check")
        steps_kept = standing and not channel.lines_under_way
        channel.expect_reset(steps_kept)
        if first:
            self._resets_before = channel.starts
        return None if steps_kept else "of an emergency stop in motion"

    def _stop_at_once(self) -> None:
        self._channel.urgent(b"\x18")

    def _until_stop_confirmed(self) -> None:
        channel = self._channel
        turns = Turns(WAKE_S)
        deadline = turns.now() + _CONFIRM_S

        def check() -> None:
            if turns.now() > deadline:
                raise DriverError("the controller has not confirmed the emergency stop")

        channel.wait_for(
            lambda: channel.lost is not None or channel.starts != self._resets_before,
            check,
            say=b"\x18",
            first_s=_CONFIRM_S / 2,
            every_s=_CONFIRM_S,
        )

    def _read_options(self, options: Mapping[str, Any]) -> GrblOptions:
        return read_options(self._robot, options)

    # -- how it pauses -------------------------------------------------------------------------

    def _pause(self) -> Pause:
        held, status = self._controller.held, self._channel.status
        moving = held and (status is None or not status.rests)
        return Pause(
            held=held,
            because=self._holding.because() if held else "",
            still_moving=moving,
            planned_moves=None if moving else 0,
        )

    # -- what it tells of itself ---------------------------------------------------------------

    def _identity_details(self) -> JsonObject:
        return {"firmware": self._identity.firmware, "identity": self._identity.told.whole}

    def _point_details(self) -> JsonObject:
        status, alarm = self._channel.status, self._channel.last_alarm
        if status is None:
            return {"state": "unknown"}
        details: dict[str, Any] = {"state": status.state}
        if status.state == "Alarm" and alarm is not None:
            details["alarm"] = alarm_text(alarm)
        point = _work_point(status.machine_mm, status.work_mm, status.offset_mm)
        if not point and status.machine_mm is not None:
            details["work_position"] = "unknown until the controller tells its work offset"
        details.update({f"{axis}_mm": value for axis, value in zip(_AXES, point, strict=False)})
        if status.feed is not None:
            details["feed_mm_per_min"] = status.feed
        if status.pins:
            details["pins"] = status.pins
        return details

    def _values(self) -> LiveValues:
        status = self._channel.status
        if status is None:
            return {}
        age_s = max(0.0, time.monotonic() - self._channel.status_at)
        point = _work_point(status.machine_mm, status.work_mm, status.offset_mm)
        values = {
            axis: LiveValue(value=value, unit="mm", age_s=age_s)
            for axis, value in zip(_AXES, point, strict=False)
        }
        if status.feed is not None:
            values["feed"] = LiveValue(value=status.feed, unit="mm/min", age_s=age_s)
        return values


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
