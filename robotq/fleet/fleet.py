"""A daemon in a fleet: what it does besides driving its robots."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from robotq.config import Config
from robotq.engine.engine import Engine
from robotq.engine.upkeep.background import end
from robotq.fleet.door import Door, away
from robotq.fleet.durable import Durable
from robotq.fleet.handing_on import HandingOn
from robotq.fleet.inbox import Inbox
from robotq.fleet.isolation import Isolation
from robotq.fleet.members import Known, LostName, Member, leave
from robotq.fleet.outbox import Outbox
from robotq.fleet.own import Own
from robotq.fleet.peers import Peers
from robotq.fleet.retention import forget
from robotq.fleet.stops import Stops
from robotq.fleet.view import View
from robotq.model.errors import ConfigError, RobotqError
from robotq.model.ids import NOBODYS_BLOCK, Numbers
from robotq.model.json import JsonObject
from robotq.postgres import Database, DatabaseAway, migrate
from robotq.store.shared.what import CHECKLIST, SHARED

if TYPE_CHECKING:
    from robotq.fleet.standby.standbys import Standbys

_log = logging.getLogger(__name__)

_BEFORE_BEGIN_S = 3.0
"""Wall seconds that a start waits for the database, to find stops that stand; without an answer it
goes on, and latches them when the database is back."""
_BEAT_S = 2.0
_PAUSES_S = (0.2, 0.5, 1.0, 2.0)
"""Between two attempts while the database is away."""
_PRUNE_S = 3_600.0

State = Callable[[], Awaitable[JsonObject]]
"""Tells how this daemon's robots are, for the others to show."""


