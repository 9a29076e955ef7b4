"""A robot of ROS behind a daemon, from a client's request to the goal."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from robotq.client import Client
from robotq.client.errors import Refused
from robotq.testing.host import Host
from tests.drivers.rosbridge.site import OPTIONS, Site
from tests.drivers.rosbridge.test_goals import until
from tests.slices import some


class Lab:
    def __init__(self, site: Site, client: Client) -> None:
        self.site = site
        self.client = client

    def begin(self, cmd_type: str, **params: object) -> str:
        return self.client.submit(cmd_type, params).task_id

    def holds(self) -> list[str]:
        return [hold.code for hold in self.client.queue_status("amr").holds]


@pytest.fixture(params=some([False, True], 1), ids=["goals_one_by_one", "goals_in_threads"])
def lab(tmp_path: Path, robotq_host: Host, request: pytest.FixtureRequest) -> Iterator[Lab]:
    with ExitStack() as stack:
        site = Site(tmp_path, goals_in_threads=request.param)
        stack.callback(site.close)
        robot = {
            "driver": "rosbridge",
            "options": {**OPTIONS, "url": site.bridge.url},
            "on_start": "resume",
            "reconnect_s": 0.1,
        }
        (tmp_path / "site.yaml").write_text(json.dumps({"robots": {"amr": robot}}))
        daemon = stack.enter_context(robotq_host.daemon(tmp_path, tmp_path / "site.yaml"))
        client: Client = stack.enter_context(daemon.client())
        until(lambda: client.robot("amr").connected)
        yield Lab(site, client)


def test_command__is_a_goal_and_its_result_that_of_the_task(lab: Lab) -> None:
    task = lab.client.wait(lab.begin("MOVE", steps=5, place="SHELF"))
    assert task.completed
    assert task.result is not None
    assert task.result["travelled"] == 5
    assert lab.site.starts() == 1
    assert lab.client.immediate({"cmd_type": "BATTERY"})["percentage"] == 0.8


def test_params__out_of_bounds_are_refused_when_they_come(lab: Lab) -> None:
    with pytest.raises(Refused) as told:
        lab.begin("MOVE", steps=0)
    assert told.value.code == "bad_parameter"
    assert lab.site.starts() == 0


def test_cancel__ends_the_goal_and_the_next_command_runs(lab: Lab) -> None:
    task_id, after = lab.begin("MOVE", steps=3_000), lab.begin("MOVE", steps=2)
    until(lambda: lab.site.steps() > 3)
    began = time.monotonic()
    lab.client.cancel(task_id)
    assert lab.client.wait(task_id).cancelled
    assert time.monotonic() - began < 2.0
    assert lab.client.wait(after).completed
    assert lab.site.starts() == 2


def test_emergency_stop__ends_the_goal_and_nothing_begins_before_the_reset(lab: Lab) -> None:
    task_id, after = lab.begin("MOVE", steps=3_000), lab.begin("MOVE", steps=2)
    until(lambda: lab.site.steps() > 3)
    lab.client.estop()
    until(lambda: not lab.site.bridge.on_loop(lab.site.move.moving))
    assert not lab.client.wait(task_id).completed
    assert lab.client.task(after).state == "pending"
    assert lab.site.starts() == 1


@pytest.mark.slow
def test_link_that_comes_back__finds_the_goal_under_its_id_and_follows_it(lab: Lab) -> None:
    task_id = lab.begin("MOVE", steps=150)
    until(lambda: lab.client.task(task_id).progress is not None)
    until(lambda: lab.site.steps() > 10)
    lab.site.bridge.disconnect()
    task = lab.client.wait(task_id)
    assert task.completed
    assert task.result is not None
    assert task.result["result_unavailable"]
    assert lab.site.starts() == 1
    assert lab.holds() == []


@pytest.mark.slow
def test_server_that_forgets__leaves_the_outcome_to_a_person(lab: Lab) -> None:
    task_id = lab.begin("MOVE", steps=3_000)
    until(lambda: lab.client.task(task_id).progress is not None)
    until(lambda: lab.site.steps() > 10)
    lab.site.bridge.away = True
    lab.site.bridge.disconnect()
    lab.site.bridge.on_loop(lab.site.move.forget)
    lab.site.bridge.away = False
    until(lambda: lab.client.task(task_id).outcome_unknown, 20)
    assert "outcome_unknown" in lab.holds()
    assert lab.site.starts() == 1
