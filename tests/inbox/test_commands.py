"""Robot command files that are dropped into the folder."""

from __future__ import annotations

import asyncio
import errno
import os
from pathlib import Path
from typing import Any

import orjson
import pytest

from robotq.api.robot.answers.holds import reason_views
from robotq.config import QueueConfig
from robotq.engine.timings import Timings
from robotq.model.errors import RobotqError
from robotq.model.hold import WaitCode
from robotq.model.task import TaskState
from robotq.model.texts import Language
from robotq.store.port import SaveTask

from .conftest import Inbox, Open, work


async def test_file__becomes_a_task_and_goes_to_done(inbox: Inbox) -> None:
    inbox.drop("scan.json", work("SCAN_1"))
    await inbox.look()
    (task,) = await inbox.tasks()
    assert (task.command.cmd_id, task.actor, task.api) == ("SCAN_1", "inbox", "robot")
    assert inbox.names() == []
    assert inbox.names("done") == ["scan.json", "scan.json.accepted.json"]
    assert inbox.note("done/scan.json") == work("SCAN_1")
    assert inbox.note("done/scan.json.accepted.json") == {"success": True, "task_id": task.id}
    assert (await inbox.lab.ended(task.id)).state is TaskState.COMPLETED


async def test_file__with_a_list_is_a_batch(inbox: Inbox) -> None:
    inbox.drop("two.json", [work("A"), work("B")])
    await inbox.look()
    tasks = await inbox.tasks()
    assert [task.command.cmd_id for task in tasks] == ["A", "B"]
    assert inbox.note("done/two.json.accepted.json") == {
        "success": True,
        "batch_id": tasks[0].batch_id,
        "task_ids": [task.id for task in tasks],
    }


async def test_file__the_same_one_dropped_again_runs_again(inbox: Inbox) -> None:
    for _ in range(3):
        inbox.drop("scan.json", work("AGAIN"))
        await inbox.look()
    assert await inbox.cmd_ids() == ["AGAIN"] * 3
    kept = [name for name in inbox.names("done") if not name.endswith(".accepted.json")]
    assert len(kept) == 3, "nothing is written over"


async def test_files__are_taken_in_the_order_of_their_arrival(inbox: Inbox) -> None:
    for name in ("z", "m", "a", "k"):
        file = inbox.drop(f"{name}.json", work(name))
        # file systems tell times apart only so far; what was prepared long ago comes in now
        os.utime(file, ns=(1, 1))
        await asyncio.sleep(0.01)
    await inbox.look()
    assert await inbox.cmd_ids() == ["z", "m", "a", "k"]


@pytest.mark.slow
async def test_files__dropped_while_the_daemon_was_down_are_taken_in_order(
    tmp_path: Path, open_inbox: Open
) -> None:
    (tmp_path / "inbox").mkdir()
    for number in range(120):
        file = tmp_path / "inbox" / f"{number:03}.json"
        file.write_bytes(orjson.dumps(work(f"{number}")))
    inbox = await open_inbox()
    await inbox.folder.start()
    async with asyncio.timeout(20):
        while len(inbox.names("done")) < 240:  # noqa: ASYNC110 - the folder tells nobody
            await asyncio.sleep(0.05)
    assert await inbox.cmd_ids() == [f"{number}" for number in range(120)]


@pytest.mark.parametrize(
    "half", [b"", b" \n", b"{", b'{"cmd_type": "WORK"', b'[{"cmd_type": "WORK"}', b'"', b"12"]
)
async def test_file__that_is_half_written_is_waited_for(inbox: Inbox, half: bytes) -> None:
    file = inbox.path / "slow.json"
    file.write_bytes(half)
    inbox.drop("quick.json", work("QUICK"))
    for _ in range(3):
        await inbox.look()
    assert inbox.names() == ["slow.json"]
    file.write_bytes(orjson.dumps(work("SLOW")))
    await inbox.look()
    assert await inbox.cmd_ids() == ["QUICK", "SLOW"]
    assert inbox.names("rejected") == []


@pytest.mark.parametrize("name", ["a.json.tmp", ".a.json", "a.json.part", "a.json~", "a.JSON.TMP"])
async def test_file__with_a_name_for_the_meantime_is_left_alone(
    open_inbox: Open, name: str
) -> None:
    inbox = await open_inbox(settle_s=0)
    (inbox.path / name).write_bytes(orjson.dumps(work("A")))
    for _ in range(3):
        await inbox.look()
    assert inbox.names() == [name]
    (inbox.path / name).rename(inbox.path / "a.json")
    await inbox.look()
    assert await inbox.cmd_ids() == ["A"]


