"""A running daemon keeps to its own description, whatever is sent to it."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import requests

from robotq.api.root import ROUTES
from tests.api.lab import BY_HAND, GO_HOME, PICK_UP_NOTHING
from tests.crash.process import DaemonProcess

ROOT = Path(__file__).parents[3]

CHECKS = (
    "no_fault",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "allow_header_conformance",
)


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[DaemonProcess]:
    """A daemon with tasks in every state."""
    daemon = DaemonProcess(tmp_path / "data", time_scale=0)
    assert await daemon.start(), daemon.log.read_text()
    for command in (GO_HOME, PICK_UP_NOTHING, BY_HAND, GO_HOME):
        await asyncio.to_thread(requests.post, daemon.url, json=command, timeout=10)
    yield daemon
    assert await daemon.terminate() == 0


async def schemathesis(daemon: DaemonProcess, folder: Path, *options: str) -> None:
    """Try the daemon's routes; fails with what schemathesis reports."""
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{daemon.url}/openapi.json"]
    command += ["--checks", ",".join(CHECKS), "--no-color"]
    command += ["--generation-database", "none", "--request-timeout", "20", "--no-shrink", *options]
    # left to itself it leaves out the route of the description
    command += ["--include-path-regex", ".*"]
    done = await asyncio.to_thread(
        subprocess.run,
        command,
        cwd=folder,
        env={"SCHEMATHESIS_HOOKS": "tests.api.contract_hooks", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{daemon.log.read_text()[-5_000:]}"
    # not one route was left out
    tried = re.search(r"Operations: +(\d+) selected / (\d+) total", done.stdout)
    fuzzed = re.search(r"Fuzzing .*\n\s*\n\s*✅ (\d+) passed", done.stdout)
    assert tried is not None
    assert fuzzed is not None
    described = [route for route in ROUTES if not route.websocket]
    assert {*tried.groups(), *fuzzed.groups()} == {str(len(described))}


@pytest.mark.slow
async def test_routes__answer_as_they_are_described(daemon: DaemonProcess, tmp_path: Path) -> None:
    # one example for each route; what it takes to follow links between them is in the long test
    phases = ("--phases", "examples,fuzzing")
    await schemathesis(daemon, tmp_path, *phases, "--max-examples", "1", "--seed", "1")


@pytest.mark.long
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("seed", [2, 3])
async def test_routes__answer_as_they_are_described_to_whatever_is_sent(
    daemon: DaemonProcess, tmp_path: Path, seed: int
) -> None:
    await schemathesis(daemon, tmp_path, "--max-examples", "50", "--seed", str(seed))
