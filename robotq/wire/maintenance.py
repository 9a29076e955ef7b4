"""What is to be seen to at robots."""

from __future__ import annotations

from typing import Annotated

from robotq.wire.base import Answer, Success, one_of


class Item(Answer, kw_only=True):
    """One thing to be seen to, as it stands now."""

    robot_id: str
    item: str
    counts: str
    """commands, hours, days, or a cmd_type."""
    used: float
    """Since somebody has seen to it last."""
    every: float
    state: Annotated[str, one_of("ok", "soon", "due")]
    holds: bool
    """The queue of its robot is paused while it is due."""
    since_ms: int
    done_by: str
    """robotq: it counts from there on."""
    text: str


class Maintenance(Answer, kw_only=True):
    items: tuple[Item, ...]


class MaintenanceDone(Answer, kw_only=True):
    success: Success
    message: str
    item: Item
