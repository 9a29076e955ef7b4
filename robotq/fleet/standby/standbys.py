"""All robots of this daemon that another machine can take over."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping
from pathlib import Path

from robotq.engine.engine import Engine
from robotq.fleet.door import away
from robotq.fleet.members import Member
from robotq.fleet.outbox import Outbox
from robotq.fleet.own import Own
from robotq.fleet.standby.adoption import Adoption
from robotq.fleet.standby.epochs import Epochs
from robotq.fleet.standby.keeper import Keeper
from robotq.fleet.standby.lease import SQL, Lease, Leases
from robotq.model.errors import RobotqError
from robotq.postgres import Database, DatabaseAway, load

_log = logging.getLogger(__name__)

_INBOX = load("robotq.fleet", "inbox.sql")

_SHARE = 0.2
"""Of the shortest lease: between two renewals."""


class Standbys:
    """A `Keeper` for each, one after the other: a robot that has to wait for its own command keeps
    no other one from its lease, since none of the steps waits for a robot."""

    def __init__(
        self,
        database: Database,
        member: Member,
        own: Own,
        *,
        outbox: Outbox,
        engine: Engine,
        data: Path,
        away_s: float,
    ) -> None:
        """Blocks: reads a file. Raises DataUnavailable."""
        self._database = database
        self._member = member
        self._engine = engine
        leases = Leases(database, member, own.home)
        self._adoption = Adoption(database, leases, engine)
        epochs = Epochs(data)
        robots = engine.config.robots
        self.keepers: Mapping[str, Keeper] = {
            name: Keeper(
                name,
                standby,
                engine.standby.tenures[name],
                database=database,
                leases=leases,
                epochs=epochs,
                adoption=self._adoption,
                outbox=outbox,
                engine=engine,
                away_s=away_s,
                moved=member.drives,
            )
            for name, robot in robots.items()
            if (standby := robot.standby) is not None
        }
        self.every_s = min(
            (min(1.0, one.config.lease_s * _SHARE) for one in self.keepers.values()), default=1.0
        )

    async def step(self) -> bool:
        """Renew what is ours, and look at what is not. Raises DatabaseAway."""
        if not self._member.joined:
            return False
        done = await asyncio.gather(
            *(keeper.step() for keeper in self.keepers.values()), return_exceptions=True
        )
        for robot, error in zip(self.keepers, done, strict=True):
            if isinstance(error, DatabaseAway):
                raise error
            if error is not None:
                _log.error("the lease of %s: %s", robot, error, exc_info=error)
        return False

    async def end(self) -> None:
        """What is on its way to the database gets there."""
        await asyncio.gather(*(keeper.end() for keeper in self.keepers.values()))

    async def let_go(self, under_way: Collection[str]) -> None:
        """What this daemon had begun to take for robots that are driven elsewhere now is taken
        where it has come into the queue here, from which it is handed over, and goes back to the
        inbox where it has not. Called where the inbox takes nothing; `under_way`: what others are
        taking in. Raises DatabaseAway, and RobotqError store_unavailable."""
        for robot, keeper in self.keepers.items():
            # a disk that hangs may still write what it was given
            if keeper.ours or not self._engine.store_available:
                continue
            for row_id, here in await self._adoption.begun_to_take(robot):
                if row_id in under_way:
                    continue
                words = {"id": row_id, "name": self._member.name, "error": None}
                if here:
                    words |= {"state": "taken", "task_id": row_id}
                async with self._database.transaction() as connection:
                    await connection.execute(_INBOX["settle" if here else "back"], words)

    async def prune(self) -> None:
        """Raises DatabaseAway."""
        async with self._database.transaction() as connection:
            await connection.execute(SQL["prune"])

    async def not_told(self, robots: Collection[str]) -> tuple[str, ...]:
        """Those of these robots of which another machine that drives, or takes over, may not know
        what was just done here. Waits for the database a moment; other robots wait for nothing."""
        keepers = [self.keepers[one] for one in dict.fromkeys(robots) if one in self.keepers]
        told = await asyncio.gather(*(keeper.told() for keeper in keepers))
        return tuple([one.robot for one, done in zip(keepers, told, strict=True) if not done])

    def elsewhere(self, robot: str) -> bool:
        """Whether this robot of ours is driven by another daemon now."""
        keeper = self.keepers.get(robot)
        return keeper is not None and not keeper.ours and keeper.holder is not None

    def asked(self) -> Mapping[str, Lease]:
        """Robots of ours that nobody drives before a person has said that the old machine is off,
        with the lease of that one."""
        return {
            robot: keeper.asks
            for robot, keeper in self.keepers.items()
            if keeper.asks is not None and not keeper.ours
        }

    async def old_machine_is_off(self, robot: str, *, actor: str, epoch: int | None) -> None:
        """A person says so, and this daemon is to drive. `epoch`: of the lease that he has seen.
        Raises RobotqError standby_refused, fleet_away."""
        keeper = self.keepers.get(robot)
        if keeper is None:
            reason = "this daemon has no such robot with `standby`"
            raise RobotqError("standby_refused", robot=robot, reason=reason)
        try:
            await keeper.old_machine_is_off(actor, epoch)
        except DatabaseAway as error:
            raise away(error) from error
