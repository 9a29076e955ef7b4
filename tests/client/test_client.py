"""A program that blocks drives a lab with `robotq.Client`."""

from __future__ import annotations

import inspect

import pytest

import robotq
from robotq.client import (
    AsyncClient,
    Client,
    NotFinished,
    OutcomeUnknown,
    Refused,
    Task,
    TaskCancelled,
    TaskFailed,
    WrongKind,
)
from robotq.model.task import TaskState
from robotq.testing.daemon import Daemon

from .conftest import BY_HAND, GO_AWAY, GO_HOME, PICK_UP_NOTHING


def test_names__are_at_the_top() -> None:
    assert (robotq.Client, robotq.AsyncClient) == (Client, AsyncClient)
    with pytest.raises(AttributeError, match="Klient"):
        _ = robotq.Klient


def test_run__is_the_completed_task(robotq_client: Client, robotq_daemon: Daemon) -> None:
    seen: list[Task] = []
    task = robotq_client.run(
        "SCAN_QRCODE", {"run_times": "continue"}, cmd_id="morning", progress=seen.append
    )
    assert (task.state, task.cmd_id, task.robot_id) == (TaskState.COMPLETED, "morning", "robot_a")
    assert task.result is not None
    assert task.result["success"]
    assert task.steps[0].state == "completed"
    assert seen[-1] == task
    motions = robotq_daemon.motions()
    assert {(motion["task_id"], motion["attempt"]) for motion in motions} == {(task.task_id, 1)}


def test_submit__takes_a_command_file_and_fields_over_it(robotq_client: Client) -> None:
    robotq_client.pause()
    accepted = robotq_client.submit(GO_HOME, robot_id="robot_b", priority=3, cmd_id="b1")
    assert accepted.queue_size == 1
    assert accepted.idempotency_key
    task = robotq_client.task(accepted.task_id)
    assert (task.robot_id, task.priority, task.cmd_id, task.position) == ("robot_b", 3, "b1", 1)
    assert [hold.code for hold in task.holds] == ["paused"]
    again = robotq_client.submit(
        GO_HOME,
        robot_id="robot_b",
        priority=3,
        cmd_id="b1",
        idempotency_key=accepted.idempotency_key,
    )
    assert again.task_id == accepted.task_id


def test_failure__has_the_stable_code(robotq_client: Client) -> None:
    with pytest.raises(TaskFailed) as failure:
        robotq_client.run(PICK_UP_NOTHING)
    assert (failure.value.code, failure.value.number) == ("device_error", 5001)
    assert failure.value.task.ended
    assert "bottle_of_another_lab" in failure.value.message


def test_refusal__has_the_stable_code(robotq_client: Client) -> None:
    with pytest.raises(Refused) as refusal:
        robotq_client.submit("NAVIGATE")
    assert (refusal.value.code, refusal.value.status) == ("unknown_command", 400)
    assert refusal.value.body["suggestions"]
    assert not refusal.value.retry
    with pytest.raises(Refused, match="bad_parameter") as bad:
        robotq_client.submit("NAVIGATION", {"area": 5})
    assert bad.value.body["field"] == "params.area"


def test_wait__ends_when_its_time_is_over(robotq_client: Client) -> None:
    robotq_client.pause()
    accepted = robotq_client.submit(GO_HOME)
    with pytest.raises(NotFinished) as end:
        robotq_client.wait(accepted.task_id, timeout_s=0.05)
    assert end.value.task.state is TaskState.PENDING
    assert isinstance(end.value, TimeoutError)
    assert robotq_client.resume() == ()
    assert robotq_client.wait(accepted.task_id).completed


def test_question__is_answered(robotq_client: Client) -> None:
    accepted = robotq_client.submit(BY_HAND)
    answered: list[int | None] = []

    def answer(task: Task) -> None:
        # the record shows the question until what follows from its answer is written
        if task.waiting_for is not None and task.waiting_for.asked_at_ms not in answered:
            answered.append(task.waiting_for.asked_at_ms)
            assert task.waiting_for.prompt == "Open the door"
            robotq_client.answer_task(task.task_id, {"done": True})

    task = robotq_client.wait(accepted.task_id, progress=answer, interval_s=0.01)
    assert task.completed


