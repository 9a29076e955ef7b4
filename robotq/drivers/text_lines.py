"""The lines of a text as controllers tell them apart."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_END = re.compile("\r\n|\r|\n")
_BYTE_ORDER_MARK = "\ufeff"
_BLOCK = 65_536
"""Characters that are divided in one go: a moment, also where the text has 64 million."""


def split_lines(text: str) -> Iterator[str]:
    """The lines of a text, by LF, CR LF, or CR and by nothing else: a comment may hold U+2028 or a
    form feed."""
    return _split(text, len(_BYTE_ORDER_MARK) if text.startswith(_BYTE_ORDER_MARK) else 0)


def split_blocks(blocks: Iterable[str]) -> Iterator[str]:
    """The lines of a text that comes in blocks, which are not whole lines."""
    rest: list[str] = []
    begun = False
    for each in blocks:
        block = each
        if not begun and block:
            begun = True
            block = block.removeprefix(_BYTE_ORDER_MARK)
        rest.append(block)
        if "\n" not in block and "\r" not in block:
            # a line without an end is not put together anew with each block
            continue
        text = "".join(rest)
        # a CR at the end of a block may be the half of a line end
        end = max(text.rfind("\n"), text.rfind("\r", 0, len(text) - 1)) + 1
        yield from _split(text[:end], 0)
        rest = [text[end:]]
    yield from _split("".join(rest), 0)


def _split(text: str, at: int) -> Iterator[str]:
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
