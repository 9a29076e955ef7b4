"""What a daemon of a fleet keeps for itself, so that it knows it without the database."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from robotq.model.errors import DataUnavailable
from robotq.system.durable import write_durably

_log = logging.getLogger(__name__)

NAME = "fleet.json"
"""In the data folder, from the first start in a fleet on."""

_STOPS = 1_000
"""Stops of the fleet that are remembered; the oldest one is forgotten."""


UNWRITTEN = 100
"""Stops that wait for the database."""


class Peer(msgspec.Struct, frozen=True, kw_only=True):
    """Another daemon, as it was when it was heard of last."""

    url: str | None
    robots: tuple[str, ...]


class StopOfFleet(msgspec.Struct, frozen=True, kw_only=True):
    """A stop that reaches every robot of the fleet."""

    stop_id: str
    door: str
    """The daemon at which somebody stopped."""
    actor: str
    reason: str


class Unwritten(msgspec.Struct, kw_only=True):
    """A stop that began here while the database was away."""

    stop: StopOfFleet
    at_ms: int = 0
    latched_by: list[str] = msgspec.field(default_factory=list)
    """The other daemons that have said that they latched it."""
    left: bool = False
    """It was reset by its id here."""
    reset_by: str | None = None
    """Who has reset it meanwhile, at all daemons."""


class _Kept(msgspec.Struct, kw_only=True):
    home: str
    unwritten: dict[str, Unwritten] = msgspec.field(default_factory=dict)
    peers: dict[str, Peer] = msgspec.field(default_factory=dict)
    stops: dict[str, list[str]] = msgspec.field(default_factory=dict)
    number: int | None = None
    number_of: str = ""


class Own:
    """`<data>/fleet.json`: who this data folder is, where the others are, and which stops of the
    fleet it has had. Written in threads, whole, and synced."""

    def __init__(self, folder: Path) -> None:
        """Reads the file, or begins one. Blocks. Raises DataUnavailable for one that cannot be
        read: to begin anew would be to forget which stops were reset."""
        self._file = folder / NAME
        self._lock = asyncio.Lock()
        self._changed = False
        try:
            self._kept = msgspec.json.decode(self._file.read_bytes(), type=_Kept)
        except FileNotFoundError:
            self._kept = _Kept(home=uuid.uuid4().hex)
            self._write(self._encoded())
        except (OSError, msgspec.MsgspecError) as error:
            raise DataUnavailable(f"{self._file} cannot be read: {error}") from error

    @property
    def home(self) -> str:
        """Of the data folder, for good."""
        return self._kept.home

    def number_of(self, name: str) -> int | None:
        """That the fleet has given to this folder under this name; a copy of the folder that is
        called otherwise has none."""
        return self._kept.number if self._kept.number_of == name else None

    async def numbered(self, name: str, number: int | None) -> None:
        """Keep it; nothing is written where it is known."""
        if (self._kept.number, self._kept.number_of) != (number, name):
            self._kept.number, self._kept.number_of = number, name
            await self._save()

    @property
    def peers(self) -> Mapping[str, Peer]:
        return self._kept.peers

    def daemon_of(self, robot: str) -> str | None:
        """The other daemon that drives a robot, as far as is known."""
        return next((name for name, peer in self.peers.items() if robot in peer.robots), None)

    def has_had(self, stop_id: str) -> bool:
        """Whether this stop of the fleet was latched here, whatever became of it since."""
        return stop_id in self._kept.stops

    def holds_of(self, stop_id: str) -> Sequence[str]:
        """The holds that a stop of the fleet has set here."""
        return self._kept.stops.get(stop_id, ())

    async def meet(self, peers: Mapping[str, Peer]) -> None:
        """Keep who the others are."""
        if peers != self._kept.peers:
            self._kept.peers = dict(peers)
            await self._save()

    async def had(self, stop_id: str, holds: Sequence[str]) -> None:
        """Keep that a stop was latched. Known at once; on disk when this returns."""
        stops = self._kept.stops
        stops[stop_id] = list(holds)
        while len(stops) > _STOPS:
            del stops[next(iter(stops))]
        await self._save()

    @property
    def unwritten(self) -> Mapping[str, Unwritten]:
        """Stops that began here and that the database does not know, oldest first."""
        return self._kept.unwritten

    def began(self, stop: StopOfFleet, at_ms: int = 0) -> None:
        """Keep a stop until the database has it; on disk with the next `had`. Of more than there
        may be, the oldest goes: each later one has stopped all that it has stopped."""
        waiting = self._kept.unwritten
        waiting[stop.stop_id] = Unwritten(stop=stop, at_ms=at_ms)
        while len(waiting) > UNWRITTEN:
            oldest = next(iter(waiting))
            _log.warning("the stop %s is not told to the fleet: too many came after it", oldest)
            del waiting[oldest]

    def written(self, stop_id: str) -> None:
        """The database has it now. One that is still on disk here is written again, which changes
        nothing there."""
        self._changed |= self._kept.unwritten.pop(stop_id, None) is not None

    async def save(self) -> None:
        """Keep what was said about `unwritten`."""
        self._changed = False
        await self._save()

    async def save_changed(self) -> None:
        """The same where something was."""
        if self._changed:
            await self.save()

    async def _save(self) -> None:
        async with self._lock:
            content = self._encoded()
            try:
                await asyncio.to_thread(self._write, content)
            except DataUnavailable as error:
                # the latch itself has its own file: at worst a stop that was reset counts again
                _log.error("%s", error)

    def _encoded(self) -> bytes:
        return msgspec.json.format(msgspec.json.encode(self._kept), indent=1)

    def _write(self, content: Any) -> None:
        try:
            write_durably(self._file, content, private=True)
        except OSError as error:
            raise DataUnavailable(f"{self._file} cannot be written: {error}") from error
