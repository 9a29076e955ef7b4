"""The parts of an engine on which the others stand."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

import msgspec

from robotq.config import WORKER_QUEUES, Config
from robotq.engine.artifacts.files import ArtifactFiles
from robotq.engine.checklist.manual_steps import ManualSteps
from robotq.engine.commit.commit import Commit
from robotq.engine.events.bus import EventBus
from robotq.engine.holds.board import HoldBoard, places_to_resources
from robotq.engine.holds.writer import HoldWriter
from robotq.engine.intake.programs import Programs
from robotq.engine.reads import Reads
from robotq.engine.robot.handlers import MANUAL_STEP
from robotq.engine.robot.stop_file import StopFile
from robotq.engine.settings import Settings
from robotq.engine.signals import Signals
from robotq.engine.state.resources import Resources
from robotq.engine.state.tasks import TaskMemory
from robotq.engine.webhooks.new import NewWebhooks
from robotq.engine.webhooks.service import Webhooks
from robotq.model.clock import WallClock
from robotq.model.hold import HoldCode
from robotq.model.ids import salt_by_chance
from robotq.model.json import JsonObject
from robotq.store.port import InFolder, Restored, Store

_log = logging.getLogger(__name__)


IDS = "ids"
"""The fact with the salt of this data folder's ids."""


class Base(msgspec.Struct, frozen=True, kw_only=True):
    """What is known, and the way to the disk. The recovery needs no more than this."""

    signals: Signals
    settings: Settings
    clock: WallClock
    store: Store
    restored: Restored
    bus: EventBus
    memory: TaskMemory
    resources: Resources
    reads: Reads
    holds: HoldBoard
    commit: Commit
    hold_writer: HoldWriter
    stop_file: StopFile
    artifacts: ArtifactFiles
    webhooks: Webhooks
    steps: ManualSteps
    programs: Programs
    salt: int
    """Of the ids of this data folder."""

    @property
    def salted(self) -> bool:
        """The salt is on disk, or none is wanted."""
        return not self.salt or IDS in self.restored.facts


def _found(
    stop_file: StopFile, artifacts: ArtifactFiles, config: Config
) -> Mapping[str, JsonObject]:
    """The stops that are kept. In one go with what else the files need, since each call of a thread
    is paid for at every start."""
    try:
        artifacts.prepare()
    except OSError as error:
        _log.error("the folder of artifacts cannot be looked at: %s", error)
    return stop_file.read(config.robots)


async def make_base(
    settings: Settings, store: Store, restored: Restored, clock: WallClock, signals: Signals
) -> Base:
    """With what the store has restored; an emergency stop that is kept in its file counts."""
    config = settings.config
    programs = Programs(store, lambda: settings.config.limits)
    bus = EventBus(last_event_id=restored.last_event_id, listeners=config.limits.event_streams)
    memory = TaskMemory(
        restored,
        queues=config.robots,
        finished=config.queue.finished_in_memory,
        worker_queues=WORKER_QUEUES,
        finished_bytes=config.queue.max_bytes // 4,
    )
    resources = Resources(places_to_resources(config.resources), restored.occupancies)
    reads = Reads(store, memory, resources, bus, deadline_s=settings.timings.read_s)
    holds = HoldBoard(config.robots, restored.holds, clock, signals)
    signals.hold_changed.subscribe(memory.wake)
    steps = ManualSteps(settings, clock)
    new_webhooks = NewWebhooks(settings, clock, restored.deliveries)
    commit = Commit(
        store=store,
        bus=bus,
        reads=reads,
        memory=memory,
        resources=resources,
        signals=signals,
        settings=settings,
        at_end=(new_webhooks.following,),
        by_handler={MANUAL_STEP: steps.following},
        deadline_s=settings.timings.disk_s,
    )
    hold_writer = HoldWriter(holds, commit, restored.holds, signals, settings)
    folder = store.folder if isinstance(store, InFolder) else None
    stop_file = StopFile(folder)
    artifacts = ArtifactFiles(folder, settings)
    for name, stop in (await asyncio.to_thread(_found, stop_file, artifacts, config)).items():
        if not holds.has(name, HoldCode.ESTOP):
            holds.set(name, HoldCode.ESTOP, actor=stop["actor"], reason=stop["reason"])
    webhooks = Webhooks(
        settings=settings,
        reads=reads,
        commit=commit,
        clock=clock,
        new=new_webhooks,
        signals=signals,
    )
    return Base(
        signals=signals,
        settings=settings,
        clock=clock,
        store=store,
        restored=restored,
        bus=bus,
        memory=memory,
        resources=resources,
        reads=reads,
        holds=holds,
        commit=commit,
        hold_writer=hold_writer,
        stop_file=stop_file,
        artifacts=artifacts,
        webhooks=webhooks,
        steps=steps,
        programs=programs,
        salt=_salt(restored),
    )


def _salt(restored: Restored) -> int:
    """By chance for a new data folder, so that two of them make different ids also in the same
    second; one that has none yet, and tasks, goes on without."""
    kept = restored.facts.get(IDS)
    if kept is not None:
        return int(kept["salt"])
    return 0 if restored.last_seq else salt_by_chance()