@pytest.mark.parametrize(
    ("name", "content", "error_code", "said"),
    [
        ("a.json", b'{"cmd_type": "WORK"', "bad_json", "line 1"),
        ("a.json", b"", "bad_json", "empty"),
        ("a.json", b"\xff\xfe{\x00", "bad_json", ""),
        ("a.json", b'{"cmd_type": "WORK", "x": NaN}', "bad_json", ""),
        ("a.json", b'"WORK"', "bad_parameter", "object"),
        ("a.json", {"cmd_type": "FLY"}, "unknown_command", "FLY"),
        ("a.json", {}, "missing_parameter", "cmd_type"),
        ("a.json", {"cmd_type": "GO"}, "missing_parameter", "params.place"),
        ("a.json", work(robot_id="robot_z"), "bad_parameter", "robot_a"),
        ("a.json", [], "bad_parameter", "1 to 1000"),
        ("a.json", [work(), {"cmd_type": "FLY"}], "unknown_command", "FLY"),
        ("a.json", {"cmd_type": "ASK_STATE"}, "bad_parameter", "send it over HTTP"),
        ("a.json", {"cmd_type": "START_WORKING"}, "bad_parameter", "acts at once"),
        ("a.json", b" " * 1_100_000, "body_too_large", "1048576"),
        ("a.txt", work(), "bad_parameter", ".json"),
        ("a", work(), "bad_parameter", ".json"),
    ],
)
async def test_file__that_is_bad_is_rejected_with_the_reason_and_kept(
    open_inbox: Open, name: str, content: Any, error_code: str, said: str
) -> None:
    inbox = await open_inbox(settle_s=0)
    inbox.drop(name, content)
    await inbox.look()
    await inbox.look()
    assert inbox.names() == []
    assert inbox.names("rejected") == [name, f"{name}.reason.json"]
    kept = (inbox.path / "rejected" / name).read_bytes()
    assert kept == (content if isinstance(content, bytes) else orjson.dumps(content))
    reason = inbox.note(f"rejected/{name}.reason.json")
    assert (reason["success"], reason["error_code"]) == (False, error_code)
    assert said in orjson.dumps(reason).decode()
    assert await inbox.tasks() == []
    (event,) = await inbox.lab.events("inbox.rejected")
    assert event.data["file"] == name
    assert event.data["error_code"] == error_code


async def test_file__what_is_no_plain_file_is_rejected(open_inbox: Open, tmp_path: Path) -> None:
    inbox = await open_inbox(settle_s=0)
    secret = tmp_path / "secret.json"
    secret.write_bytes(orjson.dumps(work("SECRET")))
    (inbox.path / "link.json").symlink_to(secret)
    os.mkfifo(inbox.path / "pipe.json")
    (inbox.path / "folder.json").mkdir()
    await inbox.look()
    await inbox.look()
    reasons = {"link.json.reason.json", "pipe.json.reason.json"}
    assert reasons <= set(inbox.names("rejected"))
    assert (inbox.path / "folder.json").is_dir(), "folders are left alone"
    assert secret.exists()
    assert await inbox.tasks() == []


async def test_file__with_a_strange_name_is_taken(inbox: Inbox) -> None:
    names = ["扫描 1.json", "a~b.json", "x" * 240 + ".json", "A.JSON"]
    for name in names:
        (inbox.path / name).write_bytes(orjson.dumps(work(name[:20])))
    inbox.drop("bytes.json", work("bytes")).rename(inbox.path / os.fsdecode(b"\xff\xfe.json"))
    await inbox.look()
    assert sorted(await inbox.cmd_ids(), key=str) == sorted([*(n[:20] for n in names), "bytes"])
    assert inbox.names() == []


async def test_file__waits_while_the_queue_is_full_and_keeps_its_place(open_inbox: Open) -> None:
    inbox = await open_inbox(queue=QueueConfig(max_length=1))
    await inbox.lab.at_gate("busy")
    inbox.drop("first.json", work("FIRST"))
    await asyncio.sleep(0.01)
    inbox.drop("second.json", work("SECOND"))
    for _ in range(2):
        with pytest.raises(RobotqError, match="queue is full"):
            await inbox.look()
    assert inbox.names("rejected") == []
    inbox.lab.driver.gate.set()
    await inbox.folder.start()
    async with asyncio.timeout(10):
        while len(inbox.names("done")) < 4:  # noqa: ASYNC110 - the folder tells nobody
            await asyncio.sleep(0.01)
    assert await inbox.cmd_ids() == ["busy", "FIRST", "SECOND"]


