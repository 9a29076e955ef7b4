"""Many clients at once, in processes of their own, so that they do not slow the measurement."""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
import os
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event
from typing import Any

from benchmarks.client import AsyncConnection, command, message
from benchmarks.loop import run_loop

_NICER = 5
"""Clients stand back where the processors are short, as they would on machines of their own."""
_START_S = 60.0

_SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class Crowd:
    """So many clients of one kind; they do something only while `go` is set."""

    go: Event
    done: Synchronized[int]
    """Requests answered, or events read."""
    failed: Synchronized[int]
    """Answers that were neither 200 nor a refusal, and connections that broke."""


@dataclass(frozen=True, slots=True)
class _Shared:
    crowd: Crowd
    ready: Event
    stop: Event


_Clients = Callable[[int, int, _Shared], Awaitable[None]]


def submitters(port: int, connections: int) -> contextlib.AbstractContextManager[Crowd]:
    """Each sends a command, and the next one as soon as that is answered; after a refusal it
    waits as long as it is told to."""
    return _crowd(_submit, port, connections)


def pollers(port: int, connections: int) -> contextlib.AbstractContextManager[Crowd]:
    """Each asks for a task, or for the queue, once a second."""
    return _crowd(_poll, port, connections)


def listeners(port: int, streams: int) -> contextlib.AbstractContextManager[Crowd]:
    """Each reads /events, and comes back where it was when it is cut off."""
    return _crowd(_listen, port, streams)


def deaf_listeners(port: int, streams: int) -> contextlib.AbstractContextManager[Crowd]:
    """Each opens /events and never reads."""
    return _crowd(_never_read, port, streams)


@contextmanager
def _crowd(clients: _Clients, port: int, number: int) -> Iterator[Crowd]:
    crowd = Crowd(_SPAWN.Event(), _SPAWN.Value("q", 0), _SPAWN.Value("q", 0))
    shared = _Shared(crowd, _SPAWN.Event(), _SPAWN.Event())
    process = _SPAWN.Process(target=_run, args=(clients, port, number, shared), daemon=True)
    process.start()
    try:
        if not shared.ready.wait(_START_S):
            raise RuntimeError(f"{clients.__name__}: the clients did not connect")
        yield crowd
    finally:
        shared.stop.set()
        crowd.go.set()
        process.join(10)
        if process.is_alive():
            process.kill()
            process.join()


def _run(clients: _Clients, port: int, number: int, shared: _Shared) -> None:
    os.nice(_NICER)
    with contextlib.suppress(KeyboardInterrupt):
        run_loop(_until_stopped(clients(port, number, shared), shared.stop))


async def _until_stopped(work: Awaitable[None], stop: Event) -> None:
    working = asyncio.ensure_future(work)
    while not stop.is_set() and not working.done():
        await asyncio.sleep(0.05)
    working.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await working


async def _each(number: int, one: Callable[[int], Awaitable[None]]) -> None:
    await asyncio.gather(*(one(index) for index in range(number)))


async def _connected(port: int, number: int, shared: _Shared) -> Sequence[AsyncConnection]:
    # a few at a time: the backlog of a listening socket is short
    connections = []
    for _ in range(number):
        connections.append(await AsyncConnection.open(port))
    shared.ready.set()
    return connections


async def _submit(port: int, number: int, shared: _Shared) -> None:
    connections = await _connected(port, number, shared)

    async def one(index: int) -> None:
        robot = "robot_a" if index % 2 else "robot_b"
        request = message("POST", "/", command(robot, f"client_{index}"))
        while True:
            await _going(shared)
            answer = await connections[index].send(request)
            if answer.status == 503:
                await asyncio.sleep(1.0)
            else:
                _count(shared, fine=answer.status == 200)

    await _each(number, one)


async def _poll(port: int, number: int, shared: _Shared) -> None:
    connections = await _connected(port, number, shared)
    status = message("GET", "/queue/status?limit=0")
    newest = message("GET", "/tasks?limit=1")

    async def one(index: int) -> None:
        await _going(shared)
        # spread over the second
        await asyncio.sleep(index / number)
        found = json.loads((await connections[index].send(newest)).body)["tasks"]
        task = message("GET", f"/task/{found[0]['task_id']}") if found else status
        while True:
            await _going(shared)
            answer = await connections[index].send(task if index % 2 else status)
            _count(shared, fine=answer.status == 200)
            await asyncio.sleep(1.0)

    await _each(number, one)


async def _listen(port: int, number: int, shared: _Shared) -> None:
    shared.ready.set()

    async def one(_index: int) -> None:
        last_id = b""
        while True:
            await _going(shared)
            last_id = await _read_events(port, last_id, shared)

    await _each(number, one)


async def _read_events(port: int, last_id: bytes, shared: _Shared) -> bytes:
    """Read until the stream ends or the crowd rests; returns the last id that came."""
    reader, writer = await _open_stream(port, last_id)
    try:
        while shared.crowd.go.is_set():
            block = await asyncio.wait_for(reader.read(65_536), 30)
            if not block:
                break
            events = block.count(b"\nid: ") + block.startswith(b"id: ")
            if events:
                last_id = block.rpartition(b"id: ")[2].partition(b"\r")[0].partition(b"\n")[0]
                _count(shared, fine=True, by=events)
    except (ConnectionError, TimeoutError):
        _count(shared, fine=False)
    finally:
        writer.close()
    return last_id


async def _never_read(port: int, number: int, shared: _Shared) -> None:
    shared.ready.set()
    await _going(shared)
    streams: list[Any] = []
    while True:
        await _going(shared)
        for _ in range(number):
            reader, writer = await _open_stream(port, b"")
            # a paused transport takes nothing from the system, whose buffers then fill up
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            streams.append((reader, writer))
        while shared.crowd.go.is_set():
            await asyncio.sleep(0.1)
        for _, writer in streams:
            writer.close()
        streams.clear()


async def _open_stream(port: int, last_id: bytes) -> tuple[asyncio.StreamReader, Any]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    resume = b"Last-Event-ID: " + last_id + b"\r\n" if last_id.isdigit() else b""
    writer.write(b"GET /events HTTP/1.1\r\nHost: localhost\r\n" + resume + b"\r\n")
    return reader, writer


async def _going(shared: _Shared) -> None:
    while not shared.crowd.go.is_set():
        await asyncio.sleep(0.02)


def _count(shared: _Shared, *, fine: bool, by: int = 1) -> None:
    number = shared.crowd.done if fine else shared.crowd.failed
    # this process alone writes it
    number.value += by
