"""One request and its answer, sent again where that is safe."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from typing import Self, TypeVar

from robotq.client import calls
from robotq.client.address import Address, address_of
from robotq.client.asynchronous.http import Http
from robotq.client.errors import Refused, Unreachable
from robotq.client.request import Call
from robotq.client.trying import Lost, Trying, read_answer

_T = TypeVar("_T")


class Exchange:
    """Talks to one daemon."""

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        timeout_s: float = 10.0,
        retry_s: float = 30.0,
        language: str | None = None,
        headers: Mapping[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`url` and `key` come from ROBOTQ_URL and ROBOTQ_KEY where they are not given, and the
        url is http://127.0.0.1:8090 without both.

        `timeout_s`: silence after which a request counts as lost, besides the time that it asks
        the daemon to wait. `language`: of messages, `en` or `zh`. Raises ValueError for a url
        that is none.
        """
        self._address: Address = address_of(url, key, language, headers or {})
        self._retry_s = retry_s
        self._http = Http(self._address, timeout_s, tls)

    @property
    def url(self) -> str:
        return self._address.url

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections. Safe to call twice."""
        await self._http.close()

    def _trying(self, call: Call[object]) -> Trying:
        return Trying(call, self.url, self._retry_s)

    async def _do(self, call: Call[_T]) -> _T:
        trying = self._trying(call)
        while True:
            try:
                status, content = await self._http.send(call)
                return read_answer(call, status, content, repeated=trying.maybe_done)
            except (Lost, Refused) as problem:
                pause_s = trying.pause_s(problem)
            await asyncio.sleep(pause_s)
            if trying.asks_for_kind:
                await self._check_queued(call, trying)

    async def _check_queued(self, call: Call[object], trying: Trying) -> None:
        try:
            spec = await self._do(calls.command(call.cmd_type))
        except (Refused, Unreachable) as error:
            raise trying.given_up(str(error)) from error
        if spec.kind != "queued":
            raise trying.given_up(f"{call.cmd_type} acts at once")
