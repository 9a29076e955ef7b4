"""Drives of the simulated robots, and waiting for the end of all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from .http import Client


def drive(cmd_id: str, area: str = "HOME") -> dict[str, Any]:
    return {"cmd_type": "NAVIGATION", "cmd_id": cmd_id, "params": {"area": area}}


async def submitted(client: Client, number: int) -> list[str]:
    """Several clients at once; the tasks that were accepted."""
    answers = await asyncio.gather(
        *(client.post("/", drive(f"drive-{count}")) for count in range(number))
    )
    return [answer["task_id"] for status, answer in answers if status == 200]


async def until_empty(client: Client) -> None:
    """Resolve what was cut short, and wait until nothing is left."""
    status: Any = None
    for _ in range(2_000):
        _, status = await client.get("/queue/status?limit=0")
        for hold in status["holds"]:
            if hold["code"] == "outcome_unknown":
                await client.post(hold["clear"]["path"], {"outcome": "failed"})
        if status["queue_size"] == 0:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"the queue does not run empty: {status}")


async def until(so: Callable[[], Awaitable[bool]]) -> None:
    """Ask again and again, for half a minute or more."""
    for _ in range(3_000):
        if await so():
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{so.__qualname__} does not come")
