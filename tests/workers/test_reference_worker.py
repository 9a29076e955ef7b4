"""The reference worker against a real daemon process: it reconnects, keeps results, obeys."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from robotq.api.access.keys import KeyFile
from robotq.api.app import make_app
from robotq.client.worker import Job, JobFailed, Refused, Worker
from robotq.client.worker.spool import Finished, Spool
from robotq.config import InterfacesConfig, TaskQueueConfig
from robotq.engine.start import start_engine
from robotq.store.memory import MemoryStore
from robotq.workers import Workers
from tests.crash.process import DaemonProcess
from tests.engine.bench import CATALOG, bench_config, bench_factory


class Queue:
    """The task queue interface of a daemon, as its submitters use it."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self._session = session

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        url = self.url + path
        async with self._session.request(method, url, json=body) as response:
            return response.status, await response.json()

    async def submit(self, task_type: str = "job", **data: Any) -> str:
        body = {"task_type": task_type, "data": data}
        status, answer = await self.ask("POST", "/apis/task-queue/api/tasks", body)
        assert status == 201, answer
        task_id: str = answer["task_id"]
        return task_id

    async def result(self, task_id: str) -> dict[str, Any]:
        """The result, as soon as it is there."""
        async with asyncio.timeout(20):
            while True:
                status, answer = await self.ask("GET", f"/task/{task_id}?wait=10")
                assert status == 200, answer
                if answer["state"] in ("completed", "failed", "cancelled"):
                    break
        status, answer = await self.ask("GET", f"/apis/task-queue/api/tasks/{task_id}/result")
        assert status == 200, answer
        found: dict[str, Any] = answer
        return found

    async def state(self, task_id: str) -> str:
        _, answer = await self.ask("GET", f"/task/{task_id}")
        return str(answer["state"])

    async def until(self, task_id: str, state: str) -> None:
        async with asyncio.timeout(20):
            while await self.state(task_id) != state:  # noqa: ASYNC110 - seen from outside
                await asyncio.sleep(0.05)


@pytest.fixture
async def queue(tmp_path: Path) -> AsyncIterator[Queue]:
    """A daemon's application in this process; leases of a second."""
    interfaces = InterfacesConfig(task_queue=TaskQueueConfig(lease_s=1))
    config = bench_config(data=tmp_path / "data", interfaces=interfaces)
    factory = {"bench": bench_factory({})}
    engine = await start_engine(config, CATALOG, MemoryStore(), factory)
    workers = Workers(engine)
    workers.start()
    keys = await asyncio.to_thread(KeyFile, config.data)
    app = make_app(engine, keys=keys, workers=workers)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        yield Queue(str(server.make_url("")).rstrip("/"), session)
        await workers.stop()
        await engine.shut_down()


class Running:
    """A worker that works in the background for as long as the block lasts."""

    def __init__(self, worker: Worker) -> None:
        self._stop = asyncio.Event()
        self._worker = worker

    async def __aenter__(self) -> Worker:
        self._running = asyncio.create_task(self._worker.run(self._stop))
        return self._worker

    async def __aexit__(self, *exc: object) -> None:
        self._stop.set()
        async with asyncio.timeout(20):
            await self._running


async def add(job: Job) -> object:
    if "numbers" not in job.params:
        raise JobFailed("no numbers", {"got": job.params})
    return {"sum": sum(job.params["numbers"])}


async def test_work__is_done_and_a_failure_told(queue: Queue, tmp_path: Path) -> None:
    worker = Worker(queue.url, add, spool=tmp_path / "spool", worker_id="adder/1")
    async with Running(worker):
        good, bad = await queue.submit(numbers=[1, 2, 3]), await queue.submit(other=1)
        result = await queue.result(good)
        assert (result["worker"], result["status"]) == ("adder/1", "success")
        assert result["data"] == {"sum": 6}
        result = await queue.result(bad)
        assert (result["status"], result["error_message"]) == ("error", "no numbers")
        assert result["data"] == {"got": {"other": 1}}
    assert worker.done == 2
    assert not list((tmp_path / "spool").iterdir())


async def test_daemon_killed__the_result_is_kept_and_handed_in_when_it_is_back(
    tmp_path: Path,
) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def wait(job: Job) -> object:
        begun.set()
        await go_on.wait()
        return "done while nobody was there"

    daemon = DaemonProcess(tmp_path / "data", time_scale=0)
    assert await daemon.start(), daemon.log.read_text()
    spool = tmp_path / "spool"
    worker = Worker(daemon.url, wait, spool=spool, worker_id="patient")
    async with aiohttp.ClientSession() as session:
        queue = Queue(daemon.url, session)
        task_id = await queue.submit()
        async with Running(worker):
            await asyncio.wait_for(begun.wait(), 20)
            daemon.kill()
            go_on.set()
            async with asyncio.timeout(20):
                while not list(spool.glob("*.json")):  # noqa: ASYNC110 - from outside
                    await asyncio.sleep(0.02)
            assert await daemon.start(), daemon.log.read_text()
            # it is on another free port now
            queue.url = worker._url = daemon.url
            result = await queue.result(task_id)
    assert (result["worker"], result["data"]) == ("patient", "done while nobody was there")
    assert await daemon.terminate() == 0


