"""Connections of workers: who gets one, how they end, and what a restart does to them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import orjson
import pytest
from aiohttp import ClientSession, WSMsgType, WSServerHandshakeError
from aiohttp.test_utils import TestServer

from robotq.api.access.keys import KeyFile
from robotq.api.app import make_app
from robotq.api.dispatcher.connected import Connected
from robotq.api.dispatcher.interface import ROUTES
from robotq.config import LimitsConfig
from robotq.model.task import TaskState
from robotq.store.memory import MemoryStore
from robotq.store.sqlite.store import SqliteStore
from tests.workers.conftest import START_MS, SetClock

from .conftest import NOBODY, Dispatcher, OpenDispatcher, Played, running


async def test_without_an_upgrade__it_is_an_error_in_the_own_form(api: Dispatcher) -> None:
    for method in ("GET", "HEAD"):
        answer = await api.client.request(method, "/ws")
        assert (answer.status, answer.headers["Upgrade"]) == (426, "websocket")
    assert (await api.ask("GET", "/ws")).error == "A WebSocket is required here"
    assert (await api.ask("POST", "/ws", {})).status == 405
    assert (await api.ask("GET", "/ws/other")).error == "Not found"


async def test_page_of_another_site__gets_no_connection(api: Dispatcher) -> None:
    with pytest.raises(WSServerHandshakeError) as refused:
        await api.client.ws_connect("/ws", headers={"Origin": "http://evil.example"})
    assert refused.value.status == 403
    own = {"Origin": f"http://127.0.0.1:{api.port}"}
    async with Played(await api.client.ws_connect("/ws", headers=own)):
        pass


async def test_group_that_is_too_long__is_refused_before_the_upgrade(api: Dispatcher) -> None:
    with pytest.raises(WSServerHandshakeError) as refused:
        await api.worker("g" * 201)
    assert refused.value.status == 400


async def test_keys__each_route_asks_for_its_scope(
    open_dispatcher: OpenDispatcher, tmp_path: Path
) -> None:
    keys = await asyncio.to_thread(KeyFile, tmp_path)
    scopes = ("read", "submit", "admin", "worker:dispatcher", "worker:task_queue")
    texts = {
        scope: await asyncio.to_thread(keys.new, f"key{number}", [scope])
        for number, scope in enumerate(scopes)
    }
    api = await open_dispatcher(clock=SetClock())
    for route in ROUTES:
        path = route.path.replace("{task_id}", NOBODY).replace("{file}", "page.js")
        nobody = await api.client.request(route.method, path)
        assert (nobody.status == 401) == (route.scope != "open"), route
        for scope, text in texts.items():
            headers = {"Authorization": f"Bearer {text}"}
            answer = await api.client.request(route.method, path, headers=headers)
            allowed = route.scope in ("open", scope) or scope == "admin"
            assert (answer.status not in (401, 403)) == allowed, (route, scope)
    headers = {"Authorization": f"Bearer {texts['worker:dispatcher']}"}
    async with Played(await api.client.ws_connect("/ws", headers=headers)) as worker:
        await worker.pong()


async def test_too_many_workers__the_next_is_refused(open_dispatcher: OpenDispatcher) -> None:
    api = await open_dispatcher(clock=SetClock(), limits=LimitsConfig(workers=2))
    async with await api.worker(), await api.worker():
        with pytest.raises(WSServerHandshakeError) as refused:
            await api.worker()
        assert refused.value.status == 503
    await api.alone()
    async with await api.worker() as worker:
        await worker.pong()


async def test_idle_worker_that_does_not_answer__is_gone(open_dispatcher: OpenDispatcher) -> None:
    api = await open_dispatcher(heartbeat_s=0.05)
    ws = await api.client.ws_connect("/ws", autoping=False)
    async with Played(ws) as mute:
        async with asyncio.timeout(5):
            while (message := await ws.receive()).type is WSMsgType.PING:
                pass
        assert message.type in (WSMsgType.CLOSED, WSMsgType.CLOSING, WSMsgType.ERROR)
        await api.alone()
        assert mute.name


async def test_worker_that_is_too_busy_to_answer__keeps_its_task(
    open_dispatcher: OpenDispatcher,
) -> None:
    api = await open_dispatcher(heartbeat_s=0.02)
    ws = await api.client.ws_connect("/ws", autoping=False)
    async with Played(ws) as worker:
        task_id = await api.submit()
        while (message := await ws.receive()).type is not WSMsgType.TEXT:
            pass
        # as one that works in the thread in which it would answer
        for _ in range(6):
            assert (await ws.receive()).type is WSMsgType.PING
        await worker.complete(orjson.loads(message.data)["taskId"], "late but good")
        assert (await api.until(task_id, "completed"))["result"] == "late but good"


async def test_daemon_that_ends__says_good_bye_and_the_result_can_be_handed_in_later(
    tmp_path: Path,
) -> None:
    clock = SetClock()
    async with running(tmp_path, SqliteStore(tmp_path / "robotq.db"), clock) as api:
        worker = await (await api.worker("g")).__aenter__()
        task_id = await api.submit(group="g")
        lost = await api.submit(group="g")
        await worker.task()
        asking = api.waiting(group="g")
        async with asyncio.timeout(5):
            while (await api.pages("metrics"))["queueLength"] < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        await api.workers.stop()
        assert await worker.closed() == 1001
        answer = await asking
        assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
        assert "shutting down" in answer.error
    async with running(tmp_path, SqliteStore(tmp_path / "robotq.db"), clock) as api:
        assert (await api.task(task_id))["status"] == "executing"
        async with await api.worker("other") as stranger:
            await stranger.complete(task_id, "of another group")
            await stranger.pong()
            assert (await api.task(task_id))["status"] == "executing"
        async with await api.worker("g") as again:
            assert (await again.task())["taskId"] == lost
            await again.complete(task_id, "kept meanwhile")
            assert (await api.until(task_id, "completed"))["result"] == "kept meanwhile"


async def test_worker_that_does_not_come_back_after_a_restart__loses_its_task(
    tmp_path: Path,
) -> None:
    clock, store = SetClock(), SqliteStore(tmp_path / "robotq.db")
    async with running(tmp_path, store, clock) as api:
        worker = await (await api.worker()).__aenter__()
        task_id = await api.submit(timeout=600_000)
        await worker.task()
    async with running(tmp_path, SqliteStore(tmp_path / "robotq.db"), clock) as api:
        await api.after(59.9)
        assert (await api.task(task_id))["status"] == "executing"
        await api.after(0.1)
        task = await api.task(task_id)
        assert (task["status"], task["error"]) == ("failed", "Worker disconnected")
        assert task["failedAt"] == START_MS + 60_000


async def test_paused_queue__hands_out_nothing_until_it_goes_on(api: Dispatcher) -> None:
    async with await api.worker() as worker:
        await api.engine.pause("dispatcher", actor="ann", reason="cleaning")
        task_id = await api.submit()
        await worker.pong()
        await worker.silence()
        assert (await api.task(task_id))["status"] == "queued"
        await api.engine.resume("dispatcher", actor="ann")
        assert (await worker.task())["taskId"] == task_id


async def test_client_that_leaves__does_not_stop_its_task(api: Dispatcher) -> None:
    async with await api.worker() as worker:
        asking = api.waiting()
        task_id = (await worker.task())["taskId"]
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await worker.complete(task_id, "all the same")
        assert (await api.until(task_id, "completed"))["result"] == "all the same"


async def test_too_many_that_wait__are_refused_and_their_task_is_called_off(
    open_dispatcher: OpenDispatcher,
) -> None:
    limits = LimitsConfig(waiting_requests=1)
    api = await open_dispatcher(clock=SetClock(), limits=limits)
    async with await api.worker() as worker:
        first = api.waiting()
        task = await worker.task()
        answer = await api.post({"data": {}})
        assert answer.status == 503
        assert (await api.pages("metrics"))["queueLength"] == 0
        await worker.complete(task["taskId"], 1)
        assert (await first).status == 200


async def test_worker_of_robotqs_own_kind__gets_tokens_acknowledgements_and_cancels(
    api: Dispatcher,
) -> None:
    async with await api.worker(protocol="robotq") as worker:
        first = await api.submit()
        task = await worker.task()
        assert (task["token"], task["attempt"]) == (1, 1)
        await worker.complete(first, "r", token=1)
        assert await worker.hear() == {"type": "ack", "taskId": first, "taken": True, "reason": ""}
        second = await api.submit()
        await worker.task()
        await api.engine.queue.cancel(second, actor="ann", reason="")
        assert await worker.hear() == {"type": "cancel", "taskId": second}
        await worker.complete(second, "r", token=1)
        refused = await worker.hear()
        assert (refused["type"], refused["taken"]) == ("ack", False)
        assert refused["reason"]
        third = await api.submit()
        await worker.task()
        await worker.complete(third, "r", token=7)
        assert (await worker.hear())["taken"] is False
        assert (await api.task(third))["status"] == "executing"


async def test_prefix__below_it_everything_is_the_same(tmp_path: Path) -> None:
    async with running(tmp_path, MemoryStore(), SetClock()) as api:
        keys = await asyncio.to_thread(KeyFile, tmp_path)
        app = make_app(api.engine, keys=keys, workers=api.workers)
        async with TestServer(app, access_log=None) as server, ClientSession() as session:
            url = str(server.make_url("/apis/dispatcher"))
            async with Played(await session.ws_connect(f"{url}/ws?group=g")) as worker:
                body = {"data": {"n": 1}, "group": "g", "async": True}
                async with session.post(f"{url}/api/openai", json=body) as response:
                    task_id = (await response.json())["taskId"]
                await worker.task()
                await worker.complete(task_id, 7)
                await worker.pong()
                async with session.get(f"{url}/api/task/{task_id}") as response:
                    assert (await response.json())["result"] == 7
                # the robot interface reads the tasks of all
                async with session.get(server.make_url(f"/task/{task_id}")) as response:
                    assert (await response.json())["status"] == "completed"
            async with session.get(f"{url}/dashboard") as response:
                assert response.status == 200
                assert "pages/dashboard.js" in await response.text()


async def test_connection_that_ended_before_it_got_its_task__gives_it_back(
    api: Dispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Connected, "open", False)
    async with await api.worker():
        task_id = await api.submit()
        async with asyncio.timeout(5):
            task = await api.engine.reads.task(task_id)
            while task.fence != 1 or task.state is not TaskState.PENDING:
                await asyncio.sleep(0.005)
                task = await api.engine.reads.task(task_id)
    monkeypatch.undo()
    async with await api.worker() as worker:
        assert (await worker.task())["taskId"] == task_id


async def test_browser_extension__is_a_worker_where_its_origin_is_allowed(
    open_dispatcher: OpenDispatcher,
) -> None:
    origins = ["chrome-extension://abcdefghijklmnop", "moz-extension://0a1b2c3d-0000"]
    api = await open_dispatcher(clock=SetClock(), allowed_origins=origins)
    for origin in origins:
        ws = await api.client.ws_connect("/ws", headers={"Origin": origin})
        async with Played(ws) as worker:
            task_id = await api.submit()
            await worker.task()
            await worker.complete(task_id, "done in a browser")
            await api.until(task_id, "completed")
    other = "chrome-extension://somebodyelse"
    with pytest.raises(WSServerHandshakeError) as refused:
        await api.client.ws_connect("/ws", headers={"Origin": other})
    assert refused.value.status == 403
    told = await api.ask("GET", "/ws", headers={"Origin": other})
    assert f'allowed_origins: ["{other}"]' in told.error, "the line to add is in the refusal"


async def test_page_of_an_allowed_origin__may_submit_after_a_preflight(
    open_dispatcher: OpenDispatcher,
) -> None:
    lab = "http://lab.example:5173"
    api = await open_dispatcher(clock=SetClock(), allowed_origins=[lab])
    asked = {
        "Origin": lab,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type, idempotency-key",
    }
    async with api.client.request("OPTIONS", "/api/openai", headers=asked) as preflight:
        assert preflight.status == 204
        assert preflight.headers["Access-Control-Allow-Origin"] == lab
        assert "idempotency-key" in preflight.headers["Access-Control-Allow-Headers"]
    async with await api.worker() as worker:
        answer = await api.post({"data": {}, "async": True}, headers={"Origin": lab})
        assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (200, lab)
        await worker.task()
