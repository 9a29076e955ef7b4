"""The task queue interface keeps to its own description, whatever is sent to it, and to keys."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from openapi_spec_validator import validate

from robotq.api.access.keys import KeyFile
from robotq.api.task_queue.interface import ROUTES

from .conftest import OpenQueue, Queue

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)


async def test_description__is_openapi_and_has_every_route(queue: Queue) -> None:
    document = (await queue.get("/openapi.json")).body
    await asyncio.to_thread(validate, document)
    paths = {(method.upper(), p) for p, methods in document["paths"].items() for method in methods}
    assert paths == {(route.method, route.path) for route in ROUTES}
    assert document["components"]["schemas"]["Error"]["required"] == ["error"]


async def test_keys__every_route_asks_for_its_scope(open_queue: OpenQueue, tmp_path: Path) -> None:
    keys = await asyncio.to_thread(KeyFile, tmp_path)
    scopes = ("read", "submit", "admin", "worker:task_queue", "worker:dispatcher", "worker:*")
    texts = {
        scope: await asyncio.to_thread(keys.new, f"key{number}", [scope])
        for number, scope in enumerate(scopes)
    }
    queue = await open_queue()
    for route in ROUTES:
        path = route.path.replace("{task_id}", "x")
        nobody = await queue.ask(route.method, path)
        assert (nobody.status == 401) == (route.scope != "open"), route
        for scope, text in texts.items():
            headers = {"Authorization": f"Bearer {text}"}
            answer = await queue.ask(route.method, path, headers=headers)
            meant = {route.scope, "admin"}
            if str(route.scope).startswith("worker:"):
                meant |= {"worker:*"}
            allowed = route.scope == "open" or scope in meant
            assert (answer.status not in (401, 403)) == allowed, (route, scope)


async def test_keys__keep_pages_of_other_sites_out(open_queue: OpenQueue, tmp_path: Path) -> None:
    keys = await asyncio.to_thread(KeyFile, tmp_path)
    text = await asyncio.to_thread(keys.new, "ann", ["admin"])
    queue = await open_queue()
    page = {"Origin": "https://page.example", "Authorization": f"Bearer {text}"}
    answer = await queue.post("/api/tasks", {"task_type": "ping"}, headers=page)
    assert answer.status == 403
    assert "Access-Control-Allow-Origin" not in answer.headers
    preflight = await queue.ask("OPTIONS", "/api/tasks", headers=page)
    assert "Access-Control-Allow-Origin" not in preflight.headers


@pytest.mark.long
async def test_routes__answer_as_they_are_described(open_queue: OpenQueue, tmp_path: Path) -> None:
    queue = await open_queue()
    for number in range(3):
        await queue.submit(str(number))
    task = await queue.next()
    await queue.finish(task["id"], worker_id="w1")
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{queue.url}/openapi.json"]
    command += ["--url", queue.url, "--checks", ",".join(CHECKS), "--no-color"]
    command += ["--generation-database", "none", "--max-examples", "60", "--no-shrink"]
    done = await asyncio.to_thread(
        subprocess.run,
        command,
        cwd=tmp_path,
        env={
            **os.environ,
            "SCHEMATHESIS_HOOKS": "tests.api.short_waits",
            "PYTHONPATH": str(Path(__file__).parents[3]),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
