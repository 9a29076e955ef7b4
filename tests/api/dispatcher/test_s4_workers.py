"""The dispatcher's checklist, 14 to 21 and 26 to 27: what workers hear and say."""

from __future__ import annotations

import asyncio

import orjson

from tests.workers.conftest import START_MS

from .conftest import NOBODY, WORKER, Dispatcher


async def test_s4_14__a_worker_is_greeted_with_its_name(api: Dispatcher) -> None:
    async with await api.worker() as first, await api.worker("gpu-cluster") as second:
        for number, worker in enumerate((first, second), 1):
            assert WORKER.fullmatch(worker.name)
            assert worker.name.startswith(f"W{number}-{START_MS % 10_000:04d}")
            assert worker.hello == {
                "type": "connected",
                "workerId": worker.name,
                "message": "Connected to Task Dispatcher",
            }


async def test_s4_15__ready_brings_a_queued_task_at_once(api: Dispatcher) -> None:
    async with await api.worker("other"):
        task_id = await api.submit()
        async with await api.worker() as worker:
            await worker.say(type="ready")
            assert (await worker.task())["taskId"] == task_id
            # whoever has a task does not get another one by saying so
            await api.submit()
            await worker.say(type="ready")
            await worker.pong()
            await worker.silence()


async def test_s4_15__a_worker_that_never_says_ready_gets_tasks_too(api: Dispatcher) -> None:
    async with await api.worker() as worker:
        task_id = await api.submit()
        assert (await worker.task())["taskId"] == task_id


async def test_s4_16__a_task_has_exactly_the_documented_fields(api: Dispatcher) -> None:
    async with await api.worker() as worker:
        task_id = await api.submit({"prompt": "美丽的少女", "model": "jimeng-4.0"}, model="m")
        assert await worker.task() == {
            "type": "task",
            "taskId": task_id,
            "payload": {"model": "m", "data": {"prompt": "美丽的少女", "model": "jimeng-4.0"}},
        }


async def test_s4_17__ping_gets_pong(api: Dispatcher) -> None:
    async with await api.worker() as worker:
        await worker.say(type="ping")
        assert await worker.hear() == {"type": "pong"}
        await worker.ws.ping(b"x")
        await worker.pong()


async def test_s4_18__one_task_at_a_time_and_the_others_wait_in_line(api: Dispatcher) -> None:
    async with await api.worker() as worker:
        ids = [await api.submit({"n": number}) for number in range(5)]
        for task_id in ids:
            assert (await worker.task())["taskId"] == task_id
            await worker.pong()
            await worker.silence(0.01)
            await worker.complete(task_id)


async def test_s4_18__many_at_once_never_get_the_same(api: Dispatcher) -> None:
    workers = [await (await api.worker()).__aenter__() for _ in range(10)]
    seen: list[str] = []

    async def work(number: int) -> None:
        worker = workers[number]
        for _ in range(3):
            task = await worker.task()
            seen.append(task["taskId"])
            await worker.complete(task["taskId"], number)

    working = [asyncio.create_task(work(number)) for number in range(10)]
    answers = await asyncio.gather(*(api.post({"data": {"n": n}}) for n in range(30)))
    await asyncio.gather(*working)
    assert len(seen) == len(set(seen)) == 30
    assert {answer.body["taskId"] for answer in answers} == set(seen)
    for worker in workers:
        await worker.ws.close()


async def test_s4_19__a_task_goes_to_workers_of_its_group_only(api: Dispatcher) -> None:
    async with await api.worker("gpu-cluster") as gpu, await api.worker() as default:
        task_id = await api.submit(group="gpu-cluster")
        assert (await gpu.task())["taskId"] == task_id
        await default.silence()
        await gpu.complete(task_id)
        plain = await api.submit()
        assert (await default.task())["taskId"] == plain
        await gpu.silence()
        assert (await api.task(plain))["workerId"] == default.name


async def test_s4_19__without_a_group_a_worker_is_of_the_default_one(api: Dispatcher) -> None:
    async with await api.worker("") as worker:
        task_id = await api.submit(group="default")
        assert (await worker.task())["taskId"] == task_id


async def test_s4_20__a_group_without_workers_holds_up_no_other(api: Dispatcher) -> None:
    async with await api.worker() as worker:
        stuck = await api.submit(group="nobody")
        task_id = await api.submit()
        assert (await worker.task())["taskId"] == task_id
        assert (await api.task(stuck))["status"] == "queued"
        async with await api.worker("nobody") as late:
            assert (await late.task())["taskId"] == stuck


async def test_s4_21__a_late_result_changes_nothing(api: Dispatcher) -> None:
    async with await api.worker() as worker:
        task_id = await api.submit(timeout=5_000)
        await worker.task()
        await api.after(5)
        failed = await api.task(task_id)
        await worker.complete(task_id, "too late")
        await worker.pong()
        assert await api.task(task_id) == failed
        # and it does not end what the worker has by now
        other = await api.submit()
        await worker.task()
        await worker.complete(task_id, "too late")
        await worker.pong()
        assert (await api.task(other))["status"] == "executing"


async def test_s4_21__only_who_has_a_task_can_end_it(api: Dispatcher) -> None:
    async with await api.worker() as worker, await api.worker("other") as stranger:
        task_id = await api.submit()
        await worker.task()
        await stranger.complete(task_id, "mine")
        await stranger.pong()
        assert (await api.task(task_id))["status"] == "executing"
        await worker.complete(task_id, "right")
        assert (await api.until(task_id, "completed"))["result"] == "right"


async def test_s4_26__the_next_task_comes_without_a_new_ready(api: Dispatcher) -> None:
    async with await api.worker() as worker:
        await worker.say(type="ready")
        ids = [await api.submit() for _ in range(3)]
        for task_id in ids:
            assert (await worker.task())["taskId"] == task_id
            await worker.complete(task_id)


async def test_s4_27__what_nobody_understands_is_passed_over(api: Dispatcher) -> None:
    async with await api.worker() as worker:
        task_id = await api.submit()
        await worker.task()
        for text in ("", "{", "[]", "null", "7", '"ready"', '{"type": 7}', '{"type": "dance"}'):
            await worker.ws.send_str(text)
        await worker.ws.send_bytes(b"\xff\xfe\x00")
        for said in (
            {"type": "task_complete"},
            {"type": "task_complete", "taskId": 7},
            {"type": "task_complete", "taskId": "nobody"},
            {"type": "task_complete", "taskId": NOBODY, "result": 1},
            {"type": "task_error", "taskId": [], "error": {}},
        ):
            await worker.say(**said)
        await worker.pong()
        await worker.ws.send_bytes(
            orjson.dumps({"type": "taskResult", "taskId": task_id, "result": "fine"})
        )
        assert (await api.until(task_id, "completed"))["result"] == "fine"
