"""Results of megabytes: taken up to a limit of their own, and told to both sides above it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from robotq.api.connections.share import Share
from robotq.client.worker import Job, SocketWorker
from tests.workers.conftest import SetClock

from .conftest import Dispatcher, OpenDispatcher

MB = 1_000_000


async def test_result_of_megabytes__reaches_the_caller_unchanged(api: Dispatcher) -> None:
    async with await api.worker() as worker:
        waiting = api.waiting()
        task = await worker.task()
        picture = "0123456789" * (MB // 2)
        await worker.complete(task["taskId"], {"picture": picture})
        answer = await waiting
        assert answer.body["result"] == {"picture": picture}
        await worker.pong()


async def test_result_that_is_too_large__is_told_to_both_and_the_worker_goes_on(
    open_dispatcher: OpenDispatcher,
) -> None:
    api = await open_dispatcher(clock=SetClock(), result_bytes=10_000)
    async with await api.worker() as worker:
        waiting = api.waiting()
        task = await worker.task()
        await worker.complete(task["taskId"], "x" * 15_000)
        told = await worker.hear()
        assert (told["type"], told["taskId"], told["maxBytes"]) == ("error", task["taskId"], 10_000)
        answer = await waiting
        assert answer.status == 500
        assert answer.error.startswith("Result too large: 15")
        assert "the limit is 10000 (interfaces.dispatcher.result_bytes)" in answer.error
        assert told["error"] == answer.error
        again = await api.submit()
        assert (await worker.task())["taskId"] == again, "the same connection gets the next one"
        await worker.complete(again, "small")
        assert (await api.until(again, "completed"))["result"] == "small"
    (refused, *_) = [
        entry for entry in (await api.pages("logs"))["logs"] if "too large" in str(entry)
    ]
    assert refused["taskId"] == task["taskId"]


async def test_result_that_cannot_be_read__closes_with_a_reason_and_is_told(
    open_dispatcher: OpenDispatcher,
) -> None:
    api = await open_dispatcher(clock=SetClock(), result_bytes=10_000)
    async with await api.worker() as worker:
        task_id = await api.submit()
        await worker.task()
        await worker.complete(task_id, "x" * 50_000)
        assert await worker.closed() == 1009
    error = (await api.until(task_id, "failed"))["error"]
    assert error.startswith("Result too large: more than 20000 bytes, the limit is 10000")


async def test_message_that_is_too_large__of_another_task_ends_nothing(
    open_dispatcher: OpenDispatcher,
) -> None:
    api = await open_dispatcher(clock=SetClock(), result_bytes=10_000)
    async with await api.worker() as worker:
        task_id = await api.submit()
        await worker.task()
        await worker.complete("00000000-0000-4000-8000-000000000000", "x" * 15_000)
        assert (await worker.hear())["type"] == "error"
        await worker.say(type="what is this", text="x" * 15_000)
        assert (await worker.hear())["taskId"] is None
        assert (await api.task(task_id))["status"] == "executing"
        await worker.complete(task_id, 1)
        await api.until(task_id, "completed")


async def test_reference_worker__drops_what_is_too_large_and_goes_on(
    open_dispatcher: OpenDispatcher, tmp_path: Path
) -> None:
    api = await open_dispatcher(result_bytes=10_000)

    async def work(job: Job) -> Any:
        return "x" * job.params["data"]["size"]

    worker = SocketWorker(f"ws://127.0.0.1:{api.port}/ws", work, spool=tmp_path / "results")
    stop = asyncio.Event()
    working = asyncio.create_task(worker.run(stop))
    try:
        async with asyncio.timeout(10):
            while not (await api.pages("metrics"))["totalWorkers"]:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        large = await api.submit({"size": 15_000})
        small = await api.submit({"size": 10})
        assert "too large" in (await api.until(large, "failed"))["error"]
        assert (await api.until(small, "completed"))["result"] == "x" * 10
    finally:
        stop.set()
        await working


@pytest.mark.slow
async def test_many_large_ones__come_one_after_the_other(open_dispatcher: OpenDispatcher) -> None:
    """Memory for one at a time: all arrive, whoever sends first."""
    api = await open_dispatcher(result_bytes=4 * MB, results_bytes=8 * MB)
    workers = [await (await api.worker()).__aenter__() for _ in range(4)]
    waiting = [api.waiting() for _ in workers]
    tasks = [await worker.task() for worker in workers]
    sent = [
        asyncio.create_task(worker.complete(task["taskId"], [number] * MB))
        for number, (worker, task) in enumerate(zip(workers, tasks, strict=True))
    ]
    await asyncio.gather(*sent)
    answers = await asyncio.gather(*waiting)
    assert sorted(answer.body["result"][0] for answer in answers) == [0, 1, 2, 3]
    assert {len(answer.body["result"]) for answer in answers} == {MB}
    for worker in workers:
        await worker.ws.close()


class Sending:
    def __init__(self) -> None:
        self.turn = False
        self.cuts = 0

    def go_on(self) -> None:
        self.turn = True

    def cut(self) -> None:
        self.cuts += 1


async def test_share__the_others_wait_in_their_order() -> None:
    share = Share(lambda: 2)
    a, b, c, d = (Sending() for _ in range(4))
    assert [share.ask(one) for one in (a, b, c, d, a)] == [True, True, False, False, True]
    share.arrived(a)
    assert (c.turn, share.waiting) == (False, 2), "what has arrived is not dealt with yet"
    share.done(a)
    assert (c.turn, d.turn) == (True, False)
    share.done(d)
    share.done(b)
    assert (d.turn, share.waiting) == (False, 0), "who has left waits no more"


async def test_share__who_keeps_its_turn_and_sends_nothing_is_cut_off(
    caplog: pytest.LogCaptureFixture,
) -> None:
    share = Share(lambda: 1, patience_s=0.02)
    slow, other = Sending(), Sending()
    share.ask(slow)
    await asyncio.sleep(0.05)
    assert slow.cuts == 0, "nobody else wants it"
    share.ask(other)
    async with asyncio.timeout(5):
        while not other.turn:  # noqa: ASYNC110 - told by a timer
            await asyncio.sleep(0.005)
    assert slow.cuts == 1
    assert "did not arrive" in caplog.text
    share.arrived(other)
    share.ask(Sending())
    await asyncio.sleep(0.05)
    assert other.cuts == 0, "what has arrived may take its time"
    share.done(other)
