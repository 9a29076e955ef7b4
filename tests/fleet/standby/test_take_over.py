"""A second machine in the same lab: what people see, and what goes from the one to the other."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from robotq.config import Config, RobotConfig, StandbyConfig
from robotq.drivers import simulator
from robotq.drivers.jsonline.device import Device, DeviceOptions, TcpPort
from robotq.fleet.standby.epochs import Epochs
from robotq.model.errors import DataUnavailable
from robotq.model.tenure import NotOurs, Tenure
from robotq.system.clocks import VirtualClock
from robotq.testing.driver_contract import driver_setup
from tests.fleet.conftest import Member, Site, until

pytestmark = [
    pytest.mark.wall("daemons in one loop, a device in a thread, and a database elsewhere"),
    pytest.mark.real_time("a lease runs out by the clock of the wall"),
]

NOD = {"cmd_type": "ROBOT_ACTION", "params": {"action_type": "NOD"}}


@contextmanager
def device(folder: Path) -> Iterator[tuple[TcpPort, Path]]:
    port = TcpPort("127.0.0.1", 0)
    setup, _ = driver_setup(folder, {})
    robot = simulator.create(setup)
    options = DeviceOptions(name="robot_a", beat_s=0.1, memory=folder / "commands.json")
    serving = threading.Thread(target=Device(robot, port, VirtualClock(), options).serve)
    serving.start()
    try:
        yield port, folder / "simulator" / "motions.jsonl"
    finally:
        port.stop()
        serving.join(5)
        port.close()
        robot.close()


@pytest.fixture
def in_the_network(tmp_path: Path) -> Iterator[tuple[TcpPort, Path]]:
    with device(tmp_path / "device") as found:
        yield found


def _config(config: Config, port: TcpPort, fence: str) -> Config:
    standby = StandbyConfig(fence=fence, lease_s=2.5, margin_s=0.5)  # type: ignore[arg-type]
    quick = {"hello_s": 2, "repeat_s": 0.1, "heartbeat_s": 0.2, "silence_s": 2}
    robot = RobotConfig(
        driver="jsonline",
        options={"port": port.path, **quick},
        standby=standby,
        on_start="resume",
        reconnect_s=0.05,
    )
    return replace(config, robots={"robot_a": robot}, default_robot="robot_a")


async def starts(site: Site, name: str, port: TcpPort, fence: str) -> Member:
    member = Member(site, name, ["robot_a"], hub=False)
    member._config = _config(member._config, port, fence)
    site.members.append(member)
    return await member.start()


async def _why(member: Member) -> str:
    return str((await member.get("/robots"))["robots"])


async def _says(member: Member, text: str) -> bool:
    return text in await _why(member)


async def drives(member: Member) -> bool:
    (robot,) = (await member.get("/robots"))["robots"]
    return bool(robot["connected"])


async def _takes(member: Member, robot: str) -> Any:
    found = await member.get("/fleet")
    return [one for one in found["daemons"] if one["here"] and robot in one["names"]]


@pytest.mark.slow
async def test_second_machine__takes_over_what_waits_and_what_holds_and_the_first_gives_it_up(
    site: Site, in_the_network: tuple[TcpPort, Path]
) -> None:
    port, log = in_the_network
    one = await starts(site, "lab-1", port, "device")
    await until(lambda: drives(one))
    two = await starts(site, "lab-2", port, "device")
    await until(lambda: _says(two, "driven by lab-1 (epoch 1)"))

    # whoever submits at the second machine does not have to know
    async def accepted_by_fleet() -> Any:
        answer = await two.post("/", NOD)
        return answer if answer.get("accepted_by") == "fleet" else None

    answer = await until(accepted_by_fleet)
    assert answer["daemon"] == "lab-1"
    # the database was away for a moment, just while lab-1 was taking the robot
    assert one.daemon is not None
    assert one.daemon.fleet is not None
    member = one.daemon.fleet.member
    member.drives("robot_a", False)
    await member.join()
    (there,) = [known for known in await member.all() if known.name == "lab-1"]
    assert there.robots == ("robot_a",)
    member.drives("robot_a", True)
    assert (await two.ended(answer["task_id"]))["fleet"]["daemon"] == "lab-1"
    await one.post("/queue/pause", {"reason": "cleaning"})
    keys = ("first", "second")
    waiting = [await one.submit(NOD, "robot_a", Idempotency_Key=key) for key in keys]
    await until(lambda: _known(two, waiting[-1]))
    await one.stop()

    await until(lambda: drives(two))
    assert "cleaning" in await _why(two)
    assert [task["state"] for task in [await two.get(f"/task/{one_}") for one_ in waiting]] == [
        "pending",
        "pending",
    ]
    # whoever has not seen the answer of lab-1 asks lab-2 once more
    assert [await two.submit(NOD, "robot_a", Idempotency_Key=key) for key in keys] == waiting
    moved = log.read_text()
    meant = re.findall(r"hold_[a-z0-9]+", await _why(two))
    await two.post("/queue/resume", {"holds": meant})
    for task_id in waiting:
        assert (await two.ended(task_id))["state"] == "completed"
    assert log.read_text() != moved

    await one.start()
    for task_id in waiting:
        given = await one.ended(task_id)
        assert (given["state"], given["result"]["error_code"]) == ("cancelled", "handed_over")
    await until(lambda: _says(one, "driven by lab-2 (epoch 2)"))
    ids = [json.loads(line)["task_id"] for line in log.read_text().splitlines()]
    assert [ids.count(task_id) for task_id in waiting] == [ids.count(answer["task_id"])] * 2
    # the emergency stop at the machine that does not drive stops the robot
    await until(lambda: _knows_peer(one, "lab-2"))
    _, stopped = await one.ask("POST", "/estop", {"reason": "smoke"})
    assert stopped["fleet"]["lab-2"]["confirmed"], stopped


async def _known(member: Member, task_id: str) -> bool:
    status, _ = await member.ask("GET", f"/task/{task_id}")
    return status == 200


async def _knows_peer(member: Member, name: str) -> bool:
    found = await member.get("/fleet")
    return any(one["name"] == name and not one["away"] for one in found["daemons"])


@pytest.mark.slow
async def test_machine_that_nothing_fences__is_not_taken_over_before_a_person_has_looked(
    site: Site, in_the_network: tuple[TcpPort, Path]
) -> None:
    port, _ = in_the_network
    one = await starts(site, "lab-1", port, "none")
    await until(lambda: drives(one))
    two = await starts(site, "lab-2", port, "none")
    await until(lambda: _says(two, "driven by lab-1 (epoch 1)"))
    take = "/fleet/robots/robot_a/take"
    status, refused = await two.ask("POST", take, {"old_machine_is_off": True})
    assert (status, refused["error_code"]) == (409, "standby_refused")
    assert "not off" in refused["message"]
    await one.stop()
    await until(lambda: _says(two, "A person has to say that it is off"))
    assert not await drives(two)
    status, refused = await two.ask("POST", take, {})
    assert status == 400, refused
    assert not await drives(two)
    (asked,) = (await two.get("/fleet"))["asks_whether_off"]
    assert asked == {"robot_id": "robot_a", "daemon": "lab-1", "epoch": 1}
    # what somebody has seen of another machine does not count for this one
    status, refused = await two.ask("POST", take, {"old_machine_is_off": True, "epoch": 7})
    assert (status, refused["error_code"]) == (409, "standby_refused")
    assert not await drives(two)

    assert two.daemon is not None
    assert two.daemon.fleet is not None
    assert two.daemon.fleet.standbys is not None
    # the person asks while the daemon looks by itself
    look = two.daemon.fleet.standbys.keepers["robot_a"].step
    taking = asyncio.create_task(two.post(take, {"old_machine_is_off": True, "epoch": 1}))

    async def looks() -> None:
        while not taking.done():
            await look()

    await asyncio.gather(*(looks() for _ in range(4)))
    assert (await taking)["success"]
    assert "asks_whether_off" not in await two.get("/fleet")
    await until(lambda: drives(two))
    kinds = [event["kind"] for event in (await two.get("/journal"))["events"]]
    assert "robot.old_machine_is_off" in kinds
    assert kinds.count("robot.taken_over") == 1
    assert (await two.ended(await two.submit(NOD, "robot_a")))["state"] == "completed"


# -- by itself -------------------------------------------------------------------------------------


def test_tenure__is_over_by_a_clock_of_this_machine_and_never_goes_back() -> None:
    now = [100.0]
    tenure = Tenure("robot_a", "device", lambda: now[0])
    with pytest.raises(NotOurs, match="nobody has said"):
        tenure.look()
    tenure.grant(3, 107.0)
    assert tenure.look() == 3
    now[0] = 107.0
    with pytest.raises(NotOurs, match="database is away"):
        tenure.look()
    # renewed late, and nobody had taken it
    tenure.grant(3, 120.0)
    assert tenure.look() == 3
    tenure.grant(2, 900.0)
    now[0] = 121.0
    assert not tenure.valid
    tenure.grant(4, 130.0)
    tenure.suspend("the disk")
    with pytest.raises(NotOurs, match="the disk"):
        tenure.look()
    tenure.grant(4, 131.0)
    tenure.end("driven by lab-2 (epoch 5)")
    with pytest.raises(NotOurs, match="lab-2"):
        tenure.look()
    tenure.suspend("anything")
    assert tenure.ended


async def test_highest_epoch__is_kept_on_the_own_disk_and_is_never_lowered(tmp_path: Path) -> None:
    epochs = await asyncio.to_thread(Epochs, tmp_path)
    await epochs.see("robot_a", 7)
    await epochs.see("robot_a", 4)
    again = await asyncio.to_thread(Epochs, tmp_path)
    assert (again.highest("robot_a"), again.highest("robot_b")) == (7, 0)
    await asyncio.to_thread((tmp_path / "epochs.json").write_bytes, b"{")
    with pytest.raises(DataUnavailable):
        await asyncio.to_thread(Epochs, tmp_path)
