"""What is known of one Marlin beside the conversation with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from robotq.drivers.gcode.state import RobotState
from robotq.drivers.marlin.options import MarlinOptions


@dataclass(slots=True, kw_only=True)
class State(RobotState[MarlinOptions]):
    emergency_parser: bool = False
    """The firmware acts upon M108, M112 and M410 at once, also while it is busy."""
    firmware: str = ""
    """What it calls itself; empty where it has not said so."""
    go_on: bool = False
    """The controller waits for a person, and is to be told that it may go on."""
    waits: bool = False
    """The link is there, and who it is could not be asked: it waits for a person."""
    short_mm: Mapping[str, float] = field(default_factory=dict)
    """By how much the robot may stand short of where the last motion leads to, axis by axis."""
    unsynchronised: bool = True
