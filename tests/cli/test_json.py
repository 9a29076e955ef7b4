"""What each command tells a program with --json."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from robotq.cli import COMMANDS
from robotq.cli.shared.failure import ExitCode
from tests.cli.conftest import COMMANDS as SAMPLES
from tests.cli.conftest import Typed, robotq

GO_ON = {"serve", "hub", "demo", "device", "worker", "mcp", "watch"}
"""Programs that run until they are ended; what they print is not their answer."""
NAVIGATION = SAMPLES / "NAVIGATION_command.json"
FILES = {"export"}
"""Its format is chosen with --format."""


@pytest.mark.parametrize("command", sorted(COMMANDS.keys() - GO_ON - FILES - {"keys"}))
def test_command__has_an_answer_for_programs(command: str, typed: Typed) -> None:
    assert "--json" in typed(command, "--help").out


def test_keys__are_told_whole_once_and_by_name_afterwards(typed: Typed, tmp_path: Path) -> None:
    made = typed("keys", "new", "bench", "--scope", "read", "--data", tmp_path, "--json")
    assert (made.json["name"], made.json["scopes"]) == ("bench", ["read"])
    assert made.json["key"].startswith("rq_")
    assert made.err == ""
    (listed,) = typed("keys", "list", "--data", tmp_path, "--json").json["keys"]
    assert (listed["name"], listed["scopes"]) == ("bench", ["read"])
    assert made.json["key"] not in str(listed)
    assert typed("keys", "revoke", "bench", "--data", tmp_path, "--json").json == {
        "revoked": "bench"
    }
    assert typed("keys", "list", "--data", tmp_path, "--json").json == {"keys": []}


def test_check_config__tells_its_faults_as_a_list(
    typed: Typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROBOTQ_DATA", str(tmp_path))
    right = typed("check-config", "--json")
    assert right.code == ExitCode.OK
    assert (right.json["right"], right.json["faults"]) == (True, [])
    assert right.json["robots"] == ["robot_a", "robot_b"]

    file = tmp_path / "site.yaml"
    file.write_text("prt: 1\n")
    wrong = typed("check-config", file, "--json")
    assert (wrong.code, wrong.err) == (ExitCode.USAGE, "")
    assert (wrong.json["file"], wrong.json["right"]) == (str(file), False)
    assert any("prt" in fault for fault in wrong.json["faults"])
    # what keeps a program from being understood is told as ever
    assert typed("check-config", "--jsn").code == ExitCode.USAGE


def test_backup_and_restore__tell_what_they_did(typed: Typed, tmp_path: Path) -> None:
    robotq("run", NAVIGATION, "--time-scale", "0", "--data", tmp_path / "data")
    file = tmp_path / "robotq.tar"
    made = typed("backup", file, "--data", tmp_path / "data", "--json").json
    assert made["file"] == str(file)
    assert made["files"] >= 1
    assert made["bytes"] > 0
    back = typed("restore", file, "--data", tmp_path / "new", "--json").json
    assert (back["data"], back["replaced"]) == (str(tmp_path / "new"), None)
    assert (back["files"], back["made_at"]) == (made["files"], made["made_at"])
    again = typed("restore", file, "--data", tmp_path / "new", "--replace", "--json").json
    assert again["replaced"].startswith(str(tmp_path / "new"))
    refused = typed("restore", file, "--data", tmp_path / "new", "--json")
    assert (refused.code, refused.out) == (ExitCode.USAGE, "")


def test_migrate__tells_what_it_moved(
    typed: Typed, tmp_path: Path, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = typed("migrate", "--to", "postgresql", "--data", tmp_path / "data")
    assert (wanted.code, wanted.out) == (ExitCode.USAGE, "")
    assert "ROBOTQ_STORE__WORKERS" in wanted.err
    monkeypatch.setenv("ROBOTQ_STORE__WORKERS", postgres)
    nothing = typed("migrate", "--to", "postgresql", "--data", tmp_path / "data")
    assert (nothing.code, nothing.out) == (ExitCode.USAGE, "")
    assert "has no database" in nothing.err
    robotq("run", NAVIGATION, "--time-scale", "0", "--data", tmp_path / "data")
    told = typed("migrate", "--to", "postgresql", "--data", tmp_path / "data", "--json").json
    assert (told["to"], told["data"], told["went_on"]) == (
        "postgresql",
        str(tmp_path / "data"),
        False,
    )
    assert set(told["moved"].values()) == {0}
    shown = typed("migrate", "--to", "postgresql", "--data", tmp_path / "data")
    assert "Start the daemons with store.workers" in shown.out


def test_run__tells_each_command_and_keeps_its_exit_code(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.json"
    body = {"cmd_type": "PICK_UP", "params": {"target_params": [{"bottle_id": "bottle_999"}]}}
    wrong.write_text(json.dumps(body))
    battery = SAMPLES / "GET_BATTERY_STATE_command.json"
    done = robotq("run", battery, wrong, "--time-scale", "0", "--json")
    assert done.returncode == ExitCode.FAILED
    told = json.loads(done.stdout)
    assert told["passed"] is False
    first, second = told["commands"]
    assert (first["cmd_type"], first["passed"]) == ("GET_BATTERY_STATE", True)
    assert first["result"]["percentage"] == 100
    assert (second["passed"], second["error_code"]) == (False, "device_error")
    assert "bottle_999" in second["message"]
    # people see the steps beside it
    assert "PICK_UP" in done.stderr


@pytest.mark.long
def test_self_test__tells_every_sample() -> None:
    done = robotq("self-test", "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["passed"]) == (ExitCode.OK, True)
    assert len(told["commands"]) >= 20
