"""Talks to a running daemon over HTTP."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self, TypeVar

import aiohttp
import orjson

from robotq import __version__
from robotq.cli.shared.failure import ExitCode, Failure, odd_bytes
from robotq.cli.shared.words import language_here
from robotq.client import Client, ClientError, Unreachable
from robotq.model.json import JsonObject

DEFAULT_URL = "http://127.0.0.1:8090"

_CONNECT_S = 5.0
_ANSWER_S = 90.0
"""Longer than the longest wait that a request of ours asks for."""

_RETRY_S = 3.0
"""Wall seconds in which a daemon that restarts may come back."""

_T = TypeVar("_T")


class Daemon:
    """A running daemon, as a client sees it. Use it as an async context manager.

    Every method raises Failure with the daemon's own message where it refuses, and with a
    hint where none answers.
    """

    def __init__(self, url: str, key: str | None) -> None:
        self.url = url.rstrip("/")
        headers = {
            "Accept-Language": language_here(),
            "User-Agent": f"robotq/{__version__}",
        }
        if key:
            headers["Authorization"] = f"Bearer {key}"
        self._session = aiohttp.ClientSession(
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=_ANSWER_S, sock_connect=_CONNECT_S),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._session.close()

    async def get(self, path: str, **query: str | float) -> Any:
        return await self._request("GET", path, query=query)

    async def post(
        self,
        path: str,
        body: bytes | JsonObject | None = None,
        headers: Mapping[str, str] = {},
        query: Mapping[str, str | float] = {},
    ) -> Any:
        """`body` as bytes goes out as it is, so that it is the daemon that judges a file."""
        content = body if isinstance(body, bytes) else encoded(body or {})
        return await self._request("POST", path, query=query, content=content, headers=headers)

    async def put(self, path: str, body: JsonObject) -> Any:
        return await self._request("PUT", path, content=encoded(body))

    async def _request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | float] = {},
        content: bytes | None = None,
        headers: Mapping[str, str] = {},
    ) -> Any:
        for part in (path, *map(str, query.values())):
            refuse_odd_bytes(part)
        try:
            async with self._session.request(
                method,
                self.url + path,
                params=query,
                data=content,
                headers={"Content-Type": "application/json", **headers} if content else headers,
            ) as response:
                return _read(response, await response.read())
        except aiohttp.InvalidURL as error:
            raise Failure(f"{self.url} is no address of a daemon", ExitCode.USAGE) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Failure(
                f"no daemon answers at {self.url} ({_reason(error)}); start one with "
                "`robotq serve`, or name another with --url or ROBOTQ_URL",
                ExitCode.NO_DAEMON,
            ) from error


def refuse_odd_bytes(text: str) -> None:
    """Raises Failure for an argument with bytes that are no UTF-8 text."""
    if not text.isprintable() and any("\ud800" <= char <= "\udfff" for char in text):
        shown = text.encode("utf-8", "backslashreplace").decode()
        raise Failure(odd_bytes(shown), ExitCode.USAGE)


def encoded(body: JsonObject) -> bytes:
    """As JSON. Raises Failure for an argument with bytes that are no UTF-8 text."""
    try:
        return orjson.dumps(body)
    except TypeError:
        for value in body.values():
            refuse_odd_bytes(str(value))
        raise


def talk(
    url: str, key: str | None, conversation: Callable[[Daemon], Coroutine[Any, Any, _T]]
) -> _T:
    """Run `conversation` with the daemon at `url`. Raises Failure; Ctrl-C ends it too."""

    async def run() -> _T:
        async with Daemon(url, key) as daemon:
            return await conversation(daemon)

    try:
        return asyncio.run(run())
    except KeyboardInterrupt:
        raise Failure("interrupted", ExitCode.INTERRUPTED) from None


@contextmanager
def asking(url: str, key: str | None) -> Iterator[Client]:
    """A client for a command that asks one thing after the other. Raises Failure for all that
    it raises."""
    try:
        with Client(url, key, retry_s=_RETRY_S, language=language_here()) as client:
            yield client
    except Unreachable as error:
        raise Failure(str(error), ExitCode.NO_DAEMON) from error
    except (ClientError, ValueError) as error:
        raise Failure(str(error)) from error


def _read(response: aiohttp.ClientResponse, body: bytes) -> Any:
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Failure(
            f"{response.url.origin()} answers {response.status} without JSON; "
            "is there another program on that port?",
            ExitCode.NO_DAEMON,
        ) from None
    if response.status >= 400:
        told = answer if isinstance(answer, dict) else {}
        message = told.get("message") or f"{response.status} {response.reason}"
        raise Failure(str(message), body=told)
    return answer


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, aiohttp.ClientConnectorError):
        return os.strerror(error.errno) if error.errno else str(error.os_error)
    return str(error) or type(error).__name__
