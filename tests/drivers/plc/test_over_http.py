"""A station behind a PLC, from a client's request to the machine and back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from robotq.client import Client
from robotq.client.errors import Refused
from robotq.testing.host import Host
from robotq.wire.holds import Hold
from tests.drivers.killed import until
from tests.drivers.plc.model import FAILED
from tests.drivers.plc.site import ModbusServer, Site

pytestmark = pytest.mark.wall("the server of the PLC waits by the wall")


class Lab:
    def __init__(self, site: Site, client: Client) -> None:
        self.site = site
        self.client = client

    def begin(self, goal: int) -> str:
        return self.client.submit("MOVE", {"goal": goal}).task_id

    def begun(self, goal: int) -> str:
        """A command that the machine is carrying out."""
        before = len(self.site.plc.jobs)
        task_id = self.begin(goal)
        until(lambda: len(self.site.plc.jobs) > before)
        return task_id

    def holds(self) -> set[str]:
        return {hold.code for hold in self.client.queue_status("station").holds}

    def held(self) -> Hold:
        """What says why nothing begins."""
        holds = self.client.queue_status("station").holds
        return next(hold for hold in holds if hold.code == "motion_held")


@pytest.fixture
def lab(tmp_path: Path, robotq_host: Host) -> Iterator[Lab]:
    pytest.importorskip("pymodbus", reason="the extra modbus is not installed")
    with ExitStack() as stack:
        site = Site(tmp_path, "numbered", ModbusServer("numbered"), stop_s=0.3)
        stack.callback(site.close)
        robot = {
            "driver": "plc",
            "options": site.options,
            "on_start": "resume",
            "reconnect_s": 0.1,
        }
        (tmp_path / "site.yaml").write_text(json.dumps({"robots": {"station": robot}}))
        daemon = stack.enter_context(robotq_host.daemon(tmp_path, tmp_path / "site.yaml"))
        client: Client = stack.enter_context(daemon.client())
        until(lambda: client.robot("station").connected)
        yield Lab(site, client)


@pytest.mark.slow
def test_station__runs_answers_stops_and_tells_its_alarm(lab: Lab) -> None:
    """One shift: each part goes on from where the last one has left the station."""
    client, plc = lab.client, lab.site.plc

    # submitted, running, and the values that the PLC has read back
    task_id = lab.begun(6)
    assert client.task(task_id).state == "running"
    assert client.immediate({"cmd_type": "WEIGH"})["weight"] == 0
    task = client.wait(task_id)
    assert task.completed
    assert task.result is not None
    assert task.result["weight"] == 60
    assert client.immediate({"cmd_type": "WEIGH"})["weight"] == 60

    # what the node cannot hold is refused before anything is written
    with pytest.raises(Refused) as told:
        lab.begin(2_001)
    assert told.value.code == "bad_parameter"
    assert plc.nodes["goal"] == 6

    # a stop, over a connection of its own; the next command runs
    task_id, after = lab.begun(2_000), lab.begin(2)
    client.cancel(task_id)
    assert client.wait(task_id).cancelled
    assert client.wait(after).completed
    assert [job.ended for job in plc.jobs] == ["ok", "stopped", "ok"]

    # an alarm in mid-command; then nothing begins while it lasts, in the words of the table
    task_id, *waiting = lab.begun(2_000), lab.begin(1), lab.begin(1), lab.begin(1)
    plc.nodes["alarm"] = 4
    task = client.wait(task_id)
    assert (task.state, task.outcome_unknown) == ("failed", False)
    assert task.error is not None
    assert "jam; 夹爪故障" in task.error.message
    assert task.result is not None
    assert task.result["device"]["outcome"] == FAILED
    assert task.result["device"]["alarms"] == {"报警字": 4}
    until(lambda: "motion_held" in lab.holds())
    assert "夹爪故障: reset it at the PLC" in lab.held().reason
    assert {client.task(each).state for each in waiting} == {"pending"}
    with pytest.raises(Refused, match="夹爪故障"):
        client.resume_motion("station", holds=[lab.held().id])
    plc.nodes["alarm"] = 0
    until(lambda: "it has gone" in lab.held().reason)
    client.resume_motion("station", holds=[lab.held().id])
    assert all(client.wait(each).completed for each in waiting)

    # an emergency stop lasts until it is reset
    task_id, after = lab.begun(2_000), lab.begin(3)
    client.estop()
    assert not client.wait(task_id).completed
    assert plc.nodes["stop"]
    assert not plc.moves
    assert client.task(after).state == "pending"
    assert "estop" in lab.holds()
    client.reset_estop()
    client.resume("station")
    assert client.wait(after).completed
    assert not plc.nodes["stop"]


@pytest.mark.slow
def test_link__that_comes_back_finds_the_number_and_follows_it(lab: Lab) -> None:
    client, plc = lab.client, lab.site.plc
    task_id = lab.begun(30)
    lab.site.shut()
    until(lambda: not client.robot("station").connected)
    assert client.task(task_id).state == "running"
    lab.site.open()
    task = client.wait(task_id)
    assert task.completed
    assert task.result is not None
    assert task.result["weight"] == 300
    assert [(job.goal, job.ended) for job in plc.jobs] == [(30, "ok")]
    assert lab.holds() == set()

    # a PLC that was restarted meanwhile has forgotten, whatever its numbers say
    task_id = lab.begun(2_000)
    lab.site.shut()
    plc.restart(plc.boot + 1)
    lab.site.open()
    until(lambda: client.task(task_id).outcome_unknown, 20)
    assert "outcome_unknown" in lab.holds()
    assert len(plc.jobs) == 2


@pytest.mark.slow
def test_stop__without_an_answer_says_so_and_of_no_link_that_broke(lab: Lab) -> None:
    client, plc = lab.client, lab.site.plc
    plc.deaf = True
    task_id = lab.begun(2_000)
    with suppress(Refused):
        # it waits for the end, which is none
        client.cancel(task_id)
    task = client.wait(task_id)
    assert task.outcome_unknown
    assert task.error is not None
    assert "no answer to the stop within 0.3 s: 启动" in task.error.message
    assert "link" not in task.error.message
    assert client.robot("station").connected
