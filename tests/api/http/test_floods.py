"""Who sends much, and who sends nothing, leaves room for everybody else."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from robotq.api.access.keys import KeyFile
from robotq.api.connections.meter import Meter
from robotq.api.connections.open import HEAD_S, SILENT_S, Connections
from robotq.workers.link import Pace
from tests.api.lab import Lab
from tests.api.served import serve


@dataclass(eq=False)
class Peer:
    keyed: bool = False
    answering: bool = False
    head_since: float | None = None
    used: bool = False
    heard_at: float = field(default_factory=time.monotonic)
    gone: bool = False

    def cut(self) -> None:
        self.gone = True


def test_connections__the_longest_idle_ones_without_a_key_go_first() -> None:
    connections = Connections(lambda: 100)
    key, worker = Peer(keyed=True), Peer(answering=True)
    idle = [Peer() for _ in range(298)]
    for peer in (key, worker, *idle):
        connections.opened(peer)
    assert len(connections) <= 100
    assert not key.gone
    assert not worker.gone
    gone = [peer.gone for peer in idle]
    assert gone == sorted(gone, reverse=True), "the oldest of them"
    assert connections.closed == sum(gone)


def test_connections__a_new_one_gets_in_also_where_all_are_busy() -> None:
    connections = Connections(lambda: 100)
    busy = [Peer(answering=True) for _ in range(100)]
    for peer in busy:
        connections.opened(peer)
    stop = Peer()
    connections.opened(stop)
    assert not stop.gone
    assert len(connections) <= 100
    assert any(peer.gone for peer in busy)


def test_connections__end_that_keep_a_head_or_their_first_byte_back() -> None:
    connections = Connections(lambda: 100)
    slow, silent, used = Peer(head_since=0.0), Peer(), Peer(used=True)
    working = Peer(answering=True)
    for peer in (slow, silent, used, working):
        connections.opened(peer)
    connections.look(HEAD_S + 0.1)
    assert slow.gone
    connections.look(silent.heard_at + SILENT_S + 1)
    assert silent.gone
    assert not used.gone
    assert not working.gone
    assert connections.late == 2


class Transport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.reading = True

    def is_closing(self) -> bool:
        return False

    def is_reading(self) -> bool:
        return self.reading

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True


@dataclass
class Taken:
    pieces: list[bytes] = field(default_factory=list)

    @property
    def take(self) -> Callable[[bytes], None]:
        return self.pieces.append


async def test_meter__lets_in_no_more_than_was_asked_for() -> None:
    transport, taken = Transport(), Taken()
    meter = Meter(taken.take, transport)
    data = bytes(range(256)) * 1_000
    meter.put(data)
    await asyncio.sleep(0)
    assert not taken.pieces, "nobody has asked"
    assert not transport.reading
    meter.hungry()
    await asyncio.sleep(0)
    assert len(b"".join(taken.pieces)) == 1_024
    meter.fed()
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(b"".join(taken.pieces)) == 1_024, "its reader has not come back"
    meter.hungry()
    for _ in range(30):
        await asyncio.sleep(0)
    assert b"".join(taken.pieces) == data, "a message that is long comes whole"
    assert transport.reading


async def test_pace__a_flood_leaves_most_turns_to_others() -> None:
    pace, others = Pace(), 0

    async def flood() -> None:
        while True:
            await pace.turn()

    floods = [asyncio.create_task(flood()) for _ in range(100)]
    loop = asyncio.get_running_loop()
    end = loop.time() + 0.2
    while loop.time() < end:
        await asyncio.sleep(0)
        others += 1
    for one in floods:
        one.cancel()
    await asyncio.gather(*floods, return_exceptions=True)
    assert others > 100


@pytest.mark.parametrize("number", [1, 500])
async def test_pace__each_message_waits_for_at_least_a_turn(number: int) -> None:
    pace = Pace()
    turned: list[bool] = []
    asyncio.get_running_loop().call_soon(turned.append, True)
    for _ in range(number):
        await pace.turn()
        assert turned


async def test_client__that_leaves_in_the_middle_of_a_body_leaves_no_trace(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    before = lab.engine.reads.last_event_id
    for _ in range(5):
        _, writer = await asyncio.open_connection("127.0.0.1", lab.client.port)
        writer.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900\r\n\r\n{")
        await writer.drain()
        await asyncio.sleep(0.02)
        writer.transport.abort()
    assert (await lab.get("/health")).status == 200
    await asyncio.sleep(0.05)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert lab.engine.reads.last_event_id == before


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer rq_secret\x00key\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization Bearer rq_secret\r\n\r\n",
        b"\x16\x03\x01rq_secret\r\n\r\n",
    ],
)
async def test_head__that_is_no_http_is_not_repeated_in_the_log(
    lab: Lab, caplog: pytest.LogCaptureFixture, head: bytes
) -> None:
    keys = await asyncio.to_thread(KeyFile, lab.engine.config.data)
    served, port = await serve(lab, keys)
    with caplog.at_level(logging.DEBUG):
        for _ in range(30):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(head)
            assert b" 400 " in await reader.readline()
            writer.close()
            await writer.wait_closed()
    told = [record for record in caplog.records if record.name.startswith(("robotq", "aiohttp"))]
    assert not any("secret" in record.getMessage() for record in told)
    assert not any(record.exc_info for record in told)
    assert len(told) < 15, "a few a second"
    await served.close()
