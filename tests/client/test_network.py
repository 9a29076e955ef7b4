"""The network breaks at the worst moment, and no command runs twice."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing

import pytest

from robotq.client import Client, Refused, TaskCancelled, Unreachable
from robotq.testing.daemon import Daemon

from .conftest import BY_HAND, GO_AWAY, GO_HOME
from .proxy import Fault, Proxy

_LOST = [Fault.LOSE, Fault.CUT, Fault.GATEWAY]


@pytest.fixture
def far(network: Proxy) -> Client:
    """A client behind the network."""
    return Client(network.url, retry_s=5, timeout_s=5, language="en")


@pytest.mark.parametrize("fault", Fault)
def test_submit__counts_once_whatever_the_network_does(
    fault: Fault, network: Proxy, far: Client, robotq_daemon: Daemon
) -> None:
    network.faults.extend([fault] * 2)
    task = far.run(GO_AWAY)
    assert task.completed
    status = far.queue_status()
    assert (status.total_tasks, status.completed_tasks) == (1, 1)
    assert {motion["task_id"] for motion in robotq_daemon.motions()} == {task.task_id}


def test_stop__whose_answer_was_long_in_coming_and_is_lost_is_sent_again(network: Proxy) -> None:
    """The time for which it is tried again begins when an attempt has come to nothing."""
    network.faults.append(Fault.LOSE)
    network.late_s = 0.05
    stopped = Client(network.url, retry_s=0.02, timeout_s=5).estop()
    assert stopped.latched
    assert network.requests == [b"POST /estop HTTP/1.1"] * 2


@pytest.mark.parametrize("fault", [Fault.LOSE, Fault.CUT])
def test_batch__counts_once_too(fault: Fault, network: Proxy, far: Client) -> None:
    network.faults.extend([fault] * 2)
    batch = far.submit_batch([GO_HOME, GO_HOME])
    far.wait_all(batch.task_ids)
    assert far.queue_status().total_tasks == 2


@pytest.mark.parametrize("fault", _LOST)
def test_signal__is_never_sent_twice(
    fault: Fault, network: Proxy, far: Client, robotq_client: Client
) -> None:
    network.faults.append(fault)
    with pytest.raises(Unreachable, match="may have been carried out") as lost:
        far.immediate("START_WORKING")
    assert lost.value.maybe_done
    assert lost.value.idempotency_key is None
    with closing(robotq_client.events(last_event_id=0, kind="command.control")) as events:
        first = next(events)
    assert first.data["cmd_type"] == "START_WORKING"
    assert sum(b"POST / " in request for request in network.requests) == 1


@pytest.mark.parametrize("fault", _LOST)
def test_submit__of_a_command_that_acts_at_once_is_not_sent_twice_either(
    fault: Fault, network: Proxy, far: Client
) -> None:
    network.faults.append(fault)
    with pytest.raises(Unreachable, match="acts at once"):
        far.submit("START_WORKING")
    assert sum(b"POST / " in request for request in network.requests) == 1


Action = Callable[[Client, str], object]


@pytest.mark.parametrize(
    "action",
    [
        lambda client, _: client.resume(holds=["hold_of_before"]),
        lambda client, _: client.reset_estop(holds=["hold_of_before"]),
        lambda client, _: client.resume_motion("robot_b", holds=["hold_of_before"]),
        lambda client, _: client.request("POST", "/queue/resume", {}),
    ],
    ids=["resume", "reset", "resume_motion", "other"],
)
def test_what_lets_robots_move__is_not_sent_twice(
    action: Action, network: Proxy, far: Client, robotq_client: Client
) -> None:
    ended = robotq_client.run(GO_HOME).task_id
    robotq_client.estop()
    network.faults.append(Fault.LOSE)
    with pytest.raises(Unreachable) as lost:
        action(far, ended)
    assert lost.value.maybe_done
    assert len(network.requests) == 1


def test_what_never_arrived__is_tried_again_whatever_it_is(network: Proxy, far: Client) -> None:
    # nobody listens any more: the connection itself is refused
    with closing(Client("http://127.0.0.1:1", retry_s=0.3, timeout_s=1).events()) as events:
        started = time.monotonic()
        with pytest.raises(Unreachable, match="did not reach the daemon"):
            next(events)
        assert time.monotonic() - started < 5
    with pytest.raises(Unreachable) as gone:
        Client("http://127.0.0.1:1", retry_s=0.2).submit(GO_HOME)
    assert not gone.value.maybe_done
    assert gone.value.idempotency_key


def test_given_up__says_with_which_key_it_can_go_on(network: Proxy, robotq_client: Client) -> None:
    network.faults.extend([Fault.LOSE] * 50)
    impatient = Client(network.url, retry_s=0.3, timeout_s=5)
    with pytest.raises(Unreachable) as lost:
        impatient.submit(GO_HOME)
    assert lost.value.maybe_done
    network.faults.clear()
    again = impatient.submit(GO_HOME, idempotency_key=lost.value.idempotency_key)
    assert robotq_client.wait(again.task_id).completed
    assert robotq_client.queue_status().total_tasks == 1


def test_cancel__whose_answer_was_lost_has_worked(network: Proxy, far: Client) -> None:
    accepted = far.submit(BY_HAND)
    network.faults.append(Fault.LOSE)
    task = far.cancel(accepted.task_id)
    with pytest.raises(TaskCancelled):
        task.check()
    with pytest.raises(Refused, match="wrong_state"):
        far.cancel(accepted.task_id)


def test_stop__is_tried_until_it_is_answered(network: Proxy, far: Client) -> None:
    network.faults.extend([Fault.REFUSE, Fault.LOSE, Fault.CUT])
    assert far.estop("smoke").latched


def test_events__none_is_missed_and_none_comes_twice(
    network: Proxy, far: Client, robotq_client: Client
) -> None:
    found = []
    with closing(far.events(last_event_id=0)) as events:
        for number in range(3):
            network.cut_all()
            network.faults.extend([Fault.REFUSE] * number)
            task = robotq_client.run(GO_HOME)
            for event in events:
                found.append(event)
                if event.kind == "task.completed" and event.task_id == task.task_id:
                    break
    ids = [event.id for event in found]
    assert ids == list(range(1, len(ids) + 1))
    assert len([event for event in found if event.kind == "task.completed"]) == 3


def test_events__begin_with_the_next_one_without_a_gap(
    network: Proxy, far: Client, robotq_client: Client
) -> None:
    robotq_client.run(GO_HOME)
    with closing(far.events(kind="task.")) as events:

        def break_it() -> None:
            network.cut_all()
            robotq_client.run(GO_AWAY)

        connected = threading.Timer(0.3, break_it)
        connected.start()
        # what happens between two connections is told by the second one
        first = next(events)
        connected.join()
    assert first.kind == "task.submitted"
    assert first.after == "pending"


def test_events__of_one_task_tell_its_life(robotq_client: Client) -> None:
    task = robotq_client.run(GO_AWAY)
    with closing(robotq_client.events(last_event_id=0, task_id=task.task_id)) as events:
        kinds = []
        for event in events:
            kinds.append(event.kind)
            if event.kind == "task.completed":
                break
    assert kinds[0] == "task.submitted"
    assert "task.claimed" in kinds
