"""Tasks as files: a folder to drop them into, and copies of tasks and results for whoever
reads files. The store is the truth; nothing is ever read back from the copies."""

from __future__ import annotations

import asyncio
import logging
import os
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import orjson
from aiohttp import web
from msgspec.structs import asdict

from robotq.api.context import ENGINE
from robotq.api.http.errors import Refused
from robotq.api.task_queue.answers import API, result_view, task_view
from robotq.api.task_queue.requests import job_of
from robotq.engine.engine import Engine
from robotq.inbox.hot_folder import HotFolder
from robotq.model.errors import RobotqError
from robotq.model.json import JsonObject
from robotq.model.json.text import parse_json
from robotq.model.task import Task
from robotq.system.durable import sync_folder, write_all_durably, write_durably

_log = logging.getLogger(__name__)

_T = TypeVar("_T")

_FILES = uuid.UUID("5a5f8d7e-5f0f-4b0c-9c57-6f1a0f4e7c11")
"""Makes ids out of the tokens of files that bring none."""

_EVENTS = 500
"""Rows of the journal that are looked at together."""

_EVENTS_NOTED = 5_000
"""Rows of the journal about others' tasks that a restart looks at again, at most."""

_LOOK_S = 0.2
"""Wall seconds between two looks whether the journal has grown."""

_FOREIGN_S = 5.0
"""Wall seconds between two looks for files of others among the copies."""

_PRUNE_S = 3_600.0
"""Wall seconds between two looks at what is old."""

_OUTAGE_S = 1.0
"""Wall seconds until copies are tried again that could not be written."""


class TaskFiles:
    """Task files as the documented library writes them: `{id, type, data, requester}`; `id` and
    all that follows may be left out, `task_type` stands for `type`."""

    actor = "inbox"
    suffixes: tuple[str, ...] = (".json",)

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def known(self, token: str) -> JsonObject | None:
        task = await self._engine.reads.task_if_any(_id_of(token))
        return None if task is None else _receipt(task)

    async def accept(
        self,
        token: str,
        content: bytes | Path,
        name: str,  # noqa: ARG002
    ) -> JsonObject:
        # only programs come by their path, and no name of one is taken here
        assert isinstance(content, bytes)
        body = parse_json(content)
        if not isinstance(body, dict):
            raise RobotqError("bad_parameter", field="body", reason="expected a JSON object")
        task_id = _own_id(body.get("id")) or _id_of(token)
        found = await self._engine.reads.task_if_any(task_id)
        if found is not None:
            if found.command.extra.get("file") == token:
                return _receipt(found)
            reason = "a task with this id is there already"
            raise RobotqError("bad_parameter", field="id", reason=reason)
        config = self._engine.config.interfaces.task_queue
        try:
            task_type = body.get("type", body.get("task_type"))
            job = job_of(task_type, body, config, task_id=task_id, file=token)
        except Refused as refusal:
            raise RobotqError("bad_parameter", field="body", reason=str(refusal)) from refusal
        task, _ = await self._engine.queue.submit_job(
            job, api=API, actor=self.actor, max_waiting=config.max_length, stands=True
        )
        return _receipt(task)


