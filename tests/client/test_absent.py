"""A robot is taken out of the configuration: a program gives its commands and its place away."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from robotq.client import AsyncClient, Client, Refused
from robotq.testing.process import DaemonProcess
from tests import forks

from .conftest import GO_HOME

TWO = "robots:\n  robot_a: {driver: simulator}\n  robot_b: {driver: simulator}\ntime_scale: 0\n"
ONE = "robots:\n  robot_a: {driver: simulator}\ntime_scale: 0\n"
TO_TABLE = {"cmd_type": "NAVIGATION", "params": {"area": "SCAN_TABLE"}}


@pytest.fixture
def left(tmp_path: Path) -> tuple[DaemonProcess, list[str]]:
    """robot_b stands on the table with four commands, and the configuration loses it."""
    config = tmp_path / "site.yaml"
    config.write_text(TWO)
    daemon = DaemonProcess(tmp_path / "data", config=config, run=forks.run)
    with daemon, Client(daemon.url) as client:
        assert client.run(TO_TABLE, robot_id="robot_b").completed
        client.pause()
        last = client.submit(GO_HOME, robot_id="robot_b", priority=-3).task_id
        batch = client.submit_batch([{**GO_HOME, "robot_id": "robot_b"}] * 2, contiguous=True)
        first = client.submit(GO_HOME, robot_id="robot_b", priority=3).task_id
    config.write_text(ONE)
    return daemon, [first, *batch.task_ids, last]


def test_absent_robot__its_commands_go_to_another_in_order(
    left: tuple[DaemonProcess, list[str]],
) -> None:
    daemon, order = left
    with daemon, Client(daemon.url, language="en") as client:
        with pytest.raises(Refused, match="robot_a"):
            client.move(order[0], "robot_c")
        listed = client.request("GET", "/dashboard/queue", query={"robot_id": "robot_b"})
        assert [line["task_id"] for line in listed["tasks"]] == order
        one = client.move(order[1], "robot_a", "robot_b is at the mender's")
        assert (one.robot_id, one.task_ids) == ("robot_a", tuple(order[1:3]))
        assert set(client.move_all("robot_b", "robot_a")) == {order[0], order[3]}
        assert client.move_all("robot_a", "robot_a") == order
        now = [task.task_id for task in client.queue_status("robot_a").tasks]
        assert now[:4] == order


def test_absent_robot__its_place_is_released_by_a_program(
    left: tuple[DaemonProcess, list[str]],
) -> None:
    daemon, _ = left

    async def story() -> None:
        async with AsyncClient(daemon.url, language="en") as client:
            places = {one.resource: one for one in await client.resources()}
            assert places["split_table"].held_by is None
            held = places["scan_table"].held_by
            assert held is not None
            assert (held.robot_id, held.state, held.absent) == ("robot_b", "not_configured", True)
            with pytest.raises(Refused, match="resource_in_use"):
                await client.release("scan_table", "robot_b", since_ms=held.since_ms - 1)
            await client.release("scan_table", "robot_b", "I looked", since_ms=held.since_ms)
            assert not any(one.held_by for one in await client.resources())

    with daemon:
        asyncio.run(story())
