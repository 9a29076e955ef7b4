"""Lines of a text that is meant for a controller."""

from __future__ import annotations

import re
from collections.abc import Iterator

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
"""What ends a line for a controller, and nothing else: a comment may hold U+2028 or a form feed."""
_BYTE_ORDER_MARK = "\ufeff"


def split_lines(text: str) -> Iterator[str]:
    """The lines of a text as controllers tell them apart: by LF, CR LF, or CR."""
    for found in _LINE.finditer(text.removeprefix(_BYTE_ORDER_MARK)):
        if found.end() > found.start():
            yield found[0].rstrip("\r\n")
