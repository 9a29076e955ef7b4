"""The commands that talk to a running daemon."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from robotq.cli import COMMANDS as NAMES
from robotq.cli.shared.failure import ExitCode
from tests.cli.conftest import COMMANDS, ROOT, SCAN, Reached, Typed


class Terminal(io.StringIO):
    """A person types this."""

    def isatty(self) -> bool:
        return True


NAVIGATION = COMMANDS / "NAVIGATION_command.json"


@pytest.fixture
def robotq(daemon: Reached, typed: Typed, monkeypatch: pytest.MonkeyPatch) -> Iterator[Typed]:
    """Run a command against the daemon; every test finds it going, with nothing to do."""
    monkeypatch.setenv("ROBOTQ_URL", daemon.url)
    yield typed
    typed("estop", "--reset")
    assert typed("resume").code == 0
    daemon.wait_until("/queue/status", lambda status: status["queue_size"] == 0)


def test_submit__prints_the_task_id_and_wait_shows_the_work(robotq: Typed) -> None:
    submitted = robotq("submit", SCAN)
    assert submitted.code == 0
    assert submitted.out.startswith("task_")
    waited = robotq("submit", SCAN, "--wait")
    assert waited.code == 0
    assert "✓ SCANNING" in waited.out
    assert "✓ SCAN_QRCODE done" in waited.out


def test_submit__json_is_what_a_program_can_read(robotq: Typed) -> None:
    (task,) = robotq("submit", SCAN, "--wait", "--json").json
    assert task["state"] == "completed"
    assert task["result"]["scanned_count"] == 3


def test_submit__a_list_is_a_batch_and_a_query_is_answered_at_once(
    robotq: Typed, tmp_path: Path
) -> None:
    batch = tmp_path / "batch.json"
    command = json.loads(NAVIGATION.read_text())
    batch.write_text(json.dumps([command, command]))
    submitted = robotq("submit", batch)
    assert len(submitted.out.split()) == 2
    asked = robotq("submit", COMMANDS / "GET_BATTERY_STATE_command.json")
    assert asked.json["simulated"] is True


def test_submit__reads_standard_input(robotq: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(NAVIGATION.read_bytes())))
    assert robotq("submit", "-").out.startswith("task_")


def test_submit__the_same_idempotency_key_is_the_same_task(robotq: Typed) -> None:
    first = robotq("submit", NAVIGATION, "--idempotency-key", "order-17")
    again = robotq("submit", NAVIGATION, "--idempotency-key", "order-17")
    assert first.out == again.out


def test_submit__options_say_when_and_how_often(robotq: Typed, tmp_path: Path) -> None:
    robotq("pause")
    options = ("--priority", "high", "--not-before", "+1h", "--expires-at", "+2h")
    (task_id,) = robotq(
        "submit", NAVIGATION, *options, "--repeat", "3", "--every", "60"
    ).out.split()
    task = robotq("status", task_id, "--json").json
    assert task["priority"] == 5
    assert task["expires_at_ms"] - task["not_before_ms"] == 3_600_000
    assert (task["repeat"]["count"], task["repeat"]["interval_s"]) == (3, 60)
    batch = tmp_path / "batch.json"
    batch.write_text(json.dumps([json.loads(NAVIGATION.read_text())] * 2))
    ids = robotq("submit", batch, "--not-before", "2020-01-01").out.split()
    assert all("not_before" in robotq("status", one, "--json").json for one in ids)
    broken = tmp_path / "broken.json"
    for text in ("{", "5", "[1]"):
        broken.write_text(text)
        assert robotq("submit", broken, "--priority", "1").code == ExitCode.USAGE
    refused = robotq("submit", NAVIGATION, "--not-before", "soon")
    assert (refused.code, "not_before" in refused.err) == (ExitCode.FAILED, True)
    robotq("cancel", task_id)


def test_reorder_and_priority__change_the_order_of_what_waits(robotq: Typed) -> None:
    robotq("pause")
    first, second, third = [robotq("submit", NAVIGATION).out.strip() for _ in range(3)]
    moved = robotq("reorder", third, "--before", first)
    assert (moved.code, "position 1" in moved.out) == (0, True)
    assert robotq("reorder", second, "--head", "--json").json["task_ids"] == [second]
    assert robotq("reorder", second, "--after", third).code == 0
    answer = robotq("reorder", second, "--end", "--json").json
    assert answer["position"] == 3
    behind = robotq("priority", second, "--json", "--", "-5").json
    assert (behind["priority"], behind["revision"]) == (-5, answer["revision"] + 1)
    assert f"revision {behind['revision']}" in robotq("status").out
    stale = robotq("priority", second, "high", "--if-revision", str(answer["revision"]))
    assert (stale.code, "has changed" in stale.err) == (ExitCode.FAILED, True)
    assert robotq("reorder", second).code == ExitCode.USAGE
    assert robotq("reorder", second, "--head", "--end").code == ExitCode.USAGE


def test_submit__what_the_daemon_refuses_is_one_line(robotq: Typed, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"cmd_type": "FLY"}')
    refused = robotq("submit", wrong)
    assert refused.code == ExitCode.FAILED
    assert refused.err.startswith("robotq: Unknown command type: FLY")
    assert refused.err.count("\n") == 1
    missing = robotq("submit", tmp_path / "no.json")
    assert missing.code == ExitCode.USAGE
    assert "cannot read" in missing.err


def test_submit__a_wait_that_is_too_short_leaves_the_task_alone(robotq: Typed) -> None:
    robotq("pause")
    waited = robotq("submit", NAVIGATION, "--wait", "--timeout", "0.1")
    assert waited.code == ExitCode.UNFINISHED
    assert "it goes on" in waited.err
    assert "robot_a starts nothing: Paused by Li, bench 2" in waited.out


def test_status__says_why_nothing_moves_and_what_clears_it(robotq: Typed) -> None:
    robotq("pause", "--robot", "robot_b", "--reason", "cleaning the deck")
    shown = robotq("status")
    assert "robot_b starts nothing since" in shown.out
    assert "cleaning the deck" in shown.out
    assert "to clear: Resume the queue" in shown.out
    robotq("resume")
    assert robotq("status", "--json").json["holds"] == []


def test_status__of_one_task(robotq: Typed) -> None:
    (task,) = robotq("submit", NAVIGATION, "--wait", "--json").json
    shown = robotq("status", task["task_id"])
    assert "completed" in shown.out
    assert "NAVIGATION done" in shown.out
    assert robotq("status", "task_of_nobody").code == ExitCode.FAILED


def test_cancel__a_waiting_task_never_runs(robotq: Typed) -> None:
    robotq("pause")
    task_id = robotq("submit", NAVIGATION).out.strip()
    assert robotq("cancel", task_id).code == 0
    assert robotq("status", task_id, "--json").json["state"] == "cancelled"
    again = robotq("cancel", task_id)
    assert again.code == ExitCode.FAILED
    assert "cancelled" in again.err


def test_cancel__many_are_counted_and_cancelled_only_after_a_yes(
    robotq: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    robotq("pause")
    mine = [robotq("submit", NAVIGATION).out.strip() for _ in range(3)]
    count = len(robotq("history", "--state", "pending", "--cmd-type", "NAVIGATION", "--json").json)
    unasked = robotq("cancel", "--cmd-type", "NAVIGATION")
    assert (unasked.code, f"{count} tasks (robot_a: {count}) would be" in unasked.err) == (2, True)
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    refused = robotq("cancel", "--cmd-type", "NAVIGATION")
    assert (refused.code, "nothing is cancelled" in refused.err) == (1, True)
    assert robotq("status", mine[0], "--json").json["state"] == "pending"
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    done = robotq("cancel", "--cmd-type", "NAVIGATION", "--robot", "robot_a")
    assert done.code == 0, done.err
    assert f"{count} of {count} tasks are cancelled" in done.out
    assert robotq("status", mine[0], "--json").json["state"] == "cancelled"
    assert robotq("cancel", "--all", "--yes", "--json").json["states"] == {}
    for wrong in ((), (mine[0], "--all")):
        assert robotq("cancel", *wrong).code == ExitCode.USAGE


def test_resolve__only_an_unknown_outcome_can_be_resolved(robotq: Typed) -> None:
    (task,) = robotq("submit", NAVIGATION, "--wait", "--json").json
    refused = robotq("resolve", task["task_id"], "completed", "--note", "seen")
    assert refused.code == ExitCode.FAILED
    assert "is completed" in refused.err
    assert robotq("resolve", task["task_id"], "perhaps").code == ExitCode.USAGE


def test_estop__is_latched_until_reset_and_then_paused_until_resumed(robotq: Typed) -> None:
    assert robotq("estop", "--reason", "smoke").code == 0
    codes = {hold["code"] for hold in robotq("status", "--json").json["holds"]}
    assert codes == {"estop"}
    task_id = robotq("submit", NAVIGATION).out.strip()
    assert robotq("estop", "--reset").code == 0
    codes = {hold["code"] for hold in robotq("status", "--json").json["holds"]}
    assert codes == {"paused"}
    assert robotq("status", task_id, "--json").json["state"] == "pending"
    assert robotq("resume").code == 0


def test_commands__no_daemon_is_told_with_the_way_out(robotq: Typed) -> None:
    failed = robotq("status", "--url", "http://127.0.0.1:1")
    assert failed.code == ExitCode.NO_DAEMON
    assert "no daemon answers at http://127.0.0.1:1" in failed.err
    assert "robotq serve" in failed.err
    assert robotq("status", "--url", "robots").code == ExitCode.USAGE


def test_metrics__every_one_is_in_the_reference(daemon: Reached) -> None:
    shown = requests.get(f"{daemon.url}/metrics", timeout=10).text
    names = set(re.findall(r"^(robotq_\w+)", shown, re.MULTILINE))
    page = (ROOT / "docs" / "reference" / "metrics.md").read_text(encoding="utf-8")
    assert len(names) > 10
    assert all(f"`{name}`" in page for name in names)


def test_commands__help_names_every_command(robotq: Typed) -> None:
    shown = robotq("--help").out
    assert all(name in shown for name in NAMES)
    assert robotq("fly").code == ExitCode.USAGE
    assert robotq("--version").out.startswith("robotq 0.")


@pytest.mark.parametrize(
    "arguments",
    [
        ("serve",),
        ("demo",),
        ("doctor",),
        ("keys", "list"),
        ("keys", "new", "ann"),
        ("keys", "open"),
        ("run", NAVIGATION),
        ("backup", "here.tar"),
    ],
)
def test_data_that_is_a_file__is_one_line(
    typed: Typed, tmp_path: Path, arguments: tuple[str | Path, ...]
) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("no folder")
    for data in (file, file / "below"):
        told = typed(*arguments, "--data", data)
        assert told.code in (ExitCode.FAILED, ExitCode.USAGE)
        shown = told.err + told.out
        assert "Traceback" not in shown
        if arguments[0] != "doctor":
            assert told.err.count("\n") == 1
            assert told.err.startswith("robotq: ")
        assert "file" in shown or "folder" in shown
    assert file.read_text() == "no folder"


ODD = "\udcff\udcfe"
"""What Python makes of an argument that is no UTF-8."""


@pytest.mark.parametrize(
    "arguments",
    [("pause", "--reason", ODD), ("cancel", ODD), ("answer", ODD, "1"), ("status", ODD)],
)
def test_argument_in_another_encoding__is_one_line(robotq: Typed, arguments: list[str]) -> None:
    told = robotq(*arguments)
    assert (told.code, told.err.count("\n")) == (ExitCode.USAGE, 1)
    assert "no UTF-8 text" in told.err


def test_argument_in_another_encoding__does_not_keep_a_stop_from_its_way(
    robotq: Typed, daemon: Reached
) -> None:
    assert robotq("estop", "--reason", ODD).code == 0
    assert daemon.get("/estop")["latched"]


def test_repeat__every_day_at_22_until_it_is_removed(robotq: Typed) -> None:
    made = robotq("repeat", NAVIGATION, "--at", "22:00", "--days", "mon,tue", "--json")
    assert made.code == 0
    # an answer that was lost: the same once more is the one that there is
    assert robotq("repeat", NAVIGATION, "--at", "22:00", "--days", "mon,tue", "--json").json == (
        made.json
    )
    repeat_id = made.json["repeat"]["repeat_id"]
    listed = robotq("repeat").out
    assert repeat_id in listed
    assert "22:00 mon,tue" in listed
    assert robotq("repeat", "--remove", repeat_id).code == 0
    assert repeat_id not in robotq("repeat").out
    assert robotq("repeat", NAVIGATION).code == ExitCode.USAGE
    assert robotq("repeat", NAVIGATION, "--at", "25:00").code == ExitCode.FAILED
