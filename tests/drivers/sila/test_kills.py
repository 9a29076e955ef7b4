"""robotq is killed while the server works on: the server's own log judges."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.drivers.killed import KilledDaemon, killed, until
from tests.drivers.sila.site import OPTIONS, Site
from tests.drivers.upgraded import LASTS_S, upgraded
from tests.slices import some

pytestmark = [
    pytest.mark.slow,
    pytest.mark.real_time("a kill falls into a command that takes its time"),
]

_STEPS, _STEP_S = 100, 0.02
_COMMANDS = 2


class Log:
    """What the server has written down."""

    key = "place"

    def __init__(self, site: Site) -> None:
        self._site = site

    def begun(self, key: Any) -> int:
        return self._site.begun()[key]

    def done(self, key: Any, run: str) -> bool:
        log = self._site.log()
        return f"end {run} done" in log and f"start {run} {key}" in log

    def remembers(self, run: str) -> bool:
        """It keeps an execution for half an hour."""
        return any(line.startswith(f"start {run} ") for line in self._site.log())


Lab = tuple[KilledDaemon, Site]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    site = Site(tmp_path)
    options = {**OPTIONS, "address": f"127.0.0.1:{site.cable.port}"}
    robot = {"driver": "sila", "options": options, "on_shutdown": "leave"}
    made = KilledDaemon(tmp_path, "arm", robot, Log(site))
    try:
        yield made, site
    finally:
        made.daemon.kill()
        site.close()


@pytest.mark.parametrize("seed", some(range(100), 2))
def test_kill__at_any_moment_and_the_server_is_asked(
    lab: Lab, record_property: Callable[[str, object], None], seed: int
) -> None:
    made, site = lab
    commands: list[dict[str, Any]] = [
        {"place": f"P{number}", "steps": _STEPS, "step_s": _STEP_S} for number in range(_COMMANDS)
    ]
    found = killed(made, seed, commands, _COMMANDS * _STEPS * _STEP_S)
    record_property("kill", dict(found.tally))
    assert not found.faults, (seed, found, site.log())


@pytest.mark.parametrize("seed", some(range(20), 1))
def test_kill__between_the_start_and_its_uuid_is_unknown_and_held(
    lab: Lab, record_property: Callable[[str, object], None], seed: int
) -> None:
    """The only new execution is not for that reason ours."""
    made, site = lab
    made.start()
    with made.client() as client:
        made.connected(client)
        assert client.wait(client.submit("MOVE", {"place": "FIRST"}).task_id).completed
        site.cable.mute = True
        params: dict[str, Any] = {"place": "SHELF", "steps": 50 * (seed + 1), "step_s": 0.01}
        task_id = client.submit("MOVE", params).task_id
        until(lambda: site.starts() == 2)
    made.daemon.kill()
    row = made.rows()[task_id]
    assert (row.state, row.run) == ("running", None)
    site.cable.cut()
    site.cable.mute = False
    made.start()
    with made.client() as client:
        until(lambda: client.task(task_id).outcome_unknown, 60)
        assert "outcome_unknown" in made.holds(client)
    assert site.starts() == 2
    record_property("kill", {"kills": 1, "between start and id: unknown, held": 1})


@pytest.mark.long
@pytest.mark.timeout(600)
def test_upgrade__while_a_motion_of_three_minutes_goes_on(lab: Lab) -> None:
    steps = 300
    upgraded(lab[0], {"place": "SHELF", "steps": steps, "step_s": LASTS_S / steps})
