"""Named moments in the life of a task at which a test can have the process killed.

Each stands beside a step that is, or is about to be, on disk. What must hold after a kill at
any of them is what the crash harness in tests/crash judges.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Mapping
from enum import StrEnum

from robotq.model.errors import ConfigError

VARIABLE = "ROBOTQ_CRASH_POINT"
"""`name` or `name:nth`: the process kills itself when it comes to that point the nth time.
`name:nth:stop`: it stands still there, until somebody sends SIGCONT."""


class CrashPoint(StrEnum):
    """Where a process can be killed."""

    RECOVERED = "recovered"
    """What the run before left open is decided and on disk; nothing has started."""
    PROGRAM_WRITTEN = "program_written"
    """The text of a program that is handed in is synced under another name."""
    PROGRAM_KEPT = "program_kept"
    """The text of a program has its name, and no task names it."""
    ACCEPT = "accept"
    """A submit is about to be written."""
    ACCEPTED = "accepted"
    """The tasks of a submit are on disk; nobody was told."""
    ANSWER_KEPT = "answer_kept"
    """So is the answer for their Idempotency-Key."""
    CLAIMED = "claimed"
    """A claim is on disk; its driver was not called."""
    STARTED = "started"
    """The driver's thread is about to carry out the command."""
    STEP_RECORDED = "step_recorded"
    """A step of a running command is on disk."""
    ANSWERED = "answered"
    """The answer to a running command's question is on disk; the command does not have it."""
    FINISH = "finish"
    """A command has ended, and that is about to be written."""
    FINISHED = "finished"
    """The end of a command is on disk; nobody was told."""
    RELEASED = "released"
    """A claim was given back, and that is on disk."""
    CANCELLED = "cancelled"
    """A waiting task was called off, and that is on disk; nobody was told."""
    RESOLVED = "resolved"
    """What a person found out about an unknown outcome is on disk; nobody was told."""
    RETRIED = "retried"
    """The new task of a retry is on disk; nobody was told."""
    HELD = "held"
    """A pause is on disk; nobody was told."""
    RESUMED = "resumed"
    """The end of a hold is on disk; nobody was told."""
    ESTOP_RECORDED = "estop_recorded"
    """An emergency stop has acted and is on disk; nobody was told."""
    ESTOP_RESET = "estop_reset"
    """The reset of an emergency stop is on disk; nobody was told."""
    LATCH = "latch"
    """An emergency stop has acted; its latch is about to be written as a file."""
    LATCH_WRITTEN = "latch_written"
    """The latch is written and synced under another name."""
    LATCH_IN_PLACE = "latch_in_place"
    """The latch has its name; its folder is not synced."""
    LATCHED = "latched"
    """The latch is synced; nobody was told."""
    UNLATCH = "unlatch"
    """A reset is about to remove the latch; the database still says that robots are stopped."""
    UNLATCH_REMOVED = "unlatch_removed"
    """The latch is removed; its folder is not synced, and the database still says it."""
    UNLATCHED = "unlatched"
    """The removal of the latch is synced; the database still says that robots are stopped."""
    WEBHOOK_RECORDED = "webhook_recorded"
    """A webhook is on disk, with the end of its task; nothing was sent."""
    WEBHOOK_SENT = "webhook_sent"
    """A receiver has acknowledged a webhook; that is not on disk."""
    WEBHOOK_DELIVERED = "webhook_delivered"
    """The acknowledgement of a webhook is on disk."""
    FLEET_TAKING = "fleet_taking"
    """The database of the fleet knows that a command is being taken; it is not in the queue."""
    FLEET_TAKEN = "fleet_taken"
    """A command of the fleet is on disk here; its database does not know."""
    FLEET_LOOKED = "fleet_looked"
    """The lease of a robot was looked at; what it was looked at for is not sent."""
    FLEET_GIVEN = "fleet_given"
    """The database says that what another machine had is ours now; it is not in the queue here."""
    FLEET_ADOPTED = "fleet_adopted"
    """The tasks of a robot that was taken over are on disk here; the robot is not driven yet."""
    COMMIT = "commit"
    """The store has a transaction ready to be committed."""
    COMMITTED = "committed"
    """The store has committed, and has answered none of its callers."""

    @property
    def of_fleet(self) -> bool:
        """A daemon that is alone never comes there."""
        return self.value.startswith("fleet_")


_action: Callable[[CrashPoint], None] | None = None


def crash_point(point: CrashPoint) -> None:
    """Say that the process is at `point`. Does nothing unless something was set for it."""
    if _action is not None:
        _action(point)


def at_crash_points(action: Callable[[CrashPoint], None] | None) -> None:
    """Call `action` at every point from now on, on whichever thread comes to it; None: nothing."""
    global _action  # noqa: PLW0603 - one process, one action, and the check for it must be cheap
    _action = action


def arm(environ: Mapping[str, str]) -> None:
    """Have this process kill itself at the point that `ROBOTQ_CRASH_POINT` names, if it is set.

    Raises ConfigError for a point that does not exist.
    """
    if text := environ.get(VARIABLE):
        at_crash_points(_kill_at(text))


def _kill_at(text: str) -> Callable[[CrashPoint], None]:
    name, _, rest = text.partition(":")
    nth, _, how = rest.partition(":")
    left = int(nth) if nth.isdecimal() else 0 if nth else 1
    if name not in tuple(CrashPoint) or left < 1 or how not in ("", "stop"):
        known = ", ".join(CrashPoint)
        raise ConfigError(f"{VARIABLE}: found {text!r}, expected name or name:nth of {known}")
    # where there is no SIGSTOP nobody asks for it
    sent = signal.Signals["SIGSTOP" if how else "SIGKILL"]
    counting = threading.Lock()

    def kill(point: CrashPoint) -> None:
        nonlocal left
        if point == name:
            with counting:
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), sent)

    return kill
