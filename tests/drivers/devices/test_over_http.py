"""A bench behind a daemon: one command moves, scans, weighs and dispenses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from robotq.client import Client
from robotq.client.errors import Refused
from robotq.client.shapes import Task
from robotq.testing.host import Host
from tests.drivers.devices.bench import Bench
from tests.drivers.line.bench import eventually


class Site:
    def __init__(self, bench: Bench, client: Client) -> None:
        self.bench = bench
        self.client = client
        eventually(lambda: self.connected == {"balance": True, "pump": True})
        eventually(lambda: client.robot("gantry").connected and not self.holds())

    @property
    def connected(self) -> dict[str, bool]:
        devices = self.client.robot("gantry").devices
        return {name: device.connected for name, device in devices.items()}

    def begin(self, cmd_type: str, **params: float) -> str:
        return self.client.submit(cmd_type, params).task_id

    def do(self, cmd_type: str, **params: float) -> Task:
        return self.client.wait(self.begin(cmd_type, **params))

    def holds(self) -> list[str]:
        return [hold.code for hold in self.client.queue_status("gantry").holds]

    def safe_state(self, device: str) -> str | None:
        return self.client.robot("gantry").devices[device].safe_state


@pytest.fixture
def site(tmp_path: Path, robotq_host: Host) -> Iterator[Site]:
    with ExitStack() as stack:
        bench = stack.enter_context(Bench(tmp_path))
        daemon = stack.enter_context(robotq_host.daemon(tmp_path, bench.site))
        yield Site(bench, stack.enter_context(daemon.client()))


def test_one_command__moves_scans_weighs_and_dispenses(site: Site) -> None:
    task = site.do("PREPARE_VIAL", volume_ml=2.5)
    assert task.completed, task
    assert task.result is not None
    assert task.result["code"] == "vial_000"
    assert task.result["weight_g"] == 2.5
    assert (site.bench.pump.moves, site.bench.balance.tares) == (1, 1)
    assert site.bench.gantry.axes.moved


@pytest.mark.parametrize("device", ["balance", "pump"])
def test_absent_device__is_told_before_anything_moves(site: Site, device: str) -> None:
    wire = site.bench.pump_wire if device == "pump" else site.bench.balance_wire
    wire.unplug()
    eventually(lambda: not site.connected[device])
    assert site.client.robot("gantry").devices[device].reason
    moved = len(site.bench.gantry.axes.moved)
    task = site.do("PREPARE_VIAL", volume_ml=1)
    assert task.error is not None
    assert task.error.error_code == "device_absent"
    assert device in task.error.message
    assert len(site.bench.gantry.axes.moved) == moved
    assert site.bench.pump.moves == 0
    # a lost device is not the robot's lost link: what does not need it goes on
    assert site.do("MOVE_AWAY").completed
    assert site.bench.gantry.resets == 1
    wire.plug_in()
    eventually(lambda: site.connected[device])
    assert site.do("PREPARE_VIAL", volume_ml=1).completed


def test_cancel__brings_the_device_that_runs_to_rest(site: Site) -> None:
    task_id = site.begin("PREPARE_VIAL", volume_ml=900)
    eventually(lambda: site.bench.pump.moves_now)
    site.client.cancel(task_id)
    assert site.client.wait(task_id).cancelled
    assert not site.bench.pump.moves_now
    assert site.safe_state("pump") == "confirmed"
    assert site.holds() == []


def test_emergency_stop__is_at_the_device_that_runs(site: Site) -> None:
    task_id = site.begin("PREPARE_VIAL", volume_ml=900)
    eventually(lambda: site.bench.pump.moves_now)
    assert site.client.estop().robots == {"gantry": None}
    eventually(lambda: not site.bench.pump.moves_now)
    assert site.client.wait(task_id).status == "failed"
    site.begin("PREPARE_VIAL", volume_ml=1)
    assert site.client.reset_estop().robots == {"gantry": None}
    assert site.bench.pump.moves == 1


def test_emergency_stop__says_which_device_it_did_not_reach_and_stops_it_later(site: Site) -> None:
    site.bench.pump_wire.unplug()
    eventually(lambda: not site.connected["pump"])
    halts, stops = site.bench.at_pump("HALT"), len(site.bench.gantry.urgent_bytes)
    with pytest.raises(Refused, match="pump: ") as told:
        site.client.estop()
    assert "balance" not in str(told.value)
    # the gantry has got its own, as soon as its thread gets to read it
    eventually(lambda: len(site.bench.gantry.urgent_bytes) > stops)
    site.bench.pump_wire.plug_in()
    eventually(lambda: site.connected["pump"])
    eventually(lambda: site.bench.at_pump("HALT") > halts)
    assert site.client.reset_estop().robots == {"gantry": None}


def test_device__that_is_lost_while_it_acts_is_brought_to_rest_before_anything_goes_on(
    site: Site,
) -> None:
    task_id = site.begin("PREPARE_VIAL", volume_ml=900)
    eventually(lambda: site.bench.pump.moves_now)
    site.bench.pump_wire.unplug()
    task = site.client.wait(task_id)
    assert task.outcome_unknown
    assert "pump" in str(task.error)
    # the gantry's own link was never touched
    assert site.client.robot("gantry").connected
    assert site.bench.gantry.resets == 1
    eventually(lambda: "motion_held" in site.holds())
    assert "outcome_unknown" in site.holds()
    assert site.bench.pump_moves()
    assert "not confirmed" in (site.safe_state("pump") or "")
    site.bench.pump_wire.plug_in()
    eventually(lambda: "motion_held" not in site.holds())
    assert not site.bench.pump_moves()
    assert site.safe_state("pump") == "confirmed"
    assert site.bench.pump.moves == 1


def test_lost_answer__of_a_device_is_unknown_and_nothing_is_done_again(site: Site) -> None:
    site.bench.pump_wire.lost = lambda line: line == "FLUSH"
    task = site.do("FLUSH_AND_WEIGH")
    assert task.outcome_unknown
    assert site.bench.at_pump("FLUSH") == 1
    assert not site.bench.gantry.axes.moved


def test_refusal__of_a_device_is_a_certain_failure(site: Site) -> None:
    site.bench.pump.refuse = ["ERR 4"]
    task = site.do("FLUSH_AND_WEIGH")
    assert task.status == "failed"
    assert not task.outcome_unknown
    assert "pump: it is blocked" in str(task.error)
    assert site.holds() == []
