"""Sends one webhook once: to the right host, in limited time, without following anybody."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import orjson
from aiohttp import (
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    TCPConnector,
)
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.connector import AddrInfoType
from yarl import URL

from robotq.config.receivers import AllowedHosts
from robotq.model.delivery import Problem

_log = logging.getLogger(__name__)

_ANSWER_BYTES = 65_536
"""Of an answer that is longer, nothing is believed."""

_LOOKUPS = 4
"""Names that are looked up at once."""


class Poster:
    """Connections to receivers. One use each: nothing is sent to an address that was not
    checked for this very request. Redirects and proxies are not followed."""

    def __init__(self, allowed: Callable[[], AllowedHosts]) -> None:
        """`allowed` limits where a URL that came from a client may lead to."""
        self._allowed = allowed
        self._resolver = _Resolver()
        self._free = self._session(_any_socket)
        self._guarded = self._session(self._allowed_socket)

    async def post(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        *,
        from_client: bool,
        timeout_s: float,
        expect_received: bool,
    ) -> Problem | None:
        """None where the receiver has acknowledged, else why it has not. Never raises."""
        target = URL(url)
        if from_client and not self._allowed().takes(target.raw_host or ""):
            return Problem(code="webhook.not_allowed", args={"host": target.raw_host})
        session = self._guarded if from_client else self._free
        try:
            async with session.post(
                target,
                data=body,
                headers=headers,
                allow_redirects=False,
                timeout=ClientTimeout(total=timeout_s),
            ) as response:
                if not 200 <= response.status < 300:
                    return Problem(code="webhook.status", args={"status": response.status})
                if expect_received and not await _says_received(response):
                    return Problem(code="webhook.not_received")
                return None
        except TimeoutError:
            return Problem(code="webhook.timeout", args={"timeout_s": timeout_s})
        except (ClientError, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) else None
            return Problem(
                code="webhook.unreachable", args={"reason": reason or str(error) or repr(error)}
            )
        except Exception as error:  # noqa: BLE001 - what a receiver answers must not end the sender
            _log.exception("a webhook could not be sent")
            return Problem(code="webhook.unreachable", args={"reason": repr(error)})

    async def close(self) -> None:
        await asyncio.gather(self._free.close(), self._guarded.close())
        await self._resolver.close()

    def _session(self, make_socket: Callable[[AddrInfoType], socket.socket]) -> ClientSession:
        return ClientSession(
            connector=TCPConnector(
                resolver=self._resolver,
                socket_factory=make_socket,
                use_dns_cache=False,
                force_close=True,
                limit=0,
            ),
            cookie_jar=DummyCookieJar(),
            headers={"Accept-Encoding": "identity"},
        )

    def _allowed_socket(self, address: AddrInfoType) -> socket.socket:
        # every connection begins here, with the address that it is really made to, so that a
        # name cannot stand for one address when it is checked and for another one afterwards
        host = str(address[4][0])
        if not self._allowed().takes_address(host):
            raise PermissionError(
                errno.EACCES, f"the address {host} is not in webhooks.allowed_hosts"
            )
        return _any_socket(address)


def _any_socket(address: AddrInfoType) -> socket.socket:
    family, kind, protocol, _, _ = address
    return socket.socket(family, kind, protocol)


async def _says_received(response: ClientResponse) -> bool:
    answer = bytearray()
    async for part in response.content.iter_chunked(4_096):
        answer += part
        if len(answer) > _ANSWER_BYTES:
            return False
    try:
        value = orjson.loads(answer)
    except orjson.JSONDecodeError:
        return False
    return isinstance(value, dict) and value.get("received") is True


class _Resolver(AbstractResolver):
    """Looks names up as the rest of the machine does, in threads of its own: those of the loop
    are needed for other things while a name server does not answer."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_LOOKUPS, thread_name_prefix="robotq-lookup")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        look_up = partial(socket.getaddrinfo, host, port, family, socket.SOCK_STREAM)
        try:
            found = await asyncio.get_running_loop().run_in_executor(self._threads, look_up)
        except UnicodeError as error:
            # a part of the name is longer than any name's part can be
            raise OSError(errno.EINVAL, f"no such name: {host}") from error
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=port,
                family=kind,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for kind, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        # one that hangs is left behind
        self._threads.shutdown(wait=False, cancel_futures=True)
