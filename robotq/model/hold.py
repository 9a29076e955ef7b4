"""Why nothing moves: holds stop a whole queue, waits make it pass over one task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, TypeAlias

from robotq.model.ids import hold_id
from robotq.model.json import JsonObject


class HoldCode(StrEnum):
    """Each value's text and the way to clear it are in `model.texts`."""

    PAUSED = "paused"
    """Somebody paused the queue, or an emergency stop was reset and nobody has resumed yet."""
    ESTOP = "estop"
    """An emergency stop is latched."""
    DISCONNECTED = "disconnected"
    """The link to the robot is down; it is being restored."""
    OUTCOME_UNKNOWN = "outcome_unknown"
    """A person has to say how the named task ended."""
    FAILURE = "failure"
    """A command failed and the robot's policy is `hold`."""
    MOTION_HELD = "motion_held"
    """The robot pauses in its motion, since a person wanted it or by itself (`by_robot`); lasts
    until it is resumed, whatever ends meanwhile."""
    STORE_UNAVAILABLE = "store_unavailable"
    """The disk takes no writes; a probe lifts this by itself."""
    RESTARTED = "restarted"
    """The daemon started with tasks waiting, and the robot's `on_start` is `hold`."""
    SHUTDOWN = "shutdown"
    """A shutdown cut a command short, and where the robot stands is not certain."""
    UNRESPONSIVE = "unresponsive"
    """The driver has not come back from a command that was stopped or given up."""
    STOPPING = "stopping"
    """The daemon is shutting down."""
    DOES_NOT_FIT = "does_not_fit"
    """It is the turn of a command that the configuration of today does not take."""
    NOT_CONFIGURED = "not_configured"
    """The configuration has no such robot, and something waits for it."""
    JOGGING = "jogging"
    """A person moves the robot by hand, by a button that is held."""
    RAW_LINE = "raw_line"
    """A person has sent the controller a line of its own language, and it is not done."""
    ISOLATED = "isolated"
    """Nothing is heard from the fleet, and the robots wait for it (`fleet.on_isolated`), or the
    fleet was not asked yet what became of the robot's commands."""


TRANSIENT_HOLDS = frozenset(
    {
        HoldCode.DISCONNECTED,
        HoldCode.STORE_UNAVAILABLE,
        HoldCode.UNRESPONSIVE,
        HoldCode.STOPPING,
        HoldCode.DOES_NOT_FIT,
        HoldCode.JOGGING,
        HoldCode.RAW_LINE,
        HoldCode.ISOLATED,
    }
)
"""Facts about this process; they are found out anew after a restart and never stored."""

AT_HAND = frozenset({HoldCode.JOGGING, HoldCode.RAW_LINE})
"""A person has the robot for themselves; ends by itself, with the queue still paused."""

SET_BY_PEOPLE = frozenset({HoldCode.PAUSED, HoldCode.ESTOP, HoldCode.MOTION_HELD})
"""Several people can set the same one, each for a reason of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A reason why a robot's queue starts nothing. One of each code per robot at most."""

    robot: str
    code: HoldCode
    since_ms: int
    actor: str = "robotq"
    task_id: str | None = None
    args: JsonObject = field(default_factory=dict)
    """For the text, e.g. `{"reason": "cleaning the deck"}`."""
    id: str = field(default_factory=hold_id, compare=False)
    """What a person's confirmation names. New whenever somebody sets the hold again, so that a
    question about the earlier one lifts nothing."""
    set_at_ms: int = field(default=0, compare=False)
    """When it was set last; `since_ms` is when it was set first. 0 after a restart."""
    now: dict[str, Any] = field(default_factory=dict, compare=False)
    """What it is like at this moment; changes while it is in force, and is not stored.
    motion_held: `{"state": "holding" | "held" | "ended", "planned_moves"}`."""

    @property
    def by_robot(self) -> bool:
        """The robot has set it itself."""
        return bool(self.args.get("by_robot"))

    @property
    def clear(self) -> str:
        """The code of the text that says what clears it."""
        wrong_options = self.code is HoldCode.DISCONNECTED and self.args.get("options")
        return "clear.disconnected.options" if wrong_options else f"clear.{self.code}"

    @property
    def earlier(self) -> Sequence[JsonObject]:
        """Who set it before, and why, latest first: `{"actor", "at_ms", "args"}` each."""
        found: Sequence[JsonObject] = self.args.get(_EARLIER, ())
        return found

    @property
    def by(self) -> Sequence[JsonObject]:
        """The same of everybody who has set it, `actor` first."""
        args = {key: value for key, value in self.args.items() if key not in (_EARLIER, _SET_AT)}
        at_ms = self.set_at_ms or self.args.get(_SET_AT, self.since_ms)
        return [{"actor": self.actor, "at_ms": at_ms, "args": args}, *self.earlier]

    @property
    def actors(self) -> Sequence[str]:
        """Everybody who has set it, the latest first."""
        return tuple(dict.fromkeys([self.actor, *(one["actor"] for one in self.earlier)]))


