"""What is asked of tasks, and what is to be done to one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, get_args

from pydantic import ConfigDict, Field, RootModel

from robotq.api.robot.models.base import Body, Note, Query, Reason, Status, Then
from robotq.model.task import TaskState


class TaskQueryParameters(Query):
    wait: float = Field(
        default=0, ge=0, le=60, description="Seconds to wait for the end of the task."
    )


def _words_between_commas(words: Iterable[str]) -> dict[str, Any]:
    # described and not checked here, since the handler tells it better
    word = f"({'|'.join(words)})"
    return {"pattern": f"^({word}(,{word})*)?$"}


class TaskFilters(Query):
    """Which tasks are meant."""

    api: str | None = None
    robot_id: str | None = None
    state: str | None = Field(
        default=None,
        description="One or more, between commas.",
        json_schema_extra=_words_between_commas(TaskState),
    )
    status: str | None = Field(
        default=None,
        description="The documented words, between commas.",
        json_schema_extra=_words_between_commas(get_args(Status)),
    )
    cmd_type: str | None = None
    cmd_id: str | None = None
    batch_id: str | None = None
    repeat_of: str | None = Field(
        default=None, description="The runs of a repeating command, by the id of any of them."
    )
    error_code: str | None = None
    from_: str | None = Field(
        default=None,
        alias="from",
        description="Submitted at or after: a time as in answers, ISO 8601, or milliseconds "
        "since 1970.",
    )
    to: str | None = Field(default=None, description="Submitted before.")
    cursor: int | None = Field(
        default=None, ge=1, le=2**62, description="`next_cursor` of the page before."
    )


class TasksQuery(TaskFilters):
    limit: int = Field(default=50, ge=1, le=500)


class ExportQuery(TaskFilters):
    limit: int = Field(
        default=10_000, ge=1, le=100_000, description="Rows; the last one says how to go on."
    )


class CancelBody(Body):
    reason: Reason = ""


class CancelManyBody(Body):
    """Which tasks are meant, and, to cancel them, what the answer without `count` has told."""

    task_ids: list[str] | None = Field(default=None, max_length=10_000)
    batch_id: str | None = None
    robot_id: str | None = Field(
        default=None, description="A robot, also one that is not configured, or a worker queue."
    )
    cmd_type: str | None = None
    cmd_id: str | None = None
    group: str | None = Field(
        default=None, description="What their workers match: a group, a work directory."
    )
    api: str | None = Field(default=None, description="The interface through which they came.")
    state: Literal["pending", "running", "pending,running"] = Field(
        default="pending", description="With `running`, those that run are stopped."
    )
    all: bool = Field(
        default=False, description="Has to be true where nothing else says which are meant."
    )
    count: int | None = Field(default=None, ge=0, description="As told; refused if it differs.")
    up_to: int | None = Field(
        default=None, ge=0, le=2**62, description="As told; what was submitted later stays."
    )
    reason: Reason = ""


class RestoreBody(Body):
    task_ids: list[str] = Field(
        min_length=1, max_length=1_000, description="Of commands that were cancelled waiting."
    )


class RetryBody(Body):
    then: Then = Field(
        default="continue",
        description="stay_paused: the queue is paused first, so that nothing starts.",
    )
    note: Note = ""


class RerunBody(RetryBody):
    from_line: int = Field(ge=2, le=3_000_000, description="Of the program as it was handed in.")
    seen: str | None = Field(
        default=None,
        description="As the answer without it has told; refused where something else would run.",
    )


class ResolveBody(Body):
    outcome: Literal["completed", "failed", "retry"]
    note: Note = ""
    revision: int | None = Field(
        default=None, description="Of the task as it was seen; refused where it has changed."
    )
    then: Then = Field(
        default="continue",
        description="stay_paused: a pause takes the place of the hold, so that nothing starts.",
    )


class RejectBody(Body):
    reason: Reason = ""
    revision: int | None = Field(
        default=None, description="Of the task as it was seen; refused where it has changed."
    )


class ApproveBody(Body):
    note: Reason = ""
    revision: int | None = Field(
        default=None, description="Of the task as it was seen; refused where it has changed."
    )
    then: Then = Field(default="continue", description="stay_paused: the queue is paused first.")


class InputQuery(Query):
    question: int | None = Field(
        default=None,
        description="`asked_at_ms` of the question that is meant; refused where another one is "
        "open by now.",
    )


class AnswerBody(RootModel[Any]):
    """Whatever the question's schema asks for."""

    model_config = ConfigDict(defer_build=True)
