"""The examples of the task queue's document, word for word but for the address, and the scripts
that it tells of."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from .conftest import OpenQueue, Queue

ROOT = Path(__file__).parents[3]
DOCUMENT = (ROOT / "tests" / "documents" / "task-queue.md").read_text(encoding="utf-8")
SCRIPTS = ROOT / "examples" / "task_queue"
DOCUMENTED = "http://localhost:8091"


def example(heading: str, language: str) -> str:
    """The code under a heading of the document."""
    found = re.search(
        rf"^### {re.escape(heading)}$.*?^```{language}\n(.*?)^```$",
        DOCUMENT,
        re.MULTILINE | re.DOTALL,
    )
    assert found is not None, heading
    assert DOCUMENTED in found[1]
    return found[1]


async def run(*command: str, **environ: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **environ},
    )
    async with asyncio.timeout(60):
        out, _ = await process.communicate()
    return process.returncode or 0, out.decode()


async def script(name: str, *options: str, **environ: str) -> tuple[int, str]:
    return await run(sys.executable, str(SCRIPTS / name), *options, **environ)


@asynccontextmanager
async def poller(queue: Queue, interval_s: float = 0.05) -> AsyncIterator[None]:
    """The documented poller at work."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(SCRIPTS / "http_task_poller.py"), "--interval", str(interval_s)),
        *("--api-url", f"{queue.url}/api", "--worker-id", "comet-extension"),
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        await process.wait()


async def ended(queue: Queue, task_id: str, seconds: float = 20) -> dict[str, Any]:
    """The result, by the documented polling."""
    async with asyncio.timeout(seconds):
        while (answer := await queue.result(task_id)).status == 404:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    result: dict[str, Any] = answer.body
    return result


@pytest.fixture
async def queue(open_queue: OpenQueue) -> Queue:
    """In real wall time."""
    return await open_queue()


async def answer_next(queue: Queue) -> None:
    """A worker in this process that does one task."""
    answer = await queue.post("/api/tasks/next?wait=30", {"worker_id": "comet-extension"})
    task_id = answer.body["task"]["id"]
    await queue.finish(task_id, worker_id="comet-extension", data={"message": "pong"})


async def test_s0_13__the_python_example_runs(queue: Queue) -> None:
    code = example("📤 작업 제출 (Python)", "python").replace(DOCUMENTED, queue.url)
    worker = asyncio.create_task(answer_next(queue))
    status, out = await run(sys.executable, "-c", code)
    await worker
    assert status == 0, out
    assert "Task created: " in out
    assert "✅ Result: {" in out
    assert "'message': 'pong'" in out


async def test_s0_13__the_curl_example_runs(queue: Queue) -> None:
    code = example("📤 작업 제출 (curl)", "bash").replace(DOCUMENTED, queue.url)
    worker = asyncio.create_task(answer_next(queue))
    status, out = await run("bash", "-c", code)
    await worker
    assert status == 0, out
    assert "Task created: " in out
    assert '"data":{"message":"pong"}' in out


async def test_s0_13__the_powershell_example_sends_these_requests(queue: Queue) -> None:
    # what Invoke-RestMethod of Windows PowerShell 5.1 makes of the documented lines
    body = (
        b'{\r\n    "data":  {\r\n\r\n             },\r\n    "requester":  "powershell-script",'
        b'\r\n    "task_type":  "ping"\r\n}'
    )
    headers = {
        "User-Agent": "Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1",
        "Content-Type": "application/json",
        "Expect": "100-continue",
    }
    answer = await queue.post("/api/tasks", body, headers=headers)
    assert answer.status == 201
    task_id = answer.body["task_id"]
    assert (await queue.result(task_id)).status == 404
    await answer_next(queue)
    assert (await queue.result(task_id)).body["data"] == {"message": "pong"}
    assert set((await queue.get("/api/stats")).body) >= {"completed_tasks", "pending_tasks"}
    assert (await queue.get("/health")).body["status"] == "ok"


KINDS: list[tuple[str, dict[str, Any], Callable[[Any], bool]]] = [
    ("ping", {}, lambda data: data["message"] == "pong"),
    ("calculation", {"numbers": [1, 2, 3]}, lambda data: data == {"result": 6}),
    (
        "calculation",
        {"operation": "multiply", "numbers": [2, 3, 4]},
        lambda data: data == {"result": 24},
    ),
    (
        "calculation",
        {"operation": "divide", "numbers": [1, 4]},
        lambda data: data == {"result": 0.25},
    ),
    (
        "data_transform",
        {"input": "text", "format": "json"},
        lambda data: data == {"result": {"input": "text"}},
    ),
    (
        "data_transform",
        {"operation": "reverse", "text": "abc"},
        lambda data: data == {"result": "cba"},
    ),
    (
        "batch_calculation",
        {"operations": [{"id": "a", "operation": "average", "numbers": [1, 3]}]},
        lambda data: data == {"calculations": [{"id": "a", "result": 2}]},
    ),
    (
        "batch_calculation",
        {"calculations": [{"id": 1, "operation": "multiply", "numbers": [2, 3], "multiply_by": 2}]},
        lambda data: data == {"calculations": [{"id": 1, "result": 12}]},
    ),
]


