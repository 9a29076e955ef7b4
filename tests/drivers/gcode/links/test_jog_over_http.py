"""A technician at a paused gantry holds a button of the page: what the page sends, and what
becomes of the robot, its queue and the journal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType

from robotq.drivers.jogging import AHEAD_S, LIFE_S
from robotq.model.hold import HoldCode
from tests.drivers.gcode.test_over_http import Machine, Site, device, plugged, site
from tests.slices import some

pytestmark = pytest.mark.wall("the page, the daemon and the machine each wait for the others")

BOTH = pytest.mark.parametrize("name", some(["grbl-gantry", "marlin-arm"], 1))
SLACK_S = 0.05
"""What a busy machine needs to hand a message on."""


class Finger:
    """Echoes what the daemon sends, as the page does while its button is held."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self._socket = socket
        self.said: list[Any] = []
        self.holds = True
        self.late_s = 0.0
        """How long the connection keeps each number back."""
        self._task = asyncio.create_task(self._hold())

    async def _hold(self) -> None:
        async for message in self._socket:
            if message.type is not WSMsgType.TEXT:
                return
            said = message.json()
            if said["type"] != "beat":
                self.said.append(said)
            elif self.holds:
                await asyncio.sleep(self.late_s)
                try:
                    await self._socket.send_json({"n": said["n"]})
                except ConnectionError:
                    # the daemon has closed it; what is still here of it is old
                    return

    @property
    def ended(self) -> bool:
        return self._task.done()

    async def let_go(self) -> Any:
        self.holds = False
        await self._socket.send_json({"release": True})
        return await self.over()

    async def over(self) -> Any:
        async with asyncio.timeout(20):
            await self._task
        return self.said[-1] if self.said else None

    async def leave(self) -> None:
        """The tab is closed."""
        self._task.cancel()
        await self._socket.close()


class Bench:
    def __init__(self, lab: Site, machine: Machine) -> None:
        self.lab = lab
        self.machine = machine
        self.robot = next(iter(lab.engine.robots))

    async def press(self, **query: Any) -> Finger:
        query = {"axis": "x", "direction": "plus", "speed_mm_s": "20", **query}
        path = f"/robots/{self.robot}/jog"
        return Finger(
            await self.lab.client.ws_connect(path, params=query, headers={"Accept-Language": "en"})
        )

    async def refused(self, **query: Any) -> str:
        finger = await self.press(**query)
        said = await finger.over()
        assert said["type"] == "refused", said
        assert not await asyncio.to_thread(self.moving)
        message: str = said["message"]
        return message

    def gone_mm(self) -> float:
        self.machine.order(lambda: self.machine.axes.advance(self.machine.now()))
        return self.machine.axes.travelled_mm

    def moving(self) -> bool:
        self.gone_mm()
        return self.machine.axes.moving

    async def held_for(self, mm: float) -> Finger:
        """A finger that a busy machine has kept waiting has let go: it presses again."""
        before = await asyncio.to_thread(self.gone_mm)
        finger = await self.press()
        async with asyncio.timeout(20):
            while await asyncio.to_thread(self.gone_mm) - before < mm:
                if finger.ended:
                    assert [one["reason"] for one in finger.said] == ["no_renewal"], finger.said
                    before = await asyncio.to_thread(self.gone_mm)
                    finger = await self.press()
                await asyncio.sleep(0.005)
        return finger

    async def pause(self) -> None:
        await self.lab.post("/queue/pause", {"robot_id": self.robot})

    async def journal(self, kind: str) -> list[Any]:
        return list((await self.lab.get(f"/journal?kind={kind}"))["events"])


@asynccontextmanager
async def paused(name: str, folder: Path) -> AsyncIterator[Bench]:
    async with plugged(device(name, folder, speed=1)) as machine, site(name, folder) as lab:
        await lab.do("HOME")
        bench = Bench(lab, machine)
        await bench.pause()
        yield bench


