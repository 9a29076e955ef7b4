"""The examples of the dispatcher's document, word for word but for the address."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from .conftest import WORKER, Dispatcher, OpenDispatcher, Played

ROOT = Path(__file__).parents[3]
DOCUMENT = (ROOT / "tests" / "documents" / "dispatcher.md").read_text(encoding="utf-8")
DOCUMENTED = "localhost:3000"
DOCUMENTED_TASK = "{taskId}"
NO_WS = "no `ws` for Node here: `npm install ws` somewhere, and name its node_modules in NODE_PATH"


def examples(heading: str, language: str) -> list[str]:
    """Every code under a heading of the document."""
    (_, _, after) = DOCUMENT.partition(f"\n{heading}\n")
    assert after, heading
    part = re.split(r"^#{2,3} |^---$", after, maxsplit=1, flags=re.MULTILINE)[0]
    found = re.findall(rf"^```{language}\n(.*?)^```$", part, re.MULTILINE | re.DOTALL)
    assert found, heading
    return found


def local(code: str, api: Dispatcher) -> str:
    assert DOCUMENTED in code
    return code.replace(DOCUMENTED, f"127.0.0.1:{api.port}")


@pytest.fixture
async def api(open_dispatcher: OpenDispatcher) -> Dispatcher:
    """In real wall time."""
    return await open_dispatcher()


async def bash(code: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", code), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(60):
        out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()
    return out.decode()


async def curl(code: str, api: Dispatcher) -> str:
    """A documented call; what the document shows of its answer comes after it."""
    call = local(code, api).split("# 响应")[0]
    return await bash(call.replace("curl ", "curl -sS "))


class Program:
    """A worker that is a process of its own, and what it has printed."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.printed = ""

    async def prints(self, text: str) -> None:
        assert self._process.stdout is not None
        async with asyncio.timeout(30):
            while text not in self.printed:
                line = await self._process.stdout.readline()
                assert line, f"it has ended: {self.printed}"
                self.printed += line.decode()


@asynccontextmanager
async def program(*command: str, **environ: str) -> AsyncIterator[Program]:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": "1", **environ},
    )
    try:
        yield Program(process)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.wait()