async def test_worker_killed__the_next_run_hands_its_result_in(
    queue: Queue, tmp_path: Path
) -> None:
    task_id = await queue.submit()
    status, answer = await queue.ask("POST", "/workers/first/next", {})
    assert status == 200, answer
    # all that is left of a worker that died between its work and its answer
    spool = Spool(tmp_path / "spool")
    await asyncio.to_thread(spool.prepare)
    token = answer["task"]["token"]
    finished = Finished(
        worker_id="first", task_id=task_id, token=token, success=True, data={"n": 1}
    )
    await asyncio.to_thread(spool.keep, finished)
    worker = Worker(queue.url, add, spool=tmp_path / "spool", worker_id="second")
    await worker.run(once=True)
    assert (await queue.result(task_id))["data"] == {"n": 1}


async def test_cancel__reaches_the_work_with_the_next_sign_of_life(
    queue: Queue, tmp_path: Path
) -> None:
    ended = asyncio.Event()

    async def wait(job: Job) -> object:
        job.progress, job.partial = 0.25, {"seen": 3}
        try:
            return await asyncio.Event().wait()
        finally:
            ended.set()

    task_id = await queue.submit()
    async with Running(Worker(queue.url, wait, spool=tmp_path / "spool")):
        async with asyncio.timeout(20):
            while True:
                _, task = await queue.ask("GET", f"/task/{task_id}")
                if task["progress"] is not None:
                    break
                await asyncio.sleep(0.05)
        assert (task["progress"], task["partial"]) == (0.25, {"seen": 3})
        status, _ = await queue.ask("POST", f"/task/{task_id}/cancel")
        assert status == 200
        await asyncio.wait_for(ended.wait(), 20)
    assert await queue.state(task_id) == "cancelled"


@pytest.mark.real_time("work that takes longer than the shortest lease")
async def test_long_work__outlives_its_lease(queue: Queue, tmp_path: Path) -> None:
    async def wait(job: Job) -> object:
        await asyncio.sleep(1.6)
        return job.attempt

    task_id = await queue.submit()
    async with Running(Worker(queue.url, wait, spool=tmp_path / "spool")):
        assert (await queue.result(task_id))["data"] == 1


async def test_refused__for_a_queue_that_is_none(queue: Queue, tmp_path: Path) -> None:
    worker = Worker(queue.url, add, spool=tmp_path / "spool", queue="nobody")
    with pytest.raises(Refused, match="queue"):
        await worker.run(once=True)


async def test_spool__keeps_what_is_no_json_as_a_failure(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    for token, data in ((1, object()), (2, "x" * 2_000_000), (3, {"fine": True})):
        finished = Finished(worker_id="w", task_id="t", token=token, success=True, data=data)
        await asyncio.to_thread(spool.keep, finished)
    kept = [finished for _, finished in await asyncio.to_thread(spool.kept)]
    assert [finished.success for finished in kept] == [False, False, True]
    assert "no JSON" in str(kept[0].error)
    assert "bytes" in str(kept[1].error)


async def run_cli(queue: Queue, folder: Path, execute: str, *options: str) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).parents[2] / "main.py"),
        *("worker", "--once", "--url", queue.url, "--spool", str(folder / "spool")),
        *("--exec", execute, *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(30):
        out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()
    return out.decode()


@pytest.mark.slow
async def test_command__gets_the_payload_and_its_output_is_the_result(
    queue: Queue, tmp_path: Path
) -> None:
    code = "import json,sys; p=json.loads(sys.argv[1]); print(json.dumps({'n': len(p['text'])}))"
    script = tmp_path / "count.py"
    await asyncio.to_thread(script.write_text, code)
    text = "$(touch hacked) '; {task_id} é"
    task_id = await queue.submit(text=text)
    await run_cli(queue, tmp_path, f"{sys.executable} {script} {{payload}}", "--name", "cli")
    result = await queue.result(task_id)
    assert (result["worker"], result["data"]) == ("cli", {"n": len(text)})


@pytest.mark.slow
async def test_command__that_fails_says_why(queue: Queue, tmp_path: Path) -> None:
    code = "import sys; print('some'); sys.exit('no paper: ' + sys.stdin.read()[:1])"
    script = tmp_path / "fail.py"
    await asyncio.to_thread(script.write_text, code)
    task_id = await queue.submit()
    await run_cli(queue, tmp_path, f"{sys.executable} {script}")
    result = await queue.result(task_id)
    assert (result["status"], result["error_message"]) == ("error", "no paper: {")
    assert result["data"] == {"output": "some"}
    other = await queue.submit()
    await run_cli(queue, tmp_path, json.dumps(str(tmp_path / "nowhere")))
    assert "cannot be started" in (await queue.result(other))["error_message"]
