"""A robot behind a SiLA 2 server and a daemon, from a client's request to the execution."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from robotq.client import Client
from robotq.client.errors import Refused
from robotq.testing.host import Host
from tests.drivers.sila.site import OPTIONS, Site, until

pytestmark = pytest.mark.slow


class Lab:
    def __init__(self, site: Site, client: Client) -> None:
        self.site = site
        self.client = client

    def begin(self, cmd_type: str, **params: object) -> str:
        return self.client.submit(cmd_type, params).task_id

    def holds(self) -> list[str]:
        return [hold.code for hold in self.client.queue_status("arm").holds]


@pytest.fixture
def lab(tmp_path: Path, robotq_host: Host) -> Iterator[Lab]:
    with ExitStack() as stack:
        site = Site(tmp_path)
        stack.callback(site.close)
        robot = {
            "driver": "sila",
            "options": {**OPTIONS, "address": f"127.0.0.1:{site.cable.port}"},
            "on_start": "resume",
            "reconnect_s": 0.1,
        }
        (tmp_path / "site.yaml").write_text(json.dumps({"robots": {"arm": robot}}))
        daemon = stack.enter_context(robotq_host.daemon(tmp_path, tmp_path / "site.yaml"))
        client: Client = stack.enter_context(daemon.client())
        until(lambda: client.robot("arm").connected)
        yield Lab(site, client)


def test_command__is_an_execution_and_its_result_that_of_the_task(lab: Lab) -> None:
    task = lab.client.wait(lab.begin("MOVE", steps=5, place="SHELF"))
    assert task.completed
    assert task.result is not None
    assert task.result["travelled"] == 5
    assert lab.site.begun() == {"SHELF": 1}
    assert lab.client.immediate({"cmd_type": "BATTERY"})["value"] == 0.8


def test_params__out_of_bounds_are_refused_when_they_come(lab: Lab) -> None:
    with pytest.raises(Refused) as told:
        lab.begin("MOVE", steps=0)
    assert told.value.code == "bad_parameter"
    assert lab.site.starts() == 0


def test_cancel__ends_the_execution_and_the_next_command_runs(lab: Lab) -> None:
    task_id, after = lab.begin("MOVE", steps=3_000), lab.begin("MOVE", steps=2)
    until(lambda: lab.site.steps() > 3)
    lab.client.cancel(task_id)
    assert lab.client.wait(task_id).cancelled
    assert lab.client.wait(after).completed
    assert list(lab.site.ends().values()) == ["cancelled", "done"]


def test_emergency_stop__ends_the_execution_and_nothing_begins_before_the_reset(lab: Lab) -> None:
    task_id, after = lab.begin("MOVE", steps=3_000), lab.begin("MOVE", steps=2)
    until(lambda: lab.site.steps() > 3)
    lab.client.estop()
    until(lambda: list(lab.site.ends().values()) == ["cancelled"])
    assert not lab.client.wait(task_id).completed
    assert lab.client.task(after).state == "pending"
    assert lab.site.starts() == 1


def test_link_that_comes_back__finds_the_execution_and_has_its_result(lab: Lab) -> None:
    task_id = lab.begin("MOVE", steps=200)
    until(lambda: lab.client.task(task_id).progress is not None)
    until(lambda: lab.site.steps() > 10)
    lab.site.cable.cut()
    task = lab.client.wait(task_id)
    assert task.completed
    assert task.result is not None
    assert task.result["travelled"] == 200
    assert lab.site.starts() == 1
    assert lab.holds() == []


def test_server_that_is_started_anew__leaves_the_outcome_to_a_person(lab: Lab) -> None:
    task_id = lab.begin("MOVE", steps=3_000)
    until(lambda: lab.site.steps() > 10)
    until(lambda: lab.client.task(task_id).progress is not None)
    lab.site.serve()
    until(lambda: lab.client.task(task_id).outcome_unknown, 30)
    assert "outcome_unknown" in lab.holds()
    assert lab.site.starts() == 1
