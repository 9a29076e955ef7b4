"""The data folder after a power cut, under two daemons, and on a full disk."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random, SystemRandom

import pytest

from robotq.model.task import TaskState

from .conftest import MakeDaemon
from .driving import drive, submitted, until_empty
from .http import Client, connected
from .ledger import Ledger
from .process import DaemonProcess
from .records import read_disk

# -- power cut -------------------------------------------------------------------------------


def image_of(daemon: DaemonProcess, to: Path) -> None:
    """The data folder as it is at one instant, while the daemon works."""
    os.kill(daemon.pid, signal.SIGSTOP)
    try:
        shutil.copytree(daemon.data, to)
    finally:
        os.kill(daemon.pid, signal.SIGCONT)


async def cut_while_submitting(
    daemon: DaemonProcess, later: DaemonProcess, random: Random
) -> set[str]:
    """Four clients submit, and at some moment the power is cut: `later` gets what the disk had.
    Returns the tasks that were accepted before."""
    accepted: list[str] = []
    async with connected(daemon.url, Ledger()) as client:

        async def submitter(name: int) -> None:
            for count in range(15):
                _, answer = await client.post("/", drive(f"{later.data.name}-{name}-{count}"))
                accepted.append(answer["task_id"])

        submitters = [asyncio.create_task(submitter(name)) for name in range(4)]
        await asyncio.sleep(random.uniform(0, 0.05))
        known = set(accepted)
        await asyncio.to_thread(image_of, daemon, later.data)
        await asyncio.gather(*submitters)
    # what the disk was writing just then is there in part
    with (later.data / "robotq.db-wal").open("ab") as log:
        log.write(random.randbytes(random.randrange(1, 9_000)))
    return known


async def all_done(daemon: DaemonProcess, accepted: set[str]) -> None:
    """The daemon carries out whatever it finds in its folder, and nothing of it is missing."""
    assert await daemon.start()
    async with connected(daemon.url, Ledger()) as client:
        await until_empty(client)
    assert await daemon.terminate() == 0
    disk = await asyncio.to_thread(read_disk, daemon.data)
    assert accepted <= set(disk.tasks)
    assert all(task.state.final for task in disk.tasks.values())
    assert disk.faults == []


async def test_power_cut__the_folder_of_any_moment_holds_all_that_was_accepted(
    make_daemon: MakeDaemon,
) -> None:
    daemon, later = make_daemon("data"), make_daemon("later")
    assert await daemon.start()
    accepted = await cut_while_submitting(daemon, later, Random(SystemRandom().random()))
    await all_done(later, accepted)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(25))
async def test_power_cuts__one_after_the_other_lose_nothing(
    make_daemon: MakeDaemon, seed: int
) -> None:
    """The daemon of the folder that a cut has left is cut off as well."""
    random, accepted = Random(seed), set[str]()
    daemon = make_daemon("data")
    for number in range(random.randrange(2, 5)):
        assert await daemon.start()
        later = make_daemon(f"later-{number}")
        accepted |= await cut_while_submitting(daemon, later, random)
        daemon.kill()
        daemon = later
    await all_done(daemon, accepted)


# -- two daemons -----------------------------------------------------------------------------


async def test_second_daemon__on_the_same_data_is_refused(make_daemon: MakeDaemon) -> None:
    first, second = make_daemon(), make_daemon()
    assert await first.start()
    async with connected(first.url, Ledger()) as client:
        assert not await second.start()
        assert second.exit_code not in (0, None)
        said = second.log.read_text().splitlines()[-1]
        assert f"process {first.pid}" in said
        assert "--data" in said
        # nor has it disturbed the first one
        (task_id,) = await submitted(client, 1)
        await until_empty(client)
    assert await first.terminate() == 0
    assert (await asyncio.to_thread(read_disk, first.data)).tasks[task_id].state.final


# -- full disk -------------------------------------------------------------------------------


@pytest.fixture
def limits_of_others() -> None:
    if not hasattr(resource, "prlimit"):
        pytest.skip("only Linux can change the limits of another process")


def let_files_grow(daemon: DaemonProcess, *, allowed: bool) -> None:
    """No file of the daemon takes another byte, as on a full disk; or any number again."""
    limit = resource.RLIM_INFINITY if allowed else 0
    resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))


async def refused_submits(client: Client, numbers: Sequence[int]) -> None:
    for number in numbers:
        status, answer = await client.post("/", drive(f"full-{number}"), key=f"full-{number}")
        assert (status, answer["error_code"]) == (503, "store_unavailable")
        assert answer["success"] is False


async def test_full_disk__refuses_says_why_and_goes_on_when_there_is_room(
    make_daemon: MakeDaemon, limits_of_others: None
) -> None:
    daemon = make_daemon(time_scale=0.01)
    assert await daemon.start()
    async with connected(daemon.url, Ledger()) as client:
        _, answer = await client.post("/", {"cmd_type": "SCAN_QRCODE"})
        running = answer["task_id"]
        waiting = await submitted(client, 20)
        assert len(waiting) == 20
        let_files_grow(daemon, allowed=False)
        await refused_submits(client, range(3))
        _, status = await client.get("/queue/status")
        held = {hold["robot_id"] for hold in status["holds"] if hold["code"] == "store_unavailable"}
        assert held == {"robot_a", "robot_b"}
        assert all(hold["reason"] and hold["clear"]["text"] for hold in status["holds"])
        assert (await client.get("/health"))[0] == 503
        assert (await client.post("/estop"))[1]["recorded"] is False

        let_files_grow(daemon, allowed=True)
        for _ in range(1_000):
            status, answer = await client.post("/", drive("full-0"), key="full-0")
            if status == 200:
                break
            await asyncio.sleep(0.01)
        assert status == 200, answer
        assert (await client.post("/estop/reset"))[0] == 200
        assert (await client.post("/queue/resume"))[0] == 200
        await until_empty(client)
    daemon.kill()
    disk = await asyncio.to_thread(read_disk, daemon.data)
    assert {running, answer["task_id"], *waiting} == set(disk.tasks)
    assert {disk.tasks[task_id].state for task_id in waiting} == {TaskState.COMPLETED}
    # what is not in the motion log does not move, so the scan has failed
    assert disk.tasks[running].state is TaskState.FAILED
    assert disk.faults == []


_IN_A_SMALL_FILE_SYSTEM = 'mount -t tmpfs -o size=8m tmpfs "$1" && shift && exec "$@"'


def in_a_small_file_system(data: Path, *program: str) -> subprocess.CompletedProcess[str]:
    """Run a program with a file system of eight megabytes on `data`, which nobody else sees."""
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    return subprocess.run(
        [*command, _IN_A_SMALL_FILE_SYSTEM, "sh", str(data), *program],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.long
def test_small_file_system__that_is_really_full_loses_nothing(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    if not shutil.which("unshare") or in_a_small_file_system(data, "true").returncode != 0:
        pytest.skip("this user may not mount anything, not even for itself")
    done = in_a_small_file_system(data, sys.executable, "-m", "tests.crash.small_disk", str(data))
    log = data.with_name("data.log")
    assert done.returncode == 0, f"{done.stderr}\n{log.exists() and log.read_text()}"
