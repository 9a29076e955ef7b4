"""The orchestrator interface keeps to its own description, whatever is sent to it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from openapi_spec_validator import validate

from robotq.api.orchestrator.interface import ROUTES

from .conftest import OpenOrchestrator, Orchestrator

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)


async def test_description__is_openapi_and_has_every_route(api: Orchestrator) -> None:
    document = (await api.ask("GET", "/openapi.json")).body
    await asyncio.to_thread(validate, document)
    paths = {(method.upper(), p) for p, methods in document["paths"].items() for method in methods}
    assert paths == {(route.method, route.path) for route in ROUTES}


@pytest.mark.long
async def test_routes__answer_as_they_are_described(
    open_orchestrator: OpenOrchestrator, tmp_path: Path
) -> None:
    api = await open_orchestrator()
    for number in range(3):
        await api.create(str(number))
    await api.complete((await api.next())["task_id"])
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{api.url}/openapi.json"]
    command += ["--url", api.url, "--checks", ",".join(CHECKS), "--no-color"]
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
