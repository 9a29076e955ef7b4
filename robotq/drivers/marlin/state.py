"""What is known of one robot, and wanted of it, beside the conversation with its controller."""

from __future__ import annotations

from dataclasses import dataclass

from robotq.drivers.marlin.options import MarlinOptions


@dataclass(slots=True, kw_only=True)
class State:
    """Shared by the parts of one robot. Any thread may set a field: each stands for itself."""

    options: MarlinOptions
    emergency_parser: bool = False
    """The firmware acts upon M108, M112 and M410 at once, also while it is busy."""
    hold_wanted: bool = False
    go_on: bool = False
    """The controller waits for a person, and is to be told that it may go on."""
    waits: bool = False
    """The link is there, and who it is could not be asked: it waits for a person."""
    unsynchronised: bool = True
    """Which lines the controller has is not known."""
