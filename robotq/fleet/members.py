"""Who is in the fleet: this daemon under its name, its robots, and the others."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import orjson

from robotq.fleet.own import Own, Peer
from robotq.model.ids import BLOCKS, FIRST_BLOCK
from robotq.model.json import JsonObject
from robotq.model.version import __version__
from robotq.postgres import Database, load
from robotq.postgres.database import Connection

_log = logging.getLogger(__name__)

_SQL = load(__package__, "members.sql")


class LostName(Exception):
    """Another data folder, or another process on this one, has the name of this daemon."""


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A daemon of the fleet as the database knows it."""

    name: str
    url: str | None
    version: str
    age_s: float
    """Since it was heard of last, by the clock of the database."""
    journal: int
    sent_id: int
    """Up to which event of its journal the database knows it."""
    state: JsonObject
    """What it said of itself then."""
    ended: bool
    """It has said that it ends."""
    robots: tuple[str, ...]


class Member:
    """This daemon in the fleet."""

    def __init__(
        self,
        database: Database,
        own: Own,
        *,
        name: str,
        url: str | None,
        robots: Sequence[str],
        away_s: float,
    ) -> None:
        self._database = database
        self._own = own
        self.name = name
        self._url = url
        self._robots = tuple(robots)
        self._driven: set[str] = set()
        """Of those that two machines can reach, the ones that are driven from here now."""
        self._away_s = away_s
        self._session = secrets.token_hex(8)
        self.joined = False
        self.refused: str | None = None
        """Why it is not in the fleet although the database is there."""
        self.not_ours: Mapping[str, str] = {}
        """Robots of this daemon that the fleet knows as another's; commands for them are taken
        here only."""

    @property
    def words(self) -> dict[str, Any]:
        return {"name": self.name, "session": self._session}

    @property
    def robots(self) -> Sequence[str]:
        """Those that the fleet knows as ours."""
        known = (*self._robots, *sorted(self._driven))
        return [robot for robot in known if robot not in self.not_ours]

    def drives(self, robot: str, ours: bool) -> None:
        """A robot that two machines can reach is driven from here now, or is not any more."""
        (self._driven.add if ours else self._driven.discard)(robot)

    async def join(self) -> None:
        """Take the name, and say which robots are here. Raises LostName, DatabaseAway."""
        words = {
            **self.words,
            "home": self._own.home,
            "url": self._url,
            "version": __version__,
            "away_s": self._away_s,
            "robots": [*self._robots, *self._driven],
        }
        async with self._database.transaction() as connection:
            if await (await connection.execute(_SQL["join"], words)).fetchone() is None:
                holder = await (await connection.execute(_SQL["holder"], words)).fetchone()
                self.joined, self.refused = False, self._why_not(holder)
                raise LostName(self.refused)
            number = await self._number(connection)
            await connection.execute(_SQL["not_robots"], words)
            await connection.execute(_SQL["robots"], words)
            taken = await (await connection.execute(_SQL["taken"], words)).fetchall()
        not_ours = {robot: daemon for robot, daemon in taken}  # noqa: C416 - a row is a pair
        if not_ours != self.not_ours:
            for robot, daemon in not_ours.items():
                _log.error(
                    "the fleet knows %s as a robot of %s; two must not have one", robot, daemon
                )
        self.not_ours = not_ours
        await self._own.numbered(self.name, number)
        self.joined, self.refused = True, None

    async def _number(self, connection: Connection) -> int | None:
        """Which part of all ids is ours, for good; None: all are taken. Who leaves the fleet keeps
        his, as long as there are others."""
        words = {
            "name": self.name,
            "home": self._own.home,
            "first": FIRST_BLOCK,
            "last": BLOCKS - 1,
            "kept": self._own.number_of(self.name),
        }
        row = await (await connection.execute(_SQL["number_had"], words)).fetchone()
        if row is None:
            await connection.execute(_SQL["numbers_alone"])
            row = await (await connection.execute(_SQL["number_new"], words)).fetchone()
        if row is None:
            row = await (await connection.execute(_SQL["number_again"], words)).fetchone()
        if row is None:
            _log.warning("the fleet has more than %d daemons: ids differ by chance only", BLOCKS)
        return None if row is None else row[0]

    def _why_not(self, holder: Any) -> str:
        if holder is not None and holder[0] == self._own.home:
            return (
                f"another process has joined the fleet as {self.name} from this data folder, or a "
                "copy of it"
            )
        return (
            f"the name {self.name} belongs to another data folder. Give this daemon another one "
            f"(fleet.name), or run `robotq fleet leave {self.name}` if the other one is gone."
        )

    async def beat(self, state: JsonObject) -> None:
        """Say that it is there, and how it is. Raises LostName, DatabaseAway."""
        text = orjson.dumps(state).decode()
        words = {**self.words, "state": text, "robots": list(self.robots)}
        async with self._database.transaction() as connection:
            found = await connection.execute(_SQL["beat"], words)
            if await found.fetchone() is None:
                self.joined = False
                raise LostName(self.name)
            # whoever submits elsewhere finds who drives them by this
            await connection.execute(_SQL["robots"], words)

    async def all(self) -> Sequence[Known]:
        """Every daemon of the fleet. Raises DatabaseAway."""
        async with self._database.connection() as connection:
            rows = await (await connection.execute(_SQL["all"])).fetchall()
        return [
            Known(
                name=name,
                url=url,
                version=version,
                age_s=age_s,
                journal=journal,
                sent_id=sent_id,
                state=orjson.loads(state),
                ended=ended,
                robots=tuple(robots),
            )
            for name, url, version, age_s, journal, sent_id, state, ended, robots in rows
        ]

    async def look(self) -> Sequence[Known]:
        """The same; who the others are is kept here for when the database is away."""
        found = await self.all()
        await self._own.meet(
            {
                one.name: Peer(url=one.url, robots=one.robots)
                for one in found
                if one.name != self.name
            }
        )
        return found

    async def say_gone(self) -> None:
        """Let the next process of this data folder join at once. Raises DatabaseAway."""
        async with asyncio.timeout(1), self._database.connection() as connection:
            await connection.execute(_SQL["gone"], self.words)


async def leave(database: Database, name: str) -> bool:
    """Take a daemon that is gone out of the fleet, with its robots; what it has done stays.
    Whether there was one. Raises DatabaseAway."""
    async with database.transaction() as connection:
        return (
            await (await connection.execute(_SQL["leave"], {"name": name})).fetchone() is not None
        )
