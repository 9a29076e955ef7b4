"""Every example of the checklist service's document, unchanged but for the address and for the
ids that stand in it as placeholders."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from robotq.daemon.assembly import running_daemon
from tests.api.conftest import lab_config

from .conftest import SESSION

DOCUMENT = (Path(__file__).parents[2] / "documents" / "checklist-service.md").read_text(
    encoding="utf-8"
)
ADDRESS = "http://localhost:8001"

pytestmark = pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")


def curl_commands() -> list[str]:
    """The shell commands of the document: each goes on until its quotes are closed."""
    commands: list[str] = []
    lines = iter(DOCUMENT.splitlines())
    for line in lines:
        if not line.startswith("curl "):
            continue
        command = line
        while command.endswith("\\") or command.count("'") % 2:
            command += "\n" + next(lines)
        commands.append(command)
    return commands


def requests() -> Iterator[tuple[str, str, Any]]:
    """Method, path and body of the requests that the document shows as JSON."""
    for found in re.finditer(r"\((POST|PUT|DELETE) (/api/v1/\S+)\)\n+(?=[^{(]{0,40}\{)", DOCUMENT):
        start = DOCUMENT.index("{", found.end())
        body, _ = json.JSONDecoder().raw_decode(DOCUMENT[start:])
        yield found[1], found[2], body


def shapes() -> Iterator[set[str]]:
    """The names in the two answers that the document shows."""
    for title in ("Task 응답", "Batch 응답"):
        text = DOCUMENT[DOCUMENT.index(title) :]
        block = text[text.index("{") : text.index("}") + 1]
        yield set(re.findall(r'"(\w+)":', block))


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[str]:
    """A daemon with the interface on a port of its own; gives its address."""
    config = await asyncio.to_thread(
        lab_config, folder, port=0, store="sqlite", interfaces__checklist__port=0
    )
    async with running_daemon(config, lambda: config, reload=asyncio.Event()) as daemon:
        host, port = daemon.own_addresses["checklist"][0]
        yield f"http://{host}:{port}"


@pytest.fixture
async def address(tmp_path: Path) -> AsyncIterator[str]:
    async with served(tmp_path) as url:
        yield url


async def run(command: str) -> Any:
    """What the shell command prints, as JSON."""
    shell = await asyncio.create_subprocess_exec(
        "bash", "-c", command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    printed, _ = await shell.communicate()
    assert shell.returncode == 0
    return json.loads(printed)


async def test_s3_22__the_five_curl_scenarios_run_as_they_stand(address: str) -> None:
    create, look, complete, complete_all, latest = (
        command.replace(ADDRESS, address) for command in curl_commands()
    )
    batch = await run(create)
    assert batch["session_id"] == SESSION
    assert batch["reason"] == "Service와 네트워킹을 학습하기 위한 단계별 과제입니다."
    assert [task["priority"] for task in batch["tasks"]] == ["high", "high", "medium", "medium"]
    ids = [task["id"] for task in batch["tasks"]]

    pending = await run(look)
    assert [task["id"] for task in pending["items"]] == ids

    done = await run(complete.replace("{task_id}", ids[0]))
    assert (done["id"], done["status"]) == (ids[0], "completed")
    assert done["completed_at"]

    several = await run(complete_all.replace("uuid-1", ids[1]).replace("uuid-2", ids[2]))
    assert [task["status"] for task in several["updated"]] == ["completed", "completed"]

    progress = await run(latest)
    assert [task["status"] for task in progress["tasks"]] == [*["completed"] * 3, "pending"]
    assert [task["id"] for task in (await run(look))["items"]] == ids[3:]


async def test_s3_22__the_requests_shown_as_json_are_taken_as_they_stand(address: str) -> None:
    shown = list(requests())
    assert [(method, path) for method, path, _ in shown] == [
        ("POST", "/api/v1/tasks"),
        ("PUT", "/api/v1/tasks/{task_id}"),
        ("PUT", "/api/v1/tasks/bulk"),
        ("DELETE", "/api/v1/tasks/bulk"),
        ("POST", "/api/v1/batches"),
    ]
    task_names, batch_names = shapes()
    answers = {}
    async with aiohttp.ClientSession(address) as client:
        ids: list[str] = []
        for title in "abc":
            async with client.post("/api/v1/tasks", json={"title": title}) as response:
                ids.append((await response.json())["id"])
        for method, path, body in shown:
            text = json.dumps(body)
            for number, item_id in enumerate(ids, 1):
                text = text.replace(f"uuid-{number}", item_id)
            url = path.replace("{task_id}", ids[0])
            async with client.request(method, url, data=text) as response:
                answers[method, path] = await response.json()
                assert response.ok, answers[method, path]
    assert set(answers["POST", "/api/v1/tasks"]) == task_names
    assert answers["PUT", "/api/v1/tasks/{task_id}"]["completed_at"]
    assert len(answers["PUT", "/api/v1/tasks/bulk"]["updated"]) == 2
    assert answers["DELETE", "/api/v1/tasks/bulk"] == {"deleted_count": 3}
    batch = answers["POST", "/api/v1/batches"]
    assert set(batch) == batch_names
    assert [task["priority"] for task in batch["tasks"]] == ["high", "high", "medium", "low"]


async def test_s3_21__data_survive_a_restart(tmp_path: Path) -> None:
    create, *_, latest = curl_commands()
    async with served(tmp_path) as address:
        made = await run(create.replace(ADDRESS, address))
    async with served(tmp_path) as address:
        assert await run(latest.replace(ADDRESS, address)) == made
