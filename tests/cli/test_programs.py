"""Programs of a data folder: in backups, back again, and looked at by `robotq doctor`."""

from __future__ import annotations

import hashlib
import tarfile
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.crash.lab import PROGRAMS

from .conftest import Serve, Served, Typed

LONG = "G21 G90\n" + "; a tool that likes to talk\n" * 60 + "G1 X1 F600\n"
SHORT = "G21 G90\nG1 X2 F600\n"


@pytest.fixture
def daemon(serve: Serve, tmp_path: Path) -> Served:
    """A daemon that holds two programs, one of them for two tasks."""
    config = tmp_path / "robotq.yaml"
    config.write_text(f"commands: [{PROGRAMS}]\n")
    daemon = serve("serve", "--config", str(config), env={"ROBOTQ_TIME_SCALE": "0"})
    daemon.post("/queue/pause", {"reason": "tray"})
    for program in (LONG, LONG, SHORT):
        assert daemon.post("/", run(program))["success"]
    return daemon


def run(program: str) -> dict[str, Any]:
    return {"cmd_type": "RUN_GCODE", "robot_id": "robot_a", "params": {"program": program}}


def name_of(program: str) -> str:
    sha256 = hashlib.sha256(program.encode()).hexdigest()
    return f"programs/{sha256[:2]}/{sha256}"


def test_backup__has_the_programs_that_tasks_name_and_no_others(
    typed: Typed, daemon: Served, serve: Serve, tmp_path: Path
) -> None:
    orphan = daemon.data / name_of("G1 X9")
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_text("G1 X9")
    file, folder = tmp_path / "robotq.tar", tmp_path / "new"
    made = typed("backup", file, "--data", daemon.data, "--json")
    assert made.json["missing"] == []
    with tarfile.open(file) as archive:
        names = [name for name in archive.getnames() if name.startswith("programs/")]
        # the database first: what it names is copied then
        assert archive.getnames().index("robotq.db") < archive.getnames().index(names[0])
    assert sorted(names) == sorted([name_of(LONG), name_of(SHORT)])
    restored = typed("restore", file, "--data", folder, "--json")
    assert restored.json["missing"] == []
    again = serve("serve", "--config", str(tmp_path / "robotq.yaml"), data=folder)
    tasks = again.get("/tasks")["tasks"]
    paths = [f"{again.url}/task/{one['task_id']}/program" for one in tasks]
    texts = [requests.get(path, timeout=10).text for path in paths]
    assert sorted(texts) == sorted([LONG, LONG, SHORT])
    for hold in again.get("/queue/status")["holds"]:
        again.post(hold["clear"]["path"], hold["clear"]["body"])
    for one in tasks:
        ended = again.get(f"/task/{one['task_id']}?wait=10")
        assert ended["status"] == "completed", ended


@pytest.mark.parametrize("damage", ["gone", "other"])
def test_a_program_that_is_lost__is_named_by_backup_restore_and_doctor(
    typed: Typed, daemon: Served, tmp_path: Path, damage: str
) -> None:
    lost = daemon.data / name_of(LONG)
    if damage == "gone":
        lost.unlink()
    else:
        lost.write_text(LONG.replace("X1", "X7"))
    file, folder = tmp_path / "robotq.tar", tmp_path / "new"
    assert typed("backup", file, "--data", daemon.data, "--json").json["missing"] == [lost.name]
    restored = typed("restore", file, "--data", folder)
    assert restored.code == 0
    assert "1 programs are missing or damaged" in restored.out
    assert lost.name in restored.out
    if damage == "gone":
        found = {one["what"]: one for one in typed("doctor", "--data", daemon.data, "--json").json}
        assert found["programs"]["verdict"] == "bad"
        assert lost.name in found["programs"]["found"]


def test_doctor__tells_what_no_task_names_and_the_next_start_takes_it(
    typed: Typed, daemon: Served, serve: Serve, tmp_path: Path
) -> None:
    def programs() -> dict[str, str]:
        found = {one["what"]: one for one in typed("doctor", "--data", daemon.data, "--json").json}
        told: dict[str, str] = found["programs"]
        return told

    assert programs()["verdict"] == "ok"
    orphan = daemon.data / name_of("G1 X9")
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_text("G1 X9")
    assert programs()["verdict"] == "note"
    assert "1 of 3 are named by no task" in programs()["found"]
    daemon.end()
    again = serve("serve", "--config", str(tmp_path / "robotq.yaml"), data=daemon.data)
    again.until_shown("1 programs that no task names were removed")
    assert not orphan.exists()
    assert programs()["found"] == "2 are all there"
