"""An emergency stop is kept beside the database too, and is over only when both say so."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from robotq.engine.robot.stop_file import NAME, StopFile
from robotq.model.crashpoints import CrashPoint, at_crash_points
from robotq.model.errors import RobotqError
from robotq.model.hold import HoldCode
from robotq.model.task import TaskState
from tests.engine.conftest import StartLab

BOTH = ("robot_a", "robot_b")


async def stopped(folder: Path) -> list[str]:
    """The robots that the file says are stopped."""
    return list(await asyncio.to_thread(StopFile(folder).read, BOTH))


@pytest.fixture(autouse=True)
def nothing_set_afterwards() -> Iterator[None]:
    yield
    at_crash_points(None)


async def test_stop__while_the_database_takes_nothing_is_kept(
    start_lab: StartLab, tmp_path: Path
) -> None:
    lab = await start_lab(*BOTH, folder=tmp_path)
    lab.disk.full = "no space left"
    report = await lab.engine.estop.trigger(actor="ann", reason="a hand in the cell")
    assert report.recorded
    again = await start_lab(*BOTH, folder=tmp_path, data=await lab.kill())
    for robot in BOTH:
        (hold,) = again.engine.holds.of(robot)
        assert (hold.code, hold.actor, hold.args["reason"]) == (
            HoldCode.ESTOP,
            "ann",
            "a hand in the cell",
        )


async def test_stop__in_the_last_moments_of_a_shutdown_is_kept(
    start_lab: StartLab, tmp_path: Path
) -> None:
    """It was answered, and the robots went on after the start."""
    lab = await start_lab(folder=tmp_path)
    task_id = await lab.submit("first", take_s=0)
    await lab.ended(task_id)
    await lab.engine.shut_down()
    lab.disk.full = "closed"
    report = await lab.engine.estop.trigger(actor="ann")
    assert report.recorded
    again = await start_lab(folder=tmp_path, data=lab.disk.data)
    assert again.holds() == {HoldCode.ESTOP}
    waiting = await again.submit("second")
    await again.engine.resume(None, actor="bob")
    await again.quiet()
    assert (await again.find(waiting)).state is TaskState.PENDING


async def test_reset__is_over_for_the_next_start_too(start_lab: StartLab, tmp_path: Path) -> None:
    lab = await start_lab(*BOTH, folder=tmp_path)
    await lab.engine.estop.trigger(actor="ann")
    await lab.engine.estop.reset(actor="bob", robot="robot_a")
    assert await stopped(tmp_path) == ["robot_b"]
    await lab.engine.estop.reset(actor="bob")
    assert not (tmp_path / NAME).exists()
    again = await start_lab(*BOTH, folder=tmp_path, data=await lab.kill())
    assert again.holds("robot_a") == again.holds("robot_b") == {HoldCode.PAUSED}


async def test_reset__whose_file_cannot_be_removed_is_refused(
    start_lab: StartLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> None:
        raise OSError("input/output error")

    lab = await start_lab(folder=tmp_path)
    await lab.engine.estop.trigger(actor="ann")
    with monkeypatch.context() as patch:
        patch.setattr("robotq.engine.robot.stop_file._remove", refuse)
        with pytest.raises(RobotqError, match="cannot be changed"):
            await lab.engine.estop.reset(actor="bob")
    assert HoldCode.ESTOP in lab.holds()
    assert await stopped(tmp_path) == ["robot_a"]
    await lab.engine.estop.reset(actor="bob")
    assert lab.holds() == {HoldCode.PAUSED}


async def test_reset__that_the_database_refuses_leaves_the_file(
    start_lab: StartLab, tmp_path: Path
) -> None:
    lab = await start_lab(folder=tmp_path)
    await lab.engine.estop.trigger(actor="ann")

    def out_of_space(point: CrashPoint) -> None:
        if point is CrashPoint.UNLATCHED:
            lab.disk.full = "no space left"

    at_crash_points(out_of_space)
    with pytest.raises(RobotqError, match="no space left"):
        await lab.engine.estop.reset(actor="bob")
    await lab.until((tmp_path / NAME).exists)
    assert lab.engine.estop.latched


async def test_another_stop__during_the_reset_is_in_the_file(
    start_lab: StartLab, tmp_path: Path
) -> None:
    lab = await start_lab(folder=tmp_path)
    loop = asyncio.get_running_loop()
    stopping: list[asyncio.Task[object]] = []
    await lab.engine.estop.trigger(actor="ann")

    def stop_again(point: CrashPoint) -> None:
        if point is CrashPoint.UNLATCH_REMOVED:

            async def stop() -> None:
                stopping.append(asyncio.create_task(lab.engine.estop.trigger(actor="eve")))

            asyncio.run_coroutine_threadsafe(stop(), loop).result(5)

    at_crash_points(stop_again)
    report = await lab.engine.estop.reset(actor="bob")
    at_crash_points(None)
    await asyncio.gather(*stopping)
    assert report["robot_a"] == "another emergency stop came meanwhile"
    assert await stopped(tmp_path) == ["robot_a"]
    again = await start_lab(folder=tmp_path, data=await lab.kill())
    assert HoldCode.ESTOP in again.holds()


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"robots": [1]}', b'{"robots": {"robot_a": 1}}', b"\xff"]
)
async def test_file__that_cannot_be_read_stops_every_robot(
    start_lab: StartLab, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / NAME).write_bytes(content)
    lab = await start_lab(*BOTH, folder=tmp_path)
    assert lab.holds("robot_a") == lab.holds("robot_b") == {HoldCode.ESTOP}
    await lab.engine.estop.reset(actor="bob")
    assert not (tmp_path / NAME).exists()


async def test_death__at_any_point_between_leaves_a_stop_or_a_reset_and_nothing_else(
    start_lab: StartLab, tmp_path: Path
) -> None:
    """What a start finds in the file where the process has died at each of the points."""
    folder, copies = tmp_path / "data", tmp_path / "copies"
    folder.mkdir()
    lab = await start_lab(folder=folder)

    def copy(point: CrashPoint) -> None:
        if "latch" in point:
            shutil.copytree(folder, copies / point)

    at_crash_points(copy)
    await lab.engine.estop.trigger(actor="ann")
    await lab.engine.estop.reset(actor="bob")
    at_crash_points(None)
    points = await asyncio.to_thread(lambda: [path.name for path in copies.iterdir()])
    found = {point: await stopped(copies / point) for point in points}
    assert found == {
        "latch": [],
        "latch_written": [],
        "latch_in_place": ["robot_a"],
        "latched": ["robot_a"],
        "unlatch": ["robot_a"],
        "unlatch_removed": [],
        "unlatched": [],
    }


async def test_flood__of_stops_is_one_write_at_a_time(start_lab: StartLab, tmp_path: Path) -> None:
    """Stops that come during a write share the next one."""
    lab = await start_lab(folder=tmp_path)
    begun = threading.Event()
    written: list[CrashPoint] = []

    def slow(point: CrashPoint) -> None:
        if point is CrashPoint.LATCH:
            written.append(point)
            assert begun.wait(10)

    at_crash_points(slow)
    stopping = [asyncio.create_task(lab.engine.estop.trigger(actor="ann")) for _ in range(200)]
    await lab.until(lambda: written)
    begun.set()
    assert all(report.recorded for report in await asyncio.gather(*stopping))
    assert len(written) == 2
