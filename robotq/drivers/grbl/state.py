"""What is known of one GRBL beside the conversation with it."""

from __future__ import annotations

from dataclasses import dataclass

from robotq.drivers.gcode.state import RobotState
from robotq.drivers.grbl.options import GrblOptions


@dataclass(slots=True, kw_only=True)
class State(RobotState[GrblOptions]):
    own_hold: int | None = None
    """Which of the holds that were reported is the one that `hold` has asked for."""
    coming_to_rest: bool = False
    """A stop slows it down: it is no hold although it is reported like one."""
    planner_blocks: int | None = None
    """Motions that it keeps ahead, where it has said so."""
    rest_asked: bool = False
    """A stop has told the controller to slow down."""
