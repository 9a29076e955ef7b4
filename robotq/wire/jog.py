"""The connection over which a button is held: messages of the daemon, and the answers to them."""

from __future__ import annotations

from typing import Annotated

from robotq.wire.base import Answer, Object, missing, one_of


class Beat(Answer, kw_only=True):
    """Sent twenty times a second. Who holds the button answers each at once with `{"n": n}`, and
    nothing else keeps the robot moving."""

    type: Annotated[str, one_of("beat")]
    n: int


class JogRefused(Answer, kw_only=True):
    """The robot is not moved; the connection is closed."""

    type: Annotated[str, one_of("refused")]
    error_code: str
    message: str


class JogEnded(Answer, kw_only=True):
    """The robot stands, and the jog is in the journal; the connection is closed."""

    type: Annotated[str, one_of("ended")]
    reason: str
    message: str
    """The same in words."""
    moved_mm: float | None = missing()
    """Null where the controller does not tell."""
    start: Object = missing({})
    end: Object = missing({})
    """Axis -> mm, as the controller tells them."""
