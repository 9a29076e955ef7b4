"""robotq backup and restore: a data folder as one file, and back."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import signal
import sqlite3
import tarfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from robotq.api.access.keys import KeyFile
from robotq.cli.shared.failure import ExitCode
from robotq.daemon.backup import make_backup
from robotq.engine.robot.stop_file import StopFile
from robotq.store.sqlite.store import SqliteStore
from tests.cli.conftest import Serve, Served, Typed

GO_HOME = {"cmd_type": "NAVIGATION", "params": {"area": "HOME"}}
WAITING = "SELECT id FROM tasks WHERE state = 'pending'"
SCAN = {"cmd_type": "SCAN_QRCODE", "params": {"robot_id": "robot_a"}}


@pytest.fixture(scope="module")
def daemon(serve: Serve) -> Served:
    """A daemon at work: robot_b has tasks that wait."""
    daemon = serve("serve", env={"ROBOTQ_TIME_SCALE": "0"})
    daemon.post("/queue/pause", {"robot_id": "robot_b", "reason": "cleaning"})
    for _ in range(3):
        daemon.post("/", {**GO_HOME, "robot_id": "robot_b"})
    daemon.post("/", SCAN)
    daemon.wait_until("/queue/status", lambda status: status["completed_tasks"] == 1)
    return daemon


@pytest.fixture
def saved(daemon: Served, typed: Typed, tmp_path: Path) -> Path:
    """A backup of it."""
    file = tmp_path / "robotq.tar"
    assert typed("backup", file, "--data", daemon.data).code == 0
    return file


def files_of(folder: Path) -> Mapping[str, str]:
    """Name -> SHA-256 of every file, besides what a daemon makes anew at each start."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in ("robotq.lock", "port")
    }


def rows(database: Path, sql: str) -> list[Any]:
    connection = sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def test_backup__while_many_submit_has_all_that_was_accepted_before(
    daemon: Served, typed: Typed, tmp_path: Path
) -> None:
    accepted: list[str] = []
    over = threading.Event()

    def submit() -> None:
        while not over.is_set():
            accepted.append(daemon.post("/", GO_HOME)["task_id"])

    clients = [threading.Thread(target=submit) for _ in range(4)]
    for client in clients:
        client.start()
    try:
        while len(accepted) < 20:
            over.wait(0.01)
        known = list(accepted)
        backup = typed("backup", tmp_path / "b.tar", "--data", daemon.data)
    finally:
        over.set()
        for client in clients:
            client.join()
    # the next test finds robot_a at rest, as the fixture left it
    daemon.wait_until("/queue/status", lambda status: status["queue_size"] == 3)
    assert backup.code == 0, backup.err
    assert typed("restore", tmp_path / "b.tar", "--data", tmp_path / "new").code == 0
    database = tmp_path / "new" / "robotq.db"
    assert set(known) <= {task_id for (task_id,) in rows(database, "SELECT id FROM tasks")}
    # no motion that the restored queue would take for one that is still to come
    waiting = {task_id for (task_id,) in rows(database, WAITING)}
    log = tmp_path / "new" / "simulator" / "motions.jsonl"
    moved = {json.loads(line)["task_id"] for line in log.read_text().splitlines()}
    assert moved
    assert not moved & waiting


def test_restore__a_daemon_goes_on_from_it_when_somebody_says_so(
    saved: Path, serve: Serve, typed: Typed, tmp_path: Path
) -> None:
    folder = tmp_path / "new"
    shown = typed("restore", saved, "--data", folder)
    assert "Every queue is paused" in shown.out
    daemon = serve("serve", data=folder, env={"ROBOTQ_TIME_SCALE": "0", "ROBOTQ_LANGUAGE": "en"})
    # the links come up with the daemon
    status = daemon.wait_until(
        "/queue/status", lambda status: {hold["code"] for hold in status["holds"]} == {"paused"}
    )
    assert {hold["robot_id"] for hold in status["holds"]} == {"robot_a", "robot_b"}
    for hold in status["holds"]:
        assert "restored from the backup of 20" in hold["reason"]
        assert hold["actor"] == "robotq restore"
    waiting = [task for task in status["tasks"] if task["robot_id"] == "robot_b"]
    assert [task["state"] for task in waiting] == ["pending"] * 3
    daemon.post("/queue/resume", {"holds": [hold["id"] for hold in status["holds"]]})
    ended = daemon.wait_until("/queue/status", lambda status: status["queue_size"] == 0)
    assert ended["completed_tasks"] >= 3
    (restored,) = rows(folder / "robotq.db", "SELECT actor FROM events WHERE kind LIKE '%restored'")
    assert restored == ("robotq restore",)
    assert daemon.end()[0] == 0


