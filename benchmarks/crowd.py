"""Many clients at once, in processes of their own, so that they do not slow the measurement."""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
import os
from collections.abc import Callable, Coroutine, Iterator, Sequence
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
_BLOCK = 65_536
_POLL_S = 1.0
"""Seconds between two polls of one client."""
_REFUSED_S = 1.0
"""Seconds that a client waits after a 503; the daemon says so in Retry-After."""

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


class _Inside:
    """The crowd as its own process sees it."""

    def __init__(self, port: int, number: int, shared: _Shared) -> None:
        self.port = port
        self.number = number
        self.going = asyncio.Event()
        self.resting = asyncio.Event()
        self._shared = shared

    def ready(self) -> None:
        self._shared.ready.set()

    def count(self, *, fine: bool, by: int = 1) -> None:
        number = self._shared.crowd.done if fine else self._shared.crowd.failed
        # this process alone writes it
        number.value += by

    async def follow(self) -> None:
        """Rest and go as the measuring process says, until it says stop."""
        while not self._shared.stop.is_set():
            go = self._shared.crowd.go.is_set()
            for event, wanted in ((self.going, go), (self.resting, not go)):
                if wanted:
                    event.set()
                else:
                    event.clear()
            await asyncio.sleep(0.02)


_Clients = Callable[[_Inside], Coroutine[Any, Any, None]]


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
        run_loop(_until_stopped(clients, _Inside(port, number, shared)))


async def _until_stopped(clients: _Clients, inside: _Inside) -> None:
    working = asyncio.create_task(clients(inside))
    following = asyncio.create_task(inside.follow())
    await asyncio.wait({working, following}, return_when=asyncio.FIRST_COMPLETED)
    for task in (working, following):
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _connected(inside: _Inside) -> Sequence[AsyncConnection]:
    # one after the other: the backlog of a listening socket is short
    connections = [await AsyncConnection.open(inside.port) for _ in range(inside.number)]
    inside.ready()
    return connections


async def _each(inside: _Inside, one: Callable[[int], Coroutine[Any, Any, None]]) -> None:
    await asyncio.gather(*(one(index) for index in range(inside.number)))


async def _submit(inside: _Inside) -> None:
    connections = await _connected(inside)

    async def one(index: int) -> None:
        robot = "robot_a" if index % 2 else "robot_b"
        request = message("POST", "/", command(robot, f"client_{index}"))
        while True:
            await inside.going.wait()
            answer = await connections[index].send(request)
            if answer.status == 503:
                await asyncio.sleep(_REFUSED_S)
            else:
                inside.count(fine=answer.status == 200)

    await _each(inside, one)


async def _poll(inside: _Inside) -> None:
    connections = await _connected(inside)
    status = message("GET", "/queue/status?limit=0")
    newest = message("GET", "/tasks?limit=1")

    async def one(index: int) -> None:
        await inside.going.wait()
        # spread over the second
        await asyncio.sleep(index / inside.number)
        found = json.loads((await connections[index].send(newest)).body)["tasks"]
        task = message("GET", f"/task/{found[0]['task_id']}") if found else status
        while True:
            await inside.going.wait()
            answer = await connections[index].send(task if index % 2 else status)
            inside.count(fine=answer.status == 200)
            await asyncio.sleep(_POLL_S)

    await _each(inside, one)


async def _listen(inside: _Inside) -> None:
    inside.ready()

    async def one(_index: int) -> None:
        last_id = b""
        while True:
            await inside.going.wait()
            last_id = await _read_events(inside, last_id)

    await _each(inside, one)


async def _read_events(inside: _Inside, last_id: bytes) -> bytes:
    """Read until the stream ends or the crowd rests; returns the last id that came."""
    reader, writer = await _open_stream(inside.port, last_id)
    try:
        while inside.going.is_set() and (block := await reader.read(_BLOCK)):
            # an id that was cut in two counts with the next one, and is not kept
            inside.count(fine=True, by=block.count(b"\nid: "))
            whole = block.rpartition(b"\r\ndata: ")[0].rpartition(b"\nid: ")[2]
            last_id = whole if whole.isdigit() else last_id
    except ConnectionError:
        inside.count(fine=False)
    finally:
        writer.close()
    return last_id


async def _never_read(inside: _Inside) -> None:
    inside.ready()
    while True:
        await inside.going.wait()
        streams = [await _open_stream(inside.port, b"") for _ in range(inside.number)]
        for _, writer in streams:
            # what is not taken from the system fills its buffers, then those of the daemon
            writer.transport.pause_reading()
        await inside.resting.wait()
        for _, writer in streams:
            writer.transport.abort()


async def _open_stream(port: int, last_id: bytes) -> tuple[asyncio.StreamReader, Any]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    resume = b"Last-Event-ID: " + last_id + b"\r\n" if last_id else b""
    writer.write(b"GET /events HTTP/1.1\r\nHost: localhost\r\n" + resume + b"\r\n")
    return reader, writer
