"""The reference worker: takes tasks of a robotq daemon, does them, and answers.

Needs nothing of the daemon's own code, so it can run on any machine:

    async def work(job: Job) -> object:
        return {"sum": sum(job.params["numbers"])}

    worker = Worker("http://127.0.0.1:8090", work, spool=Path("results"))
    asyncio.run(worker.run())
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import orjson

from robotq.model.json import JsonObject, JsonValue
from robotq.worker_spool import Finished, Spool

_log = logging.getLogger(__name__)

_ANSWER_S = 30.0
"""Seconds that the daemon has to answer, besides those that it is asked to wait."""
_BACK_OFF_S = (0.5, 10.0)
"""Seconds between two attempts to reach the daemon: the first ones, and the longest."""
_BEAT_S = (0.2, 20.0)
"""Shortest and longest seconds between two signs of life; else a third of the lease."""


class JobFailed(Exception):
    """Raised by a worker's function to fail its task; `data` goes along as its result."""

    def __init__(self, message: str, data: JsonValue = None) -> None:
        super().__init__(message)
        self.data = data


class Refused(Exception):
    """The daemon does not want this worker as it is: bad key, unknown queue, wrong address."""


@dataclass(slots=True, kw_only=True)
class Job:
    """A task in this worker's hands."""

    task_id: str
    queue: str
    cmd_type: str
    params: JsonValue
    extra: JsonObject
    attempt: int
    """2 and more: an earlier worker may have done a part of it."""
    token: int
    lease_s: float | None
    progress: float | None = None
    """0 to 1; goes to the daemon with the next sign of life, like `partial`."""
    partial: JsonObject | None = None
    """What was found so far."""
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the task is not this worker's any more; its function is cancelled then too."""


Work = Callable[[Job], Awaitable[JsonValue]]
"""Does a job and returns its result, any JSON. Raises JobFailed, or anything else, to fail it.
A blocking function goes through `asyncio.to_thread`; it is not interrupted by a cancel."""