def test_backup__has_the_keys_and_the_lab_and_is_for_its_owner_only(
    serve: Serve, typed: Typed, tmp_path: Path
) -> None:
    daemon = serve("serve", env={"ROBOTQ_TIME_SCALE": "0"})
    daemon.post("/", SCAN)
    daemon.wait_until("/queue/status", lambda status: status["queue_size"] == 0)
    typed("keys", "new", "bench", "--data", daemon.data)
    daemon.end()
    # copies of tasks for programs that read files are made again
    before = {
        name: content
        for name, content in files_of(daemon.data).items()
        if not name.startswith("task_queue/")
    }
    file, folder = tmp_path / "b.tar", tmp_path / "new"
    typed("backup", file, "--data", daemon.data)
    assert file.stat().st_mode & 0o777 == 0o600
    typed("restore", file, "--data", folder)
    after = files_of(folder)
    assert set(after) == set(before)
    assert {name for name in after if after[name] != before[name]} == {"robotq.db"}
    assert {"keys.yaml", "simulator/lab.json", "simulator/motions.jsonl"} <= set(after)
    assert (folder / "keys.yaml").stat().st_mode & 0o777 == 0o600


def test_backup__of_a_daemon_that_was_killed_changes_nothing_in_the_folder(
    serve: Serve, typed: Typed, tmp_path: Path
) -> None:
    daemon = serve("serve")
    task_id = daemon.post("/", SCAN)["task_id"]
    daemon.wait_until("/queue/status", lambda status: status["running_task"] == task_id)
    daemon.end(signal.SIGKILL)
    kept = ("robotq.db", "robotq.db-wal")
    before = {name: files_of(daemon.data)[name] for name in kept}
    assert typed("backup", tmp_path / "b.tar", "--data", daemon.data).code == 0
    assert {name: files_of(daemon.data)[name] for name in kept} == before
    typed("restore", tmp_path / "b.tar", "--data", tmp_path / "new")
    again = serve("serve", data=tmp_path / "new")
    assert again.get(f"/task/{task_id}")["error_code"] == "outcome_unknown"


def test_backup__that_fails_leaves_the_one_before(typed: Typed, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "robotq.db").write_bytes(b"no database" * 1_000)
    file = tmp_path / "b.tar"
    file.write_text("the one before")
    failed = typed("backup", file, "--data", data)
    assert failed.code == ExitCode.FAILED
    assert failed.err.startswith("robotq: no backup was made: ")
    assert file.read_text() == "the one before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.tar", "data"]


def test_backup__wants_a_data_folder_and_a_place_outside_of_it(
    daemon: Served, typed: Typed, tmp_path: Path
) -> None:
    nothing = typed("backup", tmp_path / "b.tar", "--data", tmp_path / "empty")
    assert nothing.code == ExitCode.USAGE
    assert "is no data folder" in nothing.err
    inside = typed("backup", daemon.data / "b.tar", "--data", daemon.data)
    assert inside.code == ExitCode.USAGE
    assert "belongs elsewhere" in inside.err
    nowhere = typed("backup", tmp_path / "no" / "b.tar", "--data", daemon.data)
    assert nowhere.code == ExitCode.FAILED


def test_restore__is_refused_while_a_daemon_works(
    daemon: Served, saved: Path, typed: Typed
) -> None:
    refused = typed("restore", saved, "--data", daemon.data, "--replace")
    assert refused.code == ExitCode.USAGE
    assert f"process {daemon.process.pid}" in refused.err
    daemon.wait_until("/health", lambda health: bool(health["status"] == "ok"))


