"""One request of a client, and how it is made. No I/O."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from robotq.model.json import JsonObject, JsonValue

_T_co = TypeVar("_T_co", covariant=True)

READ_IN_S = 500_000
"""Bytes of a program that the daemon reads in a second, at least, before it answers."""


class Repeat(Enum):
    """When a request may be sent again after it got no answer."""

    UNSENT = auto()
    """Only where it never reached the daemon: a second one could do something twice."""
    QUEUED = auto()
    """Also where it may have; its key makes sure that it counts once, if the command is one of
    those that are queued."""
    ALWAYS = auto()
    """A second one changes nothing, or stops what is stopped already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[_T_co]):
    """One request."""

    method: str
    path: str
    read: Callable[[Any], _T_co]
    """What the answer means."""
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    repeat: Repeat = Repeat.UNSENT
    cmd_type: str = ""
    """With `Repeat.QUEUED`, the command that has to be one that is queued."""
    wait_s: float = 0.0
    """Wall seconds that the daemon may take on purpose."""

    @property
    def target(self) -> str:
        """Path and query as they stand in the request."""
        query = "&".join(f"{quote(key)}={quote(value)}" for key, value in self.query.items())
        return f"{self.path}?{query}" if query else self.path


def new_key() -> str:
    """An Idempotency-Key that nobody has used."""
    return uuid.uuid4().hex


def command_of(
    command: str | JsonObject, params: JsonValue, fields: Mapping[str, Any]
) -> JsonObject:
    """The body of a command: a `cmd_type` with its params, or a whole command; `fields` that
    are not None go over it."""
    body = {"cmd_type": command} if isinstance(command, str) else dict(command)
    if params is not None:
        body["params"] = params
    return {**body, **{key: value for key, value in fields.items() if value is not None}}


def about(**fields: Any) -> JsonObject:
    """What a confirmation names, without what it leaves open."""
    return {
        key: list(value) if key == "holds" else value
        for key, value in fields.items()
        if value is not None and value != ""
    }


def get(
    path: str, read: Callable[[Any], _T_co], query: Mapping[str, str] | None = None
) -> Call[_T_co]:
    return Call(method="GET", path=path, read=read, query=query or {}, repeat=Repeat.ALWAYS)


def post(
    path: str,
    body: JsonValue,
    read: Callable[[Any], _T_co],
    *,
    query: Mapping[str, str] | None = None,
    repeat: Repeat = Repeat.UNSENT,
) -> Call[_T_co]:
    content = as_json(body)
    return Call(
        method="POST",
        path=path,
        read=read,
        query=query or {},
        body=content,
        repeat=repeat,
        wait_s=len(content) / READ_IN_S,
    )


def keyed(call: Call[_T_co], key: str, *, repeat: Repeat, cmd_type: str = "") -> Call[_T_co]:
    # a daemon in synchronous mode would keep the connection until the robot has moved
    headers = {"Idempotency-Key": key, "Prefer": "respond-async"}
    return replace(call, headers=headers, repeat=repeat, cmd_type=cmd_type)


def query_of(values: Mapping[str, Any]) -> Mapping[str, str]:
    return {key: str(value) for key, value in values.items() if value is not None}


def part(text: str) -> str:
    return quote(text, safe="")


def as_json(value: JsonValue) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


def as_it_is(answer: Any) -> Any:
    return answer
