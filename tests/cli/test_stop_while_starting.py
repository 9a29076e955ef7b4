"""A stop that somebody sends while the daemon starts is answered before anything moves."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest

from robotq.cli.shared.settings import loader
from robotq.daemon.assembly import running_daemon
from robotq.model.hold import HoldCode
from robotq.model.task import Command, TaskState
from robotq.store.port import SaveTask
from robotq.store.sqlite.store import SqliteStore
from tests.store.records import pending

WAITING = pending(
    1, command=Command(cmd_type="NAVIGATION", params={"area": "CHARGER"}, cmd_id="GO"), rank=1.0
)


async def data_with_a_waiting_command(folder: Path) -> None:
    store = SqliteStore(folder)
    await store.open(finished=10)
    await store.apply([SaveTask(WAITING, None)], lambda events: None)
    await store.close()


async def stop_as_soon_as_the_port_is_open(port: int) -> int:
    """The connection waits in the kernel until the daemon takes it."""
    while True:
        with suppress(ConnectionRefusedError):
            (await asyncio.open_connection("127.0.0.1", port))[1].close()
            break
        await asyncio.sleep(0.001)
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"http://127.0.0.1:{port}/estop") as answer,
    ):
        return answer.status


async def test_stop__that_is_sent_while_the_daemon_starts_comes_before_the_first_command(
    tmp_path: Path,
) -> None:
    await data_with_a_waiting_command(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    load = loader(None, {"port": port, "data": str(tmp_path), "time_scale": 0.0})
    stopping = asyncio.create_task(stop_as_soon_as_the_port_is_open(port))
    config = await asyncio.to_thread(load)
    async with running_daemon(config, load, reload=asyncio.Event()) as daemon:
        assert await stopping == 200
        engine = daemon.engine
        assert engine.holds.get("robot_a", HoldCode.ESTOP) is not None
        assert (await engine.reads.task(WAITING.id)).state is TaskState.PENDING
    assert not (tmp_path / "simulator" / "motions.jsonl").read_text()


async def connected_at_once(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    while True:
        with suppress(ConnectionRefusedError):
            return await asyncio.open_connection("127.0.0.1", port)
        await asyncio.sleep(0.001)


async def stop_a_moment_after_the_first_answer(port: int) -> bytes:
    """Whoever has connected has a moment to say what he wants, also while others are served."""
    reader, writer = await connected_at_once(port)
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/health"),
    ):
        await asyncio.sleep(0.15)
    writer.write(b"POST /estop HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
    told = await reader.readline()
    writer.close()
    return told


@pytest.mark.real_time("whoever is connected has a moment of the wall to say what he wants")
async def test_stop__of_whoever_was_connected_first_comes_before_the_first_command(
    tmp_path: Path,
) -> None:
    await data_with_a_waiting_command(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    load = loader(None, {"port": port, "data": str(tmp_path), "time_scale": 0.0})
    stopping = asyncio.create_task(stop_a_moment_after_the_first_answer(port))
    config = await asyncio.to_thread(load)
    async with running_daemon(config, load, reload=asyncio.Event()) as daemon:
        assert b" 200 " in await stopping
        assert (await daemon.engine.reads.task(WAITING.id)).state is TaskState.PENDING
    assert not (tmp_path / "simulator" / "motions.jsonl").read_text()


async def test_command__that_waits_begins_when_the_daemon_has_started(tmp_path: Path) -> None:
    await data_with_a_waiting_command(tmp_path)
    load = loader(None, {"port": 0, "data": str(tmp_path), "time_scale": 0.0})
    config = await asyncio.to_thread(load)
    async with running_daemon(config, load, reload=asyncio.Event()) as daemon:
        task = await daemon.engine.queue.wait_ended(WAITING.id, 10)
        assert task.state is TaskState.COMPLETED
