"""An action server that was restarted in mid-command, or that lies: nobody is told that it was
done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from robotq.model.json import JsonObject
from tests.drivers.killed import KilledDaemon
from tests.drivers.lying import believed_by_nobody, nothing, started_late
from tests.drivers.rosbridge.site import OPTIONS, Site
from tests.drivers.rosbridge.test_kills import Log

pytestmark = [
    pytest.mark.long,
    pytest.mark.real_time("what arrives late shows after a moment only"),
]

_LONG: JsonObject = {"place": "SHELF", "steps": 9_000, "step_s": 0.01}


@pytest.fixture(params=[False, True], ids=["goals_one_by_one", "goals_in_threads"])
def site(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Site]:
    made = Site(tmp_path, goals_in_threads=request.param)
    yield made
    made.close()


@pytest.fixture
def lab(tmp_path: Path, site: Site) -> Iterator[KilledDaemon]:
    with ExitStack() as stack:
        robot = {"driver": "rosbridge", "options": {**OPTIONS, "url": site.bridge.url}}
        made = KilledDaemon(tmp_path, "amr", robot, Log(site))
        stack.callback(made.daemon.kill)
        yield made


def _forgets(site: Site) -> None:
    """As a server does that was started anew."""
    site.bridge.on_loop(site.move.forget)


def _answers_for_another(site: Site) -> None:
    """The only goal that it lists is done, and somebody else's."""
    _forgets(site)
    theirs = site.graph.send_goal("/move", "robot_msgs/action/Move", {"steps": 0}, None)
    site.bridge.on_loop(lambda: asyncio.ensure_future(theirs))


def _says_nothing(site: Site) -> None:
    site.move.tells_status = False


def _says_it_then(site: Site) -> None:
    def tell() -> None:
        site.move.tells_status = True
        site.graph.publish("/move/_action/status", site.move.status())

    site.bridge.on_loop(tell)


@pytest.mark.parametrize(
    ("deed", "afterwards"),
    [
        (_forgets, lambda _: nothing()),
        (_answers_for_another, lambda _: nothing()),
        (_says_nothing, _says_it_then),
    ],
    ids=["forgets", "answers_for_another", "answers_late"],
)
def test_lie__is_believed_by_nobody(
    lab: KilledDaemon,
    site: Site,
    deed: Callable[[Site], None],
    afterwards: Callable[[Site], None],
) -> None:
    believed_by_nobody(lab, _LONG, lambda: deed(site), lambda: afterwards(site))


def test_goal__that_arrives_after_its_server_was_asked_for_it(
    lab: KilledDaemon, site: Site
) -> None:
    real = site.graph.send_goal
    kept = False
    through = asyncio.Event()

    async def late(*args: Any) -> tuple[int, JsonObject]:
        nonlocal kept
        kept = True
        await through.wait()
        return await real(*args)

    def keep() -> None:
        site.graph.send_goal = late  # type: ignore[method-assign,assignment]

    started_late(lab, _LONG, keep, lambda: kept, lambda: site.bridge.on_loop(through.set))
