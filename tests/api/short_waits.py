"""What schemathesis has to know about interfaces for workers; it loads this module by name."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import schemathesis
from schemathesis import Case, HookContext


@schemathesis.hook
def before_call(_context: HookContext, case: Case[Any], _how: dict[str, Any]) -> None:
    """Let nothing wait for long."""
    query: MutableMapping[str, Any] = case.query or {}
    if "wait" in query:
        query["wait"] = "0.05"
