"""Shapes of what changes the order of waiting tasks."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from robotq.engine.intake import PRIORITY_WORDS

_BODY = ConfigDict(extra="forbid", frozen=True)

Priority = Annotated[
    Any,
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": -10, "maximum": 10},
                {"enum": list(PRIORITY_WORDS)},
            ]
        }
    ),
]


class ReorderBody(BaseModel):
    """One of `before`, `after` and `to` says where."""

    model_config = _BODY

    task_id: str = Field(description="A waiting task; a contiguous batch moves as one.")
    before: str | None = Field(
        default=None, description="Right before this task, which waits for the same robot."
    )
    after: str | None = Field(default=None, description="Right after this one.")
    to: Literal["head", "end"] | None = Field(
        default=None, description="Before all that waits, or behind it."
    )


class PriorityBody(BaseModel):
    """Where a task of this priority stands that arrived when it did."""

    model_config = _BODY

    priority: Priority = Field(description="-10 to 10, higher first; the words are -5, 0 and 5.")


class MovedTask(BaseModel):
    """A task stands elsewhere in its queue, or stood there already; it is on disk."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    success: Literal[True]
    message: str
    task_id: str
    robot_id: str
    task_ids: list[str] = Field(
        description="What stands there now, in order: the task, or its contiguous batch."
    )
    position: int | None = Field(
        description="Of the first of them, 1 at the head; null where it runs by now."
    )
    priority: int
    revision: int = Field(description="Of the queue of this robot; also in the header ETag.")
