"""How long the engine waits for what nobody tells it."""

from __future__ import annotations

import msgspec


class Timings(msgspec.Struct, frozen=True, kw_only=True):
    """Wall seconds. The engine is given them, so that a test need not wait as long."""

    answer_s: float = 5.0
    """Within which a driver answers hold, resume, status or reset."""
    status_s: float = 1.0
    """Within which it says whether it is held after one of them."""
    goes_on_s: float = 2.0
    """That a robot has to go on after a resume."""
    confirm_s: float = 2.0
    """That the drivers have to confirm an emergency stop before its answer."""
    record_s: float = 2.0
    """That the disk has to take a hold before the answer says that it is not written."""
    cancel_s: float = 5.0
    """After the stop timeout, until a cancel is answered although nothing is written."""
    repeat_stop_s: float = 0.5
    """Between two stops for a driver that may not have begun when the first one came."""
    after_fault_s: float = 1.0
    """After an error of robotq itself or of the disk, before the next attempt."""
    look_s: float = 5.0
    """Between two looks at the clock of the wall: somebody may set it."""
    turn_s: float = 0.02
    """Between two looks whether a step that is ticked off has its turn."""
    disk_at_end_s: float = 10.0
    """That the disk has in all at the end, from the moment in which all robots stand still. What
    it has not confirmed by then is told, and left. `TimeoutStopSec` of the service is longer."""