class Fleet:
    """Streams the journal out, takes commands in, hears and spreads stops. Each is a loop of its
    own that goes on for ever; none of them keeps a robot from going on or stopping."""

    def __init__(self, config: Config, engine: Engine, data: Path) -> None:
        """Blocks: reads a file. Raises ConfigError, DataUnavailable."""
        wanted = config.fleet
        assert wanted.dsn is not None
        self.config = wanted
        self._engine = engine
        self.database = Database(
            wanted.dsn, direct=wanted.listen_dsn, name=f"robotq {wanted.called}", deadline_s=5
        )
        self.own = Own(data)
        self._number_ids()
        self.member = Member(
            self.database,
            self.own,
            name=wanted.called,
            url=wanted.url,
            robots=[name for name, robot in config.robots.items() if robot.standby is None],
            away_s=wanted.away_s,
        )
        self.peers = Peers(self.own, wanted.key)
        self.durable = Durable(
            self.database,
            self.member,
            engine,
            why_not=lambda: self.away,
            sent=lambda: self.outbox.sent_id,
        )
        self.outbox = Outbox(
            self.database,
            self.member,
            engine.reads,
            shared=() if config.store.workers is None else (*SHARED, CHECKLIST),
            durable=self.durable.of,
        )
        engine.queue.also_kept_by(self.durable)
        self.inbox = Inbox(self.database, self.member, engine, self.durable)
        self.handing_on = HandingOn(self.database, self.member, engine)
        self.isolation = Isolation(engine, self.peers, self.durable.robots)
        self.door = Door(self.database, self.member, engine.clock)
        self.stops = Stops(
            self.database,
            self.member,
            self.own,
            self.peers,
            engine,
            why_not=lambda: self.away,
        )
        self.view = View(self.database)
        self.standbys: Standbys | None = None
        """Of the robots that another machine can take over, where there are some."""
        if any(robot.standby is not None for robot in config.robots.values()):
            self.standbys = _standbys(self, engine, data)
        self._state: State = _nothing
        self._daemons: Sequence[Known] = ()
        self._migrated = False
        self.away: str | None = "it was not asked yet"
        """Why the database cannot be asked; None where it can."""
        self.away_since_ms: int | None = engine.clock.now_ms()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def name(self) -> str:
        return self.member.name

    @property
    def daemons(self) -> Sequence[Known]:
        """As the database knew them a moment ago."""
        return self._daemons

    def age_of(self, daemon: str) -> float | None:
        """Seconds since a daemon was heard of, as the database knew it a moment ago."""
        return next((round(one.age_s, 1) for one in self._daemons if one.name == daemon), None)

    def daemon_of(self, robot: str) -> str | None:
        """The other daemon that drives a robot, as far as is known here."""
        return self.own.daemon_of(robot)

    def tell_state(self, state: State) -> None:
        """From now on the others are told this."""
        self._state = state

    async def leave(self, name: str) -> None:
        """Take a daemon that is gone out of the fleet. Raises RobotqError fleet_away."""
        try:
            await leave(self.database, name)
            self._daemons = await self.member.look()
        except DatabaseAway as error:
            raise away(error) from error

    async def before_begin(self) -> None:
        """Join, and latch what stands, before anything starts. Returns in a few seconds also where
        the database is away. Raises ConfigError for a database that cannot be used."""
        await self.database.open()
        try:
            async with asyncio.timeout(_BEFORE_BEGIN_S):
                await self._reached()
                await self.stops.look()
                await self._ask_what_became()
        except (DatabaseAway, LostName, TimeoutError, RobotqError) as error:
            self._is_away(error)
            self.isolation.not_asked()

    def start(self) -> None:
        """Begin the loops."""
        for name, step, every_s in (
            ("members", self._meet, _BEAT_S),
            ("stops", self._hear, self.config.poll_s),
            ("inbox", self._take, self.config.poll_s),
            ("outbox", self.outbox.send, self.config.poll_s),
            ("prune", self._prune, _PRUNE_S),
            ("isolation", self._listen, 1.0),
        ):
            self._tasks.append(
                asyncio.create_task(
                    self._again_and_again(name, step, every_s), name=f"fleet {name}"
                )
            )
        if self.standbys is not None:
            step, every_s = self.standbys.step, self.standbys.every_s
            self._tasks.append(
                asyncio.create_task(
                    self._again_and_again("leases", step, every_s, longest_s=every_s),
                    name="fleet leases",
                )
            )

    async def stop(self) -> None:
        """End the loops; what is not sent goes out after the next start."""
        await end(self._tasks)
        with suppress(DatabaseAway, TimeoutError):
            async with asyncio.timeout(2):
                if self.standbys is not None:
                    await self.standbys.end()
                while await self.outbox.send():
                    pass
                await self.member.say_gone()
        await self.peers.close()
        await self.database.close()

    # -- the loops ----------------------------------------------------------------------------

    async def _again_and_again(
        self,
        name: str,
        step: Callable[[], Awaitable[bool]],
        every_s: float,
        *,
        longest_s: float = _PAUSES_S[-1],
    ) -> None:
        failed = 0
        while True:
            try:
                more = await step()
                failed = 0
            except (DatabaseAway, LostName) as error:
                self._is_away(error)
                more, failed = False, failed + 1
            except RobotqError as error:
                # our own disk; what waits there waits for it
                _log.warning("fleet %s: %s", name, error)
                more, failed = False, failed + 1
            except Exception:  # noqa: BLE001 - one row that is wrong must not end the loop
                _log.exception("fleet %s", name)
                more, failed = False, failed + 1
            if failed:
                pause_s = _PAUSES_S[min(failed, len(_PAUSES_S)) - 1]
                await asyncio.sleep(max(every_s, min(pause_s, longest_s)))
            elif not more:
                await asyncio.sleep(every_s)

    async def _meet(self) -> bool:
        await self._reached()
        await self._ask_what_became()
        await self.member.beat(await self._state())
        self._daemons = await self.member.look()
        return False

    async def _ask_what_became(self) -> None:
        """Of commands here that a person has handed on."""
        if self.durable.robots:
            await self.handing_on.look()
        await self.isolation.asked()

    async def _listen(self) -> bool:
        await self.isolation.look(
            self.config.away_s, hold=self._engine.config.fleet.on_isolated == "hold"
        )
        return False

    async def _reached(self) -> None:
        """The database is there, with the schema, and knows us."""
        if not self._migrated:
            try:
                await self.database.check()
                await migrate(self.database)
            except ConfigError as error:
                raise DatabaseAway(str(error)) from error
            self._migrated = True
        if not self.member.joined or self.away is not None:
            await self.member.join()
            self._number_ids()
            self.outbox.look_again()
        if self.away is not None:
            _log.info("in the fleet as %s, at %s", self.name, self.database.place)
        self.away = self.away_since_ms = None

    def _number_ids(self) -> None:
        """No two daemons of a fleet make one id: each has a part of all of them."""
        name, home = self.config.called, self.own.home
        number = self.own.number_of(name)
        if number is None:
            # the fleet has given none yet
            chance = hashlib.sha256(f"{home} {name}".encode()).digest()
            numbers = Numbers(NOBODYS_BLOCK, int.from_bytes(chance[:8]))
        else:
            numbers = Numbers(number)
        self._engine.standby.ids_of_its_own(numbers)

    async def _hear(self) -> bool:
        if not self._migrated:
            return False
        moved = await self.stops.look()
        self.isolation.heard()
        return moved

    async def _take(self) -> bool:
        if self.standbys is not None and self.member.joined:
            await self.standbys.let_go(self.durable.under_way)
        if not self.member.joined or not self.member.robots:
            return False
        return await self.inbox.take()

    async def _prune(self) -> bool:
        if self._migrated:
            kept = self._engine.config.retention
            await self.door.prune(kept.idempotency_hours)
            await forget(self.database, self.name, kept, self._engine.clock.now_ms())
            if self.standbys is not None:
                await self.standbys.prune()
        return False

    def _is_away(self, error: BaseException) -> None:
        if self.away is None:
            self.away_since_ms = self._engine.clock.now_ms()
            _log.warning("the fleet's database is away: %s", error)
        self.away = str(error) or type(error).__name__
        if self.away_since_ms is None:
            self.away_since_ms = self._engine.clock.now_ms()


def _standbys(fleet: Fleet, engine: Engine, data: Path) -> Standbys:
    from robotq.fleet.standby.standbys import Standbys  # noqa: PLC0415 - few sites have some

    return Standbys(
        fleet.database,
        fleet.member,
        fleet.own,
        outbox=fleet.outbox,
        engine=engine,
        data=data,
        away_s=fleet.config.away_s,
    )


async def _nothing() -> JsonObject:
    return {}
