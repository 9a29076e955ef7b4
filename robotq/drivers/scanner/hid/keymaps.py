"""Which letter a key is, by the country that the scanner is set to. Numbers of keys as in
linux/input-event-codes.h; letters as in the layouts of xkeyboard-config."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

ENTER, TAB, SPACE, KP_ENTER = 28, 15, 57, 96
SHIFTS = frozenset({42, 54})
CTRLS = frozenset({29, 97})
ALT_GR = 100
HELD = SHIFTS | CTRLS | {ALT_GR}
"""Keys that are held while others are pressed."""
ENDS: Mapping[int, str] = {ENTER: "\r", KP_ENTER: "\r", TAB: "\t"}

_ROWS = (range(2, 14), range(16, 28), (*range(30, 42), 43), (86, *range(44, 54)))
"""The keys that carry letters, row by row."""
_KEYPAD = dict(zip((71, 72, 73, 75, 76, 77, 79, 80, 81, 82), "7894561230", strict=True))
_KEYPAD |= {55: "*", 74: "-", 78: "+", 98: "/"}
_NONE = "\0"
"""A dead key, or one without a letter: it says nothing that is certain."""


@dataclass(frozen=True, slots=True)
class Keymap:
    plain: Mapping[int, str]
    shifted: Mapping[int, str]
    alt_gr: Mapping[int, str]
    keypad: Mapping[int, str]


def _level(*rows: str) -> dict[int, str]:
    return {
        key: letter
        for keys, letters in zip(_ROWS, rows, strict=True)
        for key, letter in zip(keys, letters, strict=True)
        if letter != _NONE
    } | {SPACE: " "}


KEYMAPS: Mapping[str, Keymap] = {
    "us": Keymap(
        _level("1234567890-=", "qwertyuiop[]", "asdfghjkl;'`\\", "\0zxcvbnm,./"),
        _level("!@#$%^&*()_+", "QWERTYUIOP{}", 'ASDFGHJKL:"~|', "\0ZXCVBNM<>?"),
        {},
        _KEYPAD | {83: "."},
    ),
    "de": Keymap(
        _level("1234567890ß\0", "qwertzuiopü+", "asdfghjklöä\0#", "<yxcvbnm,.-"),
        _level('!"§$%&/()=?\0', "QWERTZUIOPÜ*", "ASDFGHJKLÖÄ°'", ">YXCVBNM;:_"),
        {3: "²", 4: "³", 8: "{", 9: "[", 10: "]", 11: "}", 12: "\\", 16: "@", 18: "€", 27: "~",
         50: "µ", 86: "|"},
        _KEYPAD | {83: ","},
    ),
}  # fmt: skip
