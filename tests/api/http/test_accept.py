"""Many clients come at once, and the one that comes last is taken soon."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from robotq.api.connections.accept import Listener, listen

_MANY = 100

Loop = Callable[[], asyncio.AbstractEventLoop]


def _loops() -> list[Loop]:
    found: list[Loop] = [asyncio.SelectorEventLoop]
    with contextlib.suppress(ImportError):
        import uvloop  # noqa: PLC0415 - it may not be installed

        found.append(uvloop.new_event_loop)
    return found


def run(loop: Loop, story: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(story)


class Taken(asyncio.Protocol):
    """Keeps in which turn of the loop each connection was made."""

    def __init__(self, turns: list[int], now: list[int]) -> None:
        self._turns, self._now = turns, now

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._turns.append(self._now[0])


async def _turning(now: list[int], until: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not until():
            now[0] += 1
            await asyncio.sleep(0)


@pytest.mark.parametrize("loop", _loops())
def test_clients__that_come_at_once_are_taken_within_a_few_turns(loop: Loop) -> None:
    async def story() -> None:
        turns: list[int] = []
        now = [0]
        sock = socket.create_server(("127.0.0.1", 0))
        with contextlib.ExitStack() as clients:
            listener = await listen(sock, lambda: Taken(turns, now))
            clients.callback(listener.close)
            for _ in range(_MANY):
                one = clients.enter_context(socket.socket())
                one.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    one.connect(sock.getsockname())
            await _turning(now, lambda: len(turns) == _MANY)
        # a turn for each would keep the last one, a stop perhaps, behind everybody's requests
        assert max(turns) - min(turns) < _MANY / 4
        # those that are open have their turn between them
        assert len(set(turns)) > 1

    run(loop, story())


class Exhausted:
    """A listening socket of a system without descriptors, which has some again later."""

    def __init__(self, real: socket.socket) -> None:
        self._real = real
        self.failures = 3

    def accept(self) -> tuple[socket.socket, Any]:
        if self.failures:
            self.failures -= 1
            raise OSError(errno.EMFILE, "Too many open files")
        return self._real.accept()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


@pytest.mark.parametrize("loop", _loops())
def test_listener__goes_on_once_there_are_descriptors_again(
    loop: Loop, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        turns: list[int] = []
        now = [0]
        sock = socket.create_server(("127.0.0.1", 0))
        exhausted = Exhausted(sock)
        listener = Listener(exhausted, lambda: Taken(turns, now), rest_s=0.01)  # type: ignore[arg-type]
        with socket.create_connection(sock.getsockname()):
            await _turning(now, lambda: bool(turns))
        assert not exhausted.failures
        listener.close()
        listener.close()

    with caplog.at_level(logging.WARNING):
        run(loop, story())
    assert "Too many open files" in caplog.text
