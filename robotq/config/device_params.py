"""A command that a file of a device or a robot describes, and its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal, TypeAlias

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

STRICT = ConfigDict(extra="forbid", allow_inf_nan=False, defer_build=True)

Type: TypeAlias = Literal["text", "number", "integer"]
Bound: TypeAlias = float | str
"""A number, or an expression over `values`."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class DeviceParam:
    type: Type = "number"
    min: Bound | None = None
    """A smaller value is refused before anything is sent. A number, or an expression over
    `values`."""
    max: Bound | None = None
    """The same for a larger one."""
    one_of: list[str | float] = field(default_factory=list)
    """All that there is; every other value is refused."""
    pattern: str | None = None
    """A regular expression for a whole text. A text without it, and without `one_of`, cannot
    stand in a line."""
    default: str | float | None = None
    """Without it, a command that leaves the parameter out is refused."""
    title: str = ""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class DeviceCommand:
    """What is said of a command whatever carries it out."""

    params: Mapping[str, DeviceParam] = field(default_factory=dict)
    query: bool = False
    """It is answered at once, outside the queue. It only reads, and moves nothing."""
    title: Mapping[Literal["en", "zh"], str] = field(default_factory=dict)
    timeout_s: float = Field(default=600, gt=0)
    """Seconds that the whole command may take; then the device is stopped."""
    resources: list[str] = field(default_factory=list)
    approval: bool = False