class Copies:
    """`tasks/<id>.json` for every task, `results/<id>.json` for every result, as they are on
    disk a moment after each change, whole after a power cut too. They go when retention removes
    the tasks.

    How far the journal was followed is kept beside them, so that nothing is missed over a
    restart; where that file is gone, or ahead of the journal, everything in the journal is
    written out again.
    """

    def __init__(self, folder: Path, engine: Engine) -> None:
        self._tasks = folder / "tasks"
        self._results = folder / "results"
        self._followed = folder / ".followed"
        self._engine = engine
        self._known: set[str] = set()
        """Names among the copies of tasks that were looked at."""
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="task copies")

    async def run(self) -> None:
        """For ever: follow the journal."""
        last_id: int | None = None
        pruned_at = 0.0
        looked_at = 0.0
        while True:
            try:
                if last_id is None:
                    last_id = await self._in_thread(self._begin)
                    if last_id > self._engine.reads.last_event_id:
                        # of another journal: the database is a new one, or an older one
                        last_id = 0
                last_id = await self.follow(last_id)
                if not pruned_at or time.monotonic() - pruned_at > _PRUNE_S:
                    pruned_at = time.monotonic()
                    await self.prune()
                if time.monotonic() - looked_at > _FOREIGN_S:
                    looked_at = time.monotonic()
                    await self.tell_foreign()
                await asyncio.sleep(_LOOK_S)
            except Exception as error:  # noqa: BLE001 - the disk may be back at the next look
                _log.warning("the copies of tasks cannot be written: %r", error)
                await asyncio.sleep(_OUTAGE_S)

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def follow(self, last_id: int) -> int:
        """Write what has changed since an event; returns the number of the last one."""
        reads = self._engine.reads
        while (newest := self._engine.reads.last_event_id) > last_id:
            events = await reads.events(last_id, limit=_EVENTS, api=API)
            ids = dict.fromkeys(event.task_id for event in events if event.task_id)
            tasks = [await reads.task_if_any(task_id) for task_id in ids]
            before = last_id
            # short of the limit, everything up to the newest was looked at
            last_id = events[-1].id if len(events) == _EVENTS else newest
            # not for a few events of others, or a busy robot would keep the disk busy with this
            if tasks or last_id // _EVENTS_NOTED > before // _EVENTS_NOTED:
                await self._in_thread(self._write, [task for task in tasks if task], last_id)
        return last_id

    async def prune(self) -> None:
        """Remove the copies of tasks that are not there any more."""
        old_s = self._engine.config.retention.tasks_days * 86_400
        before_s = self._engine.clock.now_ms() / 1000 - old_s
        for name in await self._in_thread(self._names, before_s):
            if await self._engine.reads.task_if_any(name) is None:
                await self._in_thread(self._remove, name)

    async def tell_foreign(self) -> None:
        """Say of each file that somebody else has put among the copies that nobody takes it: in
        the log, and in a file beside it."""
        for name in await self._in_thread(self._new_names):
            self._known.add(name)
            if await self._engine.reads.task_if_any(name.removesuffix(".json")) is not None:
                continue
            told = (
                f"{name} is no task: {self._tasks} has copies that the daemon writes and never "
                f"reads. Put task files into {self._tasks.with_name('inbox')}."
            )
            _log.warning("%s", told)
            beside = self._tasks / f"{name}.not-taken.txt"
            await self._in_thread(write_durably, beside, f"{told}\n".encode())

    def _new_names(self) -> Sequence[str]:
        with os.scandir(self._tasks) as entries:
            return [
                entry.name
                for entry in entries
                if entry.name.endswith(".json")
                and not entry.name.startswith(".")
                and entry.name not in self._known
                and entry.name.isprintable()
            ]

    def _begin(self) -> int:
        for folder in (self._tasks, self._results):
            folder.mkdir(parents=True, exist_ok=True)
            sync_folder(folder.parent)
        try:
            return int(self._followed.read_text(encoding="ascii"))
        except (FileNotFoundError, ValueError):
            return 0

    def _write(self, tasks: Sequence[Task], last_id: int) -> None:
        write_all_durably(self._copies_of(tasks))
        # only then: after a power cut, what is said to be written out is there
        write_durably(self._followed, f"{last_id}\n".encode())

    def _copies_of(self, tasks: Sequence[Task]) -> Iterator[tuple[Path, bytes]]:
        for task in tasks:
            # result first: whoever sees the task ended finds its result
            if task.state.final:
                yield self._results / f"{task.id}.json", _json(asdict(result_view(task)))
            yield self._tasks / f"{task.id}.json", _json(asdict(task_view(task)))

    def _names(self, before_s: float) -> Sequence[str]:
        """Tasks whose copy was not written since, by the wall clock."""
        with os.scandir(self._tasks) as entries:
            return [
                entry.name.removesuffix(".json")
                for entry in entries
                if entry.name.endswith(".json") and entry.stat().st_mtime < before_s
            ]

    def _remove(self, name: str) -> None:
        self._known.discard(f"{name}.json")
        for folder in (self._tasks, self._results):
            with suppress(FileNotFoundError):
                (folder / f"{name}.json").unlink()

    async def _in_thread(self, work: Callable[..., _T], *args: Any) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *args)


@asynccontextmanager
async def task_files(app: web.Application) -> AsyncIterator[None]:
    """The folder and the copies, for as long as the interface is served."""
    engine = app[ENGINE]
    if not engine.config.inbox.enabled:
        yield
        return
    folder = engine.config.data / "task_queue"
    inbox = HotFolder(
        folder / "inbox",
        TaskFiles(engine),
        engine,
        engine.config.inbox,
        lasts_s=engine.config.retention.tasks_days * 86_400,
    )
    copies = Copies(folder, engine)
    following = asyncio.create_task(copies.run(), name="task copies")
    await inbox.start()
    try:
        yield
    finally:
        await inbox.stop()
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        copies.close()


def _own_id(value: Any) -> str | None:
    if value is None:
        return None
    try:
        return str(uuid.UUID(value))
    except (ValueError, AttributeError, TypeError):
        raise RobotqError("bad_parameter", field="id", reason="expected a UUID") from None


def _id_of(token: str) -> str:
    return str(uuid.uuid5(_FILES, token))


def _receipt(task: Task) -> JsonObject:
    return {"success": True, "task_id": task.id}


def _json(value: JsonObject) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
