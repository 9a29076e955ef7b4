"""`robotq doctor` and the data: what does not agree is named, and what to do about it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from .conftest import Serve, Served, Typed


@pytest.fixture(scope="module")
def lab(serve: Serve) -> Served:
    """A daemon at rest: a hold, tasks that wait in an order of their own, one that has ended."""
    daemon = serve("serve", "--time-scale", "0")
    ended = daemon.post("/", _drive())["task_id"]
    daemon.wait_until(f"/task/{ended}", lambda task: task["state"] == "completed")
    daemon.post("/queue/pause", {"reason": "tray"})
    for priority in (0, 0, 5):
        daemon.post("/", {**_drive(), "priority": priority})
    daemon.post("/", [_drive(), _drive()])
    daemon.post("/", {**_drive(), "expires_at": "+5h", "cmd_id": "expires"})
    daemon.post("/", {**_drive(), "not_before": "+4h", "repeat": {"count": 3, "interval_s": 60}})
    daemon.post("/apis/task-queue/api/tasks/create", {"type": "x"})
    return daemon


def _drive() -> dict[str, Any]:
    return {"cmd_type": "NAVIGATION", "params": {"area": "HOME"}}


def _looked(typed: Typed, data: Path, *more: str) -> dict[str, dict[str, str]]:
    found = typed("doctor", "--data", data, "--json", *more).json
    return {one["what"]: one for one in found}


def _falsify(data: Path, statement: str) -> None:
    with closing(sqlite3.connect(data / "robotq.db")) as database, database:
        assert database.execute(statement).rowcount > 0


def test_doctor__memory_and_disk_of_a_daemon_at_rest_agree(typed: Typed, lab: Served) -> None:
    found = _looked(typed, lab.data, "--url", lab.url)
    assert found["data"]["verdict"] == "ok", found["data"]
    assert found["memory and disk"]["verdict"] == "ok", found["memory and disk"]


@pytest.mark.parametrize(
    ("there", "back", "named"),
    [
        (
            "UPDATE holds SET code = 'failure' WHERE robot = 'robot_a'",
            "UPDATE holds SET code = 'paused' WHERE robot = 'robot_a'",
            "robot_a: held",
        ),
        (
            "UPDATE counts SET tasks = tasks + 1 WHERE state = 'completed'",
            "UPDATE counts SET tasks = tasks - 1 WHERE state = 'completed'",
            "completed",
        ),
        (
            "UPDATE tasks SET rest = replace(rest, '\"priority\":5', '\"priority\":-5')",
            "UPDATE tasks SET rest = replace(rest, '\"priority\":-5', '\"priority\":5')",
            "another order",
        ),
        (
            "INSERT INTO occupancies (resource, robot, since_ms) VALUES ('bench', 'robot_b', 1)",
            "DELETE FROM occupancies WHERE resource = 'bench'",
            "bench is taken by robot_b on disk only",
        ),
        (
            "UPDATE tasks SET rest = replace(rest, '\"expires_at_ms\":1', '\"expires_at_ms\":2')",
            "UPDATE tasks SET rest = replace(rest, '\"expires_at_ms\":2', '\"expires_at_ms\":1')",
            "expires at 1",
        ),
        (
            'UPDATE tasks SET rest = replace(rest, \'"repeat":\', \'"repeat_of":"x","repeat":\')',
            'UPDATE tasks SET rest = replace(rest, \'"repeat_of":"x","repeat":\', \'"repeat":\')',
            "none on disk",
        ),
        (
            "UPDATE steps SET step = replace(step, 'completed', 'failed')",
            "UPDATE steps SET step = replace(step, 'failed', 'completed')",
            "is completed in the daemon, failed on disk",
        ),
    ],
)
def test_doctor__what_the_daemon_has_otherwise_than_the_disk_is_named(
    typed: Typed, lab: Served, there: str, back: str, named: str
) -> None:
    _falsify(lab.data, there)
    try:
        found = _looked(typed, lab.data, "--url", lab.url)["memory and disk"]
    finally:
        _falsify(lab.data, back)
    assert found["verdict"] == "bad"
    assert named in found["found"]
    assert "the disk is what counts" in found["mend"]


def test_doctor__a_daemon_that_wants_a_key_is_asked_with_one(
    typed: Typed, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon = serve("serve", "--time-scale", "0")
    key = typed("keys", "new", "nurse", "--scope", "read", "--data", daemon.data).out.split()[-1]
    daemon.wait_until("/queue/status", lambda status: status.get("error_code") == "unauthorized")
    asked = _looked(typed, daemon.data, "--url", daemon.url)["memory and disk"]
    assert asked["verdict"] == "note"
    assert "--key" in asked["mend"]
    monkeypatch.setenv("ROBOTQ_KEY", key)
    assert _looked(typed, daemon.data, "--url", daemon.url)["memory and disk"]["verdict"] == "ok"


def test_doctor__a_folder_that_contradicts_itself_is_found_without_a_daemon(
    typed: Typed, serve: Serve
) -> None:
    daemon = serve("serve", "--time-scale", "0")
    daemon.post("/queue/pause", {"reason": "tray"})
    task = daemon.post("/", _drive())["task_id"]
    assert daemon.end()[0] == 0
    found = _looked(typed, daemon.data, "--url", daemon.url)
    assert found["data"]["verdict"] == "ok", found["data"]
    assert "memory and disk" not in found
    _falsify(daemon.data, "DELETE FROM holds WHERE code = 'paused'")
    _falsify(daemon.data, "UPDATE counts SET tasks = 7 WHERE state = 'pending'")
    _falsify(daemon.data, "UPDATE tasks SET state = 'running'")
    found = _looked(typed, daemon.data, "--url", daemon.url)
    assert found["data"]["verdict"] == "bad"
    for word in ("counted", "paused was set", task):
        assert word in found["data"]["found"] or "more" in found["data"]["found"]
    assert "Start the daemon" in found["data"]["mend"]


def test_doctor__steps_that_are_not_whole_are_found(typed: Typed, lab: Served) -> None:
    there = "UPDATE steps SET number = number + 1, task = task + 900"
    _falsify(lab.data, there)
    try:
        found = _looked(typed, lab.data)["data"]
    finally:
        _falsify(lab.data, "UPDATE steps SET number = number - 1, task = task - 900")
    assert found["verdict"] == "bad"
    assert "has 1 steps of 2, or is gone" in found["found"]


def test_doctor__says_so_where_the_database_cannot_be_understood(typed: Typed, lab: Served) -> None:
    """A row of a newer version, or half of one: a finding, and no traceback."""
    there, back = "'\"expires_at_ms\":'", "'\"from_tomorrow\":'"
    _falsify(lab.data, f"UPDATE tasks SET rest = replace(rest, {there}, {back})")
    try:
        found = _looked(typed, lab.data)["data"]
    finally:
        _falsify(lab.data, f"UPDATE tasks SET rest = replace(rest, {back}, {there})")
    assert found["verdict"] == "bad"
    assert "cannot be read" in found["found"]
