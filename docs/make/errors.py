"""reference/errors.md: every error code."""

from __future__ import annotations

from docs.make.markdown import code, table
from robotq.api.http.routes import COMMON_ERRORS
from robotq.api.root import ROUTES
from robotq.model.errors import ERROR_CODES, ErrorCode

_HEAD = """# Reference: errors

Every refusal has the same form, and an HTTP status:

```json
{
  "success": false,
  "code": 1004,
  "error_code": "unknown_command",
  "message": "Unknown command type: FLY. GET /commands lists what this daemon knows.",
  "cmd_type": "FLY"
}
```

`code` and `error_code` are stable; `message` is for people, in Chinese or English as the client
prefers. Further keys are the arguments of the message, such as `field` and `reason`. A task that
failed carries the same three, and so does the answer to whoever waited for its end.

*Again* says whether the same request can succeed later without anything being changed in it; a
503 of that kind has a `Retry-After` header.

"""


def page() -> str:
    rows = sorted(ERROR_CODES.values(), key=lambda row: row.number)
    overview = table(
        ("code", "error_code", "HTTP", "again"),
        (
            (str(row.number), f"[{row.name}](#{row.name})", str(row.http_status), _again(row))
            for row in rows
        ),
    )
    return _HEAD + overview + "".join(_section(row) for row in rows)


def _again(row: ErrorCode) -> str:
    return "yes" if row.retry else "no"


def _section(row: ErrorCode) -> str:
    return (
        f"\n### {row.name}\n\n"
        f"{row.number}, HTTP {row.http_status}, again: {_again(row)}.\n\n"
        f"- en: {row.en}\n- zh: {row.zh}\n{_read(row)}\n"
        f"Answered by: {_where(row.name)}.\n"
    )


def _read(row: ErrorCode) -> str:
    """What it says to whoever has only asked."""
    if row.read is None:
        return ""
    zh, en = row.read
    return f"- en, to a question: {en}\n- zh, to a question: {zh}\n"


def _where(name: str) -> str:
    if name in COMMON_ERRORS:
        return "every route"
    routes = [code(f"{route.method} {route.path}") for route in ROUTES if name in route.error_codes]
    return ", ".join(routes) or "no route of this interface"
