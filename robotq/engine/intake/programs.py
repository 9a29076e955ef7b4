"""Programs of clients as files: `<data>/programs`, each text once, by its SHA-256.

A file is on disk before the task that names it, and stays for as long as one does. All that waits
for the disk is done by one thread, so that the event loop never does.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from msgspec.structs import replace

from robotq.config.schema import LimitsConfig
from robotq.drivers.base import DriverError
from robotq.engine.commit.locks import outliving
from robotq.model.carried.program import (
    HEAD,
    HandedIn,
    ProgramFile,
    StoredProgram,
    programs_in,
    stored,
    text_of,
)
from robotq.model.crashpoints import CrashPoint, crash_point
from robotq.model.errors import RobotqError
from robotq.model.json import JsonValue
from robotq.model.task import Command
from robotq.store.port import Store, StoreUnavailable
from robotq.system.kept_files import FileRoom, NotAsKept, RoomFull

_log = logging.getLogger(__name__)

FOLDER = "programs"
"""In the data folder."""

_DEADLINE_S = 5.0
"""Wall seconds after which a disk that has not answered counts as out."""
_BYTES_IN_S = 1_048_576
"""So many more bytes give it another second."""

_T = TypeVar("_T")


class Programs:
    """Keeps programs, gives them back, and removes those that nothing names any more."""

    def __init__(self, store: Store, limits: Callable[[], LimitsConfig]) -> None:
        self._store = store
        self.limits = limits
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="robotq-programs")
        self._sweep_turn = asyncio.Lock()
        self._waiting: set[asyncio.Task[None]] = set()

    @cached_property
    def room(self) -> FileRoom:
        """Where they are. Blocks, the first time."""
        room = FileRoom(self._store.files(FOLDER), lambda: self.limits().programs_bytes)
        try:
            # nothing comes in before this: what a crash has left in the middle of being written
            room.clear_halves()
        except OSError as error:
            _log.warning("half programs were not removed: %s", error)
        return room

    # -- in ------------------------------------------------------------------------------------

    @asynccontextmanager
    async def holding(self) -> AsyncIterator[Holding]:
        """What is kept inside of the block is not removed before its end: until then it has to be
        committed that a task names it."""
        held: list[str] = []
        try:
            yield Holding(self, held)
        finally:
            for sha256 in held:
                self.room.release(sha256)

    async def on_thread(self, work: Callable[[], _T], size: int = 0) -> _T:
        """What `work` gives, done by the thread. Raises RobotqError store_unavailable,
        programs_full, and what `work` raises."""
        loop = asyncio.get_running_loop()
        working = loop.run_in_executor(self._pool, _in_our_words, work)
        try:
            async with asyncio.timeout(_DEADLINE_S + size / _BYTES_IN_S):
                return await outliving(working)
        except TimeoutError:
            raise RobotqError("store_unavailable", reason="reason.no_answer") from None

    async def with_room(self, work: Callable[[], _T], size: int) -> _T:
        """The same as `on_thread`; where there is no room, what nothing names any more makes some
        first. `work` may be done twice."""
        try:
            return await self.on_thread(work, size)
        except RobotqError as error:
            if error.code.name != "programs_full":
                raise
            # another sweep may have taken it all just now
            await self.sweep()
            return await self.on_thread(work, size)

    # -- out -----------------------------------------------------------------------------------

    @contextmanager
    def opened(
        self,
        command: Command,
        streamed: Iterable[str] = (),
        look: Callable[[], None] = lambda: None,
    ) -> Iterator[Command]:
        """The command with its programs: `streamed` parameters as `ProgramFile`, others as they
        came. Blocks. All of each was compared with its SHA-256. `look` is called every few
        milliseconds, and may raise.

        Raises DriverError program_lost where one is missing, or is not what was handed in.
        """
        programs = programs_in(command.params)
        if not programs:
            yield command
            return
        files: list[ProgramFile] = []
        given: dict[str, Any] = {}
        try:
            for name, program in programs:
                file = self._checked(name, program, look)
                files.append(file)
                given[name] = file if name in streamed else _as_it_came(program, file)
            assert isinstance(command.params, Mapping)
            yield replace(command, params={**command.params, **given})
        finally:
            for file in files:
                file.close()

    async def checked_path(self, program: StoredProgram) -> Path:
        """Where it is, after it was compared with its SHA-256. Raises RobotqError program_lost,
        store_unavailable."""

        def check() -> Path:
            self.room.checked(program.sha256).close()
            return self.room.path(program.sha256)

        try:
            return await self.on_thread(check, program.size)
        except NotAsKept as error:
            raise lost(program, str(error)) from None

    def _checked(self, name: str, program: StoredProgram, look: Callable[[], None]) -> ProgramFile:
        try:
            return ProgramFile(self.room.checked(program.sha256, look))
        except NotAsKept as error:
            raise DriverError(
                str(error), code="program_lost", field=f"params.{name}", sha256=program.sha256
            ) from None

    # -- upkeep --------------------------------------------------------------------------------

    async def opened_room(self) -> FileRoom:
        """Where they are, without waiting for the disk on the loop."""
        return await self.on_thread(lambda: self.room)

    async def sweep(self) -> int:
        """Remove the files that no task names; how many went. Raises RobotqError
        store_unavailable."""
        async with self._sweep_turn:
            sweeping = (await self.opened_room()).sweeping()
            sweep = await self.on_thread(sweeping.__enter__)
            try:
                if sweep.found:
                    named = await self._store.programs_named(sweep.found)
                    await self.on_thread(lambda: sweep.remove_all_but(named))
            except StoreUnavailable as error:
                raise RobotqError("store_unavailable", reason=str(error)) from error
            finally:
                await self.on_thread(lambda: sweeping.__exit__(None, None, None))
            if sweep.removed:
                _log.info("%d programs that no task names were removed", sweep.removed)
            return sweep.removed

    def hold(self, held: Sequence[str], until: Callable[[], Awaitable[object]]) -> None:
        """What was held goes on being held until then."""

        async def wait() -> None:
            try:
                await until()
            finally:
                for sha256 in held:
                    self.room.release(sha256)

        waiting = asyncio.create_task(wait(), name="programs on their way")
        self._waiting.add(waiting)
        waiting.add_done_callback(self._waiting.discard)

    def close(self) -> None:
        """Nothing is kept any more; what is under way comes to its end."""
        for waiting in self._waiting:
            waiting.cancel()
        self._pool.shutdown(wait=False, cancel_futures=True)


class Holding:
    """Programs that are kept while the tasks that name them are written."""

    def __init__(self, programs: Programs, held: list[str]) -> None:
        self._programs = programs
        self._held = held

    def until(self, until: Callable[[], Awaitable[object]]) -> None:
        """What was kept so far stays until then, also after the block."""
        self._programs.hold(tuple(self._held), until)
        self._held.clear()

    async def kept(self, command: Command, names: Iterable[str]) -> Command:
        """The command with its programs in files: what was handed in under these names, and what
        it had there already. Raises RobotqError store_unavailable, programs_full, program_lost."""
        params = command.params
        if not isinstance(params, dict):
            return command
        given: dict[str, Any] = {}
        for name, value in params.items():
            if type(value) is StoredProgram:
                await self._still_there(value)
            elif type(value) is HandedIn:
                given[name] = await self._keep_file(value)
            elif name in names and (text := text_of(value)) is not None:
                given[name] = await self._keep_text(text, as_lines=not isinstance(value, str))
        return replace(command, params={**params, **given}) if given else command

    async def _keep_text(self, text: str, *, as_lines: bool) -> StoredProgram:
        def keep() -> StoredProgram:
            room, content = self._programs.room, text.encode()
            if room.has(hashlib.sha256(content).hexdigest(), len(content)):
                sha256 = room.put(content)
            else:
                with room.incoming() as half:
                    half.write(content)
                    sha256 = room.keep(half, lambda: crash_point(CrashPoint.PROGRAM_WRITTEN))
            self._held.append(sha256)
            return stored(sha256, len(content), text[: HEAD + 1], as_lines=as_lines)

        return await self._kept(keep, len(text))

    async def _keep_file(self, program: HandedIn) -> StoredProgram:
        def keep() -> StoredProgram:
            program.keep()
            self._held.append(program["sha256"])
            return stored(program["sha256"], program["bytes"], program.head)

        return await self._kept(keep, program["bytes"])

    async def _kept(self, keep: Callable[[], StoredProgram], size: int) -> StoredProgram:
        program = await self._programs.with_room(keep, size)
        crash_point(CrashPoint.PROGRAM_KEPT)
        return program

    async def _still_there(self, program: StoredProgram) -> None:
        """One that another task has named: it stays from now on."""

        def held() -> bool:
            room = self._programs.room
            room.pin(program.sha256)
            self._held.append(program.sha256)
            return room.has(program.sha256, program.size)

        if not await self._programs.on_thread(held):
            raise lost(program, f"{self._programs.room.path(program.sha256)} is missing")


def lost(program: StoredProgram, reason: str) -> RobotqError:
    return RobotqError("program_lost", sha256=program.sha256, reason=reason)


def _as_it_came(program: StoredProgram, file: ProgramFile) -> JsonValue:
    text = file.text()
    return text.split("\n") if program.as_lines else text


def _in_our_words(work: Callable[[], _T]) -> _T:
    try:
        return work()
    except RoomFull as full:
        raise RobotqError("programs_full", used=full.used, limit=full.most) from full
    except OSError as error:
        raise RobotqError("store_unavailable", reason=error.strerror or str(error)) from error
