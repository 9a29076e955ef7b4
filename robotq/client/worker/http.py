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
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import aiohttp
import orjson

from robotq.client.worker.job import (
    BACK_OFF_S,
    PASSING,
    Job,
    Pauses,
    Refused,
    Work,
    finished_as,
)
from robotq.client.worker.messages import Malformed, Problem, Taken, decoded
from robotq.client.worker.spool import Spool
from robotq.model.json import JsonObject, JsonValue
from robotq.wire.remote_work.workers import Heartbeat, Next

_log = logging.getLogger(__name__)

_T = TypeVar("_T")

_KNOWN = ("task_id", "queue", "cmd_type", "params", "extra", "attempt", "token", "lease_s")
"""What a job says of its task."""
_ANSWER_S = 30.0
"""Seconds that the daemon has to answer, besides those that it is asked to wait."""
_BEAT_S: Pauses = (0.2, 20.0)
"""Shortest and longest seconds between two signs of life; else a third of the lease."""


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
        back_off_s: Pauses = BACK_OFF_S,
        beat_s: Pauses = _BEAT_S,
    ) -> None:
        """`spool` is a folder of this worker's own. `match` is the key of the tasks that it
        wants: a work directory, a group. `wait_s` is how long one request waits for a task, at
        most 60. `back_off_s`: pauses between two attempts to reach the daemon, the first and the
        longest. `beat_s`: the shortest and the longest time between two signs of life; in
        between a third of the lease."""
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
        self._back_off_s = back_off_s
        self._beat_s = beat_s
        self._paused = False

    async def run(self, stop: asyncio.Event | None = None, *, once: bool = False) -> None:
        """Work until `stop` is set; what runs then is finished. `once`: until one task is done,
        or there is none. Raises Refused."""
        stop = stop or asyncio.Event()
        await asyncio.to_thread(self._spool.prepare)
        headers = {"Content-Type": "application/json", "Accept-Language": "en", **self._headers}
        async with aiohttp.ClientSession(headers=headers) as session:
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
        shortest, longest = self._beat_s
        every_s = longest if job.lease_s is None else min(max(job.lease_s / 3, shortest), longest)
        while True:
            await asyncio.sleep(every_s)
            try:
                heard = await self._ask(session, "heartbeat", {"tasks": [_report(job)]}, Heartbeat)
            except _Unanswered as problem:
                _log.info("heartbeat: %s", problem)
                continue
            self._tell_pause(heard)
            for order in heard.tasks:
                if order.task_id == job.task_id and order.order == "cancel":
                    _log.warning("%s is called off: %s", job.task_id, order.reason)
                    job.cancelled.set()
                    doing.cancel()
                    return

    def _tell_pause(self, heard: Heartbeat) -> None:
        if heard.paused != self._paused:
            self._paused = heard.paused
            why = f"is paused: {heard.reason}" if heard.paused else "goes on"
            _log.info("the queue %s %s", self._queue, why)

    # -- the daemon ------------------------------------------------------------------------------

    async def _next(
        self, session: aiohttp.ClientSession, stop: asyncio.Event, wait_s: float
    ) -> Job | None:
        body = {"match": self._match, "wait_s": wait_s}
        asking = asyncio.create_task(self._until_answered(session, "next", body, Next, stop=stop))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({asking, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not asking.done():
            # a task that is on its way to us just now is offered again when its lease is over
            asking.cancel()
        await asyncio.gather(asking, stopping, return_exceptions=True)
        answer = None if asking.cancelled() else asking.result()
        task = None if answer is None else answer.task
        return None if task is None else Job(**{name: getattr(task, name) for name in _KNOWN})

    async def _deliver(self, session: aiohttp.ClientSession, stop: asyncio.Event) -> None:
        """Send every result that is kept, oldest first, until the daemon has taken it."""
        for path, finished in await asyncio.to_thread(self._spool.kept):
            try:
                taken = await self._until_answered(
                    session,
                    "result",
                    finished.body(),
                    Taken,
                    stop=stop,
                    worker_id=finished.worker_id,
                )
                if taken is None:
                    # to be sent by the next run
                    return
                self.done += 1
            except _NotWanted as refusal:
                _log.warning("the result of %s is refused: %s", finished.task_id, refusal)
            await asyncio.to_thread(self._spool.forget, path)

    async def _until_answered(
        self,
        session: aiohttp.ClientSession,
        what: str,
        body: JsonObject,
        shape: type[_T],
        *,
        stop: asyncio.Event,
        worker_id: str | None = None,
    ) -> _T | None:
        """Ask until the daemon decides; None where `stop` is set while it cannot be reached.

        Raises Refused, _NotWanted.
        """
        wait_s, longest = self._back_off_s
        while True:
            try:
                return await self._ask(session, what, body, shape, worker_id=worker_id)
            except _Unanswered as problem:
                _log.warning("%s: %s; again in %g s", what, problem, wait_s)
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
        shape: type[_T],
        *,
        worker_id: str | None = None,
    ) -> _T:
        """One request, of this worker or of an earlier one. Raises Refused, _NotWanted, and
        _Unanswered where the same may work later."""
        name = quote(worker_id or self.worker_id, safe="")
        content = orjson.dumps({"queue": self._queue, **body})
        limit_s = _ANSWER_S + float(body.get("wait_s", 0.0))
        timeout = aiohttp.ClientTimeout(total=limit_s)
        try:
            async with session.post(
                f"{self._url}/workers/{name}/{what}", data=content, timeout=timeout
            ) as response:
                return _read(response.status, await response.read(), what, shape)
        except aiohttp.InvalidURL as error:
            raise Refused(f"{self._url} is no address of a daemon") from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _Unanswered(str(error) or type(error).__name__) from error


class _Unanswered(Exception):
    """The daemon has not decided."""


class _NotWanted(Exception):
    """The daemon has refused a result for good."""


def _read(status: int, content: bytes, what: str, shape: type[_T]) -> _T:
    """Raises as `Worker._ask` does."""
    try:
        if 200 <= status < 300:
            return decoded(content, shape)
        message = decoded(content, Problem).message
    except Malformed as error:
        # not the daemon, but something before it
        raise _Unanswered(f"HTTP {status}: {error}") from error
    if status in PASSING or not 400 <= status < 500:
        raise _Unanswered(message)
    # a result may be refused for reasons of its own; whatever else is refused stays so
    if what == "result" and status not in (401, 403):
        raise _NotWanted(message)
    raise Refused(message)


def _report(job: Job) -> dict[str, Any]:
    report: dict[str, Any] = {"task_id": job.task_id, "token": job.token}
    if job.progress is not None:
        report["progress"] = job.progress
    if job.partial is not None:
        try:
            orjson.dumps(job.partial)
            report["partial"] = job.partial
        except TypeError as error:
            # the sign of life is worth more
            _log.error("%s: what was found so far is no JSON: %s", job.task_id, error)
    return report
