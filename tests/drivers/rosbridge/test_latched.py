"""An emergency stop that is latched while the bridge cannot be reached comes before everything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from robotq.model.json import JsonObject
from tests.drivers import latched
from tests.drivers.killed import KilledDaemon
from tests.drivers.rosbridge.site import OPTIONS, Site
from tests.drivers.rosbridge.test_kills import Log
from tests.slices import some

pytestmark = [
    pytest.mark.real_time("the stop falls into a command that takes its time"),
    pytest.mark.timeout(600),
]

_CANCELLED = "5"


@pytest.fixture
def device(tmp_path: Path, block: int) -> Iterator[latched.Device]:
    with ExitStack() as stack:
        site = Site(tmp_path, goals_in_threads=block % 2 == 0)
        stack.callback(site.close)
        robot = {"driver": "rosbridge", "options": {**OPTIONS, "url": site.bridge.url}}
        lab = KilledDaemon(tmp_path, "amr", robot, Log(site))
        stack.callback(lab.daemon.kill)

        def stands(place: str) -> bool:
            log = list(site.move.log)
            run = next(line.split()[1] for line in log if line.endswith(f" to {place}"))
            return f"end {run} {_CANCELLED}" in log and not site.bridge.on_loop(site.move.moving)

        def cut() -> None:
            site.bridge.away = True
            site.bridge.disconnect()
            site.bridge.heard.clear()

        def mend() -> None:
            site.bridge.away = False

        yield latched.Device(
            lab=lab,
            params=lambda seed: {"place": f"P{seed}", "steps": 9_000, "step_s": 0.01},
            stands=stands,
            cut=cut,
            mend=mend,
            first=lambda: _cancels_all(site.bridge.heard),
        )


def _cancels_all(heard: list[JsonObject]) -> bool:
    """Whether that is the first that is asked of anybody. A subscription asks for nothing."""
    asked = [one for one in heard if one["op"] not in ("subscribe", "unsubscribe")]
    if not asked:
        return False
    args: dict[str, Any] = asked[0].get("args") or {}
    goal = args.get("goal_info", {}).get("goal_id", {}).get("uuid", [1])
    return asked[0].get("service") == "/move/_action/cancel_goal" and not any(goal)


@pytest.mark.parametrize("block", some(range(10), 0))
@pytest.mark.parametrize("latch", [latched.while_down, latched.while_away])
def test_emergency_stop__that_could_not_be_sent_is_the_first_that_the_bridge_hears(
    device: latched.Device, latch: Callable[[latched.Device, range], None], block: int
) -> None:
    latch(device, range(block * latched.ROUNDS, (block + 1) * latched.ROUNDS))
