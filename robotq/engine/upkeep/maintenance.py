"""What robots have done since somebody last saw to them, and what is due by that."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import msgspec

from robotq.config import MaintenanceConfig
from robotq.engine.commit.commit import Commit
from robotq.engine.holds.board import HoldBoard
from robotq.engine.reads import Reads
from robotq.engine.settings import Settings
from robotq.model.clock import WallClock
from robotq.model.errors import RobotqError
from robotq.model.event import Event
from robotq.model.hold import HoldCode
from robotq.model.json import JsonObject
from robotq.model.task import FINAL_STATES
from robotq.store.port import AddToTally, AppendEvent, Mutation, SaveTask, SetFact, Tally

_log = logging.getLogger(__name__)

API = "maintenance"
"""Under which tallies stand, and who sets the holds."""
_HOUR_MS = 3_600_000
_DAY_MS = 86_400_000
_FACT = "maintenance:"


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """When somebody has seen to it, and what its counter said then."""

    count: float
    at_ms: int
    actor: str


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to be seen to, as it stands now."""

    robot: str
    name: str
    counts: str
    used: float
    """Since it was seen to last."""
    every: float
    warns: bool
    due: bool
    holds: bool
    """Its robot's queue is held while it is due."""
    since_ms: int
    due_ms: int | None
    """Since when it is due, as far as this daemon has seen; null while it is not."""
    actor: str
    text: str


