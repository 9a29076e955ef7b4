"""Shapes of what the dispatcher interface takes. They describe; what is refused, and
how, is in `reading`."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(max_length=200)]


class _Body(BaseModel):
    """Keys that nobody knows are passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)


class NewTaskBody(_Body):
    data: Any = Field(
        default=None, description="What is to be done; this or `messages` has to be there."
    )
    messages: Any = Field(default=None, description="The same in OpenAI's form.")
    model: Name | None = Field(default=None, description="Default: `default`.")
    group: Name | None = Field(
        default=None, description="Only its workers get the task. Default: `default`."
    )
    timeout: float | None = Field(
        default=None,
        description="Milliseconds for waiting and working. What is below or above the configured "
        "bounds counts as the bound.",
    )
    asynchronous: Any = Field(
        default=False, alias="async", description="true: answer at once, without the result."
    )


class SocketQuery(_Body):
    group: Name | None = None
    protocol: str | None = None
