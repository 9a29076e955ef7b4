"""The power goes at any moment, and the disk has lost what was not synced."""

from __future__ import annotations

import asyncio
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

from robotq.engine.robot.stop_file import StopFile
from robotq.model.hold import HoldCode
from robotq.model.task import TaskState
from robotq.store.sqlite.store import SqliteStore

from . import dropped, power
from .conftest import MakeDaemon
from .driving import drive
from .http import Client, connected
from .ledger import Ledger

SETS = ("/queue/pause?robot_id=robot_b", "/estop")


@dataclass
class Told:
    """What the daemon has told, and how long its trace was when the client had the answer."""

    accepted: list[tuple[int, str]] = field(default_factory=list)
    ended: list[tuple[int, str]] = field(default_factory=list)
    decided: dict[str, list[tuple[int, int, bool]]] = field(default_factory=dict)
    """What people decided about "estop" and "paused": how long the trace was when they asked
    and when they had the answer that it is on disk, and whether it is set from then on."""


async def work(client: Client, trace: Path, data: Path, told: Told, random: Random) -> None:
    """Submits, ends, stops and holds of a short day, and files in the inbox."""

    def size() -> int:
        return trace.stat().st_size

    async def submitter(name: int) -> None:
        for number in range(12):
            key = f"{name}-{number}"
            _, answer = await client.post("/", drive(key), key=key)
            told.accepted.append((size(), answer["task_id"]))
            if number % 3 == 0:
                _, view = await client.get(f"/task/{answer['task_id']}?wait=0.2")
                if view.get("status") == "completed":
                    told.ended.append((size(), answer["task_id"]))

    async def decide(about: str, path: str) -> None:
        _, queue = await client.get("/queue/status?limit=0")
        holds = [
            hold["id"]
            for hold in queue["holds"]
            if hold["code"] == about and (about == "estop" or hold["robot_id"] == "robot_b")
        ]
        asked = size()
        body = None if path in SETS else {"holds": holds}
        status, answer = await client.post(path, body)
        while answer.get("error_code") == "robot_busy":
            # a stop has been confirmed, and the driver's call has not returned yet
            await asyncio.sleep(0.01)
            status, answer = await client.post(path, body)
        assert (status, answer.get("recorded", True)) == (200, True), answer
        told.decided.setdefault(about, []).append((asked, size(), path in SETS))

    async def people() -> None:
        for _ in range(3):
            await asyncio.sleep(random.uniform(0, 0.05))
            await decide("paused", "/queue/pause?robot_id=robot_b")
            await decide("paused", "/queue/resume?robot_id=robot_b")
        await decide("estop", "/estop")
        await decide("estop", "/estop/reset")

    submitters = (submitter(name) for name in range(3))
    await asyncio.gather(*submitters, people(), dropped.drop(data, Random(random.random())))


def moved(trace: power.Trace) -> list[tuple[int, str]]:
    """Record and task of each motion: the simulator writes one line before it moves."""
    return [
        (number, json.loads(line)["task_id"])
        for number, record in enumerate(trace.records)
        if record.kind == "w" and record.path.endswith("motions.jsonl")
        for line in record.more.splitlines()
    ]


async def judge(trace: power.Trace, told: Told, cut: int, image: Path) -> list[str]:
    """What is wrong with a disk; empty: nothing."""
    wrong = []
    store = SqliteStore(image)
    restored = await store.open(finished=10_000)
    try:
        tasks = {task.id: task for task in [*restored.unfinished, *restored.finished]}
        wrong += await dropped.judge(image, store, tasks)
    finally:
        await store.close()
    held = {hold.code for hold in restored.holds if hold.robot == "robot_b"}
    kept = await asyncio.to_thread(StopFile(image).read, ["robot_b"])
    latched = HoldCode.ESTOP in held or "robot_b" in kept
    wrong += _decisions(trace, told, cut, {"estop": latched, "paused": HoldCode.PAUSED in held})
    wrong += [
        f"lost: {task_id} was accepted"
        for size, task_id in told.accepted
        if trace.at(size) <= cut and task_id not in tasks
    ]
    wrong += [
        f"doubled: {task_id} has moved and would be started again"
        for number, task_id in moved(trace)
        if number < cut and tasks[task_id].state is TaskState.PENDING
    ]
    wrong += [
        f"wrong: {task_id} was told as completed and is {tasks[task_id].state}"
        for size, task_id in told.ended
        if trace.at(size) <= cut and tasks[task_id].state is not TaskState.COMPLETED
    ]
    return wrong