async def test_waiting_files__are_a_reason_until_there_is_room(open_inbox: Open) -> None:
    """A night's files are dropped, and the queue takes one. Who looks in the morning sees why."""
    inbox = await open_inbox(queue=QueueConfig(max_length=1))
    busy = await inbox.lab.at_gate("busy")
    for name in ("first", "second", "third"):
        inbox.drop(f"{name}.json", work(name))
    assert inbox.lab.engine.why.all() == []
    await inbox.folder.start()
    why = inbox.lab.engine.why
    async with asyncio.timeout(10):
        while not why.all():  # noqa: ASYNC110 - the folder tells nobody
            await asyncio.sleep(0.01)
    (standing,) = why.all()
    (wait,) = standing.reasons
    assert (wait.code, standing.waiting, wait.args["files"]) == (WaitCode.FOLDER, 3, 3)
    (view,) = reason_views(standing.reasons, Language.EN)
    assert "inbox/ wait (first.json): The queue is full (1 tasks)" in view["reason"]
    assert view["clear"]["action"] == "wait"
    assert "{" not in "".join(one["reason"] for one in reason_views([wait], Language.ZH))
    await asyncio.sleep(0.05)
    (later,) = why.all()
    assert later.reasons[0].since_ms == wait.since_ms
    inbox.lab.driver.gate.set()
    async with asyncio.timeout(10):
        while why.all():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert busy
    await inbox.folder.stop()
    assert why.all() == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
