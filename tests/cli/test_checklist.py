"""What people have to do, from the command line."""

from __future__ import annotations

import json

import requests

from tests.cli.conftest import Reached, Typed

STEP = {"cmd_type": "MANUAL_STEP", "robot_id": "robot_a"}


def step(daemon: Reached, title: str) -> str:
    task_id: str = daemon.post("/", {**STEP, "params": {"title": title}})["task_id"]
    daemon.wait_until(f"/task/{task_id}", lambda task: task.get("waiting_for"))
    return task_id


def test_checklist__shows_what_a_robot_waits_for_first(daemon: Reached, typed: Typed) -> None:
    items = "/apis/checklist/api/v1/tasks"
    for number in range(12):
        requests.post(f"{daemon.url}{items}", json={"title": f"some day {number}"}, timeout=10)
    task_id = step(daemon, "Change the filter")
    shown = typed("checklist", "--url", daemon.url)
    lines = shown.out.splitlines()
    assert shown.code == 0
    assert "Change the filter" in lines[1]
    assert task_id in lines[1]
    assert len(lines) == 14
    found = json.loads(typed("checklist", "--url", daemon.url, "--json").out)
    ticked = typed("tick", found[0]["id"], "--url", daemon.url)
    assert (ticked.code, ticked.out) == (0, "✓ Change the filter\n")
    assert daemon.get(f"/task/{task_id}")["state"] == "completed"


def test_tick__takes_the_id_of_the_task_too(daemon: Reached, typed: Typed) -> None:
    task_id = step(daemon, "Open the door")
    assert typed("tick", task_id, "--url", daemon.url).code == 0
    daemon.wait_until(f"/task/{task_id}", lambda task: task["state"] == "completed")
    again = typed("tick", task_id, "--url", daemon.url)
    assert again.code == 1
    nobody = typed("tick", "00000000-0000-4000-8000-000000000000", "--url", daemon.url)
    assert (nobody.code, nobody.out) == (1, "")
    assert "not found" in nobody.err
