"""What schemathesis has to know about robots; it loads this module by name."""

from __future__ import annotations

from collections.abc import MutableMapping
from itertools import count
from typing import Any

import requests
import schemathesis
from schemathesis import Case, CheckContext, HookContext, Response

_EVERY = 15
"""Requests after which the lab is put right again, so that commands go on to run and to end."""

_calls = count(1)


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], how: dict[str, Any]) -> None:
    """Let nothing wait for long, and nothing stand still for long."""
    if case.operation.path == "/events":
        # as much of the stream as comes at once
        how["timeout"] = 0.2
        case.query.setdefault("last_event_id", 0)
    query: MutableMapping[str, Any] = case.query or {}
    headers: MutableMapping[str, Any] = case.headers or {}
    if "wait" in query:
        query["wait"] = "0.05"
    wait_s = case.body.get("wait_s") if isinstance(case.body, dict) else None
    if isinstance(case.body, dict) and isinstance(wait_s, int | float) and wait_s > 0:
        case.body["wait_s"] = min(wait_s, 0.05)
    waits = "wait" in headers.get("Prefer", "")
    if waits:
        headers["Prefer"] = "wait=1"
    if waits or next(_calls) % _EVERY == 0:
        put_right(case.operation.schema.get_base_url().rstrip("/"))


def put_right(url: str) -> None:
    """Clear the holds, and answer whatever is asked."""
    for action in ("reset", "resume_motion", "resume"):
        for hold in requests.get(f"{url}/queue/status", timeout=10).json()["holds"]:
            # each names what it is about: one that is over by now is refused
            if (clear := hold["clear"])["action"] == action:
                requests.post(f"{url}{clear['path']}", json=clear["body"], timeout=10)
    for queue in requests.get(f"{url}/queue/status", timeout=10).json()["robots"].values():
        if queue["running_task"] is not None:
            requests.post(f"{url}/task/{queue['running_task']}/cancel", timeout=10)


@schemathesis.check
def no_fault(_context: CheckContext, response: Response, _case: Case[Any]) -> None:
    """Other answers above 500 are documented: a full queue, a lost link, a timeout."""
    fault = response.status_code == 500 and b'"internal_error"' in response.content
    assert not fault, response.text