class Worker:
    """Takes tasks of one queue, one at a time.

    It reconnects by itself, for ever. A result is on disk in `spool` before it is sent, and
    stays there until the daemon has taken or refused it, over restarts of either side. While it
    works it gives signs of life; a task that is called off, or was given to somebody else, is
    cancelled here.
    """

    def __init__(
        self,
        url: str,
        work: Work,
        *,
        spool: Path,
        queue: str = "task_queue",
        worker_id: str | None = None,
        match: str = "",
        key: str | None = None,
        wait_s: float = 20.0,
    ) -> None:
        """`spool` is a folder of this worker's own. `match` is the key of the tasks that it
        wants: a work directory, a group. `wait_s` is how long one request waits for a task, at
        most 60."""
        self.worker_id = worker_id or f"{socket.gethostname()}-{os.getpid()}"
        self.done = 0
        """Tasks that it has answered."""
        self._url = url.rstrip("/")
        self._work = work
        self._spool = Spool(spool)
        self._queue = queue
        self._match = match
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._wait_s = wait_s
        self._paused = False

    async def run(self, stop: asyncio.Event | None = None, *, once: bool = False) -> None:
        """Work until `stop` is set; what runs then is finished. `once`: until one task is done,
        or there is none. Raises Refused."""
        stop = stop or asyncio.Event()
        await asyncio.to_thread(self._spool.prepare)
        async with self._session() as session:
            while not stop.is_set():
                # what an earlier run has left goes first
                await self._deliver(session, stop)
                job = await self._next(session, stop, 0.0 if once else self._wait_s)
                if job is not None:
                    await self._do(session, job)
                    await self._deliver(session, stop)
                if once:
                    return

    # -- one task ------------------------------------------------------------------------------

    async def _do(self, session: aiohttp.ClientSession, job: Job) -> None:
        """Do a job, and keep what came of it; nothing where it was taken from this worker."""
        _log.info("%s %s begins", job.task_id, job.cmd_type)
        doing = asyncio.ensure_future(self._work(job))
        beating = asyncio.create_task(self._beat(session, job, doing), name="signs of life")
        try:
            await asyncio.wait({doing})
        finally:
            # where this worker itself is cancelled, its job is too
            beating.cancel()
            doing.cancel()
            await asyncio.gather(beating, doing, return_exceptions=True)
        if job.cancelled.is_set():
            _log.warning("%s is not ours any more; its result is dropped", job.task_id)
            return
        finished = finished_as(self.worker_id, job, doing)
        _log.info("%s ends: %s", job.task_id, "done" if finished.success else finished.error)
        await asyncio.to_thread(self._spool.keep, finished)

    async def _beat(
        self, session: aiohttp.ClientSession, job: Job, doing: asyncio.Future[JsonValue]
    ) -> None:
        shortest, longest = _BEAT_S
        every_s = longest if job.lease_s is None else min(max(job.lease_s / 3, shortest), longest)
        while True:
            await asyncio.sleep(every_s)
            report: dict[str, Any] = {"task_id": job.task_id, "token": job.token}
            if job.progress is not None:
                report["progress"] = job.progress
            if job.partial is not None:
                report["partial"] = job.partial
            answer = await self._ask(session, "heartbeat", {"tasks": [report]})
            if answer.status != 200:
                continue
            self._tell_pause(answer.body)
            for order in answer.body.get("tasks", ()):
                if order["task_id"] == job.task_id and order["order"] == "cancel":
                    _log.warning("%s is called off: %s", job.task_id, order["reason"])
                    job.cancelled.set()
                    doing.cancel()
                    return

    def _tell_pause(self, body: Mapping[str, Any]) -> None:
        paused = bool(body.get("paused"))
        if paused != self._paused:
            self._paused = paused
            why = f"is paused: {body.get('reason')}" if paused else "goes on"
            _log.info("the queue %s %s", self._queue, why)

    # -- the daemon ------------------------------------------------------------------------------

    async def _next(
        self, session: aiohttp.ClientSession, stop: asyncio.Event, wait_s: float
    ) -> Job | None:
        body = {"match": self._match, "wait_s": wait_s}
        asking = asyncio.create_task(self._until_answered(session, stop, "next", body))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({asking, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not asking.done():
            # a task that is on its way to us just now is offered again when its lease is over
            asking.cancel()
        await asyncio.gather(asking, stopping, return_exceptions=True)
        answer = None if asking.cancelled() else asking.result()
        task = None if answer is None else answer.body.get("task")
        return None if task is None else _job(task)

    async def _deliver(self, session: aiohttp.ClientSession, stop: asyncio.Event) -> None:
        """Send every result that is kept, oldest first, until the daemon has taken it."""
        for path, finished in await asyncio.to_thread(self._spool.kept):
            answer = await self._until_answered(
                session, stop, "result", finished.body(), finished.worker_id
            )
            if answer is None:
                # to be sent by the next run
                return
            if answer.status == 200:
                self.done += 1
            else:
                reason = answer.body.get("message", answer.status)
                _log.warning("the result of %s is refused: %s", finished.task_id, reason)
            await asyncio.to_thread(self._spool.forget, path)

    async def _until_answered(
        self,
        session: aiohttp.ClientSession,
        stop: asyncio.Event,
        what: str,
        body: JsonObject,
        worker_id: str | None = None,
    ) -> _Answer | None:
        """Ask until the daemon decides; None where `stop` is set while it cannot be reached."""
        wait_s, longest = _BACK_OFF_S
        while True:
            answer = await self._ask(session, what, body, worker_id)
            if answer.decided:
                return answer
            _log.warning("%s: %s; again in %g s", what, answer.problem, wait_s)
            try:
                async with asyncio.timeout(wait_s):
                    await stop.wait()
                return None
            except TimeoutError:
                wait_s = min(wait_s * 2, longest)

    async def _ask(
        self,
        session: aiohttp.ClientSession,
        what: str,
        body: JsonObject,
        worker_id: str | None = None,
    ) -> _Answer:
        """One request, of this worker or of an earlier one. Raises Refused."""
        name = quote(worker_id or self.worker_id, safe="")
        content = orjson.dumps({"queue": self._queue, **body})
        limit_s = _ANSWER_S + float(body.get("wait_s", 0.0))
        timeout = aiohttp.ClientTimeout(total=limit_s)
        try:
            async with session.post(
                f"{self._url}/workers/{name}/{what}", data=content, timeout=timeout
            ) as response:
                return _read(response.status, await response.read(), what)
        except aiohttp.InvalidURL as error:
            raise Refused(f"{self._url} is no address of a daemon") from error
        except (aiohttp.ClientError, TimeoutError) as error:
            return _Answer(status=0, problem=str(error) or type(error).__name__)

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[aiohttp.ClientSession]:
        headers = {"Content-Type": "application/json", "Accept-Language": "en", **self._headers}
        async with aiohttp.ClientSession(headers=headers) as session:
            yield session


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    status: int
    """0: none came."""
    body: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""

    @property
    def decided(self) -> bool:
        """The daemon will not say anything else when asked again."""
        return 0 < self.status < 500


def _read(status: int, content: bytes, what: str) -> _Answer:
    try:
        body = orjson.loads(content)
    except orjson.JSONDecodeError:
        return _Answer(status=0, problem=f"{status} without JSON")
    if not isinstance(body, dict):
        return _Answer(status=0, problem=f"{status} with something else than an object")
    message = str(body.get("message", status))
    # a result may be refused for reasons of its own; whatever else is refused stays so
    if status in (401, 403) or (400 <= status < 500 and what != "result"):
        raise Refused(message)
    return _Answer(status=status, body=body, problem=message)


def _job(task: Mapping[str, Any]) -> Job:
    return Job(
        task_id=task["task_id"],
        queue=task["queue"],
        cmd_type=task["cmd_type"],
        params=task["params"],
        extra=task["extra"],
        attempt=task["attempt"],
        token=task["token"],
        lease_s=task["lease_s"],
    )


def finished_as(worker_id: str, job: Job, doing: asyncio.Future[JsonValue]) -> Finished:
    """How a job ended whose function has ended."""
    error = asyncio.CancelledError() if doing.cancelled() else doing.exception()
    if error is None:
        return Finished(
            worker_id=worker_id,
            task_id=job.task_id,
            token=job.token,
            success=True,
            data=doing.result(),
        )
    if isinstance(error, JobFailed):
        data, reason = error.data, str(error)
    else:
        data, reason = None, f"{type(error).__name__}: {error}"
        _log.error("%s failed", job.task_id, exc_info=error)
    return Finished(
        worker_id=worker_id,
        task_id=job.task_id,
        token=job.token,
        success=False,
        data=data,
        error=reason,
    )
