"""The checklist of the task queue interface, line by line."""

from __future__ import annotations

import asyncio
import uuid
from datetime import datetime
from pathlib import Path

import pytest

from robotq.store.sqlite.store import SqliteStore
from robotq.workers import Workers
from tests.crash.process import DaemonProcess
from tests.slices import each

from .conftest import OpenQueue, Queue, running_queue


async def test_s0_01__the_root_lists_every_endpoint(queue: Queue) -> None:
    body = (await queue.get("/")).body
    assert (body["name"], isinstance(body["version"], str)) == ("Task Queue API", True)
    documented = {
        "GET /",
        "GET /health",
        "GET /api/stats",
        "POST /api/tasks",
        "GET /api/tasks/{task_id}/result",
        "POST /api/tasks/next",
        "POST /api/tasks/{task_id}/result",
        "GET /api/tasks",
        "POST /api/tasks/{task_id}/claim",
    }
    assert documented <= set(body["endpoints"])
    assert all(body["endpoints"].values())


async def test_s0_02__health_is_ok(queue: Queue) -> None:
    answer = await queue.get("/health")
    assert (answer.status, answer.body["status"]) == (200, "ok")


async def test_s0_03__stats_have_four_fields_and_absolute_paths(queue: Queue) -> None:
    body = (await queue.get("/api/stats")).body
    assert set(body) == {"completed_tasks", "pending_tasks", "tasks_dir", "results_dir"}
    assert Path(body["tasks_dir"]).is_absolute()
    assert Path(body["results_dir"]).is_absolute()


async def test_s0_04__a_task_is_created_and_has_a_uuid(queue: Queue) -> None:
    body = {"task_type": "ping", "data": {"a": [1]}, "requester": "me"}
    answer = await queue.post("/api/tasks", body)
    assert answer.status == 201
    assert answer.body["success"] is True
    assert answer.body["message"] == "Task created: ping"
    assert str(uuid.UUID(answer.body["task_id"])) == answer.body["task_id"]
    task = await queue.next()
    assert (task["id"], task["type"], task["data"], task["requester"]) == (
        answer.body["task_id"],
        "ping",
        {"a": [1]},
        "me",
    )
    assert datetime.fromisoformat(task["created_at"]).tzinfo is not None


@pytest.mark.parametrize("body", [{"data": {}}, {"task_type": ""}, {"task_type": None, "a": 1}])
async def test_s0_05__without_a_task_type_it_is_refused(queue: Queue, body: object) -> None:
    answer = await queue.post("/api/tasks", body)
    assert (answer.status, answer.body) == (400, {"error": "task_type is required"})


async def test_s0_06__data_and_requester_may_be_left_out(queue: Queue) -> None:
    await queue.submit()
    task = await queue.next()
    assert (task["data"], task["requester"]) == ({}, "http-client")


async def test_s0_07__a_result_is_404_until_it_is_there(queue: Queue) -> None:
    task_id = await queue.submit()
    for _ in range(2):
        answer = await queue.result(task_id)
        assert (answer.status, answer.body) == (404, {"error": "Result not found"})
        await queue.next()
    await queue.finish(task_id, data={"message": "pong"})
    assert (await queue.result(task_id)).status == 200
    assert (await queue.result(str(uuid.uuid4()))).status == 404


async def test_s0_08__a_result_has_the_fields_of_the_documented_print_out(queue: Queue) -> None:
    task_id = await queue.submit()
    await queue.next("comet-extension")
    data = {"message": "pong"}
    await queue.finish(task_id, worker_id="comet-extension", status="success", data=data)
    result = (await queue.result(task_id)).body
    assert datetime.fromisoformat(result.pop("completed_at")).tzinfo is not None
    assert result == {
        "task_id": task_id,
        "worker": "comet-extension",
        "status": "success",
        "data": {"message": "pong"},
        "error_message": None,
    }


async def test_s0_09__next_hands_out_the_oldest_and_to_nobody_else(queue: Queue) -> None:
    ids = [await queue.submit(str(number)) for number in range(3)]
    assert [(await queue.next(f"w{n}"))["id"] for n in range(3)] == ids
    assert await queue.next("w3") is None
    task = (await queue.get(f"/api/tasks/{ids[1]}")).body
    assert (task["status"], task["assigned_to"]) == ("in_progress", "w1")


async def test_s0_10__next_on_an_empty_queue_is_200_and_null(queue: Queue) -> None:
    answer = await queue.post("/api/tasks/next")
    assert (answer.status, answer.body) == (200, {"task": None})


