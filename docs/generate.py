"""Writes the tables of http.md and errors.md, which are made from tables in the code.

python docs/generate.py
"""
# ruff: noqa: INP001 - a script, not a package

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from robotq.api.robot.table import ROUTES
from robotq.model.errors import ERROR_CODES

FOLDER = Path(__file__).parent

_TABLE = re.compile(r"(?<=<!-- generated -->\n).*?(?=<!-- end -->)", re.DOTALL)


def routes() -> str:
    """Every path of the robot interface."""
    rows = [
        f"| `{route.method} {route.path}` | {route.scope.value} | {route.summary} |\n"
        for route in ROUTES
    ]
    return "| | needs | |\n|---|---|---|\n" + "".join(rows)


def errors() -> str:
    """Every error code, by number."""
    rows = [
        f"| {row.number} | {row.name} | {row.http_status} "
        f"| {row.en} | {'yes' if row.retry else ''} |\n"
        for row in sorted(ERROR_CODES.values(), key=lambda row: row.number)
    ]
    head = "| code | error_code | HTTP | says | again? |\n|---|---|---|---|---|\n"
    return head + "".join(rows)


PAGES: Mapping[str, Callable[[], str]] = {"http.md": routes, "errors.md": errors}


def page(name: str) -> str:
    """The page on disk with its table made anew."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    table = PAGES[name]()
    return _TABLE.sub(lambda _: table, text)


def main() -> None:
    for name in PAGES:
        (FOLDER / name).write_text(page(name), encoding="utf-8")


if __name__ == "__main__":
    main()
