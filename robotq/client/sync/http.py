"""Carries a request with nothing but the standard library."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import TypeVar

from robotq.client.address import Address
from robotq.client.request import Call
from robotq.client.stream import SILENCE_S, EventStream
from robotq.client.trying import CONNECT_S, Lost, read_answer

_T = TypeVar("_T")

_BLOCK = 65_536


class Http:
    """Connections to one daemon: one for each request, so threads may share this."""

    def __init__(self, address: Address, timeout_s: float, tls: ssl.SSLContext | None) -> None:
        self._address = address
        self._timeout_s = timeout_s
        self._tls = tls

    def close(self) -> None:
        """Nothing is left open between two requests."""

    def send(self, call: Call[object]) -> tuple[int, bytes]:
        with self._ask(call, call.headers, self._timeout_s + call.wait_s) as response:
            return _lost(lambda: (response.status, response.read()))

    def blocks(self, call: Call[object], stream: EventStream) -> Generator[bytes, None, None]:
        """What comes over one connection. Raises Lost, Refused, NotRobotq."""
        stream.connected()
        with self._ask(call, stream.headers, SILENCE_S) as response:
            if response.status != 200:
                content = _lost(response.read)
                read_answer(call, response.status, content, repeated=False)
            while block := _lost(lambda: response.read1(_BLOCK)):
                yield block

    @contextmanager
    def _ask(
        self, call: Call[object], headers: Mapping[str, str], timeout_s: float
    ) -> Iterator[HTTPResponse]:
        """The answer as far as its headers; the rest can be read inside the block."""
        # who answers decides whether the connection ends with the answer: here it always does
        with (
            closing(self._connect()) as connection,
            _lost(lambda: self._answer(connection, call, headers, timeout_s)) as response,
        ):
            yield response

    def _answer(
        self,
        connection: HTTPConnection,
        call: Call[object],
        headers: Mapping[str, str],
        timeout_s: float,
    ) -> HTTPResponse:
        if connection.sock is not None:
            connection.sock.settimeout(timeout_s)
        everything = {**self._address.headers, "Connection": "close", **headers}
        path = self._address.prefix + call.target
        connection.request(call.method, path, call.body, everything)
        return connection.getresponse()

    def _connect(self) -> HTTPConnection:
        address = self._address
        connection: HTTPConnection
        if address.secure:
            connection = HTTPSConnection(
                address.host, address.port, timeout=CONNECT_S, context=self._tls
            )
        else:
            connection = HTTPConnection(address.host, address.port, timeout=CONNECT_S)
        try:
            connection.connect()
        except (OSError, UnicodeError) as error:
            # UnicodeError: of a name that no host can have
            connection.close()
            raise Lost(_reason(error), sent=False) from error
        return connection


def _lost(work: Callable[[], _T]) -> _T:
    """The result of `work`. Raises Lost where the connection breaks or stays silent."""
    try:
        return work()
    except (OSError, HTTPException) as error:
        raise Lost(_reason(error), sent=True) from error


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
