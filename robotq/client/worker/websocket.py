"""The reference worker of the dispatcher: tasks come over a WebSocket as soon as they are there.

async def work(job: Job) -> object:
    return {"done": job.params["data"]}

worker = SocketWorker("ws://127.0.0.1:3000/ws", work, spool=Path("results"), group="gpu")
asyncio.run(worker.run())
"""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path
from typing import Any

import aiohttp
from yarl import URL

from robotq.client.worker.job import (
    BACK_OFF_S,
    PASSING,
    Job,
    Pauses,
    Refused,
    Work,
    finished_as,
)
from robotq.client.worker.messages import (
    SHAPES,
    Kind,
    Malformed,
    decoded,
    job_of,
)
from robotq.client.worker.results import Results
from robotq.client.worker.spool import Spool
from robotq.model.json import JsonValue
from robotq.wire.remote_work.worker_socket import Ack, Cancel, Connected, OwnTask

_log = logging.getLogger(__name__)

_HEARTBEAT_S = 20.0
_NOTHING_S = 2.0
"""Seconds without a task after which `once` finds that none waits."""
_LARGEST = 4_194_304
"""Bytes of a task."""
_LAST_S = 5.0
"""Seconds at the end in which the last result is to be taken."""


class SocketWorker:
    """Does the tasks of one group, one at a time.

    It connects again by itself, for ever, when what it has is done. A result is on disk in
    `spool` before it is sent, and stays there until the daemon has taken or refused it. Of a task
    that it had when the connection was lost, the daemon takes a result only where it was the
    daemon that went away, and for a minute after it is back.
    """

    def __init__(
        self,
        url: str,
        work: Work,
        *,
        spool: Path,
        group: str | None = None,
        key: str | None = None,
        back_off_s: Pauses = BACK_OFF_S,
    ) -> None:
        """`url` is that of the daemon or of its WebSocket. `spool` is a folder of this worker's
        own. `back_off_s`: pauses between two connections, the first and the longest. Raises
        Refused for what is no URL of a WebSocket."""
        self.worker_id = ""
        """As the daemon calls it since it connected last."""
        self._url = _url_of(url, group)
        self._work = work
        self._spool = Spool(spool)
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._back_off_s = back_off_s
        self._jobs: asyncio.Queue[Job] = asyncio.Queue(maxsize=2)
        self._job: Job | None = None
        self._doing: asyncio.Future[JsonValue] | None = None
        self._greeted = asyncio.Event()
        self._begun = asyncio.Event()
        self._free = asyncio.Event()
        """Set while no task is in its hands."""
        self._results = Results(self._spool)

    @property
    def done(self) -> int:
        """Tasks whose result was taken."""
        return self._results.taken

    async def run(self, stop: asyncio.Event | None = None, *, once: bool = False) -> None:
        """Work until `stop` is set; what runs then is finished. `once`: until one task is done,
        or none has come for two seconds. Raises Refused, OSError (no room for results)."""
        await asyncio.to_thread(self._spool.prepare)
        self._free.set()
        working = asyncio.create_task(self._work_on(), name="tasks of this worker")
        over = asyncio.create_task(self._over(stop or asyncio.Event(), once=once))
        try:
            async with aiohttp.ClientSession(headers=self._headers) as session:
                await self._stay_connected(session, working, over)
        finally:
            for one in (working, over):
                one.cancel()
            await asyncio.gather(working, over, return_exceptions=True)

    async def _over(self, stop: asyncio.Event, *, once: bool) -> None:
        """Returns when this worker is to end, has done what it had and handed it in."""
        if once:
            await self._greeted.wait()
            begun = asyncio.ensure_future(self._begun.wait())
            await asyncio.wait({begun}, timeout=_NOTHING_S)
            begun.cancel()
        else:
            await stop.wait()
        await self._free.wait()
        try:
            async with asyncio.timeout(_LAST_S):
                await self._results.delivered.wait()
        except TimeoutError:
            _log.warning("results are left for the next run")

    # -- tasks ---------------------------------------------------------------------------------

    async def _work_on(self) -> None:
        while True:
            job = self._job = await self._jobs.get()
            self._begun.set()
            began = time.monotonic()
            _log.info("%s %s begins", job.task_id, job.cmd_type)
            doing = self._doing = asyncio.ensure_future(self._work(job))
            try:
                await asyncio.wait({doing})
            finally:
                doing.cancel()
                await asyncio.gather(doing, return_exceptions=True)
            if job.cancelled.is_set():
                _log.warning("%s is not ours any more; its result is dropped", job.task_id)
            else:
                took_ms = round((time.monotonic() - began) * 1000)
                _log.info("%s ends", job.task_id)
                await self._results.keep(finished_as(self.worker_id, job, doing), took_ms)
            self._job = self._doing = None
            if self._jobs.empty():
                self._free.set()

    # -- the daemon ----------------------------------------------------------------------------

    async def _stay_connected(
        self,
        session: aiohttp.ClientSession,
        working: asyncio.Task[None],
        over: asyncio.Task[None],
    ) -> None:
        wait_s, longest = self._back_off_s
        while not over.done():
            began = time.monotonic()
            connection = asyncio.create_task(self._connected(session), name="connection")
            ends: set[asyncio.Task[Any]] = {connection, working, over}
            try:
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            finally:
                connection.cancel()
                await asyncio.gather(connection, return_exceptions=True)
            if working.done():
                working.result()
            if over.done():
                return
            if time.monotonic() - began > longest:
                wait_s = self._back_off_s[0]
            _log.warning("%s; again in %g s", connection.result(), wait_s)
            await asyncio.wait({over}, timeout=wait_s)
            wait_s = min(wait_s * 2, longest)
            # who connects gets a task at once
            free = asyncio.create_task(self._free.wait())
            await asyncio.wait({free, working}, return_when=asyncio.FIRST_COMPLETED)
            free.cancel()

    async def _connected(self, session: aiohttp.ClientSession) -> str:
        """Why the connection has ended. Raises Refused."""
        try:
            async with session.ws_connect(
                self._url, heartbeat=_HEARTBEAT_S, max_msg_size=_LARGEST
            ) as ws:
                delivering = asyncio.create_task(
                    self._results.deliver(ws), name="results of this worker"
                )
                try:
                    async for message in ws:
                        if message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                            self._hear(message.data)
                finally:
                    delivering.cancel()
                    (why,) = await asyncio.gather(delivering, return_exceptions=True)
                if isinstance(why, Exception):
                    return f"a result could not be handed in: {str(why) or type(why).__name__}"
                return f"the connection has ended ({ws.close_code})"
        except aiohttp.WSServerHandshakeError as error:
            if 400 <= error.status < 500 and error.status not in PASSING:
                raise Refused(f"{self._url} does not take workers: {error.status}") from error
            return f"the daemon answers {error.status}"
        except (aiohttp.ClientError, TimeoutError, OSError, Malformed) as error:
            return str(error) or type(error).__name__

    def _hear(self, content: str | bytes) -> None:
        """Raises Malformed for what no daemon says. Then the connection is given up: what a task
        without an id, or an answer without a word, was about cannot be told any more."""
        shape = SHAPES.get(decoded(content, Kind).type)
        match None if shape is None else decoded(content, shape):
            case Connected(worker_id=worker_id):
                self.worker_id = worker_id
                self._greeted.set()
                _log.info("connected as %s", self.worker_id)
            case OwnTask() as task:
                if self._jobs.full():
                    raise Malformed("the daemon has sent a task while others wait here")
                self._free.clear()
                self._jobs.put_nowait(job_of(task))
            case Cancel(task_id=task_id):
                self._call_off(task_id)
            case Ack(task_id=None):
                raise Malformed("the daemon answers without saying to what")
            case Ack() as answer:
                self._results.acknowledged(answer)
            case None:
                pass

    def _call_off(self, task_id: str) -> None:
        if self._job is not None and self._job.task_id == task_id and self._doing is not None:
            _log.warning("%s is called off", task_id)
            self._job.cancelled.set()
            self._doing.cancel()


def _url_of(url: str, group: str | None) -> URL:
    try:
        found = URL(url)
    except ValueError as error:
        raise Refused(f"{url} is no URL") from error
    if found.scheme not in ("ws", "wss") or not found.host:
        raise Refused(f"{url} is no URL of a WebSocket, such as ws://127.0.0.1:3000/ws")
    if not found.path.rstrip("/").endswith("/ws"):
        found = found.with_path(f"{found.path.rstrip('/')}/ws", keep_query=True)
    found = found.update_query(protocol="robotq")
    return found if group is None else found.update_query(group=group)
