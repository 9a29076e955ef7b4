"""Whatever a queue waits for, the request that is printed beside it clears it as it is printed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from robotq.catalog import Catalog, load_catalog
from robotq.model.hold import HoldCode, WaitCode
from tests.api.conftest import StartLab
from tests.api.lab import GO_HOME, Lab

AGENT = {"X-Robotq-Agent": "mcp", "Accept-Language": "en"}
TO_TABLE = {"cmd_type": "NAVIGATION", "params": {"area": "SCAN_TABLE"}}

CLEARED_BY_ITSELF = {
    HoldCode.DISCONNECTED,
    HoldCode.STORE_UNAVAILABLE,
    HoldCode.UNRESPONSIVE,
    HoldCode.JOGGING,
    HoldCode.RAW_LINE,
    HoldCode.STOPPING,
    HoldCode.NOT_CONFIGURED,
    HoldCode.ISOLATED,
    WaitCode.NOT_BEFORE,
    WaitCode.CANCELLING,
    WaitCode.AHEAD,
    WaitCode.NO_WORKER,
    WaitCode.WORKERS_BUSY,
    WaitCode.STARTING,
    WaitCode.FOLDER,
}
"""Time, a cable, another program, or more than one request: `clear` says to wait."""


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """What an agent submits of these waits for a person."""
    file = tmp_path_factory.mktemp("specs") / "own.yaml"
    file.write_text("commands:\n  NAVIGATION: {approval: true}\n", encoding="utf-8")
    return load_catalog([file])


async def reasons(lab: Lab) -> list[dict[str, Any]]:
    """All that `/queue/status` tells, holds and waits."""
    told = (await lab.get("/queue/status")).body
    known = {hold["id"] for hold in told["holds"]}
    return [*told["holds"], *(one for one in told["why"] if one.get("id") not in known)]


async def the(lab: Lab, code: str) -> dict[str, Any]:
    """The one reason with this code, as soon as it is there."""
    async with asyncio.timeout(10):
        while not (found := [one for one in await reasons(lab) if one["code"] == code]):  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    assert len(found) == 1, found
    return found[0]


async def send(lab: Lab, clear: dict[str, Any]) -> None:
    """Send what is printed. What only a person can say, the first that is offered."""
    body = clear["body"]
    if clear["asks"] is not None:
        for name in clear["asks"].get("required", ()):
            body = {**body, name: clear["asks"]["properties"][name]["enum"][0]}
    sent = await lab.ask(clear["method"], clear["path"], json=body)
    assert sent.status == 200, sent.text


async def gone(lab: Lab, reason: dict[str, Any]) -> None:
    async with asyncio.timeout(10):
        while any(  # noqa: ASYNC110
            (one["code"], one["task_id"]) == (reason["code"], reason["task_id"])
            for one in await reasons(lab)
        ):
            await asyncio.sleep(0.001)


# -- how each of them comes about -------------------------------------------------------------


async def approval(lab: Lab) -> None:
    await lab.submit(GO_HOME, headers=AGENT)


async def edited_approval(lab: Lab) -> None:
    """It was changed since it was submitted, and the request is about what it is now."""
    first = await lab.submit(GO_HOME, headers=AGENT)
    second = await lab.submit(GO_HOME, headers=AGENT)
    assert (await lab.post(f"/task/{second}/priority", {"priority": "high"})).status == 200
    await lab.post(f"/task/{first}/cancel")


async def question(lab: Lab) -> None:
    await lab.asking()


async def place_of_an_idle_robot(lab: Lab) -> None:
    await lab.ended(await lab.submit({**TO_TABLE, "robot_id": "robot_a"}))
    await lab.submit({**TO_TABLE, "robot_id": "robot_b"})


async def batch(lab: Lab) -> None:
    """What is printed behind a batch is what clears the wait in front."""
    two = (await lab.post("/", [GO_HOME, GO_HOME], headers=AGENT))["task_ids"]
    assert len(two) == 2
    await lab.submit({**GO_HOME, "priority": 5})


async def misfit(lab: Lab) -> None:
    await lab.submit(GO_HOME)
    await lab.post("/queue/pause", {"robot_id": "robot_a"})
    await lab.submit(GO_HOME)
    engine = lab.engine
    fewer = Catalog([spec for spec in engine.catalog if spec.cmd_type != "NAVIGATION"])
    reloaded = await asyncio.to_thread(engine.prepare_reload, engine.config, fewer)
    await engine.reload(reloaded, actor="ann")


async def paused(lab: Lab) -> None:
    await lab.post("/queue/pause", {"robot_id": "robot_a", "reason": "lunch"})


async def two_pauses_of_one_request(lab: Lab) -> None:
    """A resume lifts both, so it names both."""
    await paused(lab)
    lab.engine.holds.set("robot_a", HoldCode.RESTARTED)


async def failed(lab: Lab) -> None:
    lab.engine.holds.set("robot_a", HoldCode.FAILURE, task_id="task_1")


async def shut_down(lab: Lab) -> None:
    lab.engine.holds.set("robot_a", HoldCode.SHUTDOWN, task_id="task_1")


async def motion_held(lab: Lab) -> None:
    await lab.post("/robots/robot_a/hold")


async def stopped(lab: Lab) -> None:
    lab.engine.holds.set("robot_a", HoldCode.ESTOP, actor="ann", reason="smoke")


async def unknown(lab: Lab) -> None:
    await lab.ended(await lab.submit({"cmd_type": "NAVIGATION", "params": {"area": "CHARGER"}}))


KINDS: dict[str, tuple[str, Callable[[Lab], Awaitable[None]]]] = {
    "approval": ("approval", approval),
    "an approval that was edited": ("approval", edited_approval),
    "question": ("question", question),
    "place of an idle robot": ("resource", place_of_an_idle_robot),
    "batch": ("approval", batch),
    "does not fit": ("does_not_fit", misfit),
    "paused": ("paused", paused),
    "restarted": ("restarted", two_pauses_of_one_request),
    "failure": ("failure", failed),
    "shutdown": ("shutdown", shut_down),
    "motion held": ("motion_held", motion_held),
    "emergency stop": ("estop", stopped),
    "outcome unknown": ("outcome_unknown", unknown),
}


@pytest.mark.parametrize("kind", KINDS)
async def test_request__that_is_printed_clears_what_it_is_printed_for(
    start_lab: StartLab, kind: str
) -> None:
    lab = await start_lab(
        robots__robot_a__options={
            "lab": None,
            "faults": [{"command": "NAVIGATION", "nth": 1, "kind": "raise"}],
        }
        if kind == "outcome unknown"
        else {}
    )
    code, come_about = KINDS[kind]
    await come_about(lab)
    reason = await the(lab, code)
    await send(lab, reason["clear"])
    await gone(lab, reason)


def test_every_code__is_in_the_list_above_or_clears_itself() -> None:
    tried = {code for code, _ in KINDS.values()} | {"batch"}
    every = {code.value for code in (*HoldCode, *WaitCode)}
    assert tried | {code.value for code in CLEARED_BY_ITSELF} == every
    assert not tried & {code.value for code in CLEARED_BY_ITSELF}


async def test_approval__of_what_was_changed_since_it_was_looked_at_is_refused(lab: Lab) -> None:
    """Ann looks at the pour, Ben raises it before the others, Ann sends what she copied."""
    await lab.submit(GO_HOME, headers=AGENT)
    second = await lab.submit(GO_HOME, headers=AGENT)
    (seen,) = (await lab.task(second))["waits"]
    assert (await lab.post(f"/task/{second}/priority", {"priority": "high"})).status == 200
    clear = seen["clear"]
    refused = await lab.ask("POST", clear["path"], json=clear["body"])
    assert (refused.status, refused["error_code"]) == (409, "task_changed")
    assert (await lab.task(second))["state"] == "pending"


async def test_answer__to_a_question_that_is_over_is_refused(lab: Lab) -> None:
    """Two steps by hand, one after the other: the printed answer is about the first one."""
    first = await lab.asking()
    seen = (await the(lab, "question"))["clear"]
    await send(lab, seen)
    await lab.ended(first)
    await lab.asking()
    refused = await lab.ask("POST", seen["path"], json=seen["body"])
    assert (refused.status, refused["error_code"]) == (409, "no_question")
