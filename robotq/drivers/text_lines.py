"""The lines of a text as controllers tell them apart."""

from __future__ import annotations

import re
from collections.abc import Iterator

_END = re.compile("\r\n|\r|\n")
_BYTE_ORDER_MARK = "\ufeff"
_BLOCK = 65_536
"""Characters that are divided in one go: a moment, also where the text has 64 million."""


def split_lines(text: str) -> Iterator[str]:
    """The lines of a text, by LF, CR LF, or CR and by nothing else: a comment may hold U+2028 or a
    form feed."""
    at = len(_BYTE_ORDER_MARK) if text.startswith(_BYTE_ORDER_MARK) else 0
    while at < len(text):
        end = _end_of_a_line(text, at + _BLOCK)
        block = text[at:end]
        if "\r" in block:
            block = block.replace("\r\n", "\n").replace("\r", "\n")
        lines = block.split("\n")
        if not lines[-1]:
            # what ends with a line end has no line behind it
            del lines[-1]
        yield from lines
        at = end


def _end_of_a_line(text: str, at: int) -> int:
    """Behind the first line end from `at` on."""
    found = _END.search(text, at)
    return len(text) if found is None else found.end()
