"""What the page is looked at in: each state that a person meets, made by a real daemon."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.web.conftest import Site
from tests.web.test_stop import call

HOME = {"cmd_type": "NAVIGATION", "params": {"area": "HOME"}}
CHARGER = {"cmd_type": "NAVIGATION", "cmd_id": "TO_CHARGER", "params": {"area": "CHARGER"}}
SCAN = {"cmd_type": "SCAN_QRCODE", "cmd_id": "SCAN_QRCODE_017", "params": {}}
BY_HAND = {
    "cmd_type": "MANUAL_STEP",
    "cmd_id": "HOOD_3",
    "params": {"title": "Close the hood and put the lid of bottle 12 on"},
}
FAULTS = "robots.robot_a.options"
_LIMIT_S = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """How a state comes about, and the word for it on the wall."""

    make: Callable[[Site], Awaitable[None]]
    face: str
    """Of robot_a, in English."""
    config: Mapping[str, Any] = field(default_factory=dict)
    gone: bool = False
    """The daemon goes away while the page is open."""


async def submit(site: Site, command: Mapping[str, Any], robot: str = "robot_a") -> str:
    params = {**command["params"], "robot_id": robot}
    return str((await call(site, "POST", "/", {**command, "params": params}))["task_id"])


async def until(site: Site, reached: Callable[[Any], bool]) -> None:
    """Until robot_a is so far, by the look of a page."""
    async with asyncio.timeout(_LIMIT_S):
        while True:
            look = await call(site, "GET", "/dashboard/look")
            if reached(look["robots"][0]):
                return
            await asyncio.sleep(0.02)


async def _idle(site: Site) -> None:
    done = await submit(site, HOME)
    await call(site, "GET", f"/task/{done}?wait=20")


async def _running(site: Site) -> None:
    await _idle(site)
    for command in (SCAN, CHARGER, HOME):
        await submit(site, command)
    await submit(site, {"cmd_type": "SPLIT_LIQUID", "params": {}}, "robot_b")
    await until(site, lambda robot: robot["running"] and robot["running"]["steps"])


async def _question(site: Site) -> None:
    for command in (SCAN, CHARGER):
        await submit(site, command)
    await until(site, lambda robot: robot["running"] and robot["running"]["waiting_for"])


async def _manual(site: Site) -> None:
    for command in (BY_HAND, HOME):
        await submit(site, command)
    await until(site, lambda robot: robot["running"] and robot["running"]["waiting_for"])


async def _blocked(site: Site) -> None:
    stands = await submit(site, {**CHARGER, "params": {"area": "SCAN_TABLE"}}, "robot_b")
    await call(site, "GET", f"/task/{stands}?wait=20")
    await submit(site, {**CHARGER, "cmd_id": "TO_SCAN", "params": {"area": "SCAN_TABLE"}})
    await until(site, lambda robot: bool(robot["why"]))


async def _held(site: Site) -> None:
    for command in (SCAN, HOME):
        await submit(site, command)
    await until(site, lambda robot: robot["running"] and robot["running"]["steps"])
    await call(site, "POST", "/robots/robot_a/hold")


async def _ended_badly(site: Site) -> None:
    await submit(site, CHARGER)
    await submit(site, HOME)
    await until(site, lambda robot: robot["holds"])


async def _offline(site: Site) -> None:
    """The link is away, and somebody has said how the command ended in which it broke."""
    cut = await submit(site, CHARGER)
    await submit(site, HOME)
    codes = {"outcome_unknown", "disconnected"}
    await until(site, lambda robot: {hold["code"] for hold in robot["holds"]} == codes)
    await call(site, "POST", f"/task/{cut}/resolve", {"outcome": "failed", "then": "stay_paused"})
    await until(site, lambda robot: "outcome_unknown" not in {h["code"] for h in robot["holds"]})


async def _stopped(site: Site) -> None:
    await _running(site)
    await call(site, "POST", "/estop", {"reason": "a bottle fell from the splitting table"})


async def _paused(site: Site) -> None:
    await submit(site, HOME)
    await call(site, "POST", "/queue/pause", {"reason": "Li cleans the deck"})
    await submit(site, CHARGER)


def _many(number: int) -> Callable[[Site], Awaitable[None]]:
    async def make(site: Site) -> None:
        await call(site, "POST", "/queue/pause", {"robot_id": "robot_a"})
        batch = [{**HOME, "cmd_id": f"drive-{one:04d}"} for one in range(number)]
        for first in range(0, number, 500):
            await call(site, "POST", "/?contiguous=false", batch[first : first + 500])

    return make


def _faulty(kind: str, **more: Any) -> Mapping[str, Any]:
    fault = {"command": "NAVIGATION", "nth": 1, "kind": kind, **more}
    return {FAULTS: {"faults": [fault]}, "robots.robot_b.options": {}}


STATES: Mapping[str, State] = {
    "idle": State(make=_idle, face="Idle"),
    "running": State(make=_running, face="Working", config={"time_scale": 1}),
    "question": State(make=_question, face="Asks", config={"time_scale": 0.01}),
    "manual": State(make=_manual, face="Manual"),
    "blocked": State(make=_blocked, face="Blocked"),
    "held": State(make=_held, face="Held", config={"time_scale": 1}),
    "offline": State(
        make=_offline, face="Offline", config=_faulty("link_drop", refused_connects=500)
    ),
    "unknown": State(make=_ended_badly, face="Unclear", config=_faulty("raise")),
    "failed": State(
        make=_ended_badly,
        face="Failed",
        config={**_faulty("fail", reason="gripper"), "robots.robot_a.on_failure": "hold"},
    ),
    "stopped": State(make=_stopped, face="Stopped", config={"time_scale": 1}),
    "stale": State(make=_running, face="No data", config={"time_scale": 1}, gone=True),
    "paused": State(make=_paused, face="Paused"),
    "200-wait": State(make=_many(200), face="Paused"),
    "5000-wait": State(make=_many(5_000), face="Paused"),
}

WIDTHS: Sequence[tuple[int, int]] = ((1920, 1080), (1280, 800), (1180, 820), (390, 844))
THEMES = ("light", "dark")
LANGUAGES = ("en-US", "zh-CN")
VIEWS = ("wall", "now")
