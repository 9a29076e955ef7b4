"""The reference worker over a WebSocket, against a real daemon process."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from robotq.client.worker import Job, JobFailed, Refused, SocketWorker
from robotq.client.worker.spool import Finished, Spool
from tests.api.dispatcher.conftest import NOBODY, running
from tests.crash.process import DaemonProcess


@asynccontextmanager
async def at_work(worker: SocketWorker) -> AsyncIterator[SocketWorker]:
    stop = asyncio.Event()
    doing = asyncio.create_task(worker.run(stop))
    try:
        yield worker
    finally:
        stop.set()
        async with asyncio.timeout(20):
            await doing


async def double(job: Job) -> object:
    if "n" not in job.params["data"]:
        raise JobFailed("no n", {"got": job.params["data"]})
    return {"n": 2 * job.params["data"]["n"], "model": job.cmd_type}


async def forgotten(spool: Path) -> None:
    """Wait until the worker keeps nothing: a result is told before the worker hears that it is."""
    async with asyncio.timeout(10):
        while list(spool.iterdir()):  # noqa: ASYNC110, ASYNC240 - from outside
            await asyncio.sleep(0.01)


async def test_work__is_done_and_a_failure_told(tmp_path: Path) -> None:
    async with running(tmp_path / "data") as api:
        url = f"ws://127.0.0.1:{api.port}"
        worker = SocketWorker(url, double, spool=tmp_path / "spool", group="gpu")
        async with at_work(worker):
            async with asyncio.timeout(10):
                while not (await api.pages("metrics"))["totalWorkers"]:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            for number in range(3):
                answer = await api.post({"data": {"n": number}, "group": "gpu", "model": "m"})
                assert answer.body["result"] == {"n": 2 * number, "model": "m"}
            failed = await api.post({"data": {}, "group": "gpu"})
            assert (failed.status, failed.error) == (500, "no n")
            logs = (await api.pages("logs"))["logs"]
            assert all(line["latency"] is not None for line in logs if line["method"] == "WS")
            await forgotten(tmp_path / "spool")
        assert worker.done == 4


async def test_task_that_is_called_off__is_cancelled_in_the_worker(tmp_path: Path) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def endless(_job: Job) -> object:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return None

    async with running(tmp_path / "data") as api:
        url = f"ws://127.0.0.1:{api.port}/ws?group=g"
        async with at_work(SocketWorker(url, endless, spool=tmp_path / "spool")) as worker:
            async with asyncio.timeout(10):
                while not (await api.pages("metrics"))["totalWorkers"]:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            task_id = await api.submit(group="g")
            await asyncio.wait_for(begun.wait(), 10)
            await api.engine.queue.cancel(task_id, actor="ann", reason="enough")
            await asyncio.wait_for(ended.wait(), 10)
        assert worker.done == 0


async def test_kept_result_that_nobody_wants__is_refused_and_forgotten(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    await asyncio.to_thread(spool.prepare)
    old = Finished(worker_id="W1-0000aaaa", task_id=NOBODY, token=1, success=True, data=1)
    await asyncio.to_thread(spool.keep, old)
    async with running(tmp_path / "data") as api:
        worker = SocketWorker(f"ws://127.0.0.1:{api.port}", double, spool=tmp_path / "spool")
        async with at_work(worker):
            await forgotten(tmp_path / "spool")
        assert worker.done == 0


@pytest.mark.long
async def test_daemon_killed__the_result_is_kept_and_handed_in_when_it_is_back(
    tmp_path: Path,
) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def patient(_job: Job) -> object:
        begun.set()
        await go_on.wait()
        return "done while nobody was there"

    daemon = DaemonProcess(tmp_path / "data", time_scale=0)
    assert await daemon.start(), daemon.log.read_text()
    spool = tmp_path / "spool"

    def url() -> str:
        return daemon.url.replace("http://", "ws://") + "/apis/dispatcher"

    worker = SocketWorker(url(), patient, spool=spool)
    async with aiohttp.ClientSession() as session, at_work(worker):

        async def ask(method: str, path: str, body: Any = None) -> Any:
            address = f"{daemon.url}/apis/dispatcher{path}"
            async with session.request(method, address, json=body) as response:
                return await response.json()

        async with asyncio.timeout(20):
            while not (await ask("GET", "/api/dashboard/metrics"))["totalWorkers"]:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        body = {"data": {}, "async": True, "timeout": 600_000}
        task_id = (await ask("POST", "/api/openai", body))["taskId"]
        await asyncio.wait_for(begun.wait(), 20)
        daemon.kill()
        go_on.set()
        async with asyncio.timeout(20):
            while not list(spool.glob("*.json")):  # noqa: ASYNC110 - from outside
                await asyncio.sleep(0.02)
        assert await daemon.start(), daemon.log.read_text()
        # it is on another free port now
        worker._url = worker._url.with_port(int(daemon.url.rpartition(":")[2]))
        async with asyncio.timeout(30):
            while (task := await ask("GET", f"/api/task/{task_id}"))["status"] != "completed":
                assert task["status"] == "executing", task
                await asyncio.sleep(0.05)
        assert task["result"] == "done while nobody was there"
    daemon.kill()


async def test_address_that_takes_no_workers__is_refused(tmp_path: Path) -> None:
    for wrong in ("http://127.0.0.1:1", "ws:", "ws://[", "nothing"):
        with pytest.raises(Refused):
            SocketWorker(wrong, double, spool=tmp_path / "spool")
    async with running(tmp_path / "data") as api:
        url = f"ws://127.0.0.1:{api.port}/elsewhere"
        with pytest.raises(Refused, match="404"):
            await SocketWorker(url, double, spool=tmp_path / "spool").run()


@pytest.mark.slow
async def test_command_line__does_one_task_over_a_websocket(tmp_path: Path) -> None:
    async with running(tmp_path / "data") as api:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "robotq", "worker", "--once", "--group", "gpu"),
            *("--url", f"ws://127.0.0.1:{api.port}", "--spool", str(tmp_path / "spool")),
            *("--exec", f"{sys.executable} -c 'import sys; print(sys.argv[1])' {{payload}}"),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(30):
            while not (await api.pages("metrics"))["totalWorkers"]:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            answer = await api.post({"data": {"n": 1}, "group": "gpu"})
            _, told = await process.communicate()
        assert answer.body["result"] == {"model": "default", "data": {"n": 1}}, told.decode()
        assert process.returncode == 0, told.decode()
