"""Two daemons serve the same queues: their tasks for workers are in one PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from robotq.config import Config, RobotConfig, StoreConfig
from robotq.daemon.assembly import running_daemon
from robotq.engine.engine import Engine
from robotq.engine.start import start_engine
from robotq.model.errors import RobotqError
from robotq.model.event import Event
from robotq.model.job import Heartbeat, Holder, Job, TaskReport, Verdict, succeeded
from robotq.model.task import Command, Task, TaskState, Work
from robotq.postgres import Database
from robotq.store.memory import MemoryStore
from robotq.store.port import AppendEvent
from robotq.store.postgres import PostgresStore
from robotq.store.queries import JobQuery
from robotq.store.shared.store import SharedWorkers
from robotq.workers import Workers
from tests.engine.bench import CATALOG, bench_config, bench_factory
from tests.fleet.conftest import until
from tests.postgres.link import Link

from .conftest import SetClock, refusal

QUEUE = "task_queue"


class Daemon:
    """One of those that share a database."""

    def __init__(self, engine: Engine, clock: SetClock) -> None:
        self.engine = engine
        self.clock = clock
        self.tasks = engine.queue
        self.mirror = engine.mirror
        self.workers = Workers(engine)

    async def submit(self, name: str, **work: Any) -> Task:
        job = Job(queue=QUEUE, command=Command(cmd_type=name), work=Work(**work))
        task, _ = await self.tasks.submit_job(job, api=QUEUE, actor="alice", max_waiting=1_000)
        return task

    async def claim(self, worker: str) -> Task | None:
        await self.mirror.look()
        return await self.tasks.claim_job(QUEUE, worker)

    async def finish(self, task_id: str, worker: str, token: int) -> Task:
        holder = Holder(worker=worker, token=token)
        return await self.tasks.finish_job(task_id, holder, succeeded({"pages": 3}))

    async def after(self, seconds: float) -> None:
        """Let time pass here, and everything happen that is due then."""
        self.clock.pass_(seconds)
        await self.mirror.look()
        await self.workers.expire_due(QUEUE)

    async def kinds(self) -> list[str]:
        """What the journal of this daemon says of tasks."""
        await self.mirror.look()
        events = await self.engine.reads.events(0, limit=1_000, api=QUEUE)
        return [event.kind for event in events if event.kind.startswith("task.")]


@asynccontextmanager
async def daemon(dsn: str, folder: Path) -> AsyncIterator[Daemon]:
    def make() -> PostgresStore:
        return PostgresStore(Database(dsn, connections=2, deadline_s=3), folder)

    clock = SetClock()
    store = SharedWorkers(MemoryStore(), make)
    engine = await start_engine(
        bench_config(), CATALOG, store, {"bench": bench_factory({})}, clock=clock
    )
    try:
        # the look of the start is over then
        await engine.mirror.look()
        await engine.mirror.look()
        yield Daemon(engine, clock)
    finally:
        await engine.shut_down()


@pytest.fixture
async def two(
    postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Daemon, Daemon]]:
    # they look only when a test says so: what a mirror does not know yet must do no harm
    monkeypatch.setattr("robotq.engine.engine._MIRROR_S", 3_600)
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(daemon(postgres, tmp_path))
        second = await stack.enter_async_context(daemon(postgres, tmp_path))
        yield first, second


async def test_task__is_submitted_here_done_there_and_both_tell_of_it(
    two: tuple[Daemon, Daemon],
) -> None:
    here, there = two
    task = await here.submit("print", lease_s=10.0)
    got = await there.claim("bob")
    assert got is not None
    assert (got.id, got.fence, got.worker) == (task.id, 1, "bob")

    # an old mirror gives nobody a task, and refuses nobody
    assert here.engine.reads.known(task.id) == task
    with pytest.raises(RobotqError) as told:
        await here.tasks.claim_this_job(task.id, "carol")
    assert (refusal(told), told.value.args_["state"]) == ("wrong_state", "running")
    another = await here.submit("another", lease_s=10.0)
    got = await there.claim("bob")
    assert got is not None
    report = TaskReport(task_id=another.id, token=1, progress=0.5)
    beat: Heartbeat = await here.workers.heartbeat(QUEUE, "bob", [report])
    assert [order.order for order in beat.orders] == [Verdict.GO_ON]

    # the result may come to any daemon, also twice
    third = await here.submit("third")
    assert await there.claim("bob") is not None
    assert here.engine.reads.known(third.id) == third
    for one in two:
        for task_id in (task.id, another.id, third.id):
            assert (await one.finish(task_id, "bob", 1)).state is TaskState.COMPLETED
    for one in two:
        kinds = await one.kinds()
        for kind in ("task.submitted", "task.claimed", "task.completed"):
            assert kinds.count(kind) == 3
        assert "task.result_refused" not in kinds
        counts = one.engine.reads.counts(api=QUEUE)
        assert (counts.completed, counts.running, counts.pending) == (3, 0, 0)
        _, number = await one.engine.reads.jobs(JobQuery(api=QUEUE))
        assert number == 3


async def test_lease__that_runs_out_is_offered_again_and_a_late_result_refused_everywhere(
    two: tuple[Daemon, Daemon],
) -> None:
    here, there = two
    task = await here.submit("print", lease_s=10.0)
    assert await here.claim("bob") is not None
    # the daemon that gave it out is gone, so another one looks after the lease
    await there.after(11)
    got = await there.claim("carol")
    assert got is not None
    assert (got.id, got.fence) == (task.id, 2)
    known = here.engine.reads.known(task.id)
    assert known is not None
    assert known.worker == "bob"
    for one in two:
        with pytest.raises(RobotqError) as told:
            await one.finish(task.id, "bob", 1)
        assert refusal(told) == "stale_claim"
    # and once more, the other way round
    here.clock.pass_(11)
    await here.after(11)
    got = await here.claim("dora")
    assert got is not None
    assert got.fence == 3
    with pytest.raises(RobotqError) as told:
        await there.finish(task.id, "carol", 2)
    assert refusal(told) == "stale_claim"
    assert (await there.finish(task.id, "dora", 3)).state is TaskState.COMPLETED
    for one in two:
        kinds = await one.kinds()
        assert kinds.count("task.lease_expired") == 2
        assert kinds.count("task.result_refused") == 3


async def test_task__that_ended_and_was_retried_elsewhere_is_cancelled_here(
    two: tuple[Daemon, Daemon],
) -> None:
    here, there = two
    task = await here.submit("print")
    assert (await there.claim("bob")) is not None
    await there.tasks.lose_job(task.id, Holder(worker="bob", token=1))
    await here.mirror.look()
    assert (await there.tasks.retry_job(task.id, actor="ann")).state is TaskState.PENDING
    assert (
        await here.tasks.cancel(task.id, actor="ann", reason="enough")
    ).state is TaskState.CANCELLED
    with pytest.raises(RobotqError) as told:
        await there.tasks.cancel(task.id, actor="ann", reason="enough")
    assert refusal(told) == "wrong_state"
    for one in two:
        await one.mirror.look()
        counts = one.engine.reads.counts(api=QUEUE)
        assert (counts.cancelled, counts.total) == (1, 1)


async def test_workers__at_both_daemons_get_each_task_once(two: tuple[Daemon, Daemon]) -> None:
    here, there = two
    submitted = [await one.submit(f"job {number}") for number in range(10) for one in two]

    async def work(one: Daemon, name: str) -> list[str]:
        got = []
        while (task := await one.claim(name)) is not None:
            got.append(task.id)
        return got

    given = await asyncio.gather(
        *(work(one, f"worker {number}") for number in range(3) for one in (here, there))
    )
    assert sorted(name for names in given for name in names) == sorted(one.id for one in submitted)


@pytest.mark.slow
async def test_what_must_not_be_lost__waits_for_the_database_and_keeps_nobody_waiting(
    postgres: str, tmp_path: Path
) -> None:
    """Such as what became of a webhook. The loop goes on meanwhile: robots are on it."""
    async with Link.to(postgres) as link:
        link.refuses = True
        async with daemon(link.dsn, tmp_path) as one:
            told = Event(
                kind="webhook.delivered", at_ms=1, actor="robotq", api=QUEUE, robot=QUEUE,
                task_id="task_1",
            )  # fmt: skip
            commit = one.engine._parts.base.commit
            writing = asyncio.create_task(commit.write_when_possible([AppendEvent(told)]))
            with pytest.raises(RobotqError):
                await one.submit("print")
            await asyncio.sleep(0)
            assert not writing.done()
            link.refuses = False
            await one.mirror.look()
            await writing
            assert (await one.submit("print")).state is TaskState.PENDING


class Door:
    """The task queue of one daemon, over HTTP."""

    def __init__(self, http: aiohttp.ClientSession, port: int) -> None:
        self._http = http
        self._base = f"http://127.0.0.1:{port}"

    def url(self, path: str) -> str:
        return self._base + path

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        async with self._http.request(method, self._base + path, json=body) as answer:
            return answer.status, await answer.json()

    async def create(self, kind: str) -> tuple[int, Any]:
        return await self.ask("POST", "/apis/task-queue/api/tasks/create", {"task_type": kind})

    async def next(self, wait_s: float = 0) -> tuple[int, Any]:
        return await self.ask(
            "POST", f"/apis/task-queue/api/tasks/next?wait={wait_s}", {"worker_id": "bob"}
        )


@asynccontextmanager
async def door(dsn: str, folder: Path, http: aiohttp.ClientSession) -> AsyncIterator[Door]:
    config = Config(
        port=0,
        data=folder,
        time_scale=0,
        language="en",
        robots={"robot_a": RobotConfig()},
        default_robot="robot_a",
        store=StoreConfig(workers=dsn),
    )
    async with running_daemon(config, lambda: config, reload=asyncio.Event()) as running:
        yield Door(http, running.addresses[0][1])


@pytest.mark.slow
@pytest.mark.wall("daemons in one loop, and a database in another process")
async def test_database_away__workers_are_told_so_and_robots_go_on(
    postgres: str, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        link = await stack.enter_async_context(Link.to(postgres))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        link.refuses = True
        # it starts without the database
        far = await stack.enter_async_context(door(link.dsn, tmp_path / "far", http))
        assert (await far.create("print"))[0] == 503
        # whether something waits nobody can say
        assert (await far.next())[0] == 503
        link.refuses = False
        near = await stack.enter_async_context(door(postgres, tmp_path / "near", http))

        # somebody waits here for what comes in there
        waiting = asyncio.create_task(near.next(wait_s=30))
        made = await until(lambda: answered(far.create("print")))
        status, given = await waiting
        assert (status, given["task"]["id"]) == (200, made["task_id"])

        link.refuses = True
        link.cut()
        assert (await far.create("another"))[0] == 503
        # no robot waits for it
        home = {"cmd_type": "NAVIGATION", "params": {"area": "HOME"}}
        robots = await answered(far.ask("POST", "/", home))
        ended = await answered(far.ask("GET", f"/task/{robots['task_id']}?wait=20"))
        assert ended["state"] == "completed"
        assert await answered(near.create("another"))
        link.refuses = False
        found = await until(lambda: handed_out(far))
        assert found["type"] == "another"


async def answered(asking: Coroutine[Any, Any, tuple[int, Any]]) -> Any:
    """What was answered; None where the daemon has no database."""
    status, found = await asking
    assert status in (200, 503), found
    return found if status == 200 else None


async def handed_out(one: Door) -> Any:
    found = await answered(one.next())
    return None if found is None else found["task"]
