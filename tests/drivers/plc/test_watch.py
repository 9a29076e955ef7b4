"""The link to a PLC is watched, and the PLC watches robotq: heartbeat and watchdog."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from robotq.drivers import plc as plc_driver
from robotq.drivers.base import LinkLost, LinkState
from robotq.drivers.settling import RunState, Settles
from robotq.model.task import Command
from robotq.testing.driver_contract import Execution, RecordingContext, driver_setup
from tests.drivers.killed import until
from tests.drivers.plc.conftest import PlcSites
from tests.drivers.plc.site import ModbusServer, Site

pytestmark = [
    pytest.mark.wall("the server of the PLC waits by the wall"),
    pytest.mark.real_time("that nothing comes any more shows after a moment only"),
]

LONG = Command(cmd_type="MOVE", params={"goal": 1_000})
MakeSite = Callable[..., Site]


@pytest.fixture
def make_site(tmp_path: Path) -> Iterator[MakeSite]:
    pytest.importorskip("pymodbus", reason="the extra modbus is not installed")
    made: list[Site] = []

    def make(**options: Any) -> Site:
        made.append(Site(tmp_path, "numbered", ModbusServer("numbered"), **options))
        return made[-1]

    yield make
    for site in made:
        site.close()


def changes(site: Site) -> int:
    return sum(name == "watchdog" for name, _ in site.heard)


def test_watchdog__changes_all_the_time_also_in_a_command_and_ends_with_robotq(
    make_site: MakeSite,
) -> None:
    site = make_site(watchdog="上位机在线", watchdog_s=0.05)
    site.driver.connect()
    until(lambda: changes(site) > 3)
    execution = Execution(site.driver, LONG, task_id="task_long").named()
    before = changes(site)
    until(lambda: changes(site) > before + 3)
    site.driver.stop()
    execution.ended()
    site.driver.close()
    time.sleep(0.1)
    before = changes(site)
    time.sleep(0.2)
    assert changes(site) == before


def test_watchdog__of_a_plc_that_stops_for_it_is_told_when_it_is_asked(
    make_site: MakeSite,
) -> None:
    """Whether it does is the choice of the site: the machine stands, and settle says so."""
    site = make_site(watchdog="watchdog", watchdog_s=0.05)
    site.plc.dog_s = 0.5
    site.driver.connect()
    execution = Execution(site.driver, LONG, task_id="task_long").named()
    # its number is on disk before the PLC has it
    until(lambda: bool(site.plc.jobs))
    assert isinstance(site.driver, Settles)
    site.driver.let_go(60)
    run = execution.ended().context.unsettled(LONG)
    site.driver.close()
    until(lambda: [job.ended for job in site.plc.jobs] == ["stopped"])
    assert not site.plc.moves
    after = site.again()
    after.connect()
    assert isinstance(after, Settles)
    answer = after.settle(run, RecordingContext())
    assert (answer.state, answer.code) == (RunState.FAILED, "stopped")


@pytest.mark.slow
def test_heartbeat__that_stands_still_is_a_link_that_is_lost(make_site: MakeSite) -> None:
    """The server of a PLC may answer although its program does not run."""
    site = make_site(heartbeat="心跳", heartbeat_s=0.3)
    site.driver.connect()
    execution = Execution(site.driver, LONG, task_id="task_long").named()
    time.sleep(0.4)
    assert not execution.over
    site.halted = True
    error = execution.ended().error
    assert isinstance(error, LinkLost)
    assert "心跳 has not changed for 0.3 s" in error.reason
    assert site.links[-1][0] is LinkState.DISCONNECTED
    assert site.driver.status().link is LinkState.DISCONNECTED
    site.halted = False
    site.driver.connect()
    assert isinstance(site.driver, Settles)
    run = execution.context.unsettled(LONG)
    assert site.driver.settle(run, RecordingContext()).state is RunState.RUNNING


def test_link__is_watched_while_nothing_runs(make_site: MakeSite) -> None:
    site = make_site()
    site.driver.connect()
    site.cable.pull()
    until(lambda: bool(site.links))
    assert site.links[-1][0] is LinkState.DISCONNECTED


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["modbus", "opcua"])
def test_answer__that_comes_late_and_in_time_loses_no_link(
    tmp_path: Path, plc_sites: PlcSites, protocol: str
) -> None:
    """`answer_s` is what counts, whatever the library under it thinks of a server that is busy."""
    site = plc_sites(protocol, "numbered")
    setup, links = driver_setup(tmp_path, {**site.options, "answer_s": 10})
    driver = plc_driver.create(setup)
    try:
        driver.connect()
        execution = Execution(driver, LONG, task_id="task_long").named()
        site.cable.keep()
        until(lambda: site.cable.kept)
        # asyncua asks by itself once a second, and waits for a second
        time.sleep(3)
        site.cable.let_through()
        driver.stop()
        execution.ended()
        assert [job.ended for job in site.plc.jobs] == ["stopped"]
        assert driver.status().link is LinkState.CONNECTED
        assert not [state for state, _ in links if state is LinkState.DISCONNECTED]
    finally:
        driver.close()