def test_restore__takes_the_place_of_something_only_when_told_to_and_keeps_it(
    saved: Path, typed: Typed, tmp_path: Path
) -> None:
    folder = tmp_path / "new"
    typed("restore", saved, "--data", folder)
    before = files_of(folder)
    refused = typed("restore", saved, "--data", folder)
    assert refused.code == ExitCode.USAGE
    assert "--replace" in refused.err
    assert files_of(folder) == before
    assert typed("restore", saved, "--data", folder, "--replace").code == 0
    (kept,) = folder.glob("replaced-*")
    assert files_of(kept) == before
    # what was set aside is in no later backup
    again = tmp_path / "again.tar"
    typed("backup", again, "--data", folder)
    with tarfile.open(again) as archive:
        assert not [name for name in archive.getnames() if name.startswith("replaced")]


def rewritten(file: Path, change: Callable[[str, bytes], tuple[str, bytes] | None]) -> None:
    """The same archive with other members."""
    with tarfile.open(file) as archive:
        members = [
            (member.name, stream.read())
            for member in archive.getmembers()
            if (stream := archive.extractfile(member)) is not None
        ]
    with tarfile.open(file, "w") as archive:
        for name, content in members:
            changed = change(name, content)
            if changed is not None:
                member = tarfile.TarInfo(changed[0])
                member.size = len(changed[1])
                archive.addfile(member, io.BytesIO(changed[1]))


def contents_with(**changes: Any) -> Callable[[str, bytes], tuple[str, bytes]]:
    def change(name: str, content: bytes) -> tuple[str, bytes]:
        if name != "backup.json":
            return name, content
        found = json.loads(content)
        found["files"] |= changes.get("files", {})
        found |= {key: value for key, value in changes.items() if key != "files"}
        return name, json.dumps(found).encode()

    return change


OUTSIDE = {"../evil": {"size": 0, "sha256": hashlib.sha256(b"").hexdigest()}}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda name, content: (name, content[:-1] + b"x" if name == "robotq.db" else content),
            "robotq.db is not what was backed up",
        ),
        (
            lambda name, content: None if name == "simulator/lab.json" else (name, content),
            "simulator/lab.json is missing",
        ),
        (lambda name, content: None if name == "backup.json" else (name, content), "no backup"),
        (contents_with(files=OUTSIDE), "no backup"),
        (contents_with(format=2, version="9.0"), "later robotq (9.0)"),
        (contents_with(format="new"), "no backup"),
    ],
    ids=["changed", "missing", "no contents", "outside", "later", "format"],
)
def test_restore__a_damaged_file_is_told_and_changes_nothing(
    saved: Path,
    typed: Typed,
    tmp_path: Path,
    change: Callable[[str, bytes], tuple[str, bytes] | None],
    said: str,
) -> None:
    folder = tmp_path / "new"
    typed("restore", saved, "--data", folder)
    before = files_of(folder)
    rewritten(saved, change)
    refused = typed("restore", saved, "--data", folder, "--replace")
    assert refused.code == ExitCode.USAGE
    assert said in refused.err
    assert files_of(folder) == before
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("cut", [0, 700, 20_000])
def test_restore__a_file_that_was_cut_short_is_told(
    saved: Path, typed: Typed, tmp_path: Path, cut: int
) -> None:
    saved.write_bytes(saved.read_bytes()[:cut])
    refused = typed("restore", saved, "--data", tmp_path / "new")
    assert refused.code == ExitCode.USAGE
    assert "damaged" in refused.err
    assert files_of(tmp_path / "new") == {}


def test_restore__of_a_backup_from_before_the_first_key_opens_no_door(
    typed: Typed, tmp_path: Path
) -> None:
    data, file = tmp_path / "data", tmp_path / "old.tar"
    asyncio.run(_new_database(data))
    make_backup(data, file)
    KeyFile(data).new("only", ["admin"])
    restored = typed("restore", file, "--data", data, "--replace")
    assert restored.code == 0, restored.err
    assert not (data / "keys.yaml").exists()
    assert KeyFile(data).required
    elsewhere = tmp_path / "elsewhere"
    assert typed("restore", file, "--data", elsewhere).code == 0
    assert not KeyFile(elsewhere).required, "another folder is another daemon"


