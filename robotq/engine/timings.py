"""How long the engine waits for what nobody tells it, and how long a command may take."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from robotq.model.clock import MotionClock, Timer


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
    stop_returns_s: float = 0.2
    """Within which the call of a stop returns after the command that it was for has ended."""
    back_s: float = 1.0
    """That a reset gives a driver to come back from the emergency stop."""
    glance_s: float = 0.5
    """Within which a driver says where it stands after a command; then the end of the command is
    told without that."""
    held_s: float = 0.5
    """Within which a driver says whether its robot is held where a command has ended: the queue
    waits for that."""
    held_look_s: float = 0.5
    """Between two looks at what a driver has last heard of its robot."""
    goes_on_look_s: float = 0.05
    """Between two looks whether a robot goes on after a resume."""
    link_pause_s: float = 0.05
    """Before the second attempt to make a link; each further one waits twice as long."""
    link_told_s: float = 10.0
    """Between two lines of the log about a link that fails otherwise each time."""
    progress_s: float = 0.2
    """Between two writes of what a running command reports."""
    report_again_s: float = 1.0
    """Between two attempts to write that while the disk takes none."""
    settle_s: float = 10.0
    """Within which a driver says what became of a run; after that its answer counts as unknown."""
    in_doubt_s: float = 60.0
    """That a link may take to come back before a command whose time is over already has an
    unknown outcome; one that has time left is waited for that long."""
    artifact_s: float = 5.0
    """That the disk has to take a file of a command, before its task ends without it."""
    after_fault_s: float = 1.0
    """After an error of robotq itself or of the disk, before the next attempt."""
    disk_s: float = 5.0
    """After which a disk that has not answered counts as out."""
    read_s: float = 30.0
    """The same for what is read."""
    probe_s: float = 1.0
    """Between two looks whether a disk that takes no writes takes them again."""
    judge_s: float = 30.0
    """For judging one program of a client."""
    look_s: float = 5.0
    """Between two looks at the clock of the wall: somebody may set it."""
    due_s: float = 0.02
    """Within which times that are over are looked at together."""
    turn_s: float = 0.02
    """Between two looks whether a step that is ticked off has its turn."""
    ticked_s: float = 10.0
    """Within which the task of a step that is ticked off ends."""
    webhooks_at_end_s: float = 1.0
    """That webhooks under way have at the end."""
    drivers_close_s: float = 5.0
    """That drivers have to close where the start has failed."""
    disk_at_end_s: float = 10.0
    """That the disk has in all at the end, from the moment in which all robots stand still. What
    it has not confirmed by then is told, and left. `TimeoutStopSec` of the service is longer."""


class Limit:
    """The time limit of a running command: calls `expired` once it has had
    `seconds` of motion time.

    It does not run while the command waits for a person or is held: neither is slow motion.
    """

    def __init__(self, clock: MotionClock, seconds: float, expired: Callable[[], None]) -> None:
        self._clock = clock
        self._seconds = self._left = seconds
        self._expired = expired
        self._paused_for: set[str] = set()
        self._since = clock.now()
        self._timer: Timer | None = self._armed()

    @property
    def used_s(self) -> float:
        """Seconds of motion time that it has run so far."""
        running_s = self._clock.now() - self._since if self._timer is not None else 0.0
        return self._seconds - self._left + running_s

    def pause(self, reason: str) -> None:
        """Stop the time until `resume` was called for every reason."""
        self._paused_for.add(reason)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._left -= self._clock.now() - self._since

    def resume(self, reason: str) -> None:
        self._paused_for.discard(reason)
        if self._timer is None and not self._paused_for:
            self._since = self._clock.now()
            self._timer = self._armed()

    @property
    def paused(self) -> bool:
        """The command waits for a person, or is held."""
        return not self._paused_for <= {"ended"}

    def spend(self, seconds: float) -> None:
        """So much of it was used before this was made."""
        self.pause("spending")
        self._left -= seconds
        self.resume("spending")

    def cancel(self) -> None:
        """The command has ended; the time does not run any more."""
        self.pause("ended")

    def _armed(self) -> Timer:
        loop = asyncio.get_running_loop()
        return self._clock.call_later(max(0.0, self._left), self._expired, loop)
