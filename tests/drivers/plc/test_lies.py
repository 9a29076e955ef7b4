"""A PLC that was restarted in mid-command, or that lies: nobody is told that it was done."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from robotq.drivers.base import LinkLost
from robotq.drivers.settling import RunState, Settles
from robotq.model.task import Command
from robotq.testing.driver_contract import Execution, RecordingContext
from tests.drivers.killed import KilledDaemon
from tests.drivers.lying import believed_by_nobody, started_late
from tests.drivers.plc.conftest import PlcSites
from tests.drivers.plc.model import OK
from tests.drivers.plc.site import NAMES, S7Server, Site
from tests.drivers.plc.test_kills import Log

pytestmark = [
    pytest.mark.wall("the server of the PLC waits by the wall"),
    pytest.mark.real_time("what arrives late shows after a moment only"),
]

_LONG = {"goal": 1_000}
_THEIRS = 4_711


@pytest.fixture(
    params=[
        "modbus",
        *(pytest.param(each, marks=pytest.mark.long) for each in ("opcua", "rtu", "s7")),
    ]
)
def site(plc_sites: PlcSites, request: pytest.FixtureRequest) -> Iterator[Site]:
    made = plc_sites(request.param, "numbered")
    yield made
    made.driver.close()


@pytest.fixture
def lab(tmp_path: Path, site: Site) -> Iterator[KilledDaemon]:
    with ExitStack() as stack:
        # a busy machine answers late
        robot = {"driver": "plc", "options": {**site.options, "answer_s": 10}}
        made = KilledDaemon(tmp_path, "station", robot, Log(site))
        stack.callback(made.daemon.kill)
        yield made


def _restarted(site: Site) -> None:
    site.restart(site.plc.boot + 1)


def _forgets(site: Site) -> None:
    """The number of its starts is as it was, as where it is not kept over a start."""
    site.restart(site.plc.boot)


def _answers_for_another(site: Site) -> None:
    """One that was done, of another master."""
    site.restart(site.plc.boot)
    site.put("start", _THEIRS)
    site.plc.nodes.update(done=_THEIRS, outcome=OK)


@pytest.mark.long
@pytest.mark.parametrize("deed", [_restarted, _forgets, _answers_for_another])
def test_lie__is_believed_by_nobody(
    lab: KilledDaemon, site: Site, deed: Callable[[Site], None]
) -> None:
    believed_by_nobody(lab, _LONG, lambda: deed(site))


@pytest.mark.long
def test_request__that_arrives_after_the_plc_was_asked_for_it(
    lab: KilledDaemon, site: Site
) -> None:
    started_late(
        lab,
        _LONG,
        lambda: site.cable.keep(lambda data: _starts(site, data)),
        lambda: site.cable.kept,
        site.cable.let_through,
    )


def _starts(site: Site, data: bytes) -> bool:
    """Whether these bytes write the number of a request."""
    if "modbus" in site.options:
        write_registers, start = 16, 0
        return data[7:10] == struct.pack(">BH", write_registers, start)
    if "modbus_rtu" in site.options:
        return data[1:4] == struct.pack(">BH", 16, 0)
    if "s7" in site.options:
        block, area = S7Server.BLOCK, 0x84
        return struct.pack(">HBBBB", block, area, 0, 0, 0) in data and data[17:18] == b"\x05"
    write_request = b"\x01\x00\xa1\x02"
    return write_request in data and NAMES["start"].encode() in data


def test_answer__that_comes_late_is_not_taken_for_that_of_another_question(site: Site) -> None:
    """The connection is given up with it, and the truth is asked for over a new one."""
    driver = site.driver
    driver.connect()
    command = Command(cmd_type="MOVE", params=_LONG)
    execution = Execution(driver, command, task_id="task_late").named()
    assert isinstance(driver, Settles)
    driver.let_go(60)
    run = execution.ended().context.unsettled(command)
    site.cable.mute = True
    for _ in range(2):
        with pytest.raises(LinkLost):
            driver.settle(run, RecordingContext())
        site.cable.mute = False
    driver.connect()
    assert driver.settle(run, RecordingContext()).state is RunState.RUNNING
    driver.stop()
