"""A worker lives on, whatever speaks to it: a proxy, another program, a daemon in trouble."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from robotq.client.worker import Job, Refused, SocketWorker, Work, Worker
from robotq.client.worker.spool import Finished, Spool

AT_ONCE = (0.001, 0.01)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

TASK = {
    "task_id": "t1",
    "queue": "task_queue",
    "cmd_type": "add",
    "params": {"n": 1},
    "extra": {},
    "attempt": 1,
    "token": 1,
    "lease_s": None,
}


async def one_more(job: Job) -> object:
    return job.params["n"] + 1


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")


class Daemon:
    """Says what it is told to, one answer after the other, then what a daemon says."""

    def __init__(self, path: str, answers: list[tuple[int, bytes]]) -> None:
        self._path = path
        self._answers = answers
        self._given = False
        self.results: list[Any] = []

    async def serve(self, request: web.Request) -> web.StreamResponse:
        content = await request.read()
        what = request.path.rpartition("/")[2]
        if what == self._path and self._answers:
            status, body = self._answers.pop(0)
            return web.Response(status=status, body=body)
        if what == "result":
            self.results.append(json.loads(content)["data"])
            return web.json_response({"success": True, "task_id": "t1", "state": "completed"})
        if what == "heartbeat":
            return web.json_response({"paused": False, "reason": "", "tasks": []})
        task, self._given = (None if self._given else TASK), True
        return web.json_response({"task": task})


NONSENSE = [
    b"",
    b"<html>",
    b"[]",
    b"5",
    b"\xff\xfe",
    b"[" * 100_000,
    b"{}",
]


async def done_through(path: str, answers: list[tuple[int, bytes]], spool: Path) -> list[Any]:
    """The results that the daemon has got in the end, and all it wanted to say was heard."""
    daemon = Daemon(path, answers)
    async with serving(daemon.serve) as url, asyncio.timeout(20):
        worker = Worker(url, one_more, spool=spool, back_off_s=AT_ONCE)
        await worker.run(once=True)
    assert not daemon._answers
    assert worker.done == len(daemon.results)
    assert not list(spool.iterdir())  # noqa: ASYNC240
    return daemon.results


async def test_next__what_is_no_task_is_asked_for_again(tmp_path: Path) -> None:
    tasks: list[Any] = [5, {}, [], {**TASK, "attempt": "x"}, {**TASK, "extra": 1}]
    tasks += [{key: TASK[key] for key in TASK if key != left_out} for left_out in TASK]
    answers = [(200, body) for body in NONSENSE]
    answers += [(200, json.dumps({"task": task}).encode()) for task in tasks]
    answers += [(status, b'{"message": "later"}') for status in (429, 500, 502, 503)]
    answers += [(404, b"<html>the proxy does not know it</html>")]
    assert await done_through("next", answers, tmp_path) == [2]


async def test_result__is_kept_until_the_daemon_says_that_it_has_it(tmp_path: Path) -> None:
    answers = [(200, body) for body in (*NONSENSE, b'{"success": false}', b'{"success": 1}')]
    answers += [(status, b'{"message": "later"}') for status in (429, 500, 503)]
    answers += [(409, b"<html>not from robotq</html>")]
    assert await done_through("result", answers, tmp_path) == [2]


async def test_result__that_is_refused_is_forgotten(tmp_path: Path) -> None:
    refusal = (409, b'{"message": "somebody else has it"}')
    assert await done_through("result", [refusal], tmp_path) == []


async def test_key_that_is_refused__ends_the_worker(tmp_path: Path) -> None:
    daemon = Daemon("next", [(401, b'{"message": "no such key"}')])
    async with serving(daemon.serve) as url:
        with pytest.raises(Refused, match="no such key"):
            await Worker(url, one_more, spool=tmp_path).run(once=True)


async def test_heartbeat__whatever_is_answered_the_next_one_is_sent(tmp_path: Path) -> None:
    orders: list[Any] = [5, [5], [{}], [{"task_id": "t1"}]]
    answers = [(200, body) for body in NONSENSE]
    answers += [
        (200, json.dumps({"paused": False, "reason": "", "tasks": tasks}).encode())
        for tasks in orders
    ]
    answers += [(503, b'{"message": "later"}'), (429, b'{"message": "later"}')]
    called_off = {"task_id": "t1", "order": "cancel", "reason": "enough"}
    last = {"paused": False, "reason": "", "tasks": [called_off]}
    daemon = Daemon("heartbeat", [*answers, (200, json.dumps(last).encode())])
    heard: list[object] = []

    async def endless(job: Job) -> object:
        job.partial = {"odd": object()}
        heard.append(job)
        await asyncio.Event().wait()
        return None

    async with serving(daemon.serve) as url, asyncio.timeout(20):
        worker = Worker(url, endless, spool=tmp_path, back_off_s=AT_ONCE, beat_s=AT_ONCE)
        await worker.run(once=True)
    assert not daemon._answers
    assert (len(heard), daemon.results) == (1, [])


# -- over a WebSocket ----------------------------------------------------------------------------

HELLO = {"type": "connected", "workerId": "W1"}
GIVEN = {"type": "task", "taskId": "t1", "payload": {"n": 1}}

NO_MESSAGES: list[str | bytes] = [
    *(body.decode() for body in NONSENSE if body != b"\xff\xfe"),
    b"\xff\xfe",
    '"hello"',
    '{"type": 5}',
    '{"type": "connected"}',
    '{"type": "connected", "workerId": null}',
    '{"type": "task"}',
    '{"type": "task", "taskId": "t"}',
    '{"type": "task", "taskId": 5, "payload": {}}',
    '{"type": "task", "taskId": "t", "payload": []}',
    '{"type": "task", "taskId": "t", "payload": {}, "token": "x"}',
    '{"type": "cancel"}',
    '{"type": "ack"}',
    '{"type": "ack", "taskId": []}',
]


class Dispatcher:
    """Gives a task on each connection, and says something odd instead of "taken" on all but the
    last one."""

    def __init__(self, odd: list[str | bytes], before: list[dict[str, Any]]) -> None:
        self._odd = odd
        self._before = before
        self.left = asyncio.Event()
        """The worker has given up a connection."""
        self.results: list[Any] = []

    async def serve(self, request: web.Request) -> web.StreamResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        await ws.send_json(HELLO)
        if self._odd:
            for task in self._before:
                await ws.send_json(task)
            odd = self._odd.pop(0)
            await (ws.send_bytes(odd) if isinstance(odd, bytes) else ws.send_str(odd))
        else:
            await ws.send_json({"type": "news of a later version", "taskId": 5})
            await ws.send_json(GIVEN)
        async for message in ws:
            said = json.loads(message.data)
            if not self._odd:
                self.results.append(said["result"])
                await ws.send_json({"type": "ack", "taskId": said["taskId"], "taken": True})
        self.left.set()
        return ws


async def test_socket__what_is_no_message_costs_the_connection_and_no_more(tmp_path: Path) -> None:
    dispatcher = Dispatcher(list(NO_MESSAGES), [])
    await until_one_is_done(dispatcher, tmp_path)


async def test_socket__more_tasks_than_can_wait_cost_the_connection(tmp_path: Path) -> None:
    flood = [{**GIVEN, "taskId": f"many{number}", "payload": {"n": 5}} for number in range(6)]
    dispatcher = Dispatcher(['{"type": "pong"}'], flood)

    async def slow(job: Job) -> object:
        if job.task_id == "many0":
            await dispatcher.left.wait()
        return await one_more(job)

    await until_one_is_done(dispatcher, tmp_path, slow)


@pytest.mark.parametrize("ack", ["{}", '{"type": "ack", "taskId": "t1"}', '{"type": "ack"}'])
async def test_socket__a_result_is_kept_over_an_answer_without_a_word(
    tmp_path: Path, ack: str
) -> None:
    spool = Spool(tmp_path)
    await asyncio.to_thread(spool.prepare)
    old = Finished(worker_id="W0", task_id="t1", token=1, success=True, data=2)
    await asyncio.to_thread(spool.keep, old)
    await until_one_is_done(Dispatcher([ack], []), tmp_path)


async def until_one_is_done(dispatcher: Dispatcher, spool: Path, work: Work = one_more) -> None:
    stop = asyncio.Event()
    async with serving(dispatcher.serve) as url, asyncio.timeout(30):
        address = url.replace("http://", "ws://")
        worker = SocketWorker(address, work, spool=spool, back_off_s=AT_ONCE)
        working = asyncio.create_task(worker.run(stop))
        while 2 not in dispatcher.results or worker.done < len(dispatcher.results):
            await asyncio.sleep(0.005)
            assert not working.done(), working.exception()
        stop.set()
        await working
    assert not dispatcher._odd
