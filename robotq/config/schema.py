"""Every key of the configuration, its default and what it means."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from math import isfinite
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import ConfigDict, Field, PlainValidator
from pydantic_core import PydanticCustomError

from robotq.config.receivers import HostRule, read_host_rule, read_url
from robotq.model.carried.live_value import LONGEST_UNIT, VALUE_NAME


class Section:
    """Part of a configuration. Made by the program it is a plain record; what an operator has
    written is checked by the loader, which builds its checks of all sections once."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", allow_inf_nan=False)


def _network(value: object) -> IPv4Network | IPv6Network:
    if isinstance(value, str | IPv4Network | IPv6Network):
        return ip_network(value)
    raise ValueError("not a text")


def _url(value: object) -> str:
    try:
        return str(read_url(value))
    except ValueError as error:
        raise PydanticCustomError("url", "a URL such as http://mes.lab:8000/done") from error


def _host(value: object) -> HostRule:
    try:
        return read_host_rule(str(value))
    except ValueError as error:
        raise PydanticCustomError("host", "a name, an address or a network") from error


NotifyUrl = Annotated[str, Field(pattern=r"^(file:.+|[A-Za-z][A-Za-z0-9+.-]*://.+)$")]
NotifyEvent = Literal[
    "estop", "outcome_unknown", "disconnected", "failed", "needs_person", "value", "maintenance"
]
_EVENTS: tuple[NotifyEvent, ...] = get_args(NotifyEvent)
TimeOfDay = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
ValueName = Annotated[str, Field(pattern=VALUE_NAME)]
RobotName = Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,64}$")]
FleetName = Annotated[str, Field(pattern=r"^[a-z0-9_.-]{1,64}$")]
Network = Annotated[IPv4Network | IPv6Network, PlainValidator(_network)]
Url = Annotated[str, PlainValidator(_url)]
Origin = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9+.-]*://[A-Za-z0-9_.:\[\]-]+$")]
Host = Annotated[HostRule, PlainValidator(_host)]


@dataclass(frozen=True, kw_only=True)
class QueueConfig(Section):
    max_length: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    """Unfinished tasks over all robots; the next submit is refused with queue_full."""
    max_bytes: Annotated[int, Field(ge=1_048_576)] = 268_435_456
    """Memory that unfinished tasks may take over all robots and workers, estimated by their
    params; the next submit is refused with queue_bytes_full. Ended tasks in memory may take a
    quarter of it."""
    finished_in_memory: Annotated[int, Field(ge=20, le=100_000)] = 1_000
    """Ended tasks that are answered without asking the disk."""


@dataclass(frozen=True, kw_only=True)
class RetentionConfig(Section):
    tasks_days: Annotated[float, Field(gt=0)] = 30
    """Ended tasks are removed after this."""
    events_days: Annotated[float, Field(gt=0)] = 365
    """Rows of the journal are removed after this."""
    idempotency_hours: Annotated[float, Field(gt=0)] = 24
    """How long an Idempotency-Key is remembered."""


@dataclass(frozen=True, kw_only=True)
class LimitsConfig(Section):
    stop_timeout_s: Annotated[float, Field(gt=0)] = 10
    """Wall time a robot has to confirm a stop or a cancel; then the outcome is unknown."""
    shutdown_grace_s: Annotated[float, Field(ge=0)] = 8
    """Wall time a running command has to finish when the daemon is asked to end."""
    left_running_s: Annotated[float, Field(gt=0, le=86_400)] = 600
    """Wall time within which the daemon has to be back where `on_shutdown: leave` has left a
    command running; later than that, the next start stops what it finds running."""
    body_bytes: Annotated[int, Field(ge=1_024)] = 1_048_576
    """Largest request body."""
    program_bytes: Annotated[int, Field(ge=1_024, le=1_073_741_824)] = 67_108_864
    """Largest program of G-code, as UTF-8, by whatever way it is handed in."""
    programs_bytes: Annotated[int, Field(ge=1_024)] = 2_147_483_648
    """All kept programs together; each text is kept once. The next one is refused with 507."""
    batch: Annotated[int, Field(ge=1)] = 1_000
    """Most commands in one batch."""
    event_streams: Annotated[int, Field(ge=1)] = 256
    """Open streams of /events at once; the next one is refused with 503."""
    connections: Annotated[int, Field(ge=16)] = 10_000
    """Open connections at once, less where the system allows fewer descriptors. From 80 % on
    those without a key that were idle for longest are closed."""
    waiting_requests: Annotated[int, Field(ge=1)] = 2_000
    """Requests that may wait for a task's end at once; the next one is refused with 503."""
    workers_of_key: Annotated[int, Field(ge=1)] = 256
    """Workers connected to the dispatcher at once with one key, or without any; the next one is
    refused with 503."""
    workers: Annotated[int, Field(ge=1)] = 1_000
    """Workers that are known at once; the one not seen for longest that has no task is
    forgotten, and where all have one, the next is refused with 503."""


