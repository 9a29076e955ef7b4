"""A driver's threads: none of its calls holds up the loop, or a stop."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncIterator

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from robotq.api.robot.answers.task import TaskViews
from robotq.drivers.base import Busy, DriverSetup, Stopped
from robotq.engine.robot.driver_threads import DriverHost
from robotq.engine.state.tasks import weight_of_ended
from robotq.engine.timings import Timings
from robotq.model.json.known import KNOWN
from robotq.model.json.safe import plain, plain_in_slices
from robotq.model.texts import Language
from robotq.store.kept.rows import json_text
from robotq.system.clocks import VirtualClock
from tests.engine.bench import BenchDriver
from tests.engine.conftest import StartLab


@pytest.fixture
def driver(tmp_path: object) -> BenchDriver:
    return BenchDriver(
        DriverSetup(
            robot="robot_a",
            options={},
            data=tmp_path,  # type: ignore[arg-type]
            clock=VirtualClock(),
            link_changed=lambda *_: None,
            shared={},
        )
    )


@pytest.fixture
async def host(driver: BenchDriver) -> AsyncIterator[DriverHost]:
    host = DriverHost("robot_a", driver)
    yield host
    driver.let_go()
    await host.close(5)


@pytest.mark.parametrize(
    "raised", [SystemExit(1), KeyboardInterrupt(), StopIteration(), asyncio.CancelledError()]
)
async def test_driver__cannot_end_the_daemon(
    host: DriverHost, driver: BenchDriver, raised: BaseException
) -> None:
    def leave() -> None:
        raise raised

    driver.hooks["stop"] = driver.hooks["connect"] = leave
    with pytest.raises(RuntimeError, match=type(raised).__name__):
        await host.connect()
    with pytest.raises(RuntimeError, match=type(raised).__name__):
        await host.stop()


async def test_stop__before_the_command_thread_has_begun_keeps_it_from_beginning(
    host: DriverHost, driver: BenchDriver
) -> None:
    driver.hooks["connect"] = lambda: driver.gate.wait(10)
    connecting = host.connect()
    begun: list[str] = []

    def command_begins() -> dict[str, object]:
        begun.append("command")
        return {}

    command = host.execute(command_begins)
    await host.stop()
    driver.gate.set()
    await connecting
    with pytest.raises(Stopped):
        await command
    assert begun == []
    assert await host.execute(lambda: {"x": 1}) == {"x": 1}, "the stop was not for this one"


async def test_emergency_stop__keeps_every_command_from_beginning_until_reset(
    host: DriverHost,
) -> None:
    await host.emergency_stop()
    for _ in range(2):
        with pytest.raises(Stopped):
            await host.execute(dict)
    await host.reset()
    assert await host.execute(lambda: {"x": 1}) == {"x": 1}


async def test_reset__that_comes_with_the_answer_to_the_stop_waits_for_the_driver(
    host: DriverHost, driver: BenchDriver
) -> None:
    driver.hooks["emergency_stop"] = lambda: driver.gate.wait(10)
    stopped = host.emergency_stop()
    resetting = asyncio.create_task(host.reset())
    for _ in range(5):
        await asyncio.sleep(0)
    assert not resetting.done()
    driver.gate.set()
    await asyncio.gather(stopped, resetting)
    assert await host.execute(lambda: {"x": 1}) == {"x": 1}


async def test_reset__of_a_driver_that_hangs_in_the_stop_is_refused(
    host: DriverHost, driver: BenchDriver
) -> None:
    host.timings = Timings(back_s=0.01)
    driver.hooks["emergency_stop"] = lambda: driver.gate.wait(10)
    stopped = host.emergency_stop()
    with pytest.raises(Busy, match="has not come back"):
        await host.reset()
    with pytest.raises(Stopped):
        await host.execute(dict)
    driver.gate.set()
    await stopped


async def test_emergency_stop__during_a_reset_stays_in_force(
    host: DriverHost, driver: BenchDriver
) -> None:
    await host.emergency_stop()
    begun = threading.Event()

    def slow() -> None:
        begun.set()
        driver.gate.wait(10)

    driver.hooks["reset"] = slow
    resetting = asyncio.create_task(host.reset())
    assert await asyncio.to_thread(begun.wait, 10)
    await host.emergency_stop()
    driver.gate.set()
    with pytest.raises(Busy, match="another emergency stop"):
        await resetting
    with pytest.raises(Stopped):
        await host.execute(dict)
    assert driver._latched


async def test_calls__beyond_those_that_may_wait_are_told_busy(
    host: DriverHost, driver: BenchDriver
) -> None:
    driver.hooks["status"] = lambda: driver.gate.wait(10)
    waiting = [asyncio.create_task(host.status()) for _ in range(32)]
    await asyncio.sleep(0)
    with pytest.raises(Busy):
        await host.status()
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    with pytest.raises(Busy):
        await host.status()
    driver.gate.set()
    while host._control._waiting:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    assert (await host.status()).held is False


async def test_immediate__of_a_driver_that_cannot_while_busy(
    host: DriverHost, driver: BenchDriver
) -> None:
    driver.capabilities = type(host.capabilities)(simulated=True)
    begun, done = threading.Event(), threading.Event()

    def command() -> dict[str, object]:
        begun.set()
        done.wait(10)
        return {}

    running = host.execute(command)
    assert host.busy
    await asyncio.to_thread(begun.wait, 10)
    with pytest.raises(Busy, match="carrying out"):
        await host.immediate(None)  # type: ignore[arg-type]
    done.set()
    await running
    assert not host.busy


async def test_close__of_a_driver_that_is_stuck_is_not_waited_for(driver: BenchDriver) -> None:
    host = DriverHost("robot_a", driver)
    driver.hooks["close"] = lambda: driver.gate.wait(10)
    assert not await host.close(0.01)
    driver.gate.set()


async def test_close__of_a_driver_that_raises_is_a_close(driver: BenchDriver) -> None:
    def refuse() -> None:
        raise OSError("cable")

    host = DriverHost("robot_a", driver)
    driver.hooks["close"] = refuse
    assert await host.close(5)


class Strange:
    def __repr__(self) -> str:
        return "\ud800 strange"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"a": 1, "b": [1.5, None, "x"]}, {"a": 1, "b": [1.5, None, "x"]}),
        (None, {}),
        ([1, 2], {"value": [1, 2]}),
        (3, {"value": 3}),
        ({1: "one"}, {"1": "one"}),
        ({"nan": float("nan")}, {"nan": None}),
        ({"big": 2**70}, {"big": str(2**70)}),
        ({"s": Strange()}, {"s": "? strange"}),
        ({"set": {1}}, {"set": "{1}"}),
        (Strange(), {"value": "? strange"}),
        ({"text": "\ud800"}, {"text": "?"}),
    ],
)
def test_plain__is_json_whatever_a_driver_gives(given: object, kept: dict[str, object]) -> None:
    assert plain(given) == kept
    assert plain_in_slices(given) == kept


def test_plain__survives_nesting_without_end() -> None:
    deep: dict[str, object] = {}
    inner = deep
    for _ in range(sys.getrecursionlimit()):
        inner["x"] = inner = {}
    assert list(plain({"deep": deep, "y": 1})) == ["deep", "y"]


def test_plain__is_a_copy() -> None:
    reported = {"list": [1]}
    kept = plain(reported)
    reported["list"].append(2)
    assert kept == {"list": [1]}


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5) | st.just(object),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=20,
)


@given(JSON)
def test_plain_in_slices__is_the_same_copy(value: object) -> None:
    assert repr(plain_in_slices(value)) == repr(plain(value))


def test_plain_in_slices__of_a_large_result_is_whole() -> None:
    result = {"points": [{"x": n, "trace": list(range(5_001))} for n in range(20)], "n": 1}
    assert plain_in_slices(result) == result


LARGE_RESULTS = {
    "rows": [{"well": f"A{n}", "value": n / 7, "flags": [1, 2, {"x": None}]} for n in range(9_000)],
    "curves": [[n / 3 for n in range(9_000)], [], ["a,b:{["], list(range(5_000))],
    "by_name": {f"n{n}": {"x": [n] * 30} for n in range(3_000)},
    "text": '\u957f"\n\U0001f600 ' * 100_000,
    "small": {"a": [1]},
}


def test_large_result__knows_its_json_and_is_written_as_any_other() -> None:
    """To encode 24 MB again for the disk, for each reader and to weigh it stopped the loop."""
    made = plain_in_slices(LARGE_RESULTS)
    assert made == LARGE_RESULTS
    for name in ("rows", "curves", "by_name", "text"):
        assert made[name].json == orjson.dumps(LARGE_RESULTS[name])
    assert not isinstance(made["small"], KNOWN)
    # whoever does not know of it writes the same
    assert orjson.dumps(made) == orjson.dumps(LARGE_RESULTS)
    assert json_text({"result": made}) == json_text({"result": LARGE_RESULTS})


async def test_large_result__weighs_as_any_other_and_its_json_too(start_lab: StartLab) -> None:
    lab = await start_lab()
    lab.driver.gives = LARGE_RESULTS
    task = await lab.run("large")
    assert task.result is not None
    known = sum(len(value.json) for value in task.result.values() if isinstance(value, KNOWN))
    plainly = replace(task, result=orjson.loads(orjson.dumps(task.result)))
    assert weight_of_ended(task) == pytest.approx(weight_of_ended(plainly) + known, rel=0.2)
    shown, plainly_shown = (
        orjson.loads(TaskViews(lab.engine).encoded(one, Language.EN)) for one in (task, plainly)
    )
    assert shown == plainly_shown
    assert shown["result"]["rows"] == LARGE_RESULTS["rows"]


class WhoAsks:
    """Says which thread it was made fit in."""

    def __repr__(self) -> str:
        return threading.current_thread().name


async def test_result__is_made_fit_on_the_thread_of_the_driver(start_lab: StartLab) -> None:
    lab = await start_lab()
    lab.driver.gives = {"who": WhoAsks(), "list": list(range(10_000))}
    task = await lab.run("large")
    assert task.result is not None
    assert task.result["who"] == "robot_a-command"
    assert task.result["list"] == list(range(10_000))
