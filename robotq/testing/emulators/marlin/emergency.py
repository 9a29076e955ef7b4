"""The emergency parser: a look at every byte as it comes, ahead of the buffers.

As in Marlin's e_parser.h: a byte that does not go on with one of its words has the rest of the line
left out, and so has the end of a line in the middle of a word or of a line number. Then it is the
next line that is left out.
"""

from __future__ import annotations

_WORDS = ("M108", "M112", "M410")
_PARTS = frozenset(word[:length] for word in _WORDS for length in range(2, 5))
_ENDS = "\r\n"
_BEGINS, _NUMBER, _LETTER, _LEFT_OUT = "", "N", "M", "-"


class EmergencyParser:
    def __init__(self) -> None:
        self._state = _BEGINS

    def commands(self, data: bytes) -> list[str]:
        """The emergency commands that have ended with these bytes."""
        found = []
        for byte in data.decode("latin-1"):
            if self._state in _WORDS and byte in _ENDS:
                found.append(self._state)
            self._state = _after(self._state, byte)
        return found


def _after(state: str, byte: str) -> str:
    if state in _WORDS or state == _LEFT_OUT:
        # whatever stands behind a word is no part of it
        return _BEGINS if byte in _ENDS else state
    if state == _BEGINS:
        if byte == " " or byte in _ENDS:
            return state
        return byte if byte in (_NUMBER, _LETTER) else _LEFT_OUT
    if state == _NUMBER:
        if byte in "0123456789- ":
            return state
        return _LETTER if byte == "M" else _LEFT_OUT
    if state == _LETTER and byte == " ":
        return state
    return state + byte if state + byte in _PARTS else _LEFT_OUT
