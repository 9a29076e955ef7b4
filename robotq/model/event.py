"""A row of the journal: who changed what, when, from what to what."""

from __future__ import annotations

import msgspec

from robotq.model.json import JsonObject


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Append-only. Numbered by the store in the order of the commits."""

    kind: str
    """`task.submitted`, `task.claimed`, `task.step`, `hold.set`, `estop.latched`, ..."""
    at_ms: int
    actor: str
    api: str | None = None
    robot: str | None = None
    """The robot or queue."""
    task_id: str | None = None
    before: str | None = None
    """State before, where the event is a change of state."""
    after: str | None = None
    data: JsonObject = msgspec.field(default_factory=dict)
    id: int = 0
    """Given by the store; 0 before it is stored."""
