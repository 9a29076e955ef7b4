"""A server that was restarted in mid-command, or that lies: nobody is told that it was done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from robotq.drivers.base import UncertainOutcome
from robotq.drivers.settling import RunState, Settles
from robotq.model.json import JsonObject
from robotq.model.task import Command
from robotq.testing.driver_contract import Execution, RecordingContext
from tests.drivers.killed import KilledDaemon, until
from tests.drivers.lying import believed_by_nobody, started_late
from tests.drivers.sila.site import OPTIONS, Site
from tests.drivers.sila.test_kills import Log

pytestmark = [
    pytest.mark.long,
    pytest.mark.real_time("what arrives late shows after a moment only"),
]

_LONG: JsonObject = {"place": "SHELF", "steps": 9_000, "step_s": 0.01}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.close()


@pytest.fixture
def lab(tmp_path: Path, site: Site) -> Iterator[KilledDaemon]:
    with ExitStack() as stack:
        options = {**OPTIONS, "address": f"127.0.0.1:{site.cable.port}"}
        made = KilledDaemon(tmp_path, "arm", {"driver": "sila", "options": options}, Log(site))
        stack.callback(made.daemon.kill)
        yield made


def _forgets(site: Site) -> None:
    """It keeps nothing over a start."""
    site.serve()


def _answers_for_another(site: Site) -> None:
    """The only execution that it has is done, and somebody else's."""
    site.serve()
    other = site.again()
    other.connect()
    other.execute(Command(cmd_type="MOVE", params={"place": "THEIRS"}), RecordingContext())
    other.close()


@pytest.mark.parametrize("deed", [_forgets, _answers_for_another])
def test_lie__is_believed_by_nobody(
    lab: KilledDaemon, site: Site, deed: Callable[[Site], None]
) -> None:
    believed_by_nobody(lab, _LONG, lambda: deed(site))


def test_start__that_arrives_after_the_server_was_asked(lab: KilledDaemon, site: Site) -> None:
    cable = site.cable

    def keep() -> None:
        # the start itself, and no beat
        cable.keep(lambda said: str(_LONG["place"]).encode() in said)

    started_late(lab, _LONG, keep, lambda: cable.kept, cable.let_through)


def test_answer__that_comes_late_is_not_waited_for(site: Site) -> None:
    driver = site.driver
    driver.connect()
    command = Command(cmd_type="MOVE", params=_LONG)
    execution = Execution(driver, command, task_id="task_late").named()
    assert isinstance(driver, Settles)
    driver.let_go(60)
    run = execution.ended().context.unsettled(command)
    site.cable.mute = True
    with suppress(UncertainOutcome):
        assert driver.settle(run, RecordingContext()).state is RunState.UNKNOWN
    site.cable.mute = False
    site.cable.cut()

    def running() -> bool:
        try:
            driver.connect()
            assert isinstance(driver, Settles)
            return driver.settle(run, RecordingContext()).state is RunState.RUNNING
        except UncertainOutcome:
            return False

    until(running, 20)
    driver.stop()
