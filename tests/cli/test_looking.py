"""The commands with which people and scripts look at what was, is, and can be."""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import COMMANDS, SCAN, Reached, Typed

TO_HOME = {"cmd_type": "NAVIGATION", "params": {"area": "HOME"}}
NAVIGATION = COMMANDS / "NAVIGATION_command.json"


@pytest.fixture
def robotq(daemon: Reached, typed: Typed, monkeypatch: pytest.MonkeyPatch) -> Iterator[Typed]:
    monkeypatch.setenv("ROBOTQ_URL", daemon.url)
    yield typed
    assert typed("resume").code == 0


def submitted(robotq: Typed, file: Path, *options: str) -> str:
    ran = robotq("submit", file, *options)
    assert ran.code == 0, ran.err
    return ran.out.split()[0]


def done(robotq: Typed, file: Path) -> str:
    (task,) = robotq("submit", file, "--wait", "--json").json
    assert task["state"] == "completed"
    return str(task["task_id"])


def test_history__shows_the_newest_first_and_what_was_asked_for(robotq: Typed) -> None:
    first, second = done(robotq, NAVIGATION), done(robotq, SCAN)
    shown = robotq("history").out
    assert shown.index(second) < shown.index(first)
    scans = robotq("history", "--cmd-type", "SCAN_QRCODE", "--json").json
    assert {task["cmd_type"] for task in scans} == {"SCAN_QRCODE"}
    assert len(robotq("history", "--limit", "1", "--json").json) == 1


def test_history__a_state_that_does_not_exist_is_refused_with_those_that_do(robotq: Typed) -> None:
    ran = robotq("history", "--state", "done")
    assert ran.code == 1
    assert "completed" in ran.err


def test_export__csv_has_a_line_for_each_task_and_no_formula(robotq: Typed, tmp_path: Path) -> None:
    command = json.loads(NAVIGATION.read_text())
    odd = tmp_path / "odd.json"
    odd.write_text(json.dumps(command | {"cmd_id": " =1+1"}))
    task_id = done(robotq, odd)
    table = tmp_path / "tasks.csv"
    assert robotq("export", table).code == 0
    with table.open(encoding="utf-8-sig", newline="") as stream:
        rows = {row["task_id"]: row for row in csv.DictReader(stream)}
    assert rows[task_id]["cmd_id"] == "' =1+1"
    assert len(rows) == len(robotq("history", "--limit", "10000", "--json").json)


def test_export__json_lines_have_everything_where_that_is_wanted(robotq: Typed) -> None:
    task_id = done(robotq, SCAN)
    lines = robotq("export", "--format", "jsonl", "--full").out.splitlines()
    (task,) = [task for task in map(json.loads, lines) if task["task_id"] == task_id]
    assert task["result"]["scanned_count"] == 3
    assert robotq("export", "--full").code == 2


def test_export__never_writes_over_a_file(robotq: Typed, tmp_path: Path) -> None:
    there = tmp_path / "tasks.csv"
    there.write_text("mine")
    assert robotq("export", there).code == 2
    assert there.read_text() == "mine"


def test_logs__tell_the_life_of_a_task(robotq: Typed) -> None:
    task_id = done(robotq, NAVIGATION)
    lines = robotq("logs", task_id, "--json").out.splitlines()
    events = [json.loads(line) for line in lines]
    assert {event["task_id"] for event in events} == {task_id}
    assert events[0]["kind"] == "task.submitted"
    assert events[-1]["kind"] == "task.completed"
    assert "task.completed" in robotq("logs", "--last", "5").out
    assert "task." not in robotq("logs", "--kind", "hold.").out


def test_logs__more_than_a_page_comes_whole_and_in_order(robotq: Typed, tmp_path: Path) -> None:
    batch = tmp_path / "batch.json"
    batch.write_text(json.dumps([json.loads(NAVIGATION.read_text())] * 100))
    assert robotq("submit", batch, "--wait").code == 0
    lines = robotq("logs", "--last", "100000", "--json").out.splitlines()
    numbers = [json.loads(line)["id"] for line in lines]
    assert len(numbers) > 500
    assert numbers == sorted(set(numbers))


def test_watch__shows_what_waits_and_what_clears_the_hold(robotq: Typed) -> None:
    robotq("pause", "--robot", "robot_a", "--reason", "tip change")
    task_id = submitted(robotq, SCAN)
    shown = robotq("watch", "--once").out
    assert task_id in shown
    assert "tip change" in shown
    assert "to clear" in shown
    assert robotq("cancel", task_id).code == 0


def test_robots_and_commands__say_what_there_is(robotq: Typed) -> None:
    robots = robotq("robots").out
    assert "robot_a" in robots
    assert "connected" in robots
    assert "SCAN_QRCODE" in robotq("commands").out
    assert robotq("commands", "--json").json["commands"][0]["schema"]


