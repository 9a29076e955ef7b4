"""reference/errors.md: every error code."""

from __future__ import annotations

from docs.make.markdown import cell, code
from robotq.api.robot.table import ROUTES
from robotq.api.routes import COMMON_ERRORS
from robotq.model.errors import ERROR_CODES, ErrorCode

_HEAD = """# Reference: errors

Every refusal has the same form, and an HTTP status:

```json
{"success": false, "code": 1004, "error_code": "unknown_command", "message": "Unknown command type: FLY. GET /commands lists what this daemon knows."}
```

`code` and `error_code` are stable; `message` is for people, in Chinese or English as the client prefers. Further keys are the arguments of the message, such as `field` and `reason`. A task that failed carries the same three, and so does the answer to who waited for its end.

*Again* says whether the same request can succeed later without anything being changed in it; a 503 of that kind has a `Retry-After` header.

| code | error_code | HTTP | again | |
|---|---|---|---|---|
"""


def page() -> str:
    rows = sorted(ERROR_CODES.values(), key=lambda row: row.number)
    lines = [
        f"| {row.number} | [{row.name}](#{row.name}) | {row.http_status} | {_again(row)} "
        f"| {cell(row.en)} |\n"
        for row in rows
    ]
    return _HEAD + "".join(lines) + "".join(_section(row) for row in rows)


def _again(row: ErrorCode) -> str:
    return "yes" if row.retry else "no"


def _section(row: ErrorCode) -> str:
    return (
        f"\n### {row.name}\n\n"
        f"{row.number}, HTTP {row.http_status}, again: {_again(row)}.\n\n"
        f"- en: {row.en}\n- zh: {row.zh}\n\n"
        f"Answered by: {_where(row.name)}.\n"
    )


def _where(name: str) -> str:
    if name in COMMON_ERRORS:
        return "every route"
    routes = [code(f"{route.method} {route.path}") for route in ROUTES if name in route.errors]
    if not routes:
        routes = [
            code(f"{route.method} {route.path}") for route in ROUTES if name in route.error_codes
        ]
    return ", ".join(routes) or "no route of this interface"