class Maintenance:
    """Counters are raised in the transaction that ends a command, so none is counted twice or left
    out. Made where the configuration names something."""

    def __init__(
        self,
        *,
        settings: Settings,
        commit: Commit,
        reads: Reads,
        holds: HoldBoard,
        clock: WallClock,
        facts: Mapping[str, JsonObject],
    ) -> None:
        self._settings = settings
        self._commit = commit
        self._reads = reads
        self._holds = holds
        self._clock = clock
        self._done = {
            name.removeprefix(_FACT): msgspec.convert(value, Done)
            for name, value in facts.items()
            if name.startswith(_FACT)
        }
        """By robot and item."""
        self._counts: dict[str, int] = {}
        """By robot and counter."""
        self._old = True
        """The disk may have counted more."""
        self._told: dict[str, int] = {}
        """What is due and stands in the journal, and since when."""

    # -- counting ------------------------------------------------------------------------------

    def following(self, saving: SaveTask) -> Sequence[Mutation]:
        """What a command that has ended adds to the counters of its robot."""
        task = saving.task
        if saving.before in FINAL_STATES or task.started_at_ms is None or task.ended_at_ms is None:
            return ()
        robot = self._settings.config.robots.get(task.queue)
        if robot is None or not robot.maintenance:
            return ()
        self._old = True
        ran_ms = max(0, task.ended_at_ms - task.started_at_ms)
        added = {"commands": 1, "ms": ran_ms, f"of {task.command.cmd_type}": 1}
        return [
            AddToTally(Tally(api=API, name=f"{task.queue}/{name}", value=value))
            for name, value in added.items()
        ]

    async def start(self) -> None:
        """What nobody has seen to yet counts from now on."""
        await self._read()
        now_ms = self._clock.now_ms()
        for key, robot, told in self._configured():
            if key not in self._done:
                count = self._count(robot, told.counts)
                done = Done(count=count, at_ms=now_ms, actor="robotq")
                if await self._commit.written([self._fact(key, done)]):
                    self._done[key] = done
                else:
                    _log.warning("%s: its counter begins anew after a restart", key)
                    self._done[key] = done

    async def look(self) -> None:
        """See what is due. Every few seconds."""
        if self._old:
            await self._read()
        self.hold_again()
        due = {f"{item.robot}/{item.name}": item for item in self.items() if item.due}
        for gone in self._told.keys() - due.keys():
            del self._told[gone]
        for key, item in due.items():
            if key not in self._told:
                self._told[key] = self._clock.now_ms()
                _log.warning("%s: maintenance is due: %s", item.robot, words_of(item))
                data = {"item": item.name, "used": item.used, "every": item.every}
                await self._commit.note(self._event("maintenance.due", item.robot, "robotq", data))

    def hold_again(self, robot: str | None = None) -> None:
        """A queue that is resumed while something is due is paused at once."""
        for item in self.items():
            if not (item.due and item.holds and robot in (None, item.robot)):
                continue
            if not self._holds.has(item.robot, HoldCode.PAUSED):
                self._holds.set(item.robot, HoldCode.PAUSED, actor=API, reason=words_of(item))

    async def _read(self) -> None:
        self._old = False
        tallies = await self._reads.tallies(API, from_ms=0, to_ms=0)
        self._counts = {tally.name: tally.value for tally in tallies}

    # -- what there is -------------------------------------------------------------------------

    def items(self) -> Sequence[Item]:
        now_ms = self._clock.now_ms()
        return [self._item(key, robot, told, now_ms) for key, robot, told in self._configured()]

    def _item(self, key: str, robot: str, told: MaintenanceConfig, now_ms: int) -> Item:
        done = self._done.get(key) or Done(count=0, at_ms=now_ms, actor="robotq")
        if told.counts == "days":
            used = (now_ms - done.at_ms) / _DAY_MS
        else:
            used = self._count(robot, told.counts) - done.count
        used = max(0.0, round(used, 3))
        due = used >= told.every
        return Item(
            robot=robot,
            name=key.partition("/")[2],
            counts=told.counts,
            used=used,
            every=told.every,
            warns=used >= told.every - told.warn_before,
            due=due,
            holds=told.then == "hold",
            since_ms=done.at_ms,
            due_ms=self._told.get(key, now_ms) if due else None,
            actor=done.actor,
            text=told.text,
        )

    def _count(self, robot: str, counts: str) -> float:
        if counts == "hours":
            return self._counts.get(f"{robot}/ms", 0) / _HOUR_MS
        name = counts if counts == "commands" else f"of {counts}"
        return float(self._counts.get(f"{robot}/{name}", 0))

    def _configured(self) -> Iterator[tuple[str, str, MaintenanceConfig]]:
        for robot, config in self._settings.config.robots.items():
            for name, told in config.maintenance.items():
                yield f"{robot}/{name}", robot, told

    # -- what people do ------------------------------------------------------------------------

    async def done(self, robot: str, name: str, *, actor: str) -> Item:
        """Somebody has seen to it: its counter begins anew. A queue that is paused for it stays
        paused, since whoever says so may stand at the robot.

        Raises RobotqError bad_parameter, store_unavailable."""
        key = f"{robot}/{name}"
        told = {key: told for key, _, told in self._configured()}.get(key)
        if told is None:
            known = [key.partition("/")[2] for key, of, _ in self._configured() if of == robot]
            reason = f"{robot} has {', '.join(known) or 'nothing'} to be seen to"
            raise RobotqError("bad_parameter", field="item", reason=reason)
        await self._read()
        done = Done(count=self._count(robot, told.counts), at_ms=self._clock.now_ms(), actor=actor)
        event = self._event("maintenance.done", robot, actor, {"item": name})
        then = partial(self._done.__setitem__, key, done)
        await self._commit.write([self._fact(key, done), AppendEvent(event)], then=then)
        self._told.pop(key, None)
        return self._item(key, robot, told, self._clock.now_ms())

    def _fact(self, key: str, done: Done) -> SetFact:
        return SetFact(_FACT + key, msgspec.to_builtins(done))

    def _event(self, kind: str, robot: str, actor: str, data: JsonObject) -> Event:
        return Event(kind=kind, at_ms=self._clock.now_ms(), actor=actor, robot=robot, data=data)


def words_of(item: Item) -> str:
    used = f"{item.name}: {item.used:g} of {item.every:g} {item.counts}"
    return f"{used}. {item.text}" if item.text else used
