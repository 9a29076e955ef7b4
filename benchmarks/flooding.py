"""Clients that flood the daemon, each kind in a process of its own that stands back as far as the
system allows."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import resource
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event

from benchmarks.client import command, message

_WORKERS = 100
_SUBMITTERS = 64
_IDLE = 5_000
_NICER = 19
_START_S = 90.0

_HELLO = (
    b"GET /apis/dispatcher/ws?group=flood HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
_SPAWN = multiprocessing.get_context("spawn")

Flood = Callable[[int, Event, Event], None]
"""Is called with the port, sets the first event once it floods, and ends after the second."""


@contextmanager
def in_process(flood: Flood, port: int) -> Iterator[None]:
    ready, stop = _SPAWN.Event(), _SPAWN.Event()
    process = _SPAWN.Process(target=_run, args=(flood, port, ready, stop), daemon=True)
    process.start()
    try:
        if not ready.wait(_START_S):
            raise RuntimeError(f"{flood.__name__}: it did not begin")
        yield
    finally:
        stop.set()
        process.join(10)
        if process.is_alive():
            process.kill()
            process.join()


def _run(flood: Flood, port: int, ready: Event, stop: Event) -> None:
    os.nice(_NICER)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    flood(port, ready, stop)


def workers(port: int, ready: Event, stop: Event) -> None:
    """Small messages without end, each worker as fast as its connection takes them."""
    block = _frame(json.dumps({"type": "ready"}).encode()) * 3_000
    sockets: list[tuple[socket.socket, int]] = []
    for _ in range(_WORKERS):
        one = socket.create_connection(("127.0.0.1", port), timeout=30)
        one.sendall(_HELLO)
        one.recv(65_536)
        one.setblocking(False)
        sockets.append((one, 0))
    ready.set()
    while not stop.is_set():
        sent_any = False
        for index, (one, at) in enumerate(sockets):
            with contextlib.suppress(OSError):
                sent = one.send(block[at:])
                sent_any = True
                sockets[index] = (one, (at + sent) % len(block))
        if not sent_any:
            time.sleep(0.001)


def _frame(payload: bytes) -> bytes:
    """A masked message, as every client sends it; the mask is zero."""
    return bytes([0x81, 0x80 | len(payload)]) + bytes(4) + payload


def submitters(port: int, ready: Event, stop: Event) -> None:
    """Each client sends a command, and the next one as soon as that is answered."""
    clients = []
    request = message("POST", "/", command("robot_a", "flood"))
    for _ in range(_SUBMITTERS):
        one = socket.create_connection(("127.0.0.1", port), timeout=30)
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        one.sendall(request)
        one.setblocking(False)
        clients.append(one)
    ready.set()
    while not stop.is_set():
        answered = False
        for one in clients:
            with contextlib.suppress(OSError):
                if one.recv(65_536):
                    answered = True
                    one.send(request)
        if not answered:
            time.sleep(0.0005)


def idle(port: int, ready: Event, stop: Event) -> None:
    """Connections that do nothing; those that are closed come again."""
    held: list[socket.socket] = []

    def fill() -> None:
        while len(held) < _IDLE and not stop.is_set():
            one = socket.socket()
            one.setblocking(False)
            # not waited for: a daemon that takes no more leaves it where it is
            with contextlib.suppress(BlockingIOError):
                one.connect(("127.0.0.1", port))
            held.append(one)
            if len(held) % 50 == 0:
                time.sleep(0.01)

    fill()
    # until what is taken is taken
    time.sleep(3)
    ready.set()
    while not stop.wait(0.2):
        kept = []
        for one in held:
            try:
                over = one.recv(1) == b""
            except BlockingIOError:
                over = False
            except OSError:
                over = True
            if over:
                one.close()
            else:
                kept.append(one)
        held[:] = kept
        fill()
