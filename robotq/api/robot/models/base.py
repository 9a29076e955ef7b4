"""What requests have in common.

Small bodies are checked by their shapes; the two hot paths, `POST /` and `GET /task/{id}`, are
only described by them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypeAliasType

Status = Literal["pending", "running", "completed", "failed"]
Moment = str | float
"""ISO 8601, without a zone that of the daemon; seconds from now, such as `+90`, `+15m`, `+8h`,
`+2d`; seconds or milliseconds since 1970. Within 366 days from now."""
Reason = Annotated[str, Field(max_length=500)]
RobotId = TypeAliasType("RobotId", str)
"""The name of a robot of this daemon; any other is refused."""
Object = dict[str, Any]


class Query(BaseModel):
    """A query; parameters that nobody knows are passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)


class Body(BaseModel):
    """A body; a key that nobody knows is refused, since a misspelt `robot_id` would mean all."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


Note = Annotated[str, Field(max_length=2_000, description="Stands in the journal.")]
Then = Literal["continue", "stay_paused"]
"""Whether the queue goes on at once, or a pause takes the place of what held it."""


class NamingBody(Body):
    """What a confirmation is about. One that names nothing is taken only where one hold would
    be lifted, and that one is older than ten seconds."""

    holds: Annotated[list[str], Field(max_length=1_000)] | None = Field(
        default=None,
        description="Ids of the holds that are meant, all of each robot that is meant. Refused "
        "where one of them is over, or another one has come.",
    )
    note: Note = ""


class EmptyBody(Body):
    pass
