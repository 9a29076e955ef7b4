"""The dispatcher interface keeps to its own description, whatever is sent to it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from openapi_spec_validator import validate

from robotq.api.dispatcher.interface import HTTP_ROUTES, ROUTES

from .conftest import Dispatcher, OpenDispatcher, Played

CHECKS = (
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)
"""A task that fails answers 500, as documented."""


async def test_description__is_openapi_and_has_every_route_but_the_websocket(
    api: Dispatcher,
) -> None:
    document = (await api.ask("GET", "/openapi.json")).body
    await asyncio.to_thread(validate, document)
    paths = {(method.upper(), p) for p, methods in document["paths"].items() for method in methods}
    assert paths == {(route.method, route.path) for route in HTTP_ROUTES}
    assert [route.path for route in ROUTES if route not in HTTP_ROUTES] == ["/ws"]
    assert "/ws" in document["info"]["description"]


@pytest.mark.long
async def test_routes__answer_as_they_are_described(
    open_dispatcher: OpenDispatcher, tmp_path: Path
) -> None:
    api = await open_dispatcher(min_timeout_s=0.05, timeout_s=0.05, max_timeout_s=0.1)

    async def work(worker: Played) -> None:
        number = 0
        while True:
            task = await worker.ws.receive_json()
            number += 1
            if number % 3:
                await worker.complete(task["taskId"], task["payload"])
            else:
                await worker.fail(task["taskId"], "every third")

    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{api.url}/openapi.json"]
    command += ["--url", api.url, "--checks", ",".join(CHECKS), "--no-color"]
    command += ["--generation-database", "none", "--max-examples", "60", "--no-shrink"]
    async with await api.worker() as worker:
        working = asyncio.create_task(work(worker))
        done = await asyncio.to_thread(
            subprocess.run,
            command,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
            capture_output=True,
            text=True,
            check=False,
        )
        assert not working.done()
        working.cancel()
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    logs = (await api.pages("logs"))["logs"]
    assert all("Internal error" not in str(line["responseBody"]) for line in logs)