def test_fleet__at_a_daemon_of_no_fleet_says_what_to_set(robotq: Typed) -> None:
    for asked in (("fleet",), ("fleet", "--reset", "stop_1")):
        ran = robotq(*asked)
        assert ran.code == 1
        assert "fleet.dsn and fleet.name" in ran.err


def test_answer__ends_the_step_that_a_person_does(
    robotq: Typed, daemon: Reached, tmp_path: Path
) -> None:
    by_hand = tmp_path / "by_hand.json"
    by_hand.write_text(json.dumps({"cmd_type": "MANUAL_STEP", "params": {"title": "Fill it up"}}))
    task_id = submitted(robotq, by_hand)
    daemon.wait_until(f"/task/{task_id}", lambda task: bool(task.get("waiting_for")))
    shown = robotq("status").out
    assert "robot_a asks: " in shown
    assert f"robotq answer {task_id} '{{…}}' --url {daemon.url}" in shown
    refused = robotq("answer", task_id, "{")
    assert refused.code == 1
    assert robotq("answer", task_id, '{"done": true}').code == 0
    daemon.wait_until(f"/task/{task_id}", lambda task: task["state"] == "completed")
    again = robotq("retry", task_id, "--json").json
    assert again["task"]["retry_of"] == task_id
    daemon.wait_until(f"/task/{again['task_id']}", lambda task: bool(task.get("waiting_for")))
    assert robotq("stop", "robot_a", "--reason", "enough").code == 0
    daemon.wait_until(f"/task/{again['task_id']}", lambda task: task["state"] == "cancelled")


def test_doctor__finds_nothing_wrong_where_nothing_is(
    typed: Typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    monkeypatch.setenv("ROBOTQ_HOST", "127.0.0.1")
    found = typed("doctor", "--data", tmp_path / "new", "--port", port, "--json")
    verdicts = {finding["what"]: finding["verdict"] for finding in found.json}
    assert found.code == 0, found.out
    assert verdicts["port"] == "ok"
    assert verdicts["data folder"] == "ok"
    assert not (tmp_path / "new").exists()


def test_doctor__says_how_to_mend_what_is_wrong(
    typed: Typed, tmp_path: Path, daemon: Reached
) -> None:
    config = tmp_path / "robotq.yaml"
    config.write_text(
        "robots:\n  arm:\n    driver: jsonline\n    options: {port: /dev/ttyNOT_THERE}\n"
        "default_robot: arm\n"
    )
    data = tmp_path / "data"
    data.mkdir()
    (data / "robotq.db").touch()
    later = time.time() + 86_400
    os.utime(data / "robotq.db", (later, later))
    port = daemon.url.rpartition(":")[2]
    ran = typed("doctor", "--config", config, "--data", data, "--port", port)
    assert "Plug it in" in ran.out
    assert "the clock has gone back" in ran.out
    assert "is taken" in ran.out
    assert ran.code == 1


def test_doctor__a_configuration_that_is_wrong_is_named(typed: Typed, tmp_path: Path) -> None:
    config = tmp_path / "robotq.yaml"
    config.write_text("prot: 8090\n")
    ran = typed("doctor", "--config", config)
    assert ran.code == 1
    assert "prot" in ran.out


def test_status_and_watch__name_the_idle_robot_that_stands_in_the_way(
    robotq: Typed, tmp_path: Path
) -> None:
    table = {**TO_HOME, "params": {"area": "SCAN_TABLE"}}
    file = tmp_path / "go.json"
    file.write_text(json.dumps({**table, "robot_id": "robot_a"}), encoding="utf-8")
    assert robotq("submit", file, "--wait").code == 0
    file.write_text(json.dumps({**table, "robot_id": "robot_b"}), encoding="utf-8")
    task_id = submitted(robotq, file)
    shown = robotq("status").out
    assert re.search(
        rf"robot_b stands since [\d: -]+: scan_table is .* robot_a \({task_id}\)", shown
    )
    assert "to clear: robot_a stands there with nothing to do: send it away" in shown
    assert "robot_b stands: scan_table is occupied by robot_a" in robotq("watch", "--once").out
    assert "scan_table is occupied by robot_a" in robotq("status", task_id).out
    away = re.search(r"robotq (submit NAVIGATION .*)", shown)
    assert away is not None
    assert robotq(*shlex.split(away[1]), "--wait").code == 0
    # behind the one that waited; and the table is free for whoever comes next
    file.write_text(json.dumps({**TO_HOME, "robot_id": "robot_b"}), encoding="utf-8")
    assert robotq("submit", file, "--wait").code == 0
    assert robotq("status", task_id, "--json").json["state"] == "completed"
