"""The checklist interface keeps to its own description, whatever is sent to it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from robotq.api.checklist.interface import PREFIX

from .conftest import SESSION, Checklist

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)


@pytest.mark.long
async def test_routes__answer_as_they_are_described(checklist: Checklist, tmp_path: Path) -> None:
    for number in range(3):
        await checklist.create(str(number), session_id=SESSION)
    url = str(checklist.client.make_url(PREFIX))
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json"]
    command += ["--url", url, "--checks", ",".join(CHECKS), "--no-color"]
    command += ["--generation-database", "none", "--max-examples", "60", "--no-shrink"]
    done = await asyncio.to_thread(
        subprocess.run,
        command,
        cwd=tmp_path,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
