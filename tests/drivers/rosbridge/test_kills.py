"""robotq is killed while the action server works on: the server's own log judges."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.drivers.killed import KilledDaemon, killed, until
from tests.drivers.rosbridge.site import OPTIONS, Site
from tests.drivers.upgraded import LASTS_S, upgraded
from tests.slices import some

pytestmark = pytest.mark.real_time("a kill falls into a command that takes its time")

_STEPS, _STEP_S = 100, 0.02
_COMMANDS = 2
_SUCCEEDED = "4"


class Log:
    """What the action server has written down."""

    key = "place"

    def __init__(self, site: Site) -> None:
        self._log = site.move.log

    def begun(self, key: Any) -> int:
        return sum(line.startswith("start ") and line.endswith(f" to {key}") for line in self._log)

    def done(self, key: Any, run: str) -> bool:
        ended = f"end {run} {_SUCCEEDED}" in self._log
        return ended and f"start {run} to {key}" in self._log

    def remembers(self, run: str) -> bool:
        """It lists a goal for a quarter of an hour behind its end."""
        return any(line.startswith(f"start {run} ") for line in self._log)


Lab = tuple[KilledDaemon, Site]


@pytest.fixture
def lab(tmp_path: Path, seed: int) -> Iterator[Lab]:
    # both settings of the bridge
    site = Site(tmp_path, goals_in_threads=seed % 3 == 0)
    options = {**OPTIONS, "url": site.bridge.url}
    robot = {"driver": "rosbridge", "options": options, "on_shutdown": "leave"}
    made = KilledDaemon(tmp_path, "amr", robot, Log(site))
    try:
        yield made, site
    finally:
        made.daemon.kill()
        site.close()


@pytest.mark.slow
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
    assert not found.faults, (seed, found, site.move.log)


@pytest.mark.parametrize("seed", some(range(20), 1))
def test_kill__between_the_start_and_the_id_is_unknown_and_held(
    lab: Lab, record_property: Callable[[str, object], None], seed: int
) -> None:
    """The id comes with the first feedback. The only new goal is not for that reason ours."""
    made, site = lab
    site.move.tells_feedback = False
    made.start()
    with made.client() as client:
        made.connected(client)
        # what a busy machine needs for a kill does not bring it to its end
        params = {"place": "SHELF", "steps": 80 if seed % 2 else 400, "step_s": 0.05}
        task_id = client.submit("MOVE", params).task_id
        until(lambda: site.steps() > seed)
    made.daemon.kill()
    row = made.rows()[task_id]
    assert (row.state, row.run) == ("running", None)
    if seed % 2:
        # the goal has come to its end meanwhile, and the server lists it
        until(lambda: not site.bridge.on_loop(site.move.moving), 60)
    made.start()
    with made.client() as client:
        until(lambda: client.task(task_id).outcome_unknown, 60)
        assert "outcome_unknown" in made.holds(client)
        assert client.task(task_id).error is not None
    assert site.starts() == 1
    record_property("kill", {"kills": 1, "between start and id: unknown, held": 1})


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1])
def test_goal__whose_first_feedback_comes_late_has_its_id_on_disk(lab: Lab) -> None:
    """The server has listed it before, which says that it was accepted, and not which it is."""
    made, _ = lab
    made.start()
    with made.client() as client:
        made.connected(client)
        late_s = 2 * float(OPTIONS["accept_s"])
        params = {"place": "SHELF", "steps": 3, "step_s": late_s}
        task_id = client.submit("MOVE", params).task_id
        until(lambda: made.rows()[task_id].run is not None, 3 * late_s)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [0, 1])
def test_upgrade__while_a_motion_of_three_minutes_goes_on(lab: Lab, seed: int) -> None:
    steps = 300
    params = {"place": "SHELF", "steps": steps, "step_s": LASTS_S / steps}
    upgraded(lab[0], params)
