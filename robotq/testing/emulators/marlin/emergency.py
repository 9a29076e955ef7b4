"""The emergency parser: a look at every byte as it comes, ahead of the buffers."""

from __future__ import annotations

import re

_EMERGENCY = re.compile(rb"(?:^|[\r\n])[ \t]*(?:N\d+[ \t]*)?(M108|M112|M410)(?=[\r\n* \t])")
_KEPT = 96
"""Bytes of a line that has not ended yet."""


class EmergencyParser:
    def __init__(self) -> None:
        self._heard = b"\n"

    def commands(self, data: bytes) -> list[str]:
        """The emergency commands that have ended with these bytes."""
        heard = self._heard + data
        # a command counts when its line has ended
        end = max(heard.rfind(b"\n"), heard.rfind(b"\r"))
        self._heard = heard[max(end, 0) :][-_KEPT:]
        return [found[1].decode() for found in _EMERGENCY.finditer(heard[: end + 1])]
