"""What lies outside this daemon: receivers of webhooks, people, the fleet, databases."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass, field
from typing import Annotated, Literal, get_args

from pydantic import Field

from robotq.config.section import Host, Section, Url

NotifyUrl = Annotated[str, Field(pattern=r"^(file:.+|[A-Za-z][A-Za-z0-9+.-]*://.+)$")]
NotifyEvent = Literal[
    "estop", "outcome_unknown", "disconnected", "failed", "needs_person", "value", "maintenance"
]
_EVENTS: tuple[NotifyEvent, ...] = get_args(NotifyEvent)
TimeOfDay = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
FleetName = Annotated[str, Field(pattern=r"^[a-z0-9_.-]{1,64}$")]


@dataclass(frozen=True, kw_only=True)
class WebhooksConfig(Section):
    url: Url | None = None
    """Where the end of every task is sent to. None: nowhere."""
    allowed_hosts: list[Host] = field(default_factory=list)
    """Where a command's own `callback_url` may point: names, `*.` and a domain, addresses,
    networks. A name that stands for this machine or a link-local address is refused unless
    that address is allowed too. Empty: `callback_url` is refused."""
    timeout_s: Annotated[float, Field(gt=0, le=300)] = 10
    """Seconds that a receiver has to acknowledge."""
    retries: Annotated[int, Field(ge=0, le=1_000)] = 3
    """Attempts after the first one; then the webhook is given up."""
    retry_s: Annotated[float, Field(gt=0, le=86_400)] = 10
    """Seconds between two attempts."""
    expect_received: bool = False
    """Only the answer {"received": true} acknowledges. False: every status from 200 to 299."""
    secret: Annotated[str | None, Field(min_length=1)] = field(default=None, repr=False)
    """Key of the HMAC-SHA256 with which bodies are signed. None: they are not."""
    max_pending: Annotated[int, Field(ge=1, le=100_000)] = 10_000
    """Webhooks that may wait to be acknowledged; the next one is given up at once."""


@dataclass(frozen=True, kw_only=True)
class NotifyConfig(Section):
    to: list[NotifyUrl] = field(default_factory=list, repr=False)
    """URLs of apprise, such as dingtalk://TOKEN/ or mailto://user:password@mail.lab. They hold
    secrets: `file:PATH` stands for those in a file, one a line. Empty: nobody is told."""
    events: list[NotifyEvent] = field(default_factory=lambda: list(_EVENTS))
    """Of what: estop, outcome_unknown, disconnected, failed, needs_person, value, maintenance."""
    after_s: Annotated[float, Field(ge=0, le=86_400)] = 5
    """What is over before that is no news; what has the priority high is told at once."""
    disconnected_after_s: Annotated[float, Field(ge=0, le=86_400)] = 30
    """The same for a link that is lost."""
    over_s: Annotated[float, Field(ge=0, le=86_400)] = 30
    """An incident is over when its cause was gone for so long. One that comes back before is the
    same one, and nobody is told again."""
    escalate_after_s: Annotated[float | None, Field(gt=0, le=604_800)] = None
    """Where nobody has acknowledged an incident by then, it is told once more. None: it is not."""
    escalate_to: list[NotifyUrl] = field(default_factory=list, repr=False)
    """To whom. Empty: to the same."""
    quiet_from: TimeOfDay | None = None
    """From this time of the day on, such as 22:00, only what has the priority high is told. The
    rest is told at the end, where it is not over by then."""
    quiet_until: TimeOfDay | None = None
    """Until this time, also of the next day."""
    quiet_high: bool = False
    """Whether quiet hours hold back what has the priority high too: an emergency stop, an unknown
    outcome, a driver or a disk that does not answer."""
    tell_end: bool = False
    """Whether people are also told when an incident is over."""


@dataclass(frozen=True, kw_only=True)
class FleetConfig(Section):
    """What this daemon shares with others through one PostgreSQL; nothing without `dsn`. Each
    robot's queue stays with the daemon that drives it. Needs the extra `postgres`."""

    dsn: Annotated[str | None, Field(min_length=1)] = field(default=None, repr=False)
    """The database of the fleet, postgresql://...; a pooler in transaction mode may stand between.
    Best set by ROBOTQ_FLEET__DSN, since it has a password."""
    listen_dsn: Annotated[str | None, Field(min_length=1)] = field(default=None, repr=False)
    """The same without a pooler, to be woken up by it. None: it is asked every `poll_s`."""
    name: FleetName | None = None
    """Under which the others know this daemon, for good. None: the name of this machine."""
    url: Url | None = None
    """Where the others reach this daemon, such as http://lab-2:8090: an emergency stop comes there
    directly. None: it comes through the database alone, within `poll_s` or so."""
    key: Annotated[str | None, Field(min_length=32)] = field(default=None, repr=False)
    """What daemons of the fleet show each other, the same at each; at least 32 characters, best
    set by ROBOTQ_FLEET__KEY. Whoever has it may do what a person with the scope control may."""
    hub: bool = False
    """This daemon drives no robots: it shows all of the fleet and accepts for all of it."""
    poll_s: Annotated[float, Field(ge=0.05, le=60)] = 0.25
    """Seconds between two looks at the database."""
    away_s: Annotated[float, Field(ge=3, le=3_600)] = 10
    """Seconds without a sign of life after which a daemon counts as away."""
    on_isolated: Literal["go_on", "hold"] = "go_on"
    """What the robots here do when this daemon has heard nothing for `away_s`, neither from the
    database nor from another daemon, so that a stop of the fleet would not reach it. hold: they
    begin nothing more until something is heard again, or a person resumes them."""

    @property
    def called(self) -> str:
        """The name of this daemon in the fleet."""
        return self.name or _machine()


def _machine() -> str:
    name = re.sub(r"[^a-z0-9_.-]", "-", socket.gethostname().lower())[:64]
    return name or "robotq"


@dataclass(frozen=True, kw_only=True)
class StoreConfig(Section):
    """Where tasks and events are. `store: memory` is short for `store: {own: memory}`."""

    own: Literal["sqlite", "memory"] = "sqlite"
    """What this daemon has for itself. memory loses everything with the process: for tests."""
    workers: Annotated[str | None, Field(min_length=1)] = field(default=None, repr=False)
    """The database for the tasks of the task queue, of the orchestrator and of the dispatcher, and
    for the checklist, postgresql://...; every daemon that names the same one serves the same
    queues. A pooler in transaction mode may stand between. Needs the extra `postgres`. None: they
    are in the daemon's own store. Best set by ROBOTQ_STORE__WORKERS, since it has a password."""
    listen_dsn: Annotated[str | None, Field(min_length=1)] = field(default=None, repr=False)
    """The same database without a pooler, to be woken up by it as soon as a task waits. None: that
    of `workers`; where a pooler stands there, it is asked ten times a second."""
