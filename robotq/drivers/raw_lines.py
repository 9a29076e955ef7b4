"""Lines that a person sends to a controller in its own language. No driver has to take them."""

from __future__ import annotations

from typing import Protocol

from robotq.model.json import JsonObject


class TakesRawLines(Protocol):
    """A driver with `Capabilities.raw_lines`."""

    def why_no_raw_line(self, line: str) -> str | None:
        """Why this line is never sent, in words; None: it may be. Waits for nothing."""

    def raw_line(self, line: str, limit_s: float) -> JsonObject:
        """Send it, on the thread of `execute`; returns when the robot stands and the controller is
        in the modes that commands begin with: `answer` (what it has said), `refused` (why it has
        not taken the line; None where it has).

        Nobody knows afterwards where the robot stands, also where this raises. After `limit_s`,
        in which a motion that is held counts, the robot is stopped: DriverError timeout. `stop`
        and `emergency_stop` end it as they end a command. Raises what `execute` raises.
        """
