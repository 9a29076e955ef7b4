"""A technician types a command as they think of it, and is told what is wrong with it."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from robotq.cli import COMMANDS as NAMES
from robotq.cli import command_line
from robotq.cli.completion import _SHELLS, candidates
from robotq.cli.listing import GROUPS
from robotq.cli.shared.failure import ExitCode
from robotq.cli.shared.who import who_is_here
from tests.cli.conftest import Reached, Typed


@pytest.fixture
def robotq(daemon: Reached, typed: Typed, monkeypatch: pytest.MonkeyPatch) -> Iterator[Typed]:
    monkeypatch.setenv("ROBOTQ_URL", daemon.url)
    yield typed
    assert typed("resume").code == 0


def test_command__with_its_parameters_goes_to_the_robot_that_is_named(
    robotq: Typed, daemon: Reached
) -> None:
    sent = robotq("submit", "NAVIGATION", "area=HOME", "--robot", "robot_b", "--wait", "--json")
    (task,) = sent.json
    assert (task["state"], task["robot_id"]) == ("completed", "robot_b")
    assert task["params"] == {"area": "HOME"}
    path = f"/journal?task_id={task['task_id']}&kind=task.submitted"
    (submitted,) = daemon.get(path)["events"]
    assert submitted["actor"] == "Li, bench 2"


def test_command__takes_what_the_schema_wants(robotq: Typed) -> None:
    checked = robotq("submit", "SCAN_QRCODE", "run_times=2", "timeout=0.5", "--dry-run").json
    assert checked["params"]["run_times"] == 2
    assert checked["params"]["timeout"] == 0.5
    # digits where a text is wanted stay a text
    asked = robotq("submit", "MANUAL_STEP", "title=0012", "--dry-run").json
    assert asked["params"]["title"] == "0012"
    wrong = robotq("submit", "SCAN_QRCODE", "timeout=soon")
    assert (wrong.code, "expected number" in wrong.err) == (ExitCode.USAGE, True)
    twice = robotq("submit", "NAVIGATION", "area=HOME", "robot_id=robot_a", "--robot", "robot_b")
    assert (twice.code, "robot_id" in twice.err) == (ExitCode.USAGE, True)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("submit NAVIGATON area=HOME", "did you mean NAVIGATION?"),
        ("submit NAVIGATION arae=HOME", "did you mean area?"),
        ("submit NAVIGATION area=HOEM", "did you mean HOME?"),
        ("submit NAVIGATION area=HOME --robot robt_b", "did you mean robot_b?"),
        ("submit NAVIGATION HOME", "expected NAME=VALUE, as in area=HOME"),
        ("submit NAVIGATION area=HOME area=HOME", "area is there twice"),
        ("submit NAVIGATION area=HOME --robt robot_b", "did you mean --robot?"),
        ("commands NAVIGATON", "did you mean NAVIGATION?"),
        ("statsu", "did you mean status?"),
        ("list", "did you mean status?"),
        ("keys lst", "did you mean list?"),
        ("resolve task_1 complted", "did you mean completed?"),
        ("history --limit many", "expected a whole number"),
        ("history --limit", "--limit needs a value"),
        ("status --json=yes", "--json takes no value"),
        ("status one two", "nothing is known of 'two'"),
        ("cancel --robt robot_a", "did you mean --robot?"),
        ("--json status", "stands behind the command"),
        ("answer", "TASK_ID is missing"),
    ],
)
def test_slip__is_told_with_what_was_meant_and_nothing_is_done(
    robotq: Typed, daemon: Reached, line: str, told: str
) -> None:
    before = daemon.get("/tasks?limit=1")["tasks"]
    ran = robotq(*shlex.split(line))
    assert ran.code in (ExitCode.USAGE, ExitCode.FAILED)
    assert told in ran.err
    assert ran.err.count("\n") == 1
    assert daemon.get("/tasks?limit=1")["tasks"] == before


def test_commands__one_is_told_whole_and_its_line_can_be_typed(robotq: Typed) -> None:
    shown = robotq("commands", "NAVIGATION", "--robot", "robot_b").out
    assert "area" in shown
    assert "required" in shown
    line = shown.rstrip().splitlines()[-1]
    assert line.startswith("robotq submit NAVIGATION ")
    assert line.endswith("--robot robot_b")
    assert robotq(*shlex.split(line)[1:], "--dry-run").json["robot_id"] == "robot_b"
    assert robotq("commands", "NAVIGATION", "--json").json["cmd_type"] == "NAVIGATION"
    of_one = robotq("commands", "--robot", "robot_a").out
    assert "SPLIT_LIQUID" not in of_one
    assert "PICK_UP" in of_one


def test_help__has_every_command_in_a_group_with_a_whole_sentence(
    typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = typed("--help").out
    for (title, _), commands in GROUPS.items():
        assert f"\n{title}:\n" in shown
        for name, listed in commands.items():
            assert f"  {name:<15}{listed.en}\n" in shown
            assert listed.en.endswith(".")
            assert len(listed.en) <= 72
    assert typed("help", "submit").out == typed("submit", "--help").out
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert "立即停止所有机器人。" in typed("help").out


def test_completion__of_commands_and_options(tmp_path: Path) -> None:
    assert candidates(command_line, ["re"]) == [name for name in NAMES if name.startswith("re")]
    assert candidates(command_line, ["keys", ""]) == ["new", "list", "revoke", "open"]
    assert set(candidates(command_line, ["submit", "--ro"])) == {"--robot"}
    assert candidates(command_line, ["fly", ""]) == ()
    script = tmp_path / "robotq.bash"
    script.write_text(_SHELLS["bash"][0])
    checked = subprocess.run(["bash", "-n", script], check=False, capture_output=True)
    assert checked.returncode == 0


def test_name__of_whoever_types() -> None:
    assert who_is_here({"ROBOTQ_NAME": "  李, bench  2 ", "USER": "li"}) == "李, bench 2"
    assert who_is_here({"USER": "li"}).startswith("li@")
    assert "@" in who_is_here({})
    assert len(who_is_here({"ROBOTQ_NAME": "x" * 500})) == 64
