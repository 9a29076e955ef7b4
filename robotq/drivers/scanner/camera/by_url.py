"""Pictures by HTTP. Every answer is bounded: in time, in bytes, and in where it may lead."""

from __future__ import annotations

import asyncio
import time
from base64 import b64encode
from typing import Any

import aiohttp
from yarl import URL

from robotq.drivers.base import LinkLost
from robotq.drivers.scanner.camera.dates import is_dated
from robotq.drivers.scanner.camera.options import CameraOptions, UrlOptions
from robotq.drivers.scanner.camera.picture import Asked, Picture, PictureRefused

_TYPES = frozenset(
    {"image/jpeg", "image/jpg", "image/pjpeg", "image/png", "image/webp", "image/bmp"}
)
_REDIRECTS = 3
_CHUNK = 65_536
_HEADERS = {
    "Accept": "image/jpeg, image/png, image/webp, image/bmp",
    # what is packed may be a thousand times as long
    "Accept-Encoding": "identity",
    "Cache-Control": "no-cache, no-store",
    "Pragma": "no-cache",
}


class ByUrl:
    """Belongs to the loop of its camera."""

    def __init__(self, options: CameraOptions, url: UrlOptions) -> None:
        self._options = options
        self._url = url
        self._session: aiohttp.ClientSession | None = None

    async def fetch(self, asked: Asked) -> Picture:
        """The picture of now. Raises LinkLost where the camera gives none, PictureRefused where
        it is not one of now."""
        session = self._opened()
        shown = self._url.shown
        try:
            async with asyncio.timeout(self._options.picture_s):
                return await self._asked_for(session, URL(self._url.url, encoded=True), asked)
        except TimeoutError:
            await self.close()
            raise LinkLost(f"{shown} did not answer within {self._options.picture_s:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            await self.close()
            # not the text of the error: it may repeat the whole address
            raise LinkLost(f"{shown} cannot be reached: {_plain(error)}") from None

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _asked_for(self, session: aiohttp.ClientSession, url: URL, asked: Asked) -> Picture:
        for _ in range(_REDIRECTS + 1):
            sent_s = time.monotonic()
            async with session.get(url, allow_redirects=False, **self._how()) as answer:
                if answer.status in (301, 302, 303, 307, 308):
                    url = self._redirected(url, answer.headers.get("Location", ""))
                    continue
                self._check(answer)
                # before its body, which is not needed where it is too old
                dated = is_dated(answer.headers, asked, sent_s, self._url)
                return Picture(data=await self._body(answer), dated=dated)
        raise LinkLost(f"{self._url.shown} leads from one address to the next")

    def _redirected(self, url: URL, location: str) -> URL:
        try:
            to = url.join(URL(location))
        except ValueError:
            to = URL()
        if not location or to.scheme not in ("http", "https") or to.origin() != url.origin():
            raise LinkLost(f"{self._url.shown} leads to another address, which is not asked")
        return to

    def _check(self, answer: aiohttp.ClientResponse) -> None:
        shown = self._url.shown
        if answer.status in (401, 403):
            raise LinkLost(f"{shown} wants another `user`, `password` or `auth` ({answer.status})")
        if answer.status != 200:
            raise LinkLost(f"{shown} answers with status {answer.status}")
        if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise LinkLost(f"{shown} sends packed pictures, though it was asked not to")
        told = answer.content_type
        if told == "multipart/x-mixed-replace":
            raise LinkLost(f"{shown} is a film; the camera has another address for one picture")
        if told not in _TYPES:
            raise LinkLost(f"{shown} sends {told[:60]!a} and no picture")

    async def _body(self, answer: aiohttp.ClientResponse) -> bytes:
        most = self._options.max_bytes
        if (answer.content_length or 0) > most:
            raise PictureRefused("reason.picture_bytes", passing=False, limit=most)
        data = bytearray()
        async for chunk in answer.content.iter_chunked(_CHUNK):
            data += chunk
            if len(data) > most:
                raise PictureRefused("reason.picture_bytes", passing=False, limit=most)
        return bytes(data)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                # names and passwords of this machine's user are not for cameras
                trust_env=False,
                auto_decompress=False,
                headers=_HEADERS,
                cookie_jar=aiohttp.DummyCookieJar(),
                connector=aiohttp.TCPConnector(limit=1),
                middlewares=self._middlewares(),
            )
        return self._session

    def _middlewares(self) -> tuple[Any, ...]:
        url = self._url
        if not url.digest or url.user is None or url.password is None:
            return ()
        return (aiohttp.DigestAuthMiddleware(url.user, url.password),)

    def _how(self) -> dict[str, Any]:
        url = self._url
        how: dict[str, Any] = {}
        if not url.digest and url.user is not None and url.password is not None:
            key = b64encode(f"{url.user}:{url.password}".encode()).decode()
            how["headers"] = {"Authorization": f"Basic {key}"}
        if url.fingerprint is not None:
            how["ssl"] = aiohttp.Fingerprint(url.fingerprint)
        return how


def _plain(error: Exception) -> str:
    """What has happened, without the address."""
    cause: BaseException | None = error
    while cause is not None and not (isinstance(cause, OSError) and cause.strerror):
        cause = cause.__cause__ or getattr(cause, "os_error", None)
        if cause is error:
            break
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return type(error).__name__