def test_cancel_many__calls_off_what_was_counted(robotq_client: Client) -> None:
    robotq_client.pause()
    ids = [robotq_client.submit(GO_HOME).task_id for _ in range(3)]
    found = robotq_client.to_cancel(task_ids=ids)
    assert (found.matching, found.robots) == (3, {"robot_a": 3})
    assert robotq_client.cancel_many(found, "by mistake").cancelled == 3
    assert robotq_client.cancel_many(found, "by mistake").cancelled == 3
    late = robotq_client.to_cancel(all=True)
    robotq_client.submit(GO_HOME)
    assert robotq_client.cancel_many(late).states == {}
    robotq_client.cancel_many(robotq_client.to_cancel(robot_id="robot_a"))
    robotq_client.resume()


def test_decision__is_about_what_was_seen_and_about_nothing_newer(robotq_client: Client) -> None:
    asking = robotq_client.submit(BY_HAND)
    answered = set()

    def answer(task: Task) -> None:
        # a question stands on its task until the command has taken the answer
        if task.waiting_for is not None and task.waiting_for.asked_at_ms not in answered:
            question = task.waiting_for.asked_at_ms
            assert question is not None
            answered.add(question)
            with pytest.raises(Refused, match="no_question"):
                robotq_client.answer_task(task.task_id, {"done": True}, question=question - 1)
            robotq_client.answer_task(task.task_id, {"done": True}, question=question)

    assert robotq_client.wait(asking.task_id, progress=answer, interval_s=0.01).completed
    (seen,) = robotq_client.pause("robot_a", "cleaning")
    (newer,) = robotq_client.pause("robot_a", "hands in the cell")
    with pytest.raises(Refused, match="not_what_was_meant"):
        robotq_client.resume(holds=[seen.id])
    # who has seen nothing means nothing of what is there
    with pytest.raises(Refused, match="not_what_was_meant"):
        robotq_client.resume(holds=[])
    assert robotq_client.resume(holds=[newer.id]) == ()
    (held,) = robotq_client.hold_motion("robot_a")
    (again,) = robotq_client.hold_motion("robot_a")
    with pytest.raises(Refused, match="not_what_was_meant"):
        robotq_client.resume_motion("robot_a", holds=[held.id])
    (paused,) = robotq_client.resume_motion("robot_a", holds=[again.id], then="stay_paused")
    assert paused.code == "paused"
    assert robotq_client.resume() == ()


def test_cancel__is_told_as_such(robotq_client: Client) -> None:
    accepted = robotq_client.submit(BY_HAND)
    task = robotq_client.cancel(accepted.task_id, "wrong door")
    assert task.cancelled
    assert "wrong door" in str(task.raw["error"])
    with pytest.raises(TaskCancelled, match="cancelled"):
        task.check()
    with pytest.raises(Refused, match="wrong_state"):
        robotq_client.cancel(accepted.task_id)


def test_estop__is_latched_and_its_reset_moves_nothing(robotq_client: Client) -> None:
    stopped = robotq_client.estop("test")
    assert stopped.latched
    assert robotq_client.estop_state().latched
    accepted = robotq_client.submit(GO_HOME)
    assert {hold.code for hold in robotq_client.task(accepted.task_id).holds} == {"estop"}
    assert not robotq_client.reset_estop().latched
    assert [hold.code for hold in robotq_client.robot("robot_a").holds] == ["paused"]
    assert robotq_client.resume() == ()
    assert robotq_client.wait(accepted.task_id).completed


def test_outcome_unknown__is_an_error_of_its_own() -> None:
    lost = {
        "task_id": "task_1",
        "state": "failed",
        "cmd_type": "NAVIGATION",
        "robot_id": "robot_a",
        "submitted_at_ms": 1,
        "code": 3021,
        "error_code": "outcome_unknown",
        "message": "It is not known how this command ended.",
    }
    task = Task.read(lost)
    assert task.outcome_unknown
    with pytest.raises(OutcomeUnknown):
        task.check()
    resolved = Task.read({**lost, "resolution": {"outcome": "completed"}})
    assert not resolved.outcome_unknown


def test_retry__is_a_new_task(robotq_client: Client) -> None:
    failed = robotq_client.wait(robotq_client.submit(PICK_UP_NOTHING).task_id)
    again = robotq_client.retry(failed.task_id)
    assert again.retry_of == failed.task_id
    assert robotq_client.wait(again.task_id).error_code == "device_error"


def test_batch__is_all_or_nothing(robotq_client: Client) -> None:
    batch = robotq_client.submit_batch([GO_AWAY, GO_HOME], contiguous=True)
    tasks = robotq_client.wait_all(batch.task_ids, timeout_s=10)
    assert [task.batch_id for task in tasks] == [batch.batch_id] * 2
    assert all(task.completed for task in tasks)
    with pytest.raises(Refused, match="unknown_command") as refusal:
        robotq_client.submit_batch([GO_AWAY, {"cmd_type": "NO"}])
    assert refusal.value.body["index"] == 1
    assert robotq_client.queue_status().total_tasks == 2