async def with_ws() -> tuple[str, str]:
    """Node, and where its `ws` is."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not installed; https://nodejs.org")
    places = (*os.environ.get("NODE_PATH", "").split(os.pathsep), str(ROOT / "node_modules"))
    found = await asyncio.to_thread(
        lambda: [place for place in places if place and (Path(place) / "ws").is_dir()]
    )
    if found:
        return node, found[0]
    pytest.skip(NO_WS)


@asynccontextmanager
async def answering(api: Dispatcher, group: str | None = None) -> AsyncIterator[list[Any]]:
    """A worker that completes whatever comes, and the payloads that came."""
    payloads: list[Any] = []

    async def work(worker: Played) -> None:
        while True:
            task = await worker.task()
            payloads.append(task["payload"])
            await worker.complete(task["taskId"], {"image": "0.png"})

    async with await api.worker(group) as worker:
        working = asyncio.create_task(work(worker))
        yield payloads
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


async def test_s4_25__the_curl_examples_run(api: Dispatcher) -> None:
    async with answering(api) as payloads, answering(api, "gpu-cluster") as of_gpu:
        (basic,) = examples("### 同步模式（等待结果）", "bash")
        assert '"status":"completed"' in await curl(basic, api)
        assert payloads.pop() == {
            "model": "default",
            "data": {"action": "process", "content": "Hello World"},
        }
        (images,) = examples("### 图像生成示例", "bash")
        plain, in_group = images.split("# 指定 Worker 分组")
        assert '"result":{"image":"0.png"}' in await curl(plain, api)
        assert payloads.pop()["data"]["ratio"] == "4:3"
        assert '"result":{"image":"0.png"}' in await curl(in_group, api)
        assert of_gpu.pop()["data"]["prompt"] == "美丽的少女，胶片感"
        (later,) = examples("### 异步模式（立即返回，后续轮询）", "bash")
        found = re.search(
            r'"taskId":"([^"]+)","status":"(?:executing|queued)"', await curl(later, api)
        )
        assert found is not None
        await api.until(found[1], "completed")
        (openai,) = examples("### OpenAI 格式请求", "bash")
        assert '"status":"completed"' in await curl(openai, api)
        assert payloads.pop() == {
            "model": "gpt-4",
            "messages": [
                {"role": "system", "content": "You are a helpful assistant."},
                {"role": "user", "content": "Hello!"},
            ],
        }
        asked = examples("### 2. 查询任务状态 - GET /api/task/{taskId}", "bash")[0]
        assert '"status":"completed"' in await curl(asked.replace(DOCUMENTED_TASK, found[1]), api)


async def test_s4_25__the_polling_script_runs(api: Dispatcher) -> None:
    if shutil.which("jq") is None:
        pytest.skip("jq is not installed")
    (script,) = examples("## 异步轮询示例（完整流程）", "bash")
    async with answering(api):
        out = await bash(local(script, api))
    assert "Task ID: " in out
    assert "Status: completed" in out
    assert '"image": "0.png"' in out


async def test_s4_25__the_polling_script_ends_on_a_failure(api: Dispatcher) -> None:
    if shutil.which("jq") is None:
        pytest.skip("jq is not installed")
    (script,) = examples("## 异步轮询示例（完整流程）", "bash")
    async with await api.worker() as worker:
        running = asyncio.create_task(bash(local(script, api)))
        await worker.fail((await worker.task())["taskId"], "错误信息")
        assert "Error: 错误信息" in await running


async def test_s4_25__the_python_worker_runs(api: Dispatcher, tmp_path: Path) -> None:
    (code,) = examples("### Python Worker 示例", "python")
    file = tmp_path / "worker.py"
    await asyncio.to_thread(file.write_text, local(code, api), encoding="utf-8")
    async with program(sys.executable, str(file)) as worker:
        await worker.prints("Worker ID: ")
        for number in range(2):
            answer = await api.post({"data": {"n": number}})
            assert answer.body["result"] == {"success": True, "data": "处理结果"}
            await worker.prints(f"收到任务: {answer.body['taskId']}")
        assert WORKER.search(worker.printed)


async def test_s4_25__the_node_worker_runs(api: Dispatcher, tmp_path: Path) -> None:
    node, modules = await with_ws()
    (code,) = examples("### Node.js Worker 示例", "javascript")
    file = tmp_path / "worker.js"
    await asyncio.to_thread(file.write_text, local(code, api), encoding="utf-8")
    async with program(node, str(file), NODE_PATH=modules) as worker:
        await worker.prints("Worker ID: ")
        for number in range(2):
            answer = await api.post({"data": {"n": number}})
            assert answer.body["result"] == {"success": True, "data": "处理结果"}
            await worker.prints(f"收到任务: {answer.body['taskId']}")


async def test_s4_25__the_browsers_worker_runs(api: Dispatcher, tmp_path: Path) -> None:
    # with the WebSocket that Node has of its own, as browsers have it
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not installed; https://nodejs.org")
    flag = "--experimental-websocket"
    probe = [node, flag, "-e", "new WebSocket('ws://127.0.0.1:1').onerror = () => {}"]
    probed = await asyncio.to_thread(subprocess.run, probe, capture_output=True, check=False)
    if probed.returncode != 0:
        pytest.skip("this Node has no WebSocket of its own; 22 has")
    (code,) = examples("## Worker 端实现", "javascript")
    file = tmp_path / "worker.js"
    await asyncio.to_thread(file.write_text, local(code, api), encoding="utf-8")
    async with program(node, flag, str(file)) as worker:
        async with asyncio.timeout(30):
            while not (await api.pages("workers"))["workers"]:  # noqa: ASYNC110 - from outside
                await asyncio.sleep(0.02)
        answer = await api.post({"data": {"n": 1}, "group": "gpu-cluster"})
        assert (answer.status, answer.body["result"]) == (200, {})
        await worker.prints(f"收到任务: {answer.body['taskId']}")


@pytest.mark.parametrize("language", ["node", "python"])
async def test_s4_25__the_workers_among_the_examples_run(api: Dispatcher, language: str) -> None:
    url = f"ws://127.0.0.1:{api.port}/ws?group=cpu-workers"
    if language == "node":
        node, modules = await with_ws()
        command = (node, str(ROOT / "examples" / "worker-node.js"))
    else:
        modules, command = "", (sys.executable, str(ROOT / "examples" / "worker-python.py"))
    async with program(*command, url, NODE_PATH=modules) as worker:
        await worker.prints("worker: ")
        answer = await api.post({"data": {"n": 1}, "group": "cpu-workers"})
        assert answer.body["result"]["data"] == {"n": 1}
        line = (await api.pages("logs"))["logs"]
        assert any(entry["method"] == "WS" for entry in line)
