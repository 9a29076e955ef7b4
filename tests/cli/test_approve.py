"""A person at a terminal decides about the tasks of agents."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from robotq.client import Client
from robotq.testing.daemon import Daemon

from .conftest import Typed


@pytest.fixture
def robotq_config(tmp_path: Path) -> Mapping[str, Any]:
    specs = tmp_path / "own.yaml"
    specs.write_text("commands:\n  NAVIGATION: {approval: true}\n", encoding="utf-8")
    return {"commands": [str(specs)]}


def test_approve__lists_approves_and_rejects(
    robotq_daemon: Daemon, robotq_client: Client, typed: Typed
) -> None:
    url = ("--url", robotq_daemon.url)
    assert typed("approve", *url).out == "No task waits for approval\n"
    agent = robotq_daemon.client(headers={"X-Robotq-Agent": "mcp"})
    first, second = (agent.submit("NAVIGATION", {"area": "HOME"}).task_id for _ in range(2))
    shown = typed("approve", *url).out
    assert first in shown
    assert second in shown
    assert '"area": "HOME"' in shown
    assert len(typed("approve", *url, "--json").json["tasks"]) == 2

    assert "\nApproved" in typed("approve", first, *url, "--note", "looked").out
    assert robotq_client.wait(first, timeout_s=10).completed
    rejected = typed("approve", second, "--reject", "--note", "why?", *url)
    assert rejected.code == 0
    assert robotq_client.task(second).error_code == "rejected"

    again = typed("approve", first, *url)
    assert again.code == 1
    assert "is completed, so it cannot approve" in again.err
    assert typed("approve", "--reject", *url).code == 2


def test_mcp__says_which_library_is_missing(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp.server", None)
    monkeypatch.delitem(sys.modules, "robotq.mcp.server", raising=False)
    ended = typed("mcp")
    assert ended.code == 2
    assert "pip install 'robotq[mcp]'" in ended.err


@pytest.mark.slow
def test_mcp__refuses_an_address_that_is_none(typed: Typed) -> None:
    ended = typed("mcp", "--url", "lab")
    assert ended.code == 2
    assert "lab is no address of a daemon" in ended.err
