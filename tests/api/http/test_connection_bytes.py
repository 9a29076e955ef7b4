"""Requests over one connection are the same however their bytes come."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from typing import Any

import orjson
from aiohttp import web
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from robotq.api.connections.connection import Connection
from tests import patience
from tests.api.kept_connection import Client, home, request
from tests.slices import examples


def _chunked(*chunks: bytes) -> bytes:
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in (*chunks, b""))


_PARTS = [
    request(home("a")),
    request(home("b" * 120)),
    request({"cmd_type": "NAVIGATE"}),
    request(b"{"),
    request(b"", method="GET", path="/health"),
    b"GET /robots HTTP/1.1\r\nHost: localhost\r\n\r\n",
    _chunked(b'{"cmd_type": "NAVIGATION", ', b'"params": {"area": "HOME"}}'),
]


@given(data=st.data())
@settings(
    max_examples=examples(25), deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate)
)
def test_requests__are_answered_the_same_however_the_bytes_come(data: st.DataObject) -> None:
    """Cut anywhere, sent together, or one by one after each answer."""
    parts = data.draw(st.lists(st.sampled_from(_PARTS), min_size=2, max_size=8))
    stream = b"".join(parts)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=8).map(sorted))
    edges = [0, *itertools.accumulate(map(len, parts))]
    at_edges = data.draw(st.booleans())
    places = edges if at_edges else [0, *cuts, len(stream)]
    pieces = [stream[begin:end] for begin, end in itertools.pairwise(places)]
    patience.run(_all_are_answered([piece for piece in pieces if piece], parts))


async def _all_are_answered(pieces: Sequence[bytes], parts: Sequence[bytes]) -> None:
    served = await asyncio.get_running_loop().create_server(_Echo.make, "127.0.0.1", 0)
    port = served.sockets[0].getsockname()[1]
    client = await Client.of(port)
    for piece in pieces:
        await client.send(piece)
        await asyncio.sleep(0)
    found = [(await client.answer())[2] for _ in parts]
    assert found == [_told(part) for part in parts]
    await client.close()
    served.close()


def _told(data: bytes) -> dict[str, Any]:
    """Method and body of a request, as the echo tells them."""
    head, _, body = data.partition(b"\r\n\r\n")
    if b"chunked" in head:
        lines = body.split(b"\r\n")
        body = b"".join(lines[1::2])
    return {"method": head.split()[0].decode(), "body": body.decode()}


class _Echo:
    """Answers what was asked."""

    @staticmethod
    def make() -> Connection:
        return Connection(web.Server(_Echo.handle), loop=asyncio.get_running_loop())

    @staticmethod
    async def handle(asked: web.BaseRequest) -> web.StreamResponse:
        method = asked.method
        body = await asked.read()
        content = orjson.dumps({"method": method, "body": body.decode()})
        return web.Response(body=content)