def _decisions(trace: power.Trace, told: Told, cut: int, found: dict[str, bool]) -> list[str]:
    wrong = []
    for about, decisions in told.decided.items():
        # while something is asked, either is right; a reset leaves a pause
        if about == "paused" and any(
            trace.at(asked) <= cut for asked, _, _ in told.decided["estop"]
        ):
            continue
        if any(trace.at(asked) <= cut < trace.at(done) for asked, done, _ in decisions):
            continue
        last = [is_set for _, done, is_set in decisions if trace.at(done) <= cut]
        if found[about] is not (bool(last) and last[-1]):
            wrong.append(f"wrong: {about} is {found[about]}, told was {last}")
    return wrong


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seed", "cuts", "numbers"),
    [(1, 6, 2), *(pytest.param(seed, 120, 12, marks=pytest.mark.long) for seed in range(2, 6))],
)
@pytest.mark.timeout(1800)
async def test_power_cut__loses_nothing_that_was_told_whatever_unsynced_writes_are_lost(
    make_daemon: MakeDaemon, tmp_path: Path, seed: int, cuts: int, numbers: int
) -> None:
    if not power.possible():
        pytest.skip("writes can be recorded only on Linux with a C compiler")
    random, told = Random(seed), Told()
    record, data = tmp_path / "trace", tmp_path / "data"
    environ = {
        "LD_PRELOAD": str(power.library()),
        "TRACE": str(record),
        "TRACE_DIR": str(data.resolve()),
        "ROBOTQ_INBOX__POLL_S": "0.02",
    }
    daemon = make_daemon("data", environ=environ)
    assert await daemon.start()
    async with connected(daemon.url, Ledger()) as client:
        await work(client, record, data, told, random)
    daemon.kill()
    trace = power.Trace.read(record, data.resolve(), dropped.contents(data.resolve()))
    assert len(told.accepted) == 36
    assert moved(trace)
    tried = 0
    # before the first accepted task there is nothing to lose
    first = trace.at(told.accepted[0][0])
    for cut in sorted(random.sample(range(first, len(trace.records)), cuts)):
        for keeps in power.subsets(trace.unsynced(cut), random, numbers):
            image = tmp_path / "image"
            await asyncio.to_thread(trace.image, cut, image, keeps)
            wrong = await judge(trace, told, cut, image)
            assert not wrong, f"seed {seed}, cut {cut}: {wrong}"
            await asyncio.to_thread(shutil.rmtree, image)
            tried += 1
    print(f"seed {seed}: {tried} images of {cuts} cuts in {len(trace.records)} records")  # noqa: T201


async def test_power_cut__is_harsh_enough_to_lose_what_nobody_has_synced(tmp_path: Path) -> None:
    """The images themselves: a write is safe from its sync on, a rename from that of its folder."""
    folder = "/data"
    kinds = [
        ("w", "/data/a", b"one", b""),
        ("b", "/data/a", b"", b""),
        ("w", "/data/a", b"two", b""),
        ("s", "/data/a", b"", b""),
        ("r", "/data/a", b"/data/b", b""),
    ]
    content = b"".join(
        power._HEAD.pack(ord(kind), len(path), len(more), 0) + path.encode() + more
        for kind, path, more, _ in kinds
    )
    (tmp_path / "trace").write_bytes(content)
    trace = power.Trace.read(tmp_path / "trace", Path(folder))
    # what was written while the sync was under way is not safe by it
    assert trace.unsynced(1) == [0]
    assert trace.unsynced(5) == [2, 4]
    trace.image(5, tmp_path / "none", lambda *_: False)
    assert (tmp_path / "none" / "a").read_bytes() == b"one"
    trace.image(5, tmp_path / "all", lambda *_: True)
    assert (tmp_path / "all" / "b").read_bytes() == b"two"
    assert not (tmp_path / "all" / "a").exists()