@pytest.mark.parametrize(
    "spoil",
    [
        {"a": b"x", "a/b": b"y"},
        {"../out": b"x"},
        {"/etc/robotq": b"x"},
        {"a/../../out": b"x"},
        {".ssh/x": b"x"},
        {"a\\b": b"x"},
        {"x" * 300: b"x"},
        {"a": tarfile.SYMTYPE},
        {"a": tarfile.LNKTYPE},
        {"a": tarfile.CHRTYPE},
        {"a": tarfile.FIFOTYPE},
        {"a": tarfile.DIRTYPE},
    ],
    ids=lambda spoil: "+".join(spoil)[:20] + (str(*spoil.values()) if len(spoil) == 1 else ""),
)
def test_restore__an_odd_archive_is_refused_and_nothing_is_touched(
    typed: Typed, tmp_path: Path, spoil: dict[str, bytes]
) -> None:
    data, file = tmp_path / "data", tmp_path / "odd.tar"
    asyncio.run(_new_database(data))
    make_backup(data, file)
    _spoil(file, spoil)
    target = tmp_path / "target"
    refused = typed("restore", file, "--data", target)
    assert refused.code != 0
    assert "Traceback" not in refused.err
    assert str(file) in refused.err.replace("\n", "")
    assert not {path.name for path in target.rglob("*")} - {"robotq.lock"}
    assert not (tmp_path / "out").exists()


async def _new_database(data: Path) -> None:
    store = SqliteStore(data)
    await store.open(finished=0)
    await store.close()


def _spoil(file: Path, more: dict[str, bytes]) -> None:
    """Put more into a backup, also what no backup has."""
    with tarfile.open(file, "r:") as archive:
        kept = [(one, archive.extractfile(one)) for one in archive.getmembers()]
        content = [(one, stream.read()) for one, stream in kept if stream is not None]
    with tarfile.open(file, "w") as archive:
        contents = {}
        for one, data in content:
            if one.name == "backup.json":
                contents = json.loads(data)
            else:
                archive.addfile(one, io.BytesIO(data))
        for name, data in more.items():
            one = tarfile.TarInfo(name)
            kinds = (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE)
            plain = data not in (*kinds, tarfile.DIRTYPE)
            if not plain:
                one.type, one.linkname = data, "robotq.db"
            one.size = len(data) if plain else 0
            archive.addfile(one, io.BytesIO(data) if plain else None)
            digest = hashlib.sha256(data if plain else b"").hexdigest()
            contents["files"][name] = {"size": one.size, "sha256": digest}
        text = json.dumps(contents).encode()
        about = tarfile.TarInfo("backup.json")
        about.size = len(text)
        archive.addfile(about, io.BytesIO(text))


def _stop(data: Path, *robots: str) -> None:
    holds = {robot: {"actor": "ann", "reason": "a hand in the cell"} for robot in robots}
    (data / "estop.json").write_text(json.dumps({"robots": holds}), encoding="utf-8")


def test_restore__of_a_stopped_daemon_is_stopped_elsewhere_too(
    typed: Typed, tmp_path: Path
) -> None:
    data, file = tmp_path / "data", tmp_path / "stopped.tar"
    asyncio.run(_new_database(data))
    _stop(data, "robot_a")
    make_backup(data, file)
    elsewhere = tmp_path / "elsewhere"
    assert typed("restore", file, "--data", elsewhere).code == 0
    assert set(StopFile(elsewhere).read(())) == {"robot_a"}


@pytest.mark.parametrize(
    ("then", "now", "stopped"),
    [
        ([], ["robot_a"], {"robot_a"}),
        (["robot_b"], ["robot_a"], {"robot_a", "robot_b"}),
        (["robot_b"], [], {"robot_b"}),
        ([], None, {"robot_a", "robot_b", "robot_z"}),
    ],
)
def test_restore__over_an_emergency_stop_of_now_does_not_end_it(
    typed: Typed, tmp_path: Path, then: list[str], now: list[str] | None, stopped: set[str]
) -> None:
    """The data is of yesterday; the hand is in the cell today. None: it cannot be read."""
    data, file = tmp_path / "data", tmp_path / "old.tar"
    asyncio.run(_new_database(data))
    if then:
        _stop(data, *then)
    make_backup(data, file)
    (data / "estop.json").unlink(missing_ok=True)
    if now:
        _stop(data, *now)
    elif now is None:
        (data / "estop.json").write_bytes(b"{")
    assert typed("restore", file, "--data", data, "--replace").code == 0
    assert set(StopFile(data).read(["robot_a", "robot_b", "robot_z"])) == stopped