async def test_s0_11__a_result_is_stored_and_counted(queue: Queue) -> None:
    first, second = await queue.submit(), await queue.submit()
    assert await queue.stats() == (0, 2)
    await queue.next()
    assert await queue.stats() == (0, 1), "one that is being worked on is in neither"
    answer = await queue.finish(first)
    assert answer.body == {
        "success": True,
        "task_id": first,
        "message": "Result saved successfully",
    }
    assert await queue.stats() == (1, 1)
    await queue.next()
    await queue.finish(second, status="error", error_message="no")
    assert await queue.stats() == (2, 0), "errors are results too"


async def test_s0_12__a_failure_reaches_the_submitter(queue: Queue) -> None:
    task_id = await queue.submit()
    await queue.next()
    await queue.finish(task_id, worker_id="w1", status="error", error_message="division by zero")
    result = (await queue.result(task_id)).body
    assert (result["status"], result["error_message"]) == ("error", "division by zero")
    assert (await queue.get(f"/api/tasks/{task_id}")).body["status"] == "failed"


async def test_s0_21__tasks_and_results_survive_a_restart(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    async with running_queue(folder, SqliteStore(folder)) as queue:
        done, waiting, running = [await queue.submit(str(n)) for n in range(3)]
        assert (await queue.next())["id"] == done
        await queue.finish(done, data={"n": 1})
        claimed = await queue.post(f"/api/tasks/{running}/claim", {"worker_id": "w2"})
        assert claimed.status == 200
        before = (await queue.result(done)).body
    async with running_queue(folder, SqliteStore(folder)) as queue:
        assert (await queue.result(done)).body == before
        assert await queue.stats() == (1, 1)
        assert (await queue.next())["id"] == waiting
        assert (await queue.finish(running, worker_id="w2")).status == 200
        assert await queue.stats() == (2, 0)


async def test_s0_23__a_port_that_is_taken_is_told_and_ends_with_an_error(tmp_path: Path) -> None:
    async with asyncio.timeout(60):
        taken = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        port = taken.sockets[0].getsockname()[1]
        environ = {"ROBOTQ_INTERFACES__TASK_QUEUE__PORT": str(port)}
        daemon = DaemonProcess(tmp_path / "data", time_scale=0, environ=environ)
        assert not await daemon.start()
        assert daemon.exit_code == 1
        log = await asyncio.to_thread(daemon.log.read_text)
        assert str(port) in log
        assert "Traceback" not in log
        taken.close()
        await taken.wait_closed()


async def test_s0_25__many_workers_at_once_never_get_one_task_twice(queue: Queue) -> None:
    ids = {await queue.submit() for _ in range(60)}

    async def work(name: str) -> list[str]:
        got: list[str] = []
        while (task := await queue.next(f"{name}.{len(got)}")) is not None:
            got.append(task["id"])
        return got

    done = [i for got in await asyncio.gather(*(work(f"w{n}") for n in range(50))) for i in got]
    assert len(done) == 60
    assert set(done) == ids


async def test_s0_26__pages_of_allowed_origins_can_call_it_and_no_others(
    open_queue: OpenQueue,
) -> None:
    lab, extension = "http://lab.example:3000", "chrome-extension://abcdefghijklmnop"
    queue = await open_queue(allowed_origins=[lab, extension])
    for origin in (lab, extension):
        page = {"Origin": origin, "Sec-Fetch-Site": "cross-site"}
        asked = {
            **page,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        }
        for path in ("/api/tasks", "/api/tasks/next", "/api/tasks/x/result"):
            preflight = await queue.ask("OPTIONS", path, headers=asked)
            assert preflight.status == 204
            assert preflight.headers["Access-Control-Allow-Origin"] == origin
            assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
            assert preflight.headers["Access-Control-Allow-Headers"] == "content-type"
        answers = [
            await queue.post("/api/tasks", {"task_type": "ping"}, headers=page),
            await queue.post("/api/tasks", {}, headers=page),
            await queue.get("/api/stats", headers=page),
            await queue.get("/nowhere", headers=page),
        ]
        assert [answer.status for answer in answers] == [201, 400, 200, 404]
        for answer in answers:
            assert answer.headers["Access-Control-Allow-Origin"] == origin
            assert answer.headers["Vary"] == "Origin"
    for origin in ("https://page.example", "http://lab.example", "null", f"{lab}.evil"):
        page = {"Origin": origin, "Sec-Fetch-Site": "cross-site"}
        refused = await queue.post("/api/tasks", {"task_type": "ping"}, headers=page)
        assert refused.status == 403
        assert "allowed_origins" in refused.text, "the refusal names what lets it in"
        assert "Access-Control-Allow-Origin" not in refused.headers


async def test_s0_27__the_planned_pollers_contract(queue: Queue) -> None:
    task_id = await queue.submit("ping", data={"n": 1})
    answer = await queue.post("/api/tasks/next", {"worker_id": "comet-extension"})
    task = answer.body["task"]
    assert (task["id"], task["type"], task["data"]) == (task_id, "ping", {"n": 1})
    body = {"worker_id": "comet-extension", "status": "success", "data": {"message": "pong"}}
    assert (await queue.post(f"/api/tasks/{task_id}/result", body)).status == 200
    assert (await queue.post("/api/tasks/next", {"worker_id": "w"})).body == {"task": None}


BAD = [
    ("POST", "/api/tasks", b"{not json", 400),
    ("POST", "/api/tasks", b"[1]", 400),
    ("POST", "/api/tasks", b"\xff", 400),
    ("POST", "/api/tasks", b"", 400),
    ("POST", "/api/tasks", b"null", 400),
    ("POST", "/api/tasks", b'{"task_type": 5}', 400),
    ("POST", "/api/tasks", b'{"task_type": "a", "data": [1]}', 400),
    ("POST", "/api/tasks", b'{"task_type": "a", "requester": {}}', 400),
    ("POST", "/api/tasks", b'{"task_type": "a", "data": {"n": NaN}}', 400),
    ("POST", "/api/tasks/next", b"[]", 400),
    ("POST", "/api/tasks/next", b'{"worker_id": 5}', 400),
    ("POST", "/api/tasks/next?wait=long", b"", 400),
    ("POST", "/api/tasks/x/result", b"{}", 404),
    ("POST", "/api/tasks/x/result", b'{"status": 1}', 400),
    ("POST", "/api/tasks/x/claim", b"{}", 404),
    ("GET", "/api/tasks/x", None, 404),
    ("GET", "/api/tasks?limit=x", None, 400),
    ("GET", "/api/results/x", None, 404),
    ("GET", "/nowhere", None, 404),
    ("DELETE", "/api/tasks/x", None, 405),
    ("PUT", "/api/tasks", None, 405),
]


@each(("method", "path", "body", "status"), BAD)
async def test_s0_28__every_error_is_json_with_error(
    queue: Queue, method: str, path: str, body: bytes | None, status: int
) -> None:
    answer = await queue.ask(method, path, body)
    assert answer.status == status, answer.text
    assert answer.body["error"]


async def test_s0_28__an_empty_submit_has_the_documented_text(queue: Queue) -> None:
    for body in (b"", b"{}", b"null"):
        answer = await queue.post("/api/tasks", body)
        assert answer.body == {"error": "No JSON data provided"}


# -- what the checklist leaves to the decisions ------------------------------------------------


async def test_lease__a_worker_that_dies_gives_its_task_back(queue: Queue) -> None:
    task_id = await queue.submit()
    task = await queue.next("dies")
    assert task["lease"]["seconds"] == 120
    await queue.after(121)
    assert (await queue.get(f"/api/tasks/{task_id}")).body["status"] == "pending"
    assert (await queue.next("lives"))["id"] == task_id
    late = await queue.finish(task_id, worker="dies")
    assert late.status == 409
    assert (await queue.finish(task_id, worker="lives")).status == 200
    assert (await queue.result(task_id)).body["worker"] == "lives"


async def test_lease__over_and_taken_by_nobody_still_takes_the_result(queue: Queue) -> None:
    task_id = await queue.submit()
    await queue.next("slow")
    await queue.after(121)
    assert (await queue.finish(task_id, worker_id="slow")).status == 200


async def test_second_result__the_same_is_200_and_another_409(queue: Queue) -> None:
    task_id = await queue.submit()
    await queue.next()
    for _ in range(2):
        assert (await queue.finish(task_id, worker_id="w1", data={"n": 1})).status == 200
    assert (await queue.finish(task_id, worker_id="w1", data={"n": 2})).status == 409
    assert (await queue.finish(task_id, worker_id="w2", data={"n": 1})).status == 409
    assert (await queue.result(task_id)).body["data"] == {"n": 1}
    assert await queue.stats() == (1, 0)


async def test_result__of_somebody_who_does_not_say_who(queue: Queue) -> None:
    task_id = await queue.submit()
    await queue.next("comet-extension")
    assert (await queue.finish(task_id, data={"message": "pong"})).status == 200
    assert (await queue.result(task_id)).body["worker"] == "comet-extension"


async def test_result__of_a_task_that_was_never_handed_out_is_taken(queue: Queue) -> None:
    task_id = await queue.submit()
    assert (await queue.finish(task_id, data={"by": "file"})).status == 200
    assert (await queue.result(task_id)).body["worker"] == "comet-browser"
    assert await queue.next() is None


async def test_claim__takes_exactly_this_task(queue: Queue) -> None:
    first, second = await queue.submit("a"), await queue.submit("b", data={"n": 2})
    answer = await queue.post(f"/api/tasks/{second}/claim", {"worker_id": "w1"})
    assert answer.body["success"] is True
    task = answer.body["task"]
    assert (task["id"], task["type"], task["data"], task["assigned_to"]) == (
        second,
        "b",
        {"n": 2},
        "w1",
    )
    answer = await queue.post(f"/api/tasks/{second}/claim", {"worker_id": "w2"})
    assert (answer.status, answer.body) == (404, {"error": "Task not available"})
    assert (await queue.next("w2"))["id"] == first


async def test_next__whose_answer_was_lost_gives_its_worker_the_same_task_again(
    queue: Queue,
) -> None:
    """A worker that asks once more has not got what it was given; an hour of waiting for the
    lease helps nobody."""
    first, second = await queue.submit("a"), await queue.submit("b")
    assert (await queue.next("w1"))["id"] == first
    assert (await queue.next("w1"))["id"] == first
    assert (await queue.next("w2"))["id"] == second
    assert (await queue.finish(first, worker="w1")).status == 200
    assert await queue.next("w1") is None


async def test_next__by_get_is_the_bare_task_that_browser_extensions_read(
    queue: Queue,
) -> None:
    task_id = await queue.submit("ping", data={"n": 1})
    extension = {"headers": {"X-Worker-Name": "tab 1"}}
    answer = await queue.get("/api/tasks/next", **extension)
    assert (answer.body["task_id"], answer.body["type"]) == (task_id, "ping")
    assert answer.body["data"] == {"n": 1}
    assert (await queue.get("/api/tasks/next", **extension)).body["task_id"] == task_id
    other = await queue.get("/api/tasks/next")
    assert (other.status, other.body) == (200, {"task": None})
    assert (await queue.get(f"/api/tasks/{task_id}")).body["assigned_to"] == "tab 1"


async def test_next__by_get_takes_a_task_so_no_page_of_another_site_may_ask(
    queue: Queue,
) -> None:
    await queue.submit()
    page = {"Origin": "https://page.example", "Sec-Fetch-Site": "cross-site"}
    assert (await queue.get("/api/tasks/next", headers=page)).status == 403
    assert await queue.stats() == (0, 1)


async def test_health__says_what_older_clients_read(queue: Queue) -> None:
    await queue.submit()
    health = (await queue.get("/api/health")).body
    assert (health["status"], health["service"]) == ("ok", "task-queue")
    assert (health["queue_size"], health["results_count"]) == (1, 0)
    assert health["timestamp"].endswith("+00:00")


async def test_next__of_workers_without_a_name_never_gives_a_task_twice(queue: Queue) -> None:
    ids = [await queue.submit(), await queue.submit()]
    got = [(await queue.post("/api/tasks/next")).body["task"]["id"] for _ in range(2)]
    assert got == ids


async def test_idempotency_key__makes_one_task_of_a_submit_that_is_sent_twice(
    queue: Queue,
) -> None:
    for path in ("/api/tasks", "/api/tasks/create"):
        key = {"Idempotency-Key": f"order 66{path}".replace(" ", "-")}
        body = {"task_type": "weigh", "type": "weigh", "data": {"bottle": 1}}
        first = await queue.ask("POST", path, body, headers=key)
        again = await queue.ask("POST", path, body, headers=key)
        assert first.body["task_id"] == again.body["task_id"]
        assert "Idempotency-Replayed" not in first.headers
        assert again.headers["Idempotency-Replayed"] == "true"
        other = await queue.ask("POST", path, {**body, "data": {}}, headers=key)
        assert other.status == 409
    assert await queue.stats() == (0, 2)


async def test_list__pending_only_oldest_first(queue: Queue) -> None:
    ids = [await queue.submit("even" if n % 2 == 0 else "odd") for n in range(12)]
    await queue.next()
    body = (await queue.get("/api/tasks")).body
    assert (body["count"], body["total_pending"]) == (10, 11)
    assert [task["id"] for task in body["tasks"]] == ids[1:11]
    assert {task["status"] for task in body["tasks"]} == {"pending"}
    body = (await queue.get("/api/tasks?type=odd&limit=2")).body
    assert (body["count"], body["total_pending"]) == (2, 6)
    assert [task["id"] for task in body["tasks"]] == [ids[1], ids[3]]


async def test_aliases__that_the_ping_client_looks_for(queue: Queue) -> None:
    assert (await queue.get("/api/health")).body["status"] == "ok"
    normal = await queue.post("/api/tasks/create", {"type": "ping", "data": {}})
    urgent = await queue.post("/api/tasks/create?priority=urgent", {"type": "ping"})
    assert normal.status == urgent.status == 200
    assert (urgent.body["message"], urgent.body["priority"]) == ("Task created", "urgent")
    assert (normal.body["queue_position"], urgent.body["queue_position"]) == (1, 1)
    task_id = urgent.body["task_id"]
    assert (await queue.get(f"/api/results/{task_id}")).status == 404
    assert (await queue.next())["id"] == task_id
    await queue.post(f"/api/tasks/{task_id}/result", {"success": False, "error": "no"})
    result = (await queue.get(f"/api/results/{task_id}")).body
    assert (result["status"], result["error_message"]) == ("error", "no")


async def test_prefix__is_the_same_interface(queue: Queue) -> None:
    task_id = await queue.submit()
    below = "/apis/task-queue"
    async with queue.main.get(f"{below}/api/tasks/{task_id}") as response:
        assert (await response.json())["id"] == task_id
    async with queue.main.post(f"{below}/api/tasks/next", data=b"") as response:
        assert (await response.json())["task"]["id"] == task_id
    for path in (below, f"{below}/"):
        async with queue.main.get(path) as response:
            assert (await response.json())["name"] == "Task Queue API"
    async with queue.main.get(f"{below}/nowhere") as response:
        assert (response.status, await response.json()) == (404, {"error": "Not found"})


async def test_robot_interface__reads_all_and_lists_its_own_numbers(queue: Queue) -> None:
    task_id = await queue.submit("ping", data={"n": 1})
    async with queue.main.get(f"/task/{task_id}") as response:
        task = await response.json()
    assert (task["api"], task["status"], task["params"]) == ("task_queue", "pending", {"n": 1})
    async with queue.main.get("/tasks?api=task_queue") as response:
        assert [line["task_id"] for line in (await response.json())["tasks"]] == [task_id]
    async with queue.main.get("/queue/status") as response:
        assert (await response.json())["total_tasks"] == 0
    async with queue.main.post(f"/task/{task_id}/cancel", data=b"") as response:
        assert response.status == 200
    result = (await queue.result(task_id)).body
    assert (result["status"], result["error_message"]) == ("error", "Cancelled.")
    assert (await queue.finish(task_id)).status == 409


async def test_tasks_of_others__are_not_there(queue: Queue) -> None:
    async with queue.main.post("/", json={"cmd_type": "WORK", "params": {}}) as response:
        robots = (await response.json())["task_id"]
    assert (await queue.get(f"/api/tasks/{robots}")).status == 404
    assert (await queue.finish(robots)).status == 404
    assert await queue.stats() == (0, 0)


async def test_wait__is_answered_as_soon_as_a_task_is_there(open_queue: OpenQueue) -> None:
    queue = await open_queue()
    waiting = asyncio.create_task(queue.post("/api/tasks/next?wait=20", {"worker_id": "w1"}))
    while not queue.workers.worker_queue("task_queue").idle(""):  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0.005)
    task_id = await queue.submit()
    assert (await asyncio.wait_for(waiting, 10)).body["task"]["id"] == task_id


async def test_full__is_503_until_there_is_room(open_queue: OpenQueue) -> None:
    queue = await open_queue(max_length=1)
    await queue.submit()
    answer = await queue.post("/api/tasks", {"task_type": "ping"})
    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) > 0
    await queue.next()
    await queue.submit()


async def test_registry__knows_who_was_there(queue: Queue) -> None:
    workers: Workers = queue.workers
    await queue.submit()
    task = await queue.next("w1")
    await queue.next("w2")
    await queue.finish(task["id"], worker="w1")
    async with queue.main.get("/workers") as response:
        found = (await response.json())["workers"]
    assert [(w["worker_id"], w["completed"]) for w in found] == [("w1", 1), ("w2", 0)]
    assert len(workers.registry) == 2
