"""robotq is killed while a station works on: the PLC's own log judges."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.drivers.killed import KilledDaemon, killed
from tests.drivers.plc.conftest import PlcSites
from tests.drivers.plc.model import Kind
from tests.drivers.plc.site import Site
from tests.slices import some

pytestmark = [
    pytest.mark.wall("the server of the PLC waits by the wall"),
    pytest.mark.real_time("a kill falls into a command that takes its time"),
]

_GOALS = (38, 39)
"""Each takes 0.05 s for every one of it."""
_LASTS_S = 4.0
MakeLab = Callable[[str, Kind], tuple[KilledDaemon, Site]]


class Log:
    """What the PLC has made its machine do."""

    key = "goal"

    def __init__(self, site: Site) -> None:
        self._plc = site.plc

    def begun(self, key: Any) -> int:
        return sum(job.goal == key for job in self._plc.jobs)

    def done(self, key: Any, run: str) -> bool:
        return any(
            job.goal == key and job.ended == "ok" and run in ("", str(job.number))
            for job in list(self._plc.jobs)
        )

    def remembers(self, run: str) -> bool:
        """Only the last number."""
        return bool(self._plc.jobs) and str(self._plc.jobs[-1].number) == run


@pytest.fixture
def make_lab(tmp_path: Path, plc_sites: PlcSites) -> Iterator[MakeLab]:
    made: list[KilledDaemon] = []

    def make(protocol: str, kind: Kind) -> tuple[KilledDaemon, Site]:
        site = plc_sites(protocol, kind)
        # a busy machine answers late
        robot = {"driver": "plc", "options": {**site.options, "answer_s": 10}}
        made.append(KilledDaemon(tmp_path, "station", robot, Log(site)))
        return made[-1], site

    yield make
    for lab in made:
        lab.daemon.kill()


@pytest.mark.slow
@pytest.mark.parametrize(
    "protocol",
    ["modbus", *(pytest.param(each, marks=pytest.mark.long) for each in ("opcua", "rtu", "s7"))],
)
@pytest.mark.parametrize("seed", some(range(100), 1))
def test_kill__at_any_moment_and_the_plc_is_asked_by_number(
    make_lab: MakeLab, record_property: Callable[[str, object], None], protocol: str, seed: int
) -> None:
    lab, site = make_lab(protocol, "numbered")
    found = killed(lab, seed, [{"goal": goal} for goal in _GOALS], _LASTS_S)
    record_property("kill", dict(found.tally))
    assert not found.faults, (seed, found, site.plc.jobs)


@pytest.mark.long
@pytest.mark.parametrize("kind", ["pulse", "request"])
@pytest.mark.parametrize("protocol", ["modbus", "opcua"])
@pytest.mark.parametrize("seed", range(25))
def test_kill__in_a_handshake_without_a_number_is_always_unknown_and_held(
    make_lab: MakeLab,
    record_property: Callable[[str, object], None],
    protocol: str,
    kind: Kind,
    seed: int,
) -> None:
    """Also where done was seen, or could be seen now: it may be of anybody."""
    lab, site = make_lab(protocol, kind)
    found = killed(lab, seed, [{"goal": goal} for goal in _GOALS], _LASTS_S)
    record_property("kill", dict(found.tally))
    assert not found.faults, (seed, found, site.plc.jobs)
    assert all(row.run is None for row in found.before.values())