@dataclass(frozen=True, kw_only=True)
class ArtifactsConfig(Section):
    each_bytes: Annotated[int, Field(ge=1_024, le=67_108_864)] = 8_388_608
    """Largest file that a command may leave behind, such as a picture; a larger one is not kept,
    and the task says so."""
    per_task: Annotated[int, Field(ge=0, le=1_000)] = 32
    """Most files of one task; further ones are not kept."""
    max_bytes: Annotated[int, Field(ge=0)] = 1_073_741_824
    """Files of all tasks together, in <data>/artifacts. Where it is full, nothing more is kept
    until `retention.tasks_days` has made room."""


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
class DeviceConfig(Section):
    driver: Literal["line"] = "line"
    """What answers a line. Other drivers are for robots."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """The same as those of a robot with `driver: line`."""


def _range(value: object) -> list[float | None]:
    said = PydanticCustomError("range", "two numbers, least and most; null for no such limit")
    if not isinstance(value, list) or len(value) != 2:
        raise said
    numbers = [one for one in value if one is not None]
    if any(isinstance(one, bool) or not isinstance(one, int | float) for one in numbers):
        raise said
    if not all(isfinite(one) for one in numbers) or numbers != sorted(numbers) or not numbers:
        raise said
    return value


@dataclass(frozen=True, kw_only=True)
class ValueConfig(Section):
    normal: Annotated[list[float | None] | None, PlainValidator(_range)] = None
    """Least and most of what is normal, such as [20, 100] or [null, 60]; in place of what the
    driver says. None: as the driver says."""
    unit: Annotated[str, Field(max_length=LONGEST_UNIT)] = ""
    """Where the driver says none."""
    stale_s: Annotated[float, Field(gt=0, le=86_400)] = 10
    """A value that was not heard for so long is shown as old, with its age."""
    alarm: bool = False
    """Whether somebody has to act when it is out of its range."""
    alarm_after_s: Annotated[float, Field(ge=0, le=86_400)] = 5
    """Seconds that it has to be out of its range for that, without a break."""


@dataclass(frozen=True, kw_only=True)
class MaintenanceConfig(Section):
    counts: Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$")]
    """commands, hours (of running), days (of the calendar), or a cmd_type: how often it was
    carried out."""
    every: Annotated[float, Field(gt=0)]
    """So many of them, and it is due."""
    warn_before: Annotated[float, Field(ge=0)] = 0
    """It is shown as soon as so many are left."""
    then: Literal["warn", "hold"] = "warn"
    """hold: the queue of the robot is paused while it is due."""
    text: Annotated[str, Field(max_length=200)] = ""
    """What is to be done."""


@dataclass(frozen=True, kw_only=True)
class StandbyConfig(Section):
    """A robot that two machines can reach: each has it in its configuration, under one name and
    with the same `standby`, and one of them drives it. Needs `fleet.dsn`."""

    fence: Literal["device", "one_client", "none"]
    """What keeps the machine away that drove before. device: the robot's own controller refuses
    it, by an epoch (jsonline 2). one_client: the device, or its serial server, takes one
    connection, and a new one cuts the one before. none: nothing does, so the other machine never
    takes over by itself; a person says that the old one is off."""
    lease_s: Annotated[float, Field(ge=1, le=600)] = 10
    """Seconds without a sign of life after which the other machine takes over. A daemon that
    cannot reach the database for so long, less `margin_s`, stops driving this robot."""
    margin_s: Annotated[float, Field(ge=0.2, le=200)] = 3
    """So long before its lease can be taken a daemon stops driving; at most half of `lease_s`."""


@dataclass(frozen=True, kw_only=True)
class RobotConfig(Section):
    driver: str = "simulator"
    """A driver of this package, or one registered under the entry-point group robotq.drivers."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """What the driver needs to know; each driver documents its own. A value that begins with
    `./`, `../` or `~/` is a path, relative to this file."""
    devices: Mapping[RobotName, DeviceConfig] = field(default_factory=dict)
    """Devices beside the robot, such as a balance, that steps of its commands use by name:
    `{on: balance, do: {cmd_type: WEIGH}}`."""
    values: Mapping[ValueName, ValueConfig] = field(default_factory=dict)
    """What is normal for values that the driver tells, such as `battery`, and whether somebody has
    to act when one is not. `GET /robots/{robot_id}/values` has their names."""
    maintenance: Mapping[RobotName, MaintenanceConfig] = field(default_factory=dict)
    """What is to be seen to after so many commands, hours or days, by name. Counted from the first
    start with it on."""
    on_start: Literal["resume", "hold"] | None = None
    """Whether waiting commands run by themselves after the daemon starts. None: resume for a
    simulated robot, hold for every other."""
    on_failure: Literal["continue", "hold"] = "continue"
    """What happens to the queue when the device reports that a command failed."""
    on_shutdown: Literal["stop", "leave"] = "stop"
    """What becomes of a running command when the daemon ends. stop: it is given
    `limits.shutdown_grace_s`, and stopped then. leave: it goes on at its device, and the next start
    follows it again, so that robotq can be upgraded while the robot works; only with a driver that
    can ask its device, and not while the command is held, asks or is to stop. Nothing can stop the
    robot through robotq until that is back."""
    durability: Literal["own", "fleet"] = "own"
    """Where a command has to be on disk before its submit is answered. own: here. fleet: here and
    in the database of the fleet, so that the loss of this machine loses no accepted command; while
    that database is away, new commands for this robot are refused, and the robot goes on."""
    standby: StandbyConfig | None = None
    """Another machine takes this robot over if this one is gone: `fence` (device, one_client or
    none), `lease_s` (10), `margin_s` (3). None: it is this daemon's alone."""
    reconnect_s: Annotated[float, Field(gt=0)] = 1
    """Longest pause in seconds between two attempts to restore the link. The first pauses are
    shorter; attempts never end."""


