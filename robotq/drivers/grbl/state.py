"""What is known of one robot, and wanted of it, beside the conversation with its controller."""

from __future__ import annotations

from dataclasses import dataclass

from robotq.drivers.grbl.options import GrblOptions


@dataclass(slots=True, kw_only=True)
class State:
    """Shared by the parts of one robot. Any thread may set a field: each stands for itself."""

    options: GrblOptions
    hold_wanted: bool = False
    """`hold` was called, and the reports do not show it yet."""
    own_hold: int | None = None
    """Which of the holds that were reported is the one that `hold` has asked for."""
    coming_to_rest: bool = False
    """A stop slows it down: it is no hold although it is reported like one."""
    rest_asked: bool = False
    """A stop has told the controller to slow down."""
    unsynchronised: bool = False
    """The controller may still have lines of an earlier command."""