_EARLIER = "earlier"
_SET_AT = "set_at_ms"
"""When the latest of several has set it."""
_MOST_EARLIER = 50
"""That are kept with a hold; the journal has each."""


def set_over(known: Hold, latest: Hold) -> Hold:
    """`latest` in the place of `known`, which is the same hold: it counts from the first time on,
    and whoever set it before stays with it, with when and why."""
    before, *others = known.by
    reason = latest.args.get("reason")
    if latest.actor == known.actor and (not reason or reason == known.args.get("reason")):
        # the same again says nothing new
        return replace(latest, since_ms=known.since_ms, args=known.args)
    # what the robot says is what it is like now
    earlier = others if known.by_robot and latest.by_robot else [before, *others]
    earlier = [
        one
        for one in earlier
        if (one["actor"], one["args"].get("reason")) != (latest.actor, reason)
    ]
    if len(earlier) > _MOST_EARLIER:
        earlier = [*earlier[: _MOST_EARLIER - 1], earlier[-1]]
    if not earlier:
        return replace(latest, since_ms=known.since_ms)
    args = {**latest.args, _SET_AT: latest.set_at_ms or latest.since_ms, _EARLIER: earlier}
    return replace(latest, since_ms=known.since_ms, args=args)


class WaitCode(StrEnum):
    """Each value's text is in `model.texts`, and what clears it beside it."""

    APPROVAL = "approval"
    """A person has to approve the task."""
    NOT_BEFORE = "not_before"
    """It is not due yet."""
    RESOURCE = "resource"
    """Another robot occupies a place that it needs."""
    DOES_NOT_FIT = "does_not_fit"
    """The configuration of today does not take it; what stands behind it keeps waiting too."""
    BATCH = "batch"
    """A batch that nothing may come between goes first, and its next task waits."""
    CANCELLING = "cancelling"
    """It is being called off together with many others."""
    AHEAD = "ahead"
    """Another task comes first; no reason why a queue stands."""
    QUESTION = "question"
    """The running task has asked something, and nobody has answered yet."""
    NO_WORKER = "no_worker"
    """No worker that could take the task is there."""
    WORKERS_BUSY = "workers_busy"
    """Every worker that could take the task has another; no reason why a queue stands."""
    STARTING = "starting"
    """Nothing is in the way: it is about to begin."""
    FOLDER = "folder"
    """Files of a hot folder wait: there is no room for what they ask for, the disk takes nothing,
    or the folder cannot be looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """A reason why one task does not get on."""

    code: WaitCode
    args: JsonObject = field(default_factory=dict)
    """resource: `{"resource", "occupied_by"}`; not_before: `{"at_ms"}`; batch: `{"batch_id",
    "blocked_by"}`; ahead: `{"position", "running"}`; question: `{"prompt", "prompt_args",
    "until_ms", "asked_at_ms", "schema"}`; approval: `{"revision"}`;
    folder: `{"folder", "file", "files", "reason", "error", "error_args"}`;
    no_worker, workers_busy: `{"match"}`; does_not_fit: `{"task_id", "reason", "error",
    "error_args"}`."""
    since_ms: int = 0
    """When it began to wait for that."""
    queue: str = ""
    task_id: str | None = None
    """What waits."""
    because: tuple[Wait, ...] = ()
    """batch: what the task in front waits for."""


Reason: TypeAlias = Hold | Wait
"""Why nothing of a queue moves: its holds, and what its tasks wait for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Occupancy:
    """A resource that a robot holds."""

    resource: str
    robot: str
    since_ms: int
    task_id: str | None = None
    """The command for which it was taken."""
