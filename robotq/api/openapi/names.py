"""How an OpenAPI document names routes and groups them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from robotq.api.http.routes import Route

_GROUPS = {
    "": "commands",
    "task": "tasks",
    "estop": "emergency stop",
    "health": "daemon",
    "metrics": "daemon",
    "reload": "daemon",
    "openapi.json": "daemon",
    "docs": "daemon",
}
"""First part of a path -> the group in which it is shown; the others are shown under their own."""

_OF_NO_GROUP = ("api", "v1")
"""Parts of paths that say nothing of what they are about."""


def group_of(route: Route) -> str:
    """Under which heading the docs show a route."""
    parts = [part for part in route.path.split("/")[1:] if part not in _OF_NO_GROUP]
    first = parts[0] if parts else ""
    return _GROUPS.get(first, first)


def operation_id(route: Route) -> str:
    """The name of a route for programs, such as `post_task_cancel`."""
    parts = [part for part in route.path.split("/") if part]
    words = [part for part in parts if not part.startswith("{")] or ["root"]
    if parts and parts[-1].startswith("{"):
        words += ["by", parts[-1].strip("{}")]
    return "_".join([route.method.lower(), *words]).replace(".", "_").replace("-", "_")


def parts_of(path: str) -> Sequence[str]:
    """The names in a path that stand for something."""
    return re.findall(r"\{(\w+)\}", path)
