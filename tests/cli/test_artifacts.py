"""robotq backup, restore and doctor, and the files that tasks have left behind."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from robotq.system.kept_files import FileRoom

from .conftest import Serve, Served, Typed

PICTURES = (b"a picture", b"another picture")


def _hash(content: bytes) -> str:
    return sha256(content).hexdigest()


@pytest.fixture
def daemon(serve: Serve, tmp_path: Path) -> Served:
    """A daemon whose tasks name two files; a third one belongs to nobody."""
    daemon = serve("serve", "--time-scale", "0")
    daemon.post("/queue/pause", {"reason": "tray"})
    daemon.post("/", {"cmd_type": "NAVIGATION", "params": {"area": "HOME"}})
    folder = FileRoom(daemon.data / "artifacts", lambda: 2**30)
    for content in (*PICTURES, b"nobody's"):
        folder.put(content)
    with closing(sqlite3.connect(daemon.data / "robotq.db")) as database, database:
        for content in PICTURES:
            database.execute(
                "INSERT INTO artifacts SELECT max(seq), ?, ? FROM tasks",
                (_hash(content), len(content)),
            )
    return daemon


def _artifacts(typed: Typed, data: Path) -> tuple[str, str]:
    found = {one["what"]: one for one in typed("doctor", "--data", data, "--json").json}
    return found["artifacts"]["verdict"], found["artifacts"]["found"]


def test_backup__has_the_files_that_tasks_name_and_no_others(
    daemon: Served, typed: Typed, tmp_path: Path
) -> None:
    assert typed("backup", tmp_path / "b.tar", "--data", daemon.data).code == 0
    assert typed("restore", tmp_path / "b.tar", "--data", tmp_path / "new").code == 0
    restored = FileRoom(tmp_path / "new" / "artifacts", lambda: 2**30)
    for content in PICTURES:
        assert restored.path(_hash(content)).read_bytes() == content
    assert not restored.path(_hash(b"nobody's")).exists()
    assert _artifacts(typed, tmp_path / "new")[0] == "ok"


def test_backup__says_what_was_lost(daemon: Served, typed: Typed, tmp_path: Path) -> None:
    FileRoom(daemon.data / "artifacts", lambda: 2**30).path(_hash(PICTURES[0])).unlink()
    made = typed("backup", tmp_path / "b.tar", "--data", daemon.data)
    assert made.code == 0
    assert "1 artifacts are lost" in made.out


def test_doctor__tells_orphans_from_losses(daemon: Served, typed: Typed) -> None:
    verdict, found = _artifacts(typed, daemon.data)
    assert (verdict, "1 files" in found, "named by no task" in found) == ("note", True, True)
    folder = FileRoom(daemon.data / "artifacts", lambda: 2**30)
    folder.path(_hash(b"nobody's")).unlink()
    assert _artifacts(typed, daemon.data)[0] == "ok"
    folder.path(_hash(PICTURES[0])).write_bytes(b"a pic")
    folder.path(_hash(PICTURES[1])).unlink()
    verdict, found = _artifacts(typed, daemon.data)
    assert verdict == "bad"
    assert "1 files that tasks name are gone, and 1 are of another length" in found
