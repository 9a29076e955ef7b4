"""One Marlin as a robot: link, motion, and what reaches it from outside."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from robotq.drivers.base import (
    Acknowledgement,
    Capabilities,
    DriverError,
    DriverSetup,
    LinkLost,
    NotUnderstood,
)
from robotq.drivers.gcode.controls import Controls
from robotq.drivers.gcode.position import Position
from robotq.drivers.gcode.raw_line import why_not_marlin
from robotq.drivers.gcode.robot import GcodeRobot
from robotq.drivers.gcode.state import Pause
from robotq.drivers.identity import Recognition
from robotq.drivers.marlin.connect import Identity, WaitsForPerson, identify
from robotq.drivers.marlin.controller import MarlinController
from robotq.drivers.marlin.heartbeat import Heartbeat
from robotq.drivers.marlin.options import MarlinOptions, read_options
from robotq.drivers.marlin.state import State
from robotq.drivers.marlin.talk.channel import Channel
from robotq.drivers.marlin.talk.lines import GO_ON, QUICK_STOP, SHUTDOWN
from robotq.model.carried.live_value import LiveValue, LiveValues
from robotq.model.json import JsonObject

_WAKE_S = 0.05
_GOES_ON_S = 2.0
"""Wall seconds that the controller has to go on after M108."""
_WAITS = "the board waits for a person"
_HEATERS = {"T": "temperature", "B": "temperature_bed", "C": "temperature_chamber"}
_PLANNER = 16
"""Motions that Marlin plans ahead."""


class MarlinRobot(GcodeRobot):
    _state: State
    _channel: Channel
    _controller: MarlinController
    jogs = True

    def __init__(self, setup: DriverSetup, options: MarlinOptions, controls: Controls) -> None:
        self._identity = Identity()
        self._listen_first = False
        """It was at work when it was last asked."""
        state = State(options=options)
        channel = Channel(
            setup.robot, options.port, Position(), self._on_lost, on_start=self._forget_hold
        )
        controller = MarlinController(state, channel, controls)
        super().__init__(
            setup,
            controls,
            state=state,
            channel=channel,
            controller=controller,
            recognition=Recognition(
                options.port.identity, "MACHINE_TYPE and UUID are set in Marlin's Configuration.h"
            ),
        )
        self._stopping = controller.stopping
        self._heartbeat = Heartbeat(setup.robot, state, channel, controls, self._meet_again)

    @property
    def capabilities(self) -> Capabilities:
        """Whether a stop gets through at once is known when the link has been made."""
        return Capabilities(
            acknowledgement=Acknowledgement.PLANNED,
            stop_out_of_band=self._state.emergency_parser,
            position_survives_stop=not self._state.emergency_parser,
            immediate_while_busy=True,
            can_hold=True,
            raw_lines=True,
        )

    # -- the link ------------------------------------------------------------------------------

    def connect(self) -> None:
        self._state.go_on = self._state.waits = False
        super().connect()

    def _meet(self, interrupted: Callable[[], bool]) -> None:
        if self._controls.latched:
            # the stop itself may have come while the link was down
            self._stopping.quick_stop()
        try:
            self._recognise(interrupted)
        except WaitsForPerson:
            # whether M108 reaches it is seen when somebody resumes
            self._identity, self._state.emergency_parser = Identity(), False
            self._state.waits = True
        self._state.unsynchronised = True

    def _recognise(self, interrupted: Callable[[], bool]) -> None:
        """See who it is. Raises LinkLost, WaitsForPerson."""
        listen, self._listen_first = self._listen_first, False
        try:
            self._identity = identify(self._channel, interrupted, self._recognition, listen=listen)
        except NotUnderstood as error:
            self._listen_first = error.what == "busy"
            raise
        self._state.emergency_parser = self._identity.emergency_parser
        self._state.firmware = self._identity.firmware

    def _meet_again(self) -> None:
        """What waited for a person may have gone on: see who it is, before it counts as free.
        It is our turn. Raises LinkLost."""
        channel = self._channel
        if not self._state.waits or channel.lost is not None:
            return
        try:
            begun = self._controls.interruptions
            self._recognise(lambda: self._controls.interruptions != begun)
        except WaitsForPerson:
            return
        except LinkLost as error:
            channel.transport.lose(error.reason)
            raise
        finally:
            self._state.unsynchronised = True
        self._state.waits = False

    def close(self) -> None:
        self._heartbeat.end()
        super().close()

    def _forget_hold(self) -> None:
        """The controller has started anew: what was held is gone."""
        self._state.hold_wanted = False

    # -- a command -----------------------------------------------------------------------------

    def _may_begin(self) -> None:
        if self._state.waits:
            raise DriverError(_WAITS)

    # -- from outside --------------------------------------------------------------------------

    def hold(self) -> None:
        """No further line is sent; what is planned already is carried out."""
        self._state.hold_wanted = True

    def resume(self) -> None:
        """Also where the controller itself waits for a person: M108."""
        channel = self._channel
        if self._controls.latched:
            raise DriverError("an emergency stop is latched")
        paused = channel.condition.paused
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
        channel.be_patient()
        self._state.hold_wanted = False
        self._state.go_on = paused
        channel.wake()
        if paused or waits:
            self._until_it_goes_on()

    def _until_it_goes_on(self) -> None:
        channel = self._channel
        deadline = time.monotonic() + _GOES_ON_S
        while channel.condition.paused and channel.lost is None:
            if time.monotonic() > deadline:
                self._state.go_on = False
                raise DriverError(
                    f"{_WAITS} still (paused for user): press its button; M108 reaches only a "
                    "firmware with EMERGENCY_PARSER"
                )
            # a command sends it itself; between two of them nobody else does
            if not self._controls.running:
                with channel.turn_if_free() as ours:
                    if ours and self._state.go_on:
                        self._state.go_on = False
                        channel.put(GO_ON, None, end_other=self._state.waits)
                        self._state.unsynchronised = True
            channel.wait(_WAKE_S)
        if self._state.waits:
            with channel.turn:
                self._meet_again()
            if self._state.waits:
                raise DriverError(f"{_WAITS} again (paused for user)")

    def stop(self) -> None:
        if self._controls.ask_to_stop():
            self._channel.wake()
        elif self._state.emergency_parser and self._channel.lost is None:
            self._stopping.quick_stop()

    def why_no_raw_line(self, line: str) -> str | None:
        return super().why_no_raw_line(line) or why_not_marlin(line)

    def _lost_by_stop(self, *, first: bool) -> str | None:  # noqa: ARG002
        self._state.unsynchronised = True
        lost = self._controls.running or self._halts
        return "of an emergency stop" if lost else None

    def _stop_at_once(self) -> None:
        lines = self._stopping.lines_under_way()
        halts = self._halts
        try:
            self._channel.urgent(SHUTDOWN if halts else QUICK_STOP)
        finally:
            if not halts:
                self._stopping.stop_again(lines)

    @property
    def _halts(self) -> bool:
        """An emergency stop switches the motors off."""
        return self._state.options.emergency == "M112"

    def _read_options(self, options: Mapping[str, Any]) -> MarlinOptions:
        return read_options(self._robot, options)

    # -- how it pauses -------------------------------------------------------------------------

    def _pause(self) -> Pause:
        # until it is known who it is, nothing begins
        paused = self._channel.condition.paused or self._state.waits
        wanted = self._state.hold_wanted
        planned = self._planned() if wanted and not paused else 0
        return Pause(
            held=wanted or paused,
            because=self._paused_because() if paused else "",
            still_moving=planned > 0,
            planned_moves=planned,
        )

    def _position_known(self) -> bool:
        state = self._state
        return super()._position_known() and not state.waits and not state.short_mm

    def _planned(self) -> int:
        """The most motions that are carried out before it stands."""
        channel = self._channel
        with channel.still():
            coming = sum(line.motion for line in channel.under_way())
            most = coming + _PLANNER if self._state.emergency_parser else max(1, coming)
            return min(most, channel.motions_sent - channel.motions_over)

    def _paused_because(self) -> str:
        lines = self._channel.under_way()
        if lines and not {"M0", "M1"}.isdisjoint(lines[0].codes):
            return "reason.program_pause"
        at_machine = (
            self._recognition.needed if self._state.waits else not self._state.emergency_parser
        )
        return "reason.paused_at_machine" if at_machine else "reason.paused_for_user"

    # -- what it tells of itself ---------------------------------------------------------------

    def _identity_details(self) -> JsonObject:
        return {
            "firmware": self._identity.firmware,
            "identity": self._identity.told.whole,
            "emergency_parser": self._state.emergency_parser,
        }

    def _values(self) -> LiveValues:
        channel, now = self._channel, time.monotonic()
        values: dict[str, LiveValue] = {}
        if channel.condition.point_at:
            age_s = max(0.0, now - channel.condition.point_at)
            for axis, value in zip("xyz", channel.condition.point, strict=False):
                values[f"target_{axis}"] = LiveValue(value=value, unit="mm", age_s=age_s)
        age_s = max(0.0, now - channel.condition.temperatures_at)
        for name, degrees in channel.condition.temperatures.items():
            values[_HEATERS.get(name, f"temperature_{name.lower()}")] = LiveValue(
                value=degrees, unit="°C", age_s=age_s
            )
        return values

    def _point_details(self) -> JsonObject:
        # Marlin tells where it is going to, not where it is
        target = zip("xyz", self._channel.condition.point, strict=False)
        details: dict[str, Any] = {f"target_{axis}_mm": value for axis, value in target}
        if self._state.short_mm and self._position.why_lost is None:
            left = ", ".join(f"{axis} {mm:g} mm" for axis, mm in self._state.short_mm.items())
            details["position_unknown_because"] = (
                f"Marlin keeps what is shorter than six steps for the next motion: up to {left} of "
                "the last one may be left"
            )
        return details
