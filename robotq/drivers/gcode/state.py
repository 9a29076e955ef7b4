"""What is known of one robot, and wanted of it, beside the conversation with its controller."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from robotq.drivers.gcode.options import GcodeOptions

OptionsT = TypeVar("OptionsT", bound=GcodeOptions)


@dataclass(slots=True, kw_only=True)
class RobotState(Generic[OptionsT]):
    """Shared by the parts of one robot. Any thread may set a field: each stands for itself."""

    options: OptionsT
    hold_wanted: bool = False
    """`hold` was called, and the controller does not show it."""
    unsynchronised: bool = False
    """The controller may still have lines of an earlier command."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """How a robot is held; the fields are those of DriverStatus."""

    held: bool
    because: str = ""
    still_moving: bool = False
    planned_moves: int | None = 0