@dataclass(frozen=True, kw_only=True)
class InterfaceConfig(Section):
    enabled: bool = True
    """Whether the interface is served at all."""
    port: Annotated[int | None, Field(ge=0, le=65535)] = None
    """A port of its own, with the interface at its root. None: only below its prefix."""


@dataclass(frozen=True, kw_only=True)
class TaskQueueConfig(InterfaceConfig):
    lease_s: Annotated[float, Field(gt=0, le=86_400)] = 120
    """Seconds that a worker has a task without a sign of life; then it is offered again."""
    max_length: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    """Tasks that may wait; the next one is refused with 503."""


@dataclass(frozen=True, kw_only=True)
class OrchestratorConfig(InterfaceConfig):
    task_timeout_s: Annotated[float, Field(gt=0, le=2_592_000)] = 3_600
    """Seconds that a worker has for a task; then it is offered again."""
    max_retries: Annotated[int, Field(ge=0, le=1_000)] = 3
    """How often a task may be offered again or retried; then it has failed."""
    max_length: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    """Tasks that may wait; the next one is refused with 503."""
    rate_limit_per_minute: Annotated[int | None, Field(ge=1)] = None
    """Requests of one caller in a minute; the next one is refused with 429. None: any number."""


@dataclass(frozen=True, kw_only=True)
class ChecklistConfig(InterfaceConfig):
    pass


@dataclass(frozen=True, kw_only=True)
class DispatcherConfig(InterfaceConfig):
    timeout_s: Annotated[float, Field(gt=0, le=86_400)] = 60
    """Seconds from the submit on that a task has to wait and be worked on, where it does not say
    so itself; then it has failed."""
    min_timeout_s: Annotated[float, Field(gt=0, le=86_400)] = 5
    """A task that asks for less gets this."""
    max_timeout_s: Annotated[float, Field(gt=0, le=86_400)] = 600
    """A task that asks for more gets this."""
    max_length: Annotated[int, Field(ge=1, le=1_000_000)] = 1_000
    """Tasks that may wait; the next one is refused with 503."""
    result_ttl_s: Annotated[float, Field(gt=0, le=2_592_000)] = 300
    """Seconds after its end in which the interface tells of a task; the robot interface keeps
    it for as long as every other."""
    heartbeat_s: Annotated[float, Field(gt=0, le=3_600)] = 30
    """Seconds between two signs of life that workers are asked for. One that has no task and
    does not answer two of them counts as gone."""
    result_bytes: Annotated[int, Field(ge=1_024, le=1_073_741_824)] = 33_554_432
    """Largest message of a worker, so nearly the largest result. The task of a larger one fails,
    and its worker is told; one of twice as much is not read, and its connection is closed."""
    results_bytes: Annotated[int, Field(ge=1_024)] = 134_217_728
    """Memory for messages above 1 MiB that are on their way at once, of all workers together;
    each counts for twice `result_bytes`. The others wait."""


@dataclass(frozen=True, kw_only=True)
class InterfacesConfig(Section):
    """The interfaces besides that of the robots."""

    task_queue: TaskQueueConfig = field(default_factory=TaskQueueConfig)
    orchestrator: OrchestratorConfig = field(default_factory=OrchestratorConfig)
    checklist: ChecklistConfig = field(default_factory=ChecklistConfig)
    dispatcher: DispatcherConfig = field(default_factory=DispatcherConfig)


