"""A pump behind a daemon, from a client's request to the last line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from robotq.client import Client
from robotq.client.errors import Refused
from robotq.testing.host import Host
from tests.drivers.line.bench import eventually
from tests.drivers.line.pump import OPTIONS, Pump
from tests.drivers.line.wire import Wire


class Site:
    """A daemon with one pump, as an operator writes it down."""

    def __init__(self, folder: Path, host: Host, stack: ExitStack) -> None:
        self.pump = Pump()
        self.wire = Wire(self.pump)
        stack.callback(self.wire.close)
        # YAML takes JSON
        (folder / "pump.yaml").write_text(json.dumps(OPTIONS))
        robot = {
            "driver": "line",
            "options": {"device": "./pump.yaml", "port": self.wire.url},
            "on_start": "resume",
            "reconnect_s": 0.1,
        }
        (folder / "site.yaml").write_text(json.dumps({"robots": {"pump": robot}}))
        daemon = stack.enter_context(host.daemon(folder, folder / "site.yaml"))
        self.client: Client = stack.enter_context(daemon.client())
        eventually(lambda: self.client.robot("pump").connected)

    def begin(self, cmd_type: str, **params: Any) -> str:
        return self.client.submit(cmd_type, params).task_id

    def holds(self) -> list[str]:
        return [hold.code for hold in self.client.queue_status("pump").holds]


@pytest.fixture
def site(tmp_path: Path, robotq_host: Host) -> Iterator[Site]:
    with ExitStack() as stack:
        yield Site(tmp_path, robotq_host, stack)


def test_command__of_a_device_file_gives_its_result(site: Site) -> None:
    task = site.client.wait(site.begin("PUMP", volume_ml=0.5))
    assert task.completed
    task = site.client.wait(site.begin("MEASURE"))
    assert task.result is not None
    assert task.result["volume_ml"] == 0.5
    assert site.client.immediate({"cmd_type": "VOLUME"})["volume_ml"] == 0.5


def test_value__out_of_its_limits_is_refused_when_it_comes(site: Site) -> None:
    site.wire.heard.clear()
    with pytest.raises(Refused) as told:
        site.begin("PUMP", volume_ml=5_001)
    assert told.value.code == "bad_parameter"
    assert site.wire.heard == []


def test_cancel__brings_the_device_to_rest(site: Site) -> None:
    task_id = site.begin("PUMP", volume_ml=900)
    eventually(lambda: site.pump.moves_now)
    site.client.cancel(task_id)
    assert site.client.wait(task_id).cancelled
    assert not site.pump.moves_now


def test_lost_answer__holds_the_queue_until_a_person_has_looked(site: Site) -> None:
    site.wire.lost = lambda line: line == "FLUSH"
    task = site.client.wait(site.begin("FLUSH"))
    assert task.outcome_unknown
    assert site.wire.heard.count("FLUSH") == 1
    assert "outcome_unknown" in site.holds()


def test_emergency_stop__is_at_the_device_and_stays(site: Site) -> None:
    site.begin("PUMP", volume_ml=900)
    eventually(lambda: site.pump.moves_now)
    site.client.estop()
    eventually(lambda: not site.pump.moves_now)
    moves = site.pump.moves
    site.begin("PUMP", volume_ml=1)
    assert site.client.estop_state().latched
    assert site.pump.moves == moves


def test_device__that_is_not_there_holds_its_queue_and_says_why(site: Site) -> None:
    site.wire.unplug()
    eventually(lambda: "disconnected" in site.holds())
    task_id = site.begin("MEASURE")
    site.wire.plug_in()
    assert site.client.wait(task_id).completed
