"""What a controller can, and how it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from robotq.drivers.jogging import JogLimits
from robotq.model.carried.live_value import LiveValues
from robotq.model.json import JsonObject


class Acknowledgement(StrEnum):
    """What the controller means when it acknowledges a command."""

    RECEIVED = "received"
    PLANNED = "planned"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a controller can and cannot do; shown at /robots."""

    simulated: bool = False
    acknowledgement: Acknowledgement = Acknowledgement.FINISHED
    stop_out_of_band: bool = False
    """A stop reaches the controller while it is busy."""
    position_survives_stop: bool = False
    """After a stop the controller still knows where the robot stands."""
    immediate_while_busy: bool = False
    """Immediate commands are served while a command runs."""
    can_hold: bool = False
    """The robot can pause in the middle of a motion and go on."""
    raw_lines: bool = False
    """A person can send it lines in its own language. See `drivers.raw_lines`."""


class LinkState(StrEnum):
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverStatus:
    """What the driver knows right now, without asking the controller for more than a moment."""

    link: LinkState
    held: bool = False
    """The motion is paused, or is coming to that: nothing more begins until `resume`. Also where
    the robot has paused by itself; not where a stop of the driver itself slows it down."""
    held_because: str = ""
    """What the robot says, where it has paused by itself: a code `reason.…` of `model.texts`,
    or its own words. Empty where `hold` has paused it."""
    still_moving: bool = False
    """It is held, and has not come to rest yet."""
    planned_moves: int | None = None
    """While `still_moving`: the most motions that are carried out before it rests. None where
    nobody can say."""
    position_known: bool = True
    place: str | None = None
    """Where the robot stands, None between two places or when unknown."""
    devices: Mapping[str, JsonObject] = field(default_factory=dict)
    """Device beside the robot -> `connected`, `reason`, `safe_state`."""
    jog: JogLimits | None = None
    """How it may be moved by hand now; None where it cannot. See `drivers.jogging`."""
    details: JsonObject = field(default_factory=dict)
    """Anything else worth showing, e.g. battery, firmware, coordinates in millimetres."""
    values: LiveValues = field(default_factory=dict)
    """Numbers that the robot tells of itself, by name, each with the time since it was heard:
    shown beside their normal range, and with their course over the last hour."""
