"""A small pump of these tests, and how it is written down."""

from __future__ import annotations

import time
from typing import Any

OPTIONS: dict[str, Any] = {
    "who": {"send": "ID?", "expect": r"ID (?P<serial>\w+)"},
    "answer_s": 0.5,
    "resync": {"quiet_s": 0.02, "wait_s": 1.0},
    "error": {"ERR 4": "it is blocked"},
    "safe_state": [
        {"send": "HALT", "expect": "OK", "poll": {"send": "BUSY?", "expect": "[01]", "until": "0"}},
    ],
    "commands": {
        "PUMP": {
            "params": {"volume_ml": {"min": 0, "max": 5_000}},
            "send": "GO {params.volume_ml:.1f}",
            "expect": "OK",
            "step": "PUMPING",
            "poll": {"send": "BUSY?", "expect": "[01]", "until": "0", "every_s": 0.05},
        },
        "VOLUME": {
            "query": True,
            "send": "VOL?",
            "reads": True,
            "expect": r"VOL (?P<volume_ml>[0-9.]+)",
            "types": {"volume_ml": "number"},
        },
        "MEASURE": {
            "send": "VOL?",
            "reads": True,
            "expect": r"VOL (?P<volume_ml>[0-9.]+)",
            "types": {"volume_ml": "number"},
        },
        "FLUSH": {"send": "FLUSH", "expect": "OK"},
    },
}


class Pump:
    """Pumps 10 ml a second."""

    def __init__(self, serial: str = "P1") -> None:
        self.serial = serial
        self.moves = 0
        self.refuse: list[str] = []
        """Answers to the next GO and FLUSH, in place of what they do."""
        self._began = self._until = 0.0

    def __call__(self, line: str) -> str | None:
        word, _, rest = line.partition(" ")
        match word:
            case "ID?":
                return f"ID {self.serial}"
            case "BUSY?":
                return "1" if time.monotonic() < self._until else "0"
            case "VOL?":
                return f"VOL {self.volume_ml():.3f}"
            case "HALT":
                self._until = min(self._until, time.monotonic())
                return "OK"
            case "GO" | "FLUSH" if self.refuse:
                return self.refuse.pop(0)
            case "FLUSH":
                return "OK"
            case "GO":
                self.moves += 1
                self._began = time.monotonic()
                self._until = self._began + float(rest) / 10
                return "OK"
            case _:
                return "ERR 1"

    def volume_ml(self) -> float:
        return 10 * max(0.0, min(time.monotonic(), self._until) - self._began)

    @property
    def moves_now(self) -> bool:
        return time.monotonic() < self._until

    def motions(self) -> int:
        """Begun ones, and how far the last one has come: the judge."""
        return 1_000_000 * self.moves + round(1_000 * self.volume_ml())
