"""Two machines at one robot whose server takes any number of clients: nothing keeps the old machine
away, so a person looks before the other one drives. What the server has written down judges."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from robotq.config import load_config
from robotq.drivers.base import DriverFactory
from robotq.drivers.leased import leased
from robotq.model.errors import ConfigError
from robotq.model.tenure import Tenure
from robotq.testing.driver_contract import driver_setup
from tests.drivers.plc.site import SERVERS
from tests.drivers.plc.site import Site as PlcSite
from tests.drivers.rosbridge.site import OPTIONS as ROS_OPTIONS
from tests.drivers.rosbridge.site import Site as RosSite

from .pair import Machine, Pair

pytestmark = [
    pytest.mark.timeout(400),
    pytest.mark.wall("daemons in processes of their own, and real servers"),
    pytest.mark.real_time("a lease runs out by the clock of the wall"),
]

_ROOT = Path(__file__).parents[3]
_LEASE_S = 3.0
_STEPS, _STEP_S = 400, 0.02


@dataclass(kw_only=True)
class There:
    """A robot behind its real server."""

    robot: Mapping[str, Any]
    move: Mapping[str, Any]
    """The parameters of a MOVE of some eight seconds."""
    begun: Callable[[], int]
    """How often the robot was made to move."""
    remembers: bool = True
    """Its server tells what became of a command that it is asked for."""
    close: Callable[[], None]


def _ros(folder: Path) -> There:
    site = RosSite(folder)
    return There(
        robot={"driver": "rosbridge", "options": {**ROS_OPTIONS, "url": site.bridge.url}},
        move={"place": "SHELF", "steps": _STEPS, "step_s": _STEP_S},
        begun=site.starts,
        close=site.close,
    )


def _sila(folder: Path) -> There:
    pytest.importorskip("sila2", reason="the extra sila is not installed")
    from tests.drivers.sila.site import OPTIONS, Site  # noqa: PLC0415 - of an extra

    site = Site(folder)
    options = {**OPTIONS, "address": f"127.0.0.1:{site.cable.port}"}
    return There(
        robot={"driver": "sila", "options": options},
        move={"place": "SHELF", "steps": _STEPS, "step_s": _STEP_S},
        begun=site.starts,
        close=site.close,
    )


def _opcua(folder: Path, *, numbered: bool) -> There:
    pytest.importorskip("asyncua", reason="the extra opcua is not installed")
    kind: Any = "numbered" if numbered else "pulse"
    site = PlcSite(folder, kind, SERVERS["opcua"](kind))
    return There(
        robot={"driver": "plc", "options": {**site.options, "answer_s": 10}},
        move={"goal": 160},
        begun=lambda: len(site.plc.jobs),
        remembers=numbered,
        close=site.close,
    )


MAKERS: Mapping[str, Callable[[Path], There]] = {
    "rosbridge": _ros,
    "sila": _sila,
    "opcua": lambda folder: _opcua(folder, numbered=True),
    "opcua-pulse": lambda folder: _opcua(folder, numbered=False),
}


@pytest.fixture(params=MAKERS)
def there(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[There]:
    folder = tmp_path / "robot"
    folder.mkdir()
    made = MAKERS[request.param](folder)
    try:
        yield made
    finally:
        made.close()


@pytest.mark.long
@pytest.mark.parametrize("ends", ["killed", "stands still"])
async def test_machine_that_drives_is_gone_in_mid_command__the_other_waits_for_a_persons_word(
    new_postgres: str, tmp_path: Path, there: There, ends: str
) -> None:
    robot = {**there.robot, "on_shutdown": "leave"}
    async with Pair(tmp_path, new_postgres, fence="none", lease_s=_LEASE_S, robot=robot) as pair:
        one, two = pair.one, pair.two
        await one.start()
        await pair.until(lambda: _drives(pair, one), 60)
        await two.start()
        await pair.until(lambda: _says(pair, two, "driven by lab-1 (epoch 1)"), 60)
        command = {"cmd_type": "MOVE", "params": dict(there.move)}
        task_id = await pair.submit(one, command)
        waits = await pair.submit(one, {**command, "params": {**there.move, **_short(there)}})
        await pair.until(lambda: _begun(there))
        # by now the fleet knows by what its server knows it
        await asyncio.sleep(1.0)
        await (one.kill() if ends == "killed" else asyncio.to_thread(one.freeze))

        # nobody has said anything: however long it lasts, nothing is sent from here
        await pair.until(lambda: _says(pair, two, "A person has to say that it is off"), 60)
        await asyncio.sleep(2 * _LEASE_S)
        assert not await _drives(pair, two)
        assert there.begun() == 1

        take = f"/fleet/robots/{_NAME}/take"
        status, told = await two.ask(pair.http, "POST", take, {"old_machine_is_off": True})
        assert status == 200, told
        await pair.until(lambda: _drives(pair, two), 60)
        # the old machine was not off at all
        one.thaw()
        ended = await pair.ended(two, task_id, 90)
        if there.remembers:
            assert ended["state"] == "completed", str(ended)
            assert (await pair.ended(two, waits, 90))["state"] == "completed"
            assert there.begun() == 2, "each once"
        else:
            assert ended["result"]["error_code"] == "outcome_unknown", ended
            assert (await pair.task(two, waits))["state"] == "pending"
            assert "outcome_unknown" in str(await pair.robot(two))
            assert there.begun() == 1
        if ends != "killed":
            await pair.until(lambda: _says(pair, one, "driven by lab-2 (epoch 2)"), 60)
            assert not await _drives(pair, one)


_NAME = "robot_a"


def _short(there: There) -> Mapping[str, Any]:
    return {"goal": 1} if "goal" in there.move else {"steps": 2, "place": "DOCK"}


async def _begun(there: There) -> bool:
    return there.begun() == 1


async def _drives(pair: Pair, machine: Machine) -> bool:
    return bool((await pair.robot(machine))["connected"])


async def _says(pair: Pair, machine: Machine, text: str) -> bool:
    return text in str(await pair.robot(machine))


@pytest.mark.parametrize("driver", ["rosbridge", "plc", "sila"])
def test_one_client__is_no_fence_where_the_server_takes_any_number(
    tmp_path: Path, driver: str
) -> None:
    pytest.importorskip({"plc": "pymodbus", "sila": "sila2"}.get(driver, "aiohttp"))
    options, create = _of(driver, tmp_path)
    for fence, refused in (("one_client", True), ("none", False)):
        plain, _ = driver_setup(tmp_path, options)
        setup = replace(plain, tenure=Tenure(_NAME, fence))
        if refused:
            with pytest.raises(ConfigError, match=r"standby\.fence: found one_client"):
                leased(setup, create)
        else:
            leased(setup, create).close()


def _of(driver: str, folder: Path) -> tuple[Mapping[str, Any], DriverFactory]:
    if driver == "rosbridge":
        from robotq.drivers import rosbridge  # noqa: PLC0415 - each of its own

        return {**ROS_OPTIONS, "url": "ws://127.0.0.1:9"}, rosbridge.create
    if driver == "sila":
        from robotq.drivers import sila  # noqa: PLC0415
        from tests.drivers.sila.site import OPTIONS  # noqa: PLC0415 - of an extra

        return {**OPTIONS, "address": "127.0.0.1:9"}, sila.create
    from robotq.drivers import plc  # noqa: PLC0415

    config = load_config(_ROOT / "config" / "plc-station.yaml", {}, {})
    return config.robots["station"].options, plc.create
