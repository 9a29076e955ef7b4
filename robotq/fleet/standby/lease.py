"""The lease of a robot in the database: who drives it, under which epoch, and until when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import orjson

from robotq.config import StandbyConfig
from robotq.fleet.members import Member
from robotq.model.json import JsonObject
from robotq.model.task import DeviceRun
from robotq.postgres import Database, load
from robotq.postgres.database import Connection

SQL = load("robotq.fleet", "standby.sql")


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """The command with which a robot was begun last; it may be at its end."""

    daemon: str
    task_id: str
    attempt: int
    run: DeviceRun | None = None
    names_first: bool = False
    """Without `run` its robot has heard nothing of it."""
    submitted_at_ms: int | None = None
    """None: a robotq of before wrote it."""
    batch_id: str | None = None
    """Of a contiguous batch: nothing else begins before its end."""


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """A row as it was a moment ago."""

    epoch: int
    holder: str
    home: str
    session: str | None
    fence: str
    left_s: float
    """Until somebody else may take it, by the clock of the database."""
    begun: Begun | None
    holds: Sequence[JsonObject]
    off_by: str | None
    off_for: str | None
    before: Sequence[str]
    """Daemons that drove before, and what they had is not with the holder yet."""


class Leases:
    """Reads and writes the rows. All raise DatabaseAway."""

    def __init__(self, database: Database, member: Member, home: str) -> None:
        self._database = database
        self._member = member
        self._home = home

    @property
    def name(self) -> str:
        return self._member.name

    @property
    def home(self) -> str:
        return self._home

    @property
    def session(self) -> str:
        session: str = self._member.words["session"]
        return session

    def words(self, robot: str, config: StandbyConfig, **more: Any) -> dict[str, Any]:
        return {
            **self._member.words,
            "home": self._home,
            "robot": robot,
            "fence": config.fence,
            "lease_s": config.lease_s,
            **more,
        }

    async def look(self, robot: str) -> Lease | None:
        async with self._database.connection() as connection:
            row = await (await connection.execute(SQL["look"], {"robot": robot})).fetchone()
        return None if row is None else _lease(row)

    async def locked(self, connection: Connection, robot: str) -> Lease | None:
        """The same, and nobody changes it before the transaction ends."""
        row = await (await connection.execute(SQL["lock"], {"robot": robot})).fetchone()
        return None if row is None else _lease(row)

    async def take(
        self,
        connection: Connection,
        robot: str,
        config: StandbyConfig,
        epoch: int,
        *,
        first: bool,
        before: Sequence[str],
    ) -> bool:
        """Write that we drive, in the transaction that has locked the row."""
        words = self.words(robot, config, epoch=epoch, before=list(before))
        if first:
            made = await (await connection.execute(SQL["first"], words)).fetchone()
            if made is None:
                return False
        else:
            await connection.execute(SQL["take"], words)
        await connection.execute(SQL["ours"], words)
        return True

    async def another(self, connection: Connection, robot: str, holder: str | None) -> str | None:
        """A daemon that drives the robot without a lease."""
        words = {"robot": robot, "name": self.name, "holder": holder}
        row = await (await connection.execute(SQL["another"], words)).fetchone()
        return None if row is None else row[0]

    async def renew(
        self,
        robot: str,
        config: StandbyConfig,
        epoch: int,
        holds: Sequence[JsonObject] | None,
        begun: Begun | None = None,
    ) -> bool:
        """Whether it is still ours. `holds`: those of the queue; None while what held it elsewhere,
        and waited there, is not here."""
        told = None if holds is None else orjson.dumps(holds).decode()
        words = self.words(robot, config, epoch=epoch, holds=told)
        if begun is not None:
            words["begun"] = msgspec.json.encode(begun).decode()
        async with self._database.transaction() as connection:
            statement = SQL["renew" if begun is None else "begin"]
            return await (await connection.execute(statement, words)).fetchone() is not None

    async def give_up(self, robot: str, config: StandbyConfig, epoch: int, higher: int) -> None:
        """The device has a higher epoch than ours."""
        words = self.words(robot, config, epoch=epoch, higher=higher)
        async with self._database.transaction() as connection:
            await connection.execute(SQL["give_up"], words)

    async def off(self, robot: str, epoch: int, actor: str) -> bool:
        """A person says that the machine of the holder is off. False where its lease lasts."""
        words: Mapping[str, Any] = {
            "robot": robot,
            "epoch": epoch,
            "actor": actor,
            "name": self.name,
        }
        async with self._database.transaction() as connection:
            return await (await connection.execute(SQL["off"], words)).fetchone() is not None


def _lease(row: tuple[Any, ...]) -> Lease:
    epoch, holder, home, session, fence, left_s, begun, holds, off_by, off_for, before = row
    return Lease(
        epoch=epoch,
        holder=holder,
        home=home,
        session=session,
        fence=fence,
        left_s=left_s,
        begun=None if begun is None else msgspec.json.decode(begun, type=Begun),
        holds=orjson.loads(holds),
        off_by=off_by,
        off_for=off_for,
        before=tuple(before),
    )
