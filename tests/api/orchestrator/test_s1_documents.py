"""The examples of the orchestrator's document, word for word but for the address."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from .conftest import PROJECT, OpenOrchestrator, Orchestrator

DOCUMENT = (Path(__file__).parents[2] / "documents" / "orchestrator.md").read_text(encoding="utf-8")
DOCUMENTED = "http://localhost:8080"
DOCUMENTED_ID = "550e8400-e29b-41d4-a716-446655440000"


def examples(language: str, heading: str) -> str:
    """The first code under a heading of the document."""
    found = re.search(
        rf"^## {re.escape(heading)}$.*?^```{language}\n(.*?)^```$",
        DOCUMENT,
        re.MULTILINE | re.DOTALL,
    )
    assert found is not None, heading
    return found[1]


async def run(*command: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )
    async with asyncio.timeout(60):
        out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()
    return out.decode()


@pytest.fixture
async def api(open_orchestrator: OpenOrchestrator) -> Orchestrator:
    """In real wall time."""
    return await open_orchestrator()


def local(code: str, api: Orchestrator) -> str:
    assert DOCUMENTED in code
    return code.replace(DOCUMENTED, api.url)


async def test_s1_26__the_python_client_runs_end_to_end(api: Orchestrator) -> None:
    out = await run(sys.executable, "-c", local(examples("python", "Python 客户端示例"), api))
    assert "Created task: " in out
    assert "Got task: " in out
    assert "'status': 'completed'" in out
    (task,) = (await api.get("/tasks", status="completed")).data["tasks"]
    assert task["result"]["duration"] == 3000


async def test_s1_26__the_javascript_client_runs_end_to_end(
    api: Orchestrator, tmp_path: Path
) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not installed; https://nodejs.org")
    file = tmp_path / "client.js"
    code = local(examples("javascript", "JavaScript 客户端示例"), api)
    await asyncio.to_thread(file.write_text, code, encoding="utf-8")
    out = await run(node, str(file))
    assert "Completed task:" in out
    assert "Error:" not in out


async def test_s1_26__every_curl_example_runs(api: Orchestrator) -> None:
    setup = local(examples("bash", "基础设置"), api)

    async def curl(heading: str, task_id: str = "") -> str:
        code = examples("bash", heading).replace(DOCUMENTED_ID, task_id)
        return await run("bash", "-c", f"{setup}\n{code}".replace("curl ", "curl -sS "))

    assert '"status":"waiting"' in await curl("1. 创建任务")
    (task,) = (await api.get("/tasks")).data["tasks"]
    task_id = task["task_id"]
    assert task_id in await curl("2. 获取下一个任务")
    # a worker that asks once more gets what it has; nothing is left for another one
    assert task_id in await curl("2. 获取下一个任务")
    assert await api.next("worker-002") is None
    assert '"worker_id":"worker-001"' in await curl("3. 完成任务", task_id)
    assert '"vulnerabilities_found":3' in await curl("4. 获取任务详情", task_id)
    assert '"total":1' in await curl("5. 列出任务")
    cancelled = await api.create()
    assert '"status":"cancelled"' in await curl("6. 取消任务", cancelled)
    failed = await api.create(work_directory=PROJECT)
    await api.next()
    await api.fail(failed)
    assert '"retry_count":1' in await curl("7. 重试任务", failed)
    assert '"status":"healthy"' in await curl("8. 健康检查")
    assert '"total_tasks":3' in await curl("9. 获取统计信息")