@dataclass(frozen=True, kw_only=True)
class InboxConfig(Section):
    enabled: bool = True
    """Whether files in <data>/inbox and <data>/task_queue/inbox become tasks."""
    poll_s: Annotated[float, Field(gt=0, le=3_600)] = 1
    """Seconds between two looks into the folders."""
    settle_s: Annotated[float, Field(ge=0, le=3_600)] = 5
    """Seconds that a file which is not complete is waited for after its last change; then it is
    rejected."""


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


WORKER_QUEUES = ("task_queue", "orchestrator", "dispatcher")
"""The queues for workers; each has the name of the interface that lists its tasks."""


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


@dataclass(frozen=True, kw_only=True)
class Config(Section):
    port: Annotated[int, Field(ge=0, le=65535)] = 8090
    """0 lets the system choose; the chosen one is printed and written to <data>/port."""
    host: str = ""
    """Address to listen on. Empty: the loopback addresses, 127.0.0.1 and ::1 where present."""
    data: Path = Path("robotq-data")
    """Folder of the database, keys and simulator state; made if absent."""
    mode: Literal["queue", "sync"] = "queue"
    """queue: a submit answers at once. sync: it answers with the result."""
    time_scale: Annotated[float, Field(ge=0, le=1_000)] = 1.0
    """Wall seconds per second of simulated motion; 0 jumps from event to event."""
    language: Literal["zh", "en"] = "zh"
    """Of texts for clients whose Accept-Language does not prefer English."""
    stop_label: Literal["stop", "emergency"] = "stop"
    """How the dashboard calls its stop. stop: "Stop all robots", since no button on a screen is
    an emergency stop device. emergency: "EMERGENCY STOP"."""
    store: StoreConfig = field(default_factory=StoreConfig)
    """sqlite or memory alone is what this daemon has for itself."""
    default_robot: str | None = None
    """Takes commands that name no robot. None: the first one."""
    robots: Mapping[RobotName, RobotConfig] = field(default_factory=dict)
    """Empty: the robots of the packaged lab."""
    resources: Mapping[str, list[str]] = field(default_factory=dict)
    """Resource -> the places that it covers; only one robot at a time may hold it. A place
    belongs to one resource at most. Empty: those of the packaged lab."""
    places: list[str] = field(default_factory=list)
    """Places besides those of `resources` and of the simulated lab, which need no guard. Where
    the driver of a robot does not know its places, these and those of `resources` are all that
    there are; a command to another one is refused."""
    commands: list[Path] = field(default_factory=list)
    """Files with command specs, over the packaged ones; relative to this file."""
    require_start_working: bool = False
    """Refuse everything but queries until START_WORKING was sent."""
    require_key: bool = False
    """Nobody comes in without a key, whatever the data folder says; for a daemon behind a proxy,
    to which everybody seems to be on this machine."""
    allow_anonymous: bool = False
    """Take requests without a key from anywhere that can reach the port."""
    trusted_networks: list[Network] = field(default_factory=list)
    """Clients from here need no key."""
    allowed_hosts: list[str] = field(default_factory=list)
    """Names under which clients may address the daemon, besides its own addresses."""
    allowed_origins: list[Origin] = field(default_factory=list)
    """Pages of other sites that may use every interface, by their origin, such as
    http://lab.example:3000 or chrome-extension://abc; the browser lets them read the answers.
    Where no key is needed, they may do everything."""
    queue: QueueConfig = field(default_factory=QueueConfig)
    retention: RetentionConfig = field(default_factory=RetentionConfig)
    limits: LimitsConfig = field(default_factory=LimitsConfig)
    artifacts: ArtifactsConfig = field(default_factory=ArtifactsConfig)
    webhooks: WebhooksConfig = field(default_factory=WebhooksConfig)
    notify: NotifyConfig = field(default_factory=NotifyConfig)
    interfaces: InterfacesConfig = field(default_factory=InterfacesConfig)
    inbox: InboxConfig = field(default_factory=InboxConfig)
    fleet: FleetConfig = field(default_factory=FleetConfig)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """What is logged: this and everything more serious."""
    log: Literal["text", "json"] = "text"
    """How: a line that people read, or a JSON object a line with the task it is about, which has
    a line for whatever happens to a task."""
    source: Path | None = None
    """The file that this was read from; not a key of the file."""

    @property
    def name(self) -> str:
        """Where its keys come from, for messages."""
        return "the packaged configuration" if self.source is None else str(self.source)
