# Made from ../asynchronous/exchange.py by `python -m docs.make.sync_client`.
"""One request and its answer, sent again where that is safe."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from typing import Self, TypeVar

from robotq.client import calls
from robotq.client.address import Address, address_of
from robotq.client.errors import Refused, Unreachable
from robotq.client.request import Call
from robotq.client.sync.http import Http
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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections. Safe to call twice."""
        self._http.close()

    def _trying(self, call: Call[object]) -> Trying:
        return Trying(call, self.url, self._retry_s)

    def _do(self, call: Call[_T]) -> _T:
        trying = self._trying(call)
        while True:
            try:
                status, content = self._http.send(call)
                return read_answer(call, status, content, repeated=trying.maybe_done)
            except (Lost, Refused) as problem:
                pause_s = trying.pause_s(problem)
            time.sleep(pause_s)
            if trying.asks_for_kind:
                self._check_queued(call, trying)

    def _check_queued(self, call: Call[object], trying: Trying) -> None:
        try:
            spec = self._do(calls.command(call.cmd_type))
        except (Refused, Unreachable) as error:
            raise trying.given_up(str(error)) from error
        if spec.kind != "queued":
            raise trying.given_up(f"{call.cmd_type} acts at once")
