"""Why nothing moves."""

from __future__ import annotations

from typing import Annotated

from robotq.model.hold import HoldCode, WaitCode
from robotq.wire.base import Answer, LocalTime, Object, Open, like, missing, one_of


class Clear(Answer, kw_only=True):
    """What clears a hold or a wait: a request, or waiting."""

    action: str
    method: str | None
    path: str | None
    body: Object | None
    asks: Object | None
    """JSON Schema of what a person adds to `body`; null where the request can be sent as it is."""
    text: str


class HeldMotion(Answer, kw_only=True):
    """What a held motion is like at this moment."""

    by_robot: bool
    """The robot has paused by itself: a pause in the program, a door, a button."""
    state: Annotated[str, one_of("holding", "held", "ended")]
    """holding: it has not come to rest yet. ended: a stop has ended the motion, and the queue still
    waits until a person resumes it."""
    planned_moves: int | None
    """The most motions that are carried out before it rests; null where nobody can say."""


class HoldSet(Answer, kw_only=True):
    """Somebody has set a hold."""

    actor: str
    reason: str
    """Empty where none was given."""
    at: LocalTime
    at_ms: int


class Hold(Answer, kw_only=True):
    id: str = missing("")
    robot_id: str
    code: Annotated[str, like(HoldCode)]
    reason: str
    since: LocalTime = missing("")
    since_ms: int
    """When it was set first."""
    actor: str
    """Who has set it last."""
    by: tuple[Annotated[Object, like(HoldSet)], ...] = missing(())
    """Everybody who has set it, when and why, the latest first. A resume lifts all."""
    task_id: str | None = missing()
    clear: Annotated[Object, like(Clear)] = missing({})
    motion: Annotated[Object, like(HeldMotion)] | None = missing()
    """Of motion_held only."""


class Wait(Open, kw_only=True):
    """Why one task is passed over for now; further keys say what it waits for."""

    code: Annotated[str, like(WaitCode)]
    reason: str
    queue: str = missing("")
    task_id: str | None = missing()
    since: LocalTime = missing("")
    since_ms: int = missing(0)
    clear: Annotated[Object, like(Clear)] = missing({})


class Reason(Open, kw_only=True):
    """Why something does not move: a hold of its queue, or what a task waits for. Further keys
    are those of that kind."""

    kind: Annotated[str, one_of("hold", "wait")]
    code: str
    """Of a hold, or of a wait."""
    queue: str
    task_id: str | None = missing()
    """The task that waits, or that the hold is about."""
    reason: str
    """In words."""
    since: LocalTime = missing("")
    since_ms: int
    clear: Annotated[Object, like(Clear)] = missing({})
