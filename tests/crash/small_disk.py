"""A daemon on a file system of a few megabytes that it fills itself; see test_data_folder.py.

Runs inside of a mount namespace of its own, so that it may mount one.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from robotq.model.task import TaskState

from . import judge
from .driving import drive, until_empty
from .http import Client, connected
from .ledger import Ledger
from .process import DaemonProcess
from .records import Disk, MotionLog, read_disk

_RESERVE = 4_500_000
"""Bytes of a file that is deleted to make room again: more than the write-ahead log has, which
SQLite copies into the database before it uses it anew."""
_LARGE = 16_000
"""Bytes of a command, as many as are taken, so that the disk is full after a few hundred."""


async def fill(client: Client) -> list[str]:
    """Submit until there is no room; returns what was accepted."""
    accepted: list[str] = []
    while True:
        # fields of the client's own are kept with the command
        body = {**drive(f"drive-{len(accepted)}"), "notes": "x" * _LARGE}
        status, answer = await client.post("/", body)
        if status != 200:
            assert (status, answer["error_code"]) == (503, "store_unavailable"), answer
            assert "full" in answer["message"]
            return accepted
        accepted.append(answer["task_id"])
        assert len(accepted) < 1_000, "the disk does not get full"


async def accepted_again(client: Client, cmd_id: str) -> str:
    """Submit until there is room again; returns the task."""
    for _ in range(1_000):
        status, answer = await client.post("/", drive(cmd_id), key=cmd_id)
        if status == 200:
            return str(answer["task_id"])
        await asyncio.sleep(0.01)
    raise AssertionError("there is no room again")


async def main(data: Path) -> None:
    """`data` is a small file system; the daemon logs beside it."""
    reserve = data / "reserve"
    reserve.write_bytes(b"x" * _RESERVE)
    daemon = DaemonProcess(data, time_scale=0.001)
    ledger = Ledger()
    try:
        assert await daemon.start()
        async with connected(daemon.url, ledger, disk_fails=True) as client:
            await client.post("/queue/pause")
            accepted = await fill(client)
            _, status = await client.get("/queue/status?limit=0")
            held = {h["robot_id"] for h in status["holds"] if h["code"] == "store_unavailable"}
            assert held == {"robot_a", "robot_b"}
            assert (await client.post("/estop"))[0] == 200
        daemon.kill()
        disk = read_disk(daemon.data)
        assert disk.tasks.keys() >= set(accepted)
        if not await daemon.start():
            assert daemon.exit_code == 1, daemon.log.read_text()
            assert "Traceback" not in daemon.log.read_text()
        daemon.kill()
        reserve.unlink()
        assert await daemon.start()
        async with connected(daemon.url, ledger, disk_fails=True) as client:
            accepted.append(await accepted_again(client, "afterwards"))
            if (await client.get("/estop"))[1]["latched"]:
                assert (await client.post("/estop/reset"))[0] == 200
            assert (await client.post("/queue/resume"))[0] == 200
            await until_empty(client)
        assert await daemon.terminate() == 0
        _judge(ledger, read_disk(daemon.data), daemon, accepted)
    finally:
        daemon.kill()


def _judge(ledger: Ledger, disk: Disk, daemon: DaemonProcess, accepted: list[str]) -> None:
    assert disk.tasks.keys() >= set(accepted)
    assert {disk.tasks[task_id].state for task_id in accepted} == {TaskState.COMPLETED}
    log = MotionLog(daemon.data)
    log.read_on(life=0)
    assert list(judge.at_death(ledger, disk, log.motions)) == []


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
