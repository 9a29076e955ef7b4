"""Every key of the configuration, its default and what it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from robotq.config.outside import FleetConfig, NotifyConfig, StoreConfig, WebhooksConfig
from robotq.config.robots import RobotConfig
from robotq.config.section import Network, Origin, RobotName, Section


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


WORKER_QUEUES = ("task_queue", "orchestrator", "dispatcher")
"""The queues for workers; each has the name of the interface that lists its tasks."""


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