async def test_accepted_file__is_not_shown_as_rejected_where_the_disk_is_full(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """The command was taken, and the receipt does not fit on the disk. Whoever saw the file among
    the rejected ones would drop it again, and the robot would do it twice."""

    def full(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as broken:
        broken.setattr("robotq.inbox.folder.write_durably", full)
        inbox.drop("a.json", work("ONCE"))
        inbox.drop("b.json", b"no JSON at all")
        for _ in range(2):
            with pytest.raises(RobotqError, match=os.strerror(number)):
                await inbox.look()
        assert inbox.names("rejected") == []
    await inbox.look()
    await inbox.look()
    assert await inbox.cmd_ids() == ["ONCE"]
    assert inbox.names("done") == ["a.json", "a.json.accepted.json"]


async def test_file__waits_while_the_disk_is_full(inbox: Inbox) -> None:
    inbox.lab.disk.full = "no space left"
    inbox.drop("a.json", work("A"))
    with pytest.raises(RobotqError, match="no space left"):
        await inbox.look()
    inbox.lab.disk.full = None
    await inbox.look()
    assert await inbox.cmd_ids() == ["A"]


# -- what a crash leaves ------------------------------------------------------------------------


async def test_crash__between_accepting_and_moving_submits_once(
    inbox: Inbox, open_inbox: Open
) -> None:
    inbox.lab.disk.dies_at = lambda mutations: any(isinstance(m, SaveTask) for m in mutations)
    inbox.drop("a.json", work("ONCE"))
    looking = asyncio.create_task(inbox.look())
    await inbox.lab.until(lambda: inbox.lab.disk.dead)
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)
    assert len(list((inbox.path / "taking").iterdir())) == 1
    again = await open_inbox(data=await inbox.lab.kill())
    await again.look()
    assert await again.cmd_ids() == ["ONCE"]
    (task,) = await again.tasks()
    assert again.note("done/a.json.accepted.json") == {"success": True, "task_id": task.id}
    assert list((inbox.path / "taking").iterdir()) == []


async def test_crash__after_taking_submits_what_was_taken(inbox: Inbox, open_inbox: Open) -> None:
    inbox.drop("a.json", work("TAKEN"))
    await asyncio.to_thread(inbox.folder._folder.take, "a.json")
    inbox.drop("b.json", work("NEXT"))
    again = await open_inbox(data=await inbox.lab.kill())
    await again.look()
    assert await again.cmd_ids() == ["TAKEN", "NEXT"]


async def test_crash__too_long_ago_is_left_to_a_person(inbox: Inbox, open_inbox: Open) -> None:
    inbox.drop("a.json", work("OLD"))
    await asyncio.to_thread(inbox.folder._folder.take, "a.json")
    again = await open_inbox(data=await inbox.lab.kill(), lasts_s=-1)
    await again.look()
    assert await again.tasks() == []
    assert "too long ago" in again.note("rejected/a.json.reason.json")["message"]


async def test_fault__of_our_own_rejects_one_file_and_goes_on(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept = inbox.folder._accepts.accept

    async def broken(token: str, content: bytes, name: str) -> Any:
        if b"BROKEN" in content:
            raise ValueError(content)
        return await accept(token, content, name)

    monkeypatch.setattr(inbox.folder._accepts, "accept", broken)
    inbox.drop("a.json", work("BROKEN"))
    await asyncio.sleep(0.01)
    inbox.drop("b.json", work("GOOD"))
    await inbox.look()
    assert await inbox.cmd_ids() == ["GOOD"]
    assert inbox.note("rejected/a.json.reason.json")["error_code"] == "internal_error"


async def test_folder__that_somebody_cleared_away_is_made_again(inbox: Inbox) -> None:
    for name in ("done", "rejected", "taking"):
        (inbox.path / name).rmdir()
    inbox.path.rmdir()
    await inbox.folder.start()
    async with asyncio.timeout(10):
        while not (inbox.path / "rejected").is_dir():  # noqa: ASYNC110 - the folder tells nobody
            await asyncio.sleep(0.01)
    inbox.drop("a.json", work("A"))
    async with asyncio.timeout(10):
        while not await inbox.tasks():  # noqa: ASYNC110 - the folder tells nobody
            await asyncio.sleep(0.01)


async def test_done__is_kept_for_as_long_as_tasks_are(inbox: Inbox) -> None:
    inbox.drop("a.json", work("A"))
    await inbox.look()
    prune = inbox.folder._folder.prune
    await asyncio.to_thread(prune, 1_000.0)
    assert len(inbox.names("done")) == 2
    await asyncio.to_thread(prune, 1e12)
    assert inbox.names("done") == []


@pytest.mark.parametrize(
    "name",
    [
        "n" * 240 + ".json",
        "n" * 250,
        "n." + "j" * 240,
        "瓶" * 80 + ".json",
        ".".join("n" * 120) + ".json",
        "two\nlines.json",
        "\x1b[2J.json",
        "~~~.json",
        "0-~a.json",
        "\udcff\udcfe.json",
        " .json",
    ],
    ids=ascii,
)
async def test_file__whatever_it_is_called_those_behind_it_are_taken(
    inbox: Inbox, name: str
) -> None:
    (inbox.path / name).write_bytes(orjson.dumps(work("odd")))
    await asyncio.sleep(0.01)
    inbox.drop("behind.json", work("behind"))
    await inbox.look()
    assert (await inbox.cmd_ids())[-1] == "behind"
    assert inbox.names() == []
    assert inbox.names("taking") == []


async def test_file__that_cannot_be_handled_is_set_aside_and_the_next_is_taken(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, finish = inbox.folder._folder, inbox.folder._folder.finish

    def broken(taken: Any, receipt: Any) -> None:
        if taken.name == "odd.json":
            raise OSError(36, "File name too long")
        finish(taken, receipt)

    monkeypatch.setattr(folder, "finish", broken)
    inbox.drop("odd.json", work("odd"))
    await asyncio.sleep(0.01)
    inbox.drop("behind.json", work("behind"))
    await inbox.look()
    await inbox.look()
    assert await inbox.cmd_ids() == ["odd", "behind"], "each once"
    assert "behind.json" in inbox.names("done")
    assert len(inbox.names("rejected")) == 1


async def test_file__that_the_disk_takes_late_is_accepted_and_runs_once(open_inbox: Open) -> None:
    inbox = await open_inbox(timings=Timings(disk_s=0.02))
    lab = inbox.lab
    lab.disk.hang_all()
    inbox.drop("scan.json", work("LATE"))
    with pytest.raises(RobotqError, match="does not answer"):
        await inbox.look()
    assert inbox.names("done") == []
    lab.disk.go_on()
    await lab.held()
    await lab.until(lambda: lab.engine.store_available)
    await inbox.look()
    (task,) = await inbox.tasks()
    assert inbox.note("done/scan.json.accepted.json") == {"success": True, "task_id": task.id}
    assert (await lab.ended(task.id)).state is TaskState.COMPLETED
    assert lab.driver.done == ["LATE"]