@pytest.mark.slow
async def test_s0_14__the_poller_does_every_documented_kind_in_both_forms(queue: Queue) -> None:
    async with poller(queue):
        ids = [await queue.submit(kind, data=data) for kind, data, _ in KINDS]
        for task_id, (kind, _, right) in zip(ids, KINDS, strict=True):
            result = await ended(queue, task_id)
            assert result["status"] == "success", result
            assert right(result["data"]), (kind, result)
            assert result["worker"] == "comet-extension"
        other = await ended(queue, await queue.submit("dance"))
        assert (other["status"], other["error_message"]) == ("error", "Unknown task type: dance")
        bad = await ended(queue, await queue.submit("calculation", data={"operation": "add"}))
        assert bad["status"] == "error"


async def test_s0_14__the_poller_says_that_nobody_answers(queue: Queue) -> None:
    options = ("--api-url", "http://127.0.0.1:9/api", "--once")
    status, out = await script("http_task_poller.py", *options)
    assert status == 1
    assert "no daemon answers" in out


async def test_s0_15__a_ping_is_answered_within_ten_seconds(queue: Queue) -> None:
    async with poller(queue, 1.0):
        result = await ended(queue, await queue.submit("ping"), 10)
    assert result["data"]["message"] == "pong"


async def test_s0_16__send_ping_finds_http_by_itself(queue: Queue) -> None:
    worker = asyncio.create_task(answer_next(queue))
    status, out = await script("send_ping.py", "--api", f"{queue.url}/api")
    await worker
    assert status == 0, out
    for line in ("(http)", "🤖 Worker: comet-extension", "📊 Status: success", "💬 Message: pong"):
        assert line in out


async def test_s0_16__send_ping_falls_back_to_files(tmp_path: Path) -> None:
    folder = tmp_path / "task_queue"

    async def answer() -> None:
        """What the other side of the folder does."""
        while not (found := list((folder / "inbox").glob("*.json"))):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        task = json.loads(await asyncio.to_thread(found[0].read_text))
        assert (task["type"], task["id"]) == ("ping", found[0].stem)
        result = {
            "task_id": task["id"],
            "worker": "file",
            "status": "success",
            "data": {"message": "pong"},
            "completed_at": "2025-10-29T12:00:00+00:00",
            "error_message": None,
        }
        (folder / "results").mkdir()
        path = folder / "results" / f"{task['id']}.json"
        await asyncio.to_thread(path.write_text, json.dumps(result))

    worker = asyncio.create_task(answer())
    options = ("--api", "http://127.0.0.1:9/api")
    status, out = await script("send_ping.py", *options, ROBOTQ_DATA=str(tmp_path))
    await worker
    assert status == 0, out
    assert "(file)" in out
    assert "💬 Message: pong" in out


@pytest.mark.slow
async def test_s0_18__the_check_tells_whether_a_worker_answers(queue: Queue) -> None:
    options = ("--api", f"{queue.url}/api", "--timeout", "0.3")
    status, out = await script("check_comet_status.py", *options)
    assert (status, "not working" in out) == (1, True), out
    backlog = await queue.submit("job")
    status, out = await script("check_comet_status.py", *options)
    assert (status, "backlog" in out, backlog in out) == (1, True, True), out
    while (task := await queue.next("w1")) is not None:
        await queue.finish(task["id"], worker_id="w1")
    status, out = await script("check_comet_status.py", *options)
    assert (status, "was alive" in out) == (1, True), out
    async with poller(queue):
        status, out = await script("check_comet_status.py", "--api", f"{queue.url}/api")
    assert (status, "alive: comet-extension answers 'pong'" in out) == (0, True), out


@pytest.mark.slow
async def test_s0_19__five_tasks_at_once_are_done_within_six_seconds(queue: Queue) -> None:
    async with poller(queue, 1.0):
        ids = await asyncio.gather(*(queue.submit("ping", requester=f"b{n}") for n in range(5)))
        await asyncio.gather(*(ended(queue, task_id, 6) for task_id in ids))


async def test_s0_24__the_old_ping_client_works_and_says_that_it_is_deprecated(
    queue: Queue,
) -> None:
    worker = asyncio.create_task(answer_next(queue))
    status, out = await script("send_ping_http.py", "--api", f"{queue.url}/api")
    await worker
    assert status == 0, out
    assert "deprecated" in out
    assert "🚀 HTTP-based Ping Task Submission" in out
    assert "💬 Message: pong" in out
