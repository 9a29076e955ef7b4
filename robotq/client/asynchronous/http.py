"""Carries a request over aiohttp."""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager

import aiohttp
from yarl import URL

from robotq.client.address import Address
from robotq.client.request import Call
from robotq.client.stream import SILENCE_S, EventStream
from robotq.client.trying import CONNECT_S, Lost, read_answer


class Http:
    """Connections to one daemon."""

    def __init__(self, address: Address, timeout_s: float, tls: ssl.SSLContext | None) -> None:
        self._address = address
        self._timeout_s = timeout_s
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Safe to call twice."""
        if self._session is not None:
            await self._session.close()

    async def send(self, call: Call[object]) -> tuple[int, bytes]:
        limit = aiohttp.ClientTimeout(
            total=CONNECT_S + self._timeout_s + call.wait_s, connect=CONNECT_S
        )
        with _telling_lost():
            async with self._ask(call, call.headers, limit) as response:
                return response.status, await response.read()

    async def blocks(self, call: Call[object], stream: EventStream) -> AsyncGenerator[bytes, None]:
        """What comes over one connection. Raises Lost, Refused, NotRobotq."""
        stream.connected()
        limit = aiohttp.ClientTimeout(total=None, connect=CONNECT_S, sock_read=SILENCE_S)
        with _telling_lost():
            async with self._ask(call, stream.headers, limit) as response:
                if response.status != 200:
                    content = await response.read()
                    read_answer(call, response.status, content, repeated=False)
                async for block in response.content.iter_any():
                    yield block

    def _ask(
        self, call: Call[object], headers: Mapping[str, str], limit: aiohttp.ClientTimeout
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        if self._session is None or self._session.closed:
            # no limit of its own: each wait of the caller is a connection at the daemon
            connector = aiohttp.TCPConnector(limit=0)
            self._session = aiohttp.ClientSession(
                headers=self._address.headers, connector=connector
            )
        return self._session.request(
            call.method,
            URL(self._address.url + call.target, encoded=True),
            data=call.body,
            headers=headers,
            timeout=limit,
            ssl=self._tls or True,
            allow_redirects=False,
        )


@contextmanager
def _telling_lost() -> Iterator[None]:
    """Raises Lost where the connection breaks or stays silent."""
    try:
        yield
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise Lost(_reason(error), sent=False) from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise Lost(_reason(error), sent=True) from error


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
