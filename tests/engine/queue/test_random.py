"""Whatever people do to two robots, in whatever order: nothing runs twice, nothing gets lost,
and when nothing moves the queue says why."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from robotq.catalog import Catalog, CommandSpec
from robotq.config import LimitsConfig, RobotConfig
from robotq.drivers.base import DriverSetup
from robotq.engine.intake.idempotency import KeyedRequest
from robotq.engine.intake.read_command import Order
from robotq.engine.start import start_engine
from robotq.engine.timings import Timings
from robotq.engine.waiting.positions import WantedPosition
from robotq.model.errors import RobotqError
from robotq.model.hold import Hold, HoldCode, WaitCode
from robotq.model.task import Repeat, Task, TaskState
from robotq.store.memory import MemoryStore
from robotq.store.port import TaskQuery
from robotq.system.clocks import VirtualClock
from tests import patience
from tests.engine.at_rest import differences, unexplained
from tests.engine.bench import CATALOG, BenchDriver, bench_config, bench_factory
from tests.engine.conftest import PROBE_S, Lab
from tests.engine.disk import Disk
from tests.slices import examples

ROBOTS = ("robot_a", "robot_b")

WITH_APPROVAL = Catalog([*CATALOG, CommandSpec(cmd_type="POUR", approval=True)])

COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {
    "works": ("WORK", {}),
    "fails": ("WORK", {"fail": "jam"}),
    "raises": ("WORK", {"raise": "boom"}),
    "loses its link": ("WORK", {"lose_link": "reset by peer"}),
    "stops there": ("WORK", {"stop_there": True}),
    "asks": ("WORK", {"ask": "Which bottle?", "wait_s": 60}),
    "measures": ("MEASURE", {}),
    "goes left": ("GO", {"place": "BENCH_LEFT"}),
    "goes right": ("GO", {"place": "BENCH_RIGHT"}),
    "goes away": ("GO", {"place": "HALL"}),
    "needs approval": ("POUR", {}),
}

robots = st.sampled_from(ROBOTS)
some = st.integers(0, 30)
actions = st.one_of(
    st.tuples(st.just("submit"), robots, st.sampled_from(sorted(COMMANDS)), st.integers(-2, 2)),
    st.tuples(st.just("submit"), robots, st.sampled_from(sorted(COMMANDS)), st.integers(-2, 2)),
    st.tuples(
        st.just("batch"),
        robots,
        st.lists(st.sampled_from(sorted(COMMANDS)), min_size=2, max_size=3),
    ),
    st.tuples(
        st.just("parts"),
        robots,
        st.lists(
            st.tuples(st.sampled_from(sorted(COMMANDS)), st.sampled_from([0, 0, 5, 3_600_000])),
            min_size=2,
            max_size=4,
        ),
    ),
    st.tuples(st.just("approve"), some, st.booleans()),
    st.tuples(st.sampled_from(["hold", "unhold"]), robots),
    st.tuples(st.just("repeat"), robots, st.sampled_from(sorted(COMMANDS)), st.integers(1, 3)),
    st.tuples(st.just("move"), some, st.sampled_from(["before", "after", "head", "end"]), some),
    st.tuples(st.just("prioritise"), some, st.integers(-2, 2)),
    st.tuples(st.just("cancel"), some),
    st.tuples(st.just("retry"), some),
    st.tuples(st.just("resolve"), some, st.sampled_from(["completed", "failed", "retry"])),
    st.tuples(st.just("answer")),
    st.tuples(st.sampled_from(["pause", "resume", "stop"]), robots),
    st.tuples(
        st.sampled_from(["estop", "reset", "freeze", "thaw", "fill", "free", "kill", "wait"])
    ),
    st.tuples(st.just("stumble"), st.integers(1, 4)),
    st.tuples(st.just("leave"), st.integers(0, 5)),
    st.tuples(st.just("rest")),
    st.tuples(st.just("expiring"), robots, st.sampled_from([1, 60_000])),
    st.tuples(st.just("keyed"), robots, st.integers(0, 2)),
)


class Story:
    """Two robots, what people do to them, and what must be true all the time."""

    timings = Timings(probe_s=PROBE_S)

    def __init__(self) -> None:
        self.data = MemoryStore()
        self.begun: list[tuple[str, int]] = []
        """By the drivers of earlier processes."""
        self.asked: set[asyncio.Task[Any]] = set()
        """What somebody asks and has no answer to yet."""
        self.ids: list[str] = []
        self.thaw: Callable[[], None] = lambda: None

    def made(self, setup: DriverSetup) -> BenchDriver:
        return BenchDriver(setup)

    def may_repeat(self, task: Task) -> bool:
        """Whether a second attempt of it may begin by itself."""
        return task.command.cmd_type == "MEASURE"

    async def start(self) -> None:
        drivers: dict[str, BenchDriver] = {}
        clock = VirtualClock()
        disk = Disk(self.data)
        engine = await start_engine(
            bench_config(
                robots={
                    "robot_a": RobotConfig(driver="bench", reconnect_s=0.002),
                    "robot_b": RobotConfig(
                        driver="bench", reconnect_s=0.002, on_failure="hold", on_start="hold"
                    ),
                },
                limits=LimitsConfig(stop_timeout_s=0.5, shutdown_grace_s=0),
            ),
            WITH_APPROVAL,
            disk,
            {"bench": bench_factory(drivers, self.made)},
            simulated_clock=clock,
            timings=self.timings,
        )
        self.lab = Lab(engine, disk, clock, drivers)

    # -- what people do ------------------------------------------------------------------------

    async def do(self, action: str, *args: Any) -> None:
        await getattr(self, f"_{action}")(*args)

    def _ask(self, asking: Any) -> None:
        task = asyncio.ensure_future(asking)
        self.asked.add(task)
        task.add_done_callback(self._answered)

    def _answered(self, task: asyncio.Task[Any]) -> None:
        self.asked.discard(task)
        if not task.cancelled() and not isinstance(task.exception(), RobotqError | None):
            task.result()

    async def _submit(self, robot: str, what: str, priority: int) -> None:
        cmd_type, params = COMMANDS[what]
        self._ask(self._accepted([(cmd_type, params)], robot, priority=priority))

    async def _batch(self, robot: str, whats: list[str]) -> None:
        self._ask(self._accepted([COMMANDS[what] for what in whats], robot, batch=True))

    async def _parts(self, robot: str, parts: list[tuple[str, int]]) -> None:
        """A contiguous batch of an agent; some of it is due later, some waits for a person."""
        now_ms = self.lab.engine.clock.now_ms()
        orders = []
        for what, later_ms in parts:
            cmd_type, params = COMMANDS[what]
            order = self.lab.order("x", cmd_type, robot=robot, **params)
            orders.append(replace(order, not_before_ms=now_ms + later_ms) if later_ms else order)
        self._ask(self._taken(orders))

    async def _taken(self, orders: list[Order]) -> None:
        accepted = await self.lab.accept(orders, batch=True, contiguous=True, agent=True)
        self.ids += accepted.task_ids

    async def _approve(self, number: int, yes: bool) -> None:
        waiting = [task for task in self._waiting() if task.awaits_approval]
        if waiting:
            queue = self.lab.engine.queue
            decide = queue.approve if yes else queue.reject
            self._ask(decide(waiting[number % len(waiting)].id, actor="ann"))

    async def _hold(self, robot: str) -> None:
        self._ask(self.lab.engine.hold_motion(robot, actor="ann"))

    async def _unhold(self, robot: str) -> None:
        self._ask(self.lab.engine.resume_motion(robot, actor="ann"))

    async def _accepted(
        self,
        commands: list[tuple[str, dict[str, Any]]],
        robot: str,
        *,
        priority: int = 0,
        batch: bool = False,
    ) -> None:
        orders = [
            self.lab.order("x", cmd_type, robot=robot, priority=priority, **params)
            for cmd_type, params in commands
        ]
        accepted = await self.lab.accept(orders, batch=batch)
        self.ids += accepted.task_ids

    async def _repeat(self, robot: str, what: str, count: int) -> None:
        cmd_type, params = COMMANDS[what]
        order = self.lab.order("x", cmd_type, robot=robot, **params)
        repeat = Repeat(count=count, on_failure="continue" if count == 3 else "stop")
        self._ask(self._repeated(replace(order, repeat=repeat)))

    async def _repeated(self, order: Order) -> None:
        self.ids += (await self.lab.accept([order])).task_ids

    async def _expiring(self, robot: str, in_ms: int) -> None:
        """A command that is of no use any more after some time."""
        at_ms = self.lab.engine.clock.now_ms() + in_ms
        order = replace(self.lab.order("x", "WORK", robot=robot), expires_at_ms=at_ms)
        self._ask(self._repeated(order))

    async def _keyed(self, robot: str, key: int) -> None:
        """A client that repeats its submit, whatever became of the first one."""
        request = KeyedRequest(scope="robot:ann", key=f"{robot} {key}", fingerprint="same")
        order = self.lab.order("x", "WORK", robot=robot)
        self._ask(self.lab.engine.queue.submit([order], api="robot", actor="ann", keyed=request))

    async def _stumble(self, calls: int) -> None:
        """The disk refuses the next few writes, and is well again."""
        self.lab.disk.refuses = calls

    async def _leave(self, number: int) -> None:
        """A caller hangs up before it has its answer."""
        asked = list(self.asked)
        if asked:
            asked[number % len(asked)].cancel()

    async def _rest(self) -> None:
        """Nothing is asked, and the disk is well: memory says what the disk says."""
        self.lab.disk.full = None
        self.lab.disk.refuses = 0
        self.thaw()
        await self.lab.until(partial(self._well, list(ROBOTS)))
        await self.settle()
        await self.lab.until(lambda: not self.asked)
        await self.settle()
        found = await differences(self.lab.engine, self.data)
        if found:
            # something may have begun by itself in between
            await self.settle()
            found = await differences(self.lab.engine, self.data)
        assert not found, "\n".join(found)

    def _well(self, names: list[str]) -> bool:
        holds = self.lab.engine.holds
        return not any(holds.has(name, HoldCode.STORE_UNAVAILABLE) for name in names)

    async def _move(self, number: int, how: str, other: int) -> None:
        if self.ids:
            neighbour = self.ids[other % len(self.ids)]
            where: dict[str, Any] = {how: neighbour if how in ("before", "after") else True}
            self._edit(number, WantedPosition(**where))

    async def _prioritise(self, number: int, priority: int) -> None:
        if self.ids:
            self._edit(number, WantedPosition(priority=priority))

    def _edit(self, number: int, place: WantedPosition) -> None:
        task_id = self.ids[number % len(self.ids)]
        self._ask(self.lab.engine.queue.move(task_id, place, actor="ann"))

    async def _cancel(self, number: int) -> None:
        if self.ids:
            task_id = self.ids[number % len(self.ids)]
            self._ask(self.lab.engine.queue.cancel(task_id, actor="ann"))

    async def _retry(self, number: int) -> None:
        if self.ids:
            self._ask(self._again(self.ids[number % len(self.ids)]))

    async def _again(self, task_id: str) -> None:
        self.ids.append((await self.lab.engine.retry(task_id, actor="ann")).id)

    async def _resolve(self, number: int, outcome: str) -> None:
        unknown = [task for task in await self.tasks() if task.outcome_unknown]
        if unknown:
            task = unknown[number % len(unknown)]
            self._ask(self.lab.engine.resolve(task.id, outcome, actor="ann"))

    async def _answer(self) -> None:
        for task in self.lab.engine.reads.running():
            if task.waiting_for is not None:
                self._ask(self.lab.engine.answer(task.id, {"id": "b"}, actor="ann"))

    async def _pause(self, robot: str) -> None:
        self._ask(self.lab.engine.pause(robot, actor="ann"))

    async def _resume(self, robot: str) -> None:
        self._ask(self.lab.engine.resume(robot, actor="ann"))

    async def _stop(self, robot: str) -> None:
        self._ask(self.lab.engine.stop_robot(robot, actor="ann"))

    async def _estop(self) -> None:
        self._ask(self.lab.engine.estop.trigger(actor="ann"))

    async def _reset(self) -> None:
        self._ask(self.lab.engine.estop.reset(actor="ann"))

    async def _freeze(self) -> None:
        self.thaw()
        self.thaw = self.lab.clock.freeze()

    async def _thaw(self) -> None:
        self.thaw()

    async def _fill(self) -> None:
        self.lab.disk.full = "no space left"

    async def _free(self) -> None:
        self.lab.disk.full = None

    async def _wait(self) -> None:
        await self.settle()

    async def _kill(self) -> None:
        await self.lab.kill()
        for task in list(self.asked):
            task.cancel()
        await asyncio.gather(*self.asked, return_exceptions=True)
        self.begun += self._begun_now()
        await self.start()
        self.ids = [task.id for task in await self.tasks()]

    # -- what must be true ---------------------------------------------------------------------

    def _begun_now(self) -> list[tuple[str, int]]:
        return [one for driver in self.lab.drivers.values() for one in driver.begun]

    async def tasks(self) -> list[Task]:
        return list(reversed(await self.data.list(TaskQuery(limit=100_000))))

    def held(self) -> dict[str, tuple[list[Hold], int]]:
        """The holds of each robot, and how many commands it may have begun under them."""
        return {
            name: (
                list(self.lab.engine.holds.of(name)),
                # its thread has one more that came before the hold, and may be about to begin it
                len(self.lab.drivers[name].begun) + robot.host.busy,
            )
            for name, robot in self.lab.engine.robots.items()
        }

    async def check(self, before: dict[str, tuple[list[Hold], int]]) -> None:
        tasks = {task.id: task for task in await self.tasks()}
        begun = Counter(self.begun + self._begun_now())
        assert all(number == 1 for number in begun.values()), "an attempt was begun twice"
        for task_id, attempt in begun:
            assert attempt == 1 or self.may_repeat(tasks[task_id])
            assert attempt <= tasks[task_id].attempt, "begun before it was on disk"
        for name, (holds, number) in before.items():
            now = self.lab.engine.holds.of(name)
            driver = self.lab.drivers[name]
            assert driver.most_at_once <= 1
            if any(any(hold is other for other in now) for hold in holds):
                assert len(driver.begun) <= number, f"{name} began something while it was held"
        running = [task for task in tasks.values() if task.state is TaskState.RUNNING]
        assert len({task.queue for task in running}) == len(running)
        going = [
            resource
            for task in running
            for resource in self.lab.engine._parts.base.resources.of(
                self.lab.engine._parts.base.settings.places_of(task)
            )
        ]
        assert len(set(going)) == len(going), "two robots on their way to one place"
        told = {
            event.task_id: event.after
            for event in await self.data.events_since(0, limit=1_000_000)
            if event.after is not None and event.kind != "task.resolved"
        }
        assert told == {task.id: task.state.value for task in tasks.values()}
        series = Counter(
            (task.repeat_of or task.id, task.repeat.run, task.retry_of)
            for task in tasks.values()
            if task.repeat is not None
        )
        assert all(number == 1 for number in series.values()), "a run was made twice"
        memory = self.lab.engine._parts.base.memory
        for robot_queue in memory.robot_queues.values():
            order = [(not robot_queue.in_open_batch(task), task.order) for task in robot_queue]
            assert order == sorted(order)
        assert memory.counts().queue_size == memory.unfinished

    async def settle(self) -> None:
        """Wait until nothing more happens by itself."""
        still, last = 0, -1
        while still < 3:
            await asyncio.sleep(0.001)
            now = self.lab.disk.calls + len(self._begun_now()) + len(self.asked)
            still, last = (still + 1, now) if now == last else (0, now)

    async def explained(self) -> None:
        """Where nothing moves, there is a reason."""
        for name in ROBOTS:
            await self.lab.until(partial(self._moves_or_says_why, name))

    def _moves_or_says_why(self, name: str) -> bool:
        """And that it is about to start is no reason for ever."""
        robot_queue = self.lab.engine.reads.robot_queue(name)
        reasons = self.lab.engine.why.of(name).reasons
        moves = not len(robot_queue) or robot_queue.running is not None
        return moves or any(reason.code is not WaitCode.STARTING for reason in reasons)

    async def finish(self) -> None:
        """Everybody does what the holds ask for: then everything comes to an end."""
        engine = self.lab.engine
        self.lab.disk.full = None
        self.lab.disk.refuses = 0
        self.thaw()
        async with asyncio.timeout(20):
            await self.settle()
            while engine.reads.unfinished or engine.holds.all() or self.asked:
                await self.explained()
                for driver in self.lab.drivers.values():
                    driver.reachable = True
                await self._clear()
                await self.settle()
        await self._rest()

    async def _clear(self) -> None:
        if self.lab.engine.estop.latched:
            await self._reset()
        for task in await self.tasks():
            if task.outcome_unknown:
                self._ask(self.lab.engine.resolve(task.id, "failed", actor="ann"))
        await self._answer()
        now_ms = self.lab.engine.clock.now_ms()
        for task in self._waiting():
            if task.awaits_approval:
                self._ask(self.lab.engine.queue.approve(task.id, actor="ann"))
            elif (task.not_before_ms or 0) > now_ms + 1_000:
                self._ask(self.lab.engine.queue.cancel(task.id, actor="ann"))
        for name in ROBOTS:
            await self._resume(name)
            if self.lab.engine.holds.has(name, HoldCode.MOTION_HELD):
                await self._unhold(name)
            robot_queue = self.lab.engine.reads.robot_queue(name)
            if not len(robot_queue) and any(map(self.lab.engine.queue.waits, self._waiting())):
                # the other robot waits for the place where this one stands
                await self._submit(name, "goes away", -2)

    def _waiting(self) -> list[Task]:
        robot_queues = self.lab.engine.reads.robot_queues.values()
        return [task for robot_queue in robot_queues for task in robot_queue]


async def play(story: Story, steps: list[tuple[Any, ...]]) -> None:
    await story.start()
    try:
        for step, pause in steps:
            before = story.held()
            await story.do(*step)
            for _ in range(pause):
                await asyncio.sleep(0)
            assert not [*unexplained(story.lab.engine)]
            if step[0] != "kill":
                await story.check(before)
        await story.finish()
    finally:
        story.thaw()
        await story.lab.end()


stories = st.lists(st.tuples(actions, st.integers(0, 12)), min_size=5, max_size=40)


@given(steps=stories)
@settings(
    max_examples=examples(20),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_anything__in_any_order(steps: list[tuple[Any, ...]]) -> None:
    patience.run(play(Story(), steps))


@pytest.mark.long
@given(steps=stories)
@settings(
    max_examples=500,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_anything__in_any_order__at_length(steps: list[tuple[Any, ...]]) -> None:
    patience.run(play(Story(), steps))
