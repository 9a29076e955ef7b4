"""What a daemon of a fleet tells of all of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from robotq.wire.base import Answer, Object, Success, missing, one_of
from robotq.wire.robots import StoppedPeer
from robotq.wire.service import Event
from robotq.wire.tasks import Task


class Daemon(Answer, kw_only=True):
    """A daemon of the fleet, as it was when it was heard of last."""

    name: str
    url: str | None
    """Where it is reached directly. Null: only through the database."""
    version: str
    here: bool
    """The one that answers."""
    age_s: float
    """Since it was heard of: so old is all that is told of it."""
    away: bool
    """It is older than `fleet.away_s`. Its robots may work on: they need no fleet."""
    robots: tuple[Any, ...]
    """As in `GET /dashboard/look`, as they were then."""
    names: tuple[str, ...]
    """The robots that commands of the fleet can be for."""
    estop: bool | None
    """Whether its emergency stop was latched then. Null: it has not said."""
    counts: Mapping[str, int]
    behind: int | None
    """Events of its journal that were not sent yet then."""


class Taken(Answer, kw_only=True):
    """A robot that this daemon drives from now on."""

    success: Success
    message: str
    robot_id: str


class Waiting(Answer, kw_only=True):
    """A command that no daemon has taken yet."""

    task_id: str
    robot_id: str
    cmd_type: str
    cmd_id: str | None
    actor: str
    accepted_by: str
    """The daemon that has accepted it."""
    accepted_at_ms: int
    expires_at_ms: int | None
    state: Annotated[str, one_of("waiting", "taking")]
    """taking: its daemon has begun to take it, and has not said that it has."""
    daemon: str | None
    """Who is to take it."""
    why: str
    """Why it was not taken yet, in words."""


class Stop(Answer, kw_only=True):
    """An emergency stop of the fleet that nobody has reset."""

    stop_id: str
    actor: str
    reason: str
    at_ms: int
    door: str
    """The daemon at which it began."""
    latched_by: Mapping[str, StoppedPeer]
    """Daemon -> what it has said; one that is not in here has not said that it has latched."""


class AsksWhetherOff(Answer, kw_only=True):
    """A robot that this daemon drives as soon as a person has said that the old machine is off."""

    robot_id: str
    daemon: str
    """That drove it, and does not renew its lease."""
    epoch: int
    """Of that lease, for `POST /fleet/robots/{robot_id}/take`."""


class Fleet(Answer, kw_only=True):
    """All daemons at one look."""

    name: str
    """Of the daemon that answers, in the fleet."""
    at_ms: int
    database: str | None
    """Null: it answers. Else why it cannot be asked: everything here is as old as that."""
    database_since_ms: int | None
    isolated_since_ms: int | None
    """Since when the daemon that answers hears nothing, neither from the database nor from another
    daemon. Null: it hears something."""
    refused: str | None
    """Why this daemon is not in the fleet although the database answers."""
    not_ours: Mapping[str, str]
    """Robots of this daemon that the fleet knows as those of another one, by name."""
    behind: int
    """Events of the daemon that answers, that are not sent yet."""
    daemons: tuple[Daemon, ...]
    waiting: tuple[Waiting, ...]
    stops: tuple[Stop, ...]
    asks_whether_off: tuple[AsksWhetherOff, ...] = ()


class AcceptedByFleet(Answer, kw_only=True):
    """The command is durable in the fleet's database, and waits for its robot's daemon."""

    success: Success = missing(True)
    message: str = missing("")
    task_id: str
    """Under which every daemon of the fleet finds it."""
    accepted_by: Annotated[str, one_of("fleet")] = missing("fleet")
    robot_id: str
    daemon: str
    """Who drives the robot."""
    note: str = missing("")


class FleetTask(Answer, kw_only=True):
    """A task of some daemon."""

    daemon: str | None
    """Null: no daemon has it yet. `(shared)`: it is in a store that several daemons have."""
    age_s: float | None
    """Since that daemon was heard of: so old is what is told. Null: it is not in the fleet any
    more, or the store is shared."""
    task: Task


class FleetEvent(Answer, kw_only=True):
    daemon: str
    event: Event


class TaskEvents(Answer, kw_only=True):
    events: tuple[FleetEvent, ...]


class FleetTasks(Answer, kw_only=True):
    tasks: tuple[FleetTask, ...]
    """Newest first. Those in the inbox are told by `GET /fleet`."""
    count: int
    next_cursor: str | None


class Left(Answer, kw_only=True):
    success: Success = missing(True)
    message: str
    daemon: str


class Spread(Answer, kw_only=True):
    """What the daemons have said to the reset of a stop."""

    success: bool
    """Whether all of them have left it."""
    daemons: Mapping[str, Object]


class Latched(Answer, kw_only=True):
    """What a daemon answers another one that tells it of a stop."""

    confirmed: bool
    robots: Mapping[str, str | None]
    recorded: bool


class Unlatched(Answer, kw_only=True):
    reset: bool
    robots: Mapping[str, str | None]


class StandsHere(Answer, kw_only=True):
    """What a daemon answers another one that asks about a stop."""

    latched: bool


class HandedOn(Answer, kw_only=True):
    """A task of a machine that is off, as the new command that it is now."""

    success: Success = missing(True)
    message: str
    task_id: str
    """Of the new command, which waits for its robot's daemon."""
    handed_on_from: str
    robot_id: str