def test_immediate__is_answered_at_once(robotq_client: Client) -> None:
    answer = robotq_client.immediate("GET_BATTERY_STATE", robot_id="robot_b")
    assert answer["simulated"]
    assert robotq_client.queue_status().total_tasks == 0
    with pytest.raises(WrongKind, match="use `submit`") as queued:
        robotq_client.immediate(GO_HOME)
    assert robotq_client.wait(queued.value.answer["task_id"]).completed
    with pytest.raises(WrongKind, match="use `immediate`"):
        robotq_client.submit("GET_BATTERY_STATE")


def test_dry_run__does_nothing(robotq_client: Client) -> None:
    (checked,) = robotq_client.dry_run(GO_HOME)
    assert checked["robot_id"] == "robot_a"
    assert robotq_client.queue_status().total_tasks == 0


def test_tasks__are_read_page_by_page(robotq_client: Client) -> None:
    batch = robotq_client.submit_batch([GO_HOME] * 5)
    robotq_client.wait_all(batch.task_ids)
    page = robotq_client.tasks(limit=2, state="completed")
    assert [line.task_id for line in page.tasks] == list(batch.task_ids[:2:-1])
    rest = robotq_client.tasks(cursor=page.next_cursor)
    assert len(rest.tasks) == 3
    assert rest.next_cursor is None
    found = [line.task_id for line in robotq_client.all_tasks(batch_id=batch.batch_id)]
    assert found == list(reversed(batch.task_ids))


def test_pause__tells_what_holds(robotq_client: Client) -> None:
    (hold,) = robotq_client.pause("robot_a", "cleaning")
    assert (hold.robot_id, hold.code) == ("robot_a", "paused")
    assert "cleaning" in hold.reason
    assert hold.clear["path"] == "/queue/resume"
    status = robotq_client.queue_status()
    assert [found.code for found in status.robots["robot_a"].holds] == ["paused"]
    assert status.robots["robot_b"].holds == ()
    assert robotq_client.resume("robot_a") == ()


def test_motion__is_held_and_goes_on(robotq_client: Client) -> None:
    accepted = robotq_client.submit(BY_HAND)
    robotq_client.hold_motion("robot_b")
    assert robotq_client.robot("robot_b").motion_held
    robotq_client.resume_motion("robot_b")
    assert not robotq_client.robot("robot_b").motion_held
    (hold,) = robotq_client.stop_robot("robot_a", "fire drill")
    assert hold.code == "paused"
    assert robotq_client.wait(accepted.task_id).cancelled


def test_daemon__says_what_it_knows(robotq_client: Client) -> None:
    assert {robot.robot_id for robot in robotq_client.robots()} == {"robot_a", "robot_b"}
    spec = robotq_client.command("SCAN_QRCODE")
    assert (spec.kind, spec.timeout_s) == ("queued", 1800)
    assert spec in robotq_client.commands()
    assert robotq_client.health()["status"] == "ok"
    assert robotq_client.request("GET", "/queue/status", query={"limit": 0})["tasks"] == []


def test_language__is_the_one_that_was_asked_for(robotq_daemon: Daemon) -> None:
    chinese = robotq_daemon.client(language="zh")
    with pytest.raises(Refused, match="任务不存在"):
        chinese.task("task_1")


@pytest.mark.parametrize("url", ["lab", "ftp://lab", "http://", "http://:8090"])
def test_address__has_to_be_one(url: str) -> None:
    with pytest.raises(ValueError, match="no address of a daemon"):
        Client(url)


def test_address__comes_from_the_environment(
    robotq_daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROBOTQ_URL", robotq_daemon.url + "/")
    monkeypatch.setenv("ROBOTQ_KEY", "rq_wrong")
    # without any key at the daemon, none is looked at on loopback
    assert Client().health()["status"] == "ok"


def _methods(client: type) -> dict[str, str]:
    return {
        name: str(inspect.signature(method)) + (inspect.getdoc(method) or "")
        for name, method in inspect.getmembers(client, inspect.isfunction)
        if not name.startswith("_") and name not in ("close", "events", "all_tasks")
    }


def test_async_client__has_the_same_methods() -> None:
    assert _methods(Client) == _methods(AsyncClient)
    assert inspect.getdoc(Client.events) == inspect.getdoc(AsyncClient.events)
