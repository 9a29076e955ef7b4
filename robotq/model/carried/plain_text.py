"""Text from outside in one line: what would begin another line, or move a cursor, is escaped."""

from __future__ import annotations

import re

_CONTROL = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)
"""Control characters, line ends of other scripts, marks that turn the direction of writing, what
has no width, and halves of characters, which no stream can write."""


def plain(text: str, *, keep: str = "") -> str:
    """`text` with each of them as its escape, `\\x1b`; those in `keep` stay."""
    return _CONTROL.sub(lambda found: found[0] if found[0] in keep else _escape(found[0]), text)


def plain_json(encoded: str) -> str:
    """The same of a JSON text, which means what it meant: there they are escapes of JSON."""
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", encoded)


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def no_formula(told: str) -> str:
    """A text for a cell of a spreadsheet, which would carry out what begins like a formula, also
    behind blanks."""
    return f"'{told}" if told.lstrip(" ").startswith(_FORMULA) else told
