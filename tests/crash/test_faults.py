"""A disk that fails under the real daemon: no room, errors in writing, syncing and opening."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from robotq.cli.shared.failure import ExitCode
from robotq.model.task import TaskState

from . import judge
from .campaign import nothing_was_found, run
from .conftest import MakeDaemon
from .driving import until
from .faults import FAULTS, Faults
from .harness import RANDOM
from .http import NO_DISK, Client, connected
from .ledger import Item, Ledger, Submission
from .mix import ROBOTS, Mix
from .people import People
from .process import DaemonProcess
from .records import Disk, MotionLog, read_disk

SLOW = 0.04
"""Time scale at which a drive takes about half a second."""

SHORT_END = {"ROBOTQ_LIMITS__SHUTDOWN_GRACE_S": "0.3", "ROBOTQ_LIMITS__STOP_TIMEOUT_S": "0.3"}

WORKERS = ("dispatcher", "orchestrator", "task_queue")
"""Queues of workers, which are held too."""


def every_fault(often: str | None = None) -> pytest.MarkDecorator:
    """`often` in every run, the others where there is time."""
    marks = {name: [] if name == often else [pytest.mark.long] for name in FAULTS}
    return pytest.mark.parametrize("fault", [pytest.param(n, marks=m) for n, m in marks.items()])


class Lab:
    """A daemon on a disk that can fail, and what its clients were told in all its lives."""

    def __init__(self, daemon: DaemonProcess, faults: Faults) -> None:
        self.daemon = daemon
        self.faults = faults
        self.ledger = Ledger()
        self.client: Client
        self.people: People
        self._numbers = iter(range(1, 1_000))

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        async with connected(self.daemon.url, self.ledger, disk_fails=True) as self.client:
            mix = Mix(random.Random(1), "mix")
            self.people = People(self.client, self.ledger, mix, random.Random(1))
            yield

    async def drive(
        self, area: str = "HOME", robot: str = "robot_a", *, keyed: bool = True
    ) -> Submission:
        number = next(self._numbers)
        item = Item(
            cmd_id=f"drive-{number}", cmd_type="NAVIGATION", robot=robot, params={"area": area}
        )
        key = f"key-{number}" if keyed else None
        submission = Submission(items=(item,), batch=False, key=key)
        await self.people.submit(submission)
        return submission

    async def at_work(self) -> Submission:
        """One command that has just begun to run, and ten that wait behind it."""
        await self.people.control("pause")
        running = await self.drive("CHARGER")
        for _ in range(10):
            await self.drive()
        await self.people.control("resume")
        await self.until_state(running, "running")
        return running

    async def fail(self, fault: str) -> Sequence[Submission]:
        """The disk fails. Returns what was submitted then, with a key and without, and refused."""
        self.faults.begin(FAULTS[fault])
        refused = await asyncio.gather(
            *(self.drive(robot=ROBOTS[number % 2], keyed=number < 8) for number in range(16))
        )
        assert not any(submission.answered for submission in refused)
        assert await self.holds() == {(robot, NO_DISK) for robot in ROBOTS}
        return refused

    async def until_driven(self) -> None:
        """The robot is where the command that ran when the disk failed had to bring it."""

        async def there() -> bool:
            _, robot = await self.client.get("/robots/robot_a")
            return bool(robot["place"] == "CHARGER")

        await until(there)

    async def holds(self) -> set[tuple[str, str]]:
        _, status = await self.client.get("/queue/status")
        assert all(hold["reason"] and hold["clear"]["text"] for hold in status["holds"])
        return {(hold["robot_id"], hold["code"]) for hold in status["holds"]}

    async def until_state(self, submission: Submission, state: str) -> None:
        async def so() -> bool:
            return bool((await self.people.task(submission.task_ids[0]))["state"] == state)

        await until(so)

    async def until_no_holds(self) -> None:
        async def none() -> bool:
            return not await self.holds()

        await until(none)

    async def until_empty(self) -> None:
        async def empty() -> bool:
            return bool((await self.people.status())["queue_size"] == 0)

        await until(empty)
        assert list(judge.totals(await self.disk(), await self.people.status())) == []
        await self.people.tasks()

    async def disk(self) -> Disk:
        return await asyncio.to_thread(read_disk, self.daemon.data)

    async def judged(self, *, lives: int = 1) -> Disk:
        """What is on disk; nothing of it contradicts what clients were told or what has moved."""
        log = MotionLog(self.daemon.data)
        log.read_on(life=lives)
        disk = await self.disk()
        assert list(judge.at_death(self.ledger, disk, log.motions)) == []
        return disk


@pytest.fixture
def lab(make_daemon: MakeDaemon, failing: Faults) -> Lab:
    environ = {**failing.environ, **SHORT_END}
    return Lab(make_daemon(time_scale=SLOW, environ=environ), failing)


@pytest.mark.slow
@every_fault("sync")
async def test_disk_fails__all_are_refused_and_what_happened_is_written_afterwards(
    lab: Lab, fault: str
) -> None:
    assert await lab.daemon.start()
    async with lab.connected():
        running = await lab.at_work()
        refused = await lab.fail(fault)
        assert (await lab.client.get("/health"))[0] == 503
        await lab.until_driven()
        met = lab.faults.met

        async def probed_in_vain() -> bool:
            return lab.faults.met > met

        await until(probed_in_vain)
        # told only when it is on disk
        assert (await lab.people.task(running.task_ids[0]))["state"] == "running"
        lab.faults.end()
        await lab.until_no_holds()
        for submission in refused[:8]:
            await lab.people.submit(submission)
        await lab.until_empty()
    assert await lab.daemon.terminate() == 0
    disk = await lab.judged()
    assert set(disk.tasks) == set(lab.ledger.known_ms)
    assert len(disk.tasks) == 11 + 8
    assert {task.state for task in disk.tasks.values()} == {TaskState.COMPLETED}
    outage = [(e.kind, e.robot) for e in disk.events if e.data.get("code") == NO_DISK]
    assert sorted(outage) == sorted(
        (kind, queue) for kind in ("hold.set", "hold.lifted") for queue in (*ROBOTS, *WORKERS)
    )


@every_fault("full_torn")
@pytest.mark.long
async def test_kill__while_the_disk_fails_loses_nothing_and_repeats_nothing(
    lab: Lab, fault: str
) -> None:
    assert await lab.daemon.start()
    async with lab.connected():
        running = await lab.at_work()
        refused = await lab.fail(fault)
        # the end of the command is in memory only
        await lab.until_driven()
    lab.daemon.kill()
    lab.faults.end()
    disk = await lab.judged()
    reached = disk.tasks[running.task_ids[0]].state
    # what could not be synced was written, and may be found there after all
    assert reached is TaskState.RUNNING or fault == "sync"
    assert await lab.daemon.start()
    async with lab.connected():
        tasks = {line["task_id"]: line["state"] for line in await lab.people.tasks()}
        _, status = await lab.client.get("/queue/status")
        assert list(judge.after_restart(lab.ledger, disk, tasks, status["holds"])) == []
        # each is one task, whether or not the refused one is there
        for submission in refused[:8]:
            await lab.people.submit(submission)
        assert all(submission.answered for submission in refused[:8])
        await lab.people.resolve_all()
        await lab.until_empty()
    assert await lab.daemon.terminate() == 0
    disk = await lab.judged()
    assert {task.attempt for task in disk.tasks.values()} == {1}
    assert len(disk.tasks) == 11 + 8 + len(lab.ledger.again) or fault == "sync"


@pytest.mark.long
async def test_sigterm__while_the_disk_fails_ends_in_time_and_the_next_start_decides(
    lab: Lab,
) -> None:
    assert await lab.daemon.start()
    async with lab.connected():
        running = await lab.at_work()
        await lab.fail("sync")
        await lab.until_driven()
    # what is not on disk is said, and the code is not that of an orderly end
    assert await lab.daemon.terminate() == ExitCode.FAILED
    assert "not on disk at the end: " in lab.daemon.log.read_text()
    lab.faults.end()
    assert await lab.daemon.start()
    async with lab.connected():
        task = await lab.people.task(running.task_ids[0])
        assert task["error_code"] == "outcome_unknown"
    lab.daemon.kill()
    await lab.judged()


@every_fault()
async def test_start__on_a_disk_that_fails_says_so_and_can_be_tried_again(
    lab: Lab, fault: str
) -> None:
    assert await lab.daemon.start()
    async with lab.connected():
        for _ in range(5):
            await lab.drive()
    lab.daemon.kill()
    lab.faults.begin(FAULTS[fault])
    assert not await lab.daemon.start()
    # not the code of a wrong configuration, with which a service manager gives up
    assert lab.daemon.exit_code == ExitCode.FAILED
    said = lab.daemon.log.read_text().splitlines()[-1]
    assert re.search("robotq.db cannot be used|the data cannot be written", said)
    lab.faults.end()
    assert await lab.daemon.start()
    async with lab.connected():
        await lab.people.resolve_all()
        await lab.until_empty()
    lab.daemon.kill()
    assert (await lab.judged()).tasks.keys() >= lab.ledger.known_ms.keys()


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_kill_30_times__on_a_disk_that_comes_and_goes(
    tmp_path: Path, failing: Faults
) -> None:
    outcomes = await run(
        kills=30, seed=1, point=RANDOM, jobs=1, folder=tmp_path / "rounds", failing_disk=True
    )
    nothing_was_found(outcomes)
    assert sum(kill.disk_failing for outcome in outcomes for kill in outcome.kills) >= 5