@pytest.mark.slow
@BOTH
async def test_button__moves_the_axis_while_it_is_held_and_keeps_the_queue_paused(
    name: str, tmp_path: Path
) -> None:
    async with paused(name, tmp_path) as bench:
        robot = await bench.lab.get(f"/robots/{bench.robot}")
        assert robot["jog"]["axes"] == ["x", "y", "z"]
        waiting = await bench.lab.submit("HOME")
        finger = await bench.held_for(10)
        assert bench.lab.holds(bench.robot) == {HoldCode.PAUSED, HoldCode.JOGGING}
        # nobody else gets the robot meanwhile, and nobody resumes its queue
        answer = await bench.lab.post("/queue/resume", {"robot_id": bench.robot})
        assert answer["error_code"] == "robot_busy"
        assert (await (await bench.press()).over())["error_code"] == "jog_refused"
        let_go = bench.machine.now()
        said = await finger.let_go()
        assert said["reason"] == "released"
        assert said["end"]["x"] == pytest.approx(bench.machine.axes.position[0], abs=0.02)
        assert said["moved_mm"] >= 10
        assert bench.machine.axes.last_step <= let_go + AHEAD_S + SLACK_S
        assert bench.lab.holds(bench.robot) == {HoldCode.PAUSED}
        assert (await bench.lab.get(f"/task/{waiting}"))["status"] in ("queued", "pending")
        started = (await bench.journal("jog.started"))[-1]
        ended = (await bench.journal("jog.ended"))[-1]
        assert (started["data"]["axis"], ended["data"]["reason"]) == ("x", "released")
        assert ended["data"]["end"] == said["end"]
        # and it goes on as before
        holds = [hold.id for hold in bench.lab.engine.holds.of(bench.robot)]
        await bench.lab.post("/queue/resume", {"robot_id": bench.robot, "holds": holds})
        assert (await bench.lab.ended(waiting))["status"] == "completed"


@BOTH
async def test_button__that_nobody_is_heard_of_any_more(name: str, tmp_path: Path) -> None:
    """A page that stands, one that was closed, and a daemon that ends."""
    async with paused(name, tmp_path) as bench:
        finger = await bench.held_for(3)
        silent = bench.machine.now()
        finger.holds = False
        assert (await finger.over())["reason"] == "no_renewal"
        assert bench.machine.axes.last_step <= silent + LIFE_S + 0.1 + SLACK_S
        finger = await bench.held_for(3)
        closed = bench.machine.now()
        await finger.leave()
        await bench.lab.until(lambda: HoldCode.JOGGING not in bench.lab.holds(bench.robot))
        assert bench.machine.axes.last_step <= closed + AHEAD_S + SLACK_S
        assert (await bench.journal("jog.ended"))[-1]["data"]["reason"] in ("closed", "no_renewal")
        finger = await bench.held_for(3)
        ended = bench.machine.now()
        await bench.lab.engine.shut_down()
        assert bench.machine.axes.last_step <= ended + AHEAD_S + SLACK_S
        await finger.leave()


@pytest.mark.long
async def test_button__over_a_connection_that_is_too_slow_moves_nothing(tmp_path: Path) -> None:
    """What it has kept back would move the robot when the person has long let go."""
    async with paused("grbl-gantry", tmp_path) as bench:
        before = await asyncio.to_thread(bench.gone_mm)
        finger = await bench.press()
        finger.late_s = 0.4
        assert await finger.over() is None
        assert await asyncio.to_thread(bench.gone_mm) == before
        assert bench.lab.holds(bench.robot) == {HoldCode.PAUSED}


async def test_button__is_refused_with_the_reason(tmp_path: Path) -> None:
    async with paused("grbl-gantry", tmp_path) as bench:
        assert "up to 20 mm/s" in await bench.refused(speed_mm_s="21")
        holds = [hold.id for hold in bench.lab.engine.holds.of(bench.robot)]
        await bench.lab.post("/queue/resume", {"robot_id": bench.robot, "holds": holds})
        assert "pause its queue" in await bench.refused()
        await bench.pause()
        await bench.lab.post("/estop")
        assert "estop" in await bench.refused()


@pytest.mark.long
@BOTH
@pytest.mark.parametrize("by", ["estop", "stop", "hold"])
async def test_button__that_is_held_while_somebody_stops_the_robot(
    name: str, by: str, tmp_path: Path
) -> None:
    async with paused(name, tmp_path) as bench:
        finger = await bench.held_for(3)
        stopped = bench.machine.now()
        path = "/estop" if by == "estop" else f"/robots/{bench.robot}/{by}"
        await bench.lab.post(path)
        said = await finger.over()
        assert said["reason"] == {"estop": "estop", "stop": "stopped", "hold": "held"}[by]
        assert bench.machine.axes.last_step <= stopped + AHEAD_S + SLACK_S
        assert HoldCode.PAUSED in bench.lab.holds(bench.robot)


@pytest.mark.long
async def test_button__of_a_robot_whose_cable_is_pulled(tmp_path: Path) -> None:
    """What it has got it carries out, and no more comes."""
    async with paused("grbl-gantry", tmp_path) as bench:
        finger = await bench.held_for(3)
        pulled = bench.machine.now()
        await asyncio.to_thread(bench.machine.unplug)
        said = await finger.over()
        assert said["reason"] == "link_lost"
        await asyncio.to_thread(bench.gone_mm)
        assert bench.machine.axes.last_step <= pulled + LIFE_S + SLACK_S
