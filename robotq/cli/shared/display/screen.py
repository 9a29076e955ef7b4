"""Plain lines and tables on standard output, with colours on a terminal.

What moves on the screen is drawn by rich, which takes longer to load than the daemon takes to
answer; a status and a stop do without it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TypeAlias

import orjson

from robotq.cli.shared.words import columns

Piece: TypeAlias = str | tuple[str, str]
"""A text, or a text with its style."""

_STYLES = {
    "bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36",
    "bold red": "1;31", "bold green": "1;32",
}  # fmt: skip


def show(*pieces: Piece) -> None:
    """Print one line."""
    coloured = _coloured()
    print("".join(_drawn(piece, coloured) for piece in pieces))


def show_table(head: Sequence[str], rows: Sequence[Sequence[Piece]]) -> None:
    """Print rows below their heads; no line is broken, and none is cut."""
    coloured = _coloured()
    widths = [columns(name) for name in head]
    for row in rows:
        for index, cell in enumerate(row):
            widths[index] = max(widths[index], columns(_text(cell)))
    for row in ([(name, "bold") for name in head], *rows):
        cells = [
            _drawn(cell, coloured) + " " * (width - columns(_text(cell)))
            for cell, width in zip(row, widths, strict=True)
        ]
        print(f" {'  '.join(cells)}".rstrip())


def show_json(value: object) -> None:
    """What a program can read; on a terminal coloured by rich."""
    if sys.stdout.isatty():
        # only a person waits for it
        from robotq.cli.shared.display.show import new_console, print_json  # noqa: PLC0415

        print_json(new_console(), value)
    else:
        print(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


def _text(piece: Piece) -> str:
    return piece if isinstance(piece, str) else piece[0]


def _drawn(piece: Piece, coloured: bool) -> str:
    text = _text(piece)
    if not text.isprintable():
        # somebody else's words move no cursor
        text = "".join(sign if sign.isprintable() or sign == "\n" else "�" for sign in text)
    style = "" if isinstance(piece, str) else piece[1]
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if coloured and style and text else text


def _coloured() -> bool:
    told = os.environ
    return sys.stdout.isatty() and not told.get("NO_COLOR") and told.get("TERM") != "dumb"
