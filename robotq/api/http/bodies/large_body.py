"""Bodies that are larger than a body may be because of the programs in them: these go to files
while they come in, so that no more than a block of them is in memory."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import orjson
from aiohttp import web

from robotq.api.http.call import not_to_its_end
from robotq.catalog import Kind
from robotq.engine.intake.programs import Programs
from robotq.engine.intake.read_command import Order
from robotq.engine.intake.taking import Taking, taking_in
from robotq.model.carried.program import HandedIn
from robotq.model.errors import RobotqError
from robotq.model.json.text import parse_unique

_BLOCK = 262_144
"""Bytes that are looked at in one go: the interpreter lets no other thread run meanwhile."""
_LONG = 65_536
"""Bytes of a text in JSON that may be a program."""
_STALLED_S = 30.0
"""Wall seconds in which more of a body has to come."""
_IN_ALL_S = 600.0
"""The same for all of it."""

_TEXT = re.compile(
    rb'(?:[^"\\]+|\\["\\/bfnrt]|\\u(?![dD][89abAB])[0-9a-fA-F]{4}'
    rb"|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})*"
)
"""What stands between two quotes: only a half of it at the end is left out."""
_OF_THE_COMMAND = re.compile(
    rb'"(?:cmd_type|cmd_id|robot_id|callback_url|task_id|title)"[ \t\r\n]*:[ \t\r\n]*\Z'
)
"""What comes before a text that is no parameter, and so no program."""
_KEY_BYTES = 256
"""In which such a key stands."""
_LONGEST_SIGN = 12
"""Bytes of a character in JSON."""


async def read_program(
    request: web.Request, programs: Programs, stack: AsyncExitStack, limit_bytes: int
) -> HandedIn | str:
    """A body that is a program as it is. It is there until `stack` is closed.

    Raises RobotqError program_too_large, programs_full, bad_json where it does not come to its
    end, bad_parameter, store_unavailable.
    """
    announced = request.content_length
    if announced is not None and announced > limit_bytes:
        raise RobotqError("program_too_large", limit_bytes=limit_bytes)
    taking = await stack.enter_async_context(taking_in(programs))
    async for block in _blocks(request):
        await programs.with_room(partial(taking.write, block), len(block))
    return await programs.on_thread(taking.end, taking.size)


class LargeJson:
    """JSON whose programs go to files while it comes in."""

    def __init__(self, programs: Programs, stack: AsyncExitStack, limit_bytes: int) -> None:
        """`limit_bytes`: of all but the programs. These are there until `stack` is closed."""
        self._programs = programs
        self._stack = stack
        self._limit = limit_bytes
        self._sieve = _Sieve(min(_LONG, limit_bytes))
        self._mark = secrets.token_hex(16)
        """No client can know what stands in place of a program."""
        self._found: list[HandedIn | str] = []

    async def read(self, request: web.Request) -> Any:
        """The body, with what may be a program in its params as it was handed in. Raises as
        `read_program` does, and RobotqError bad_json, body_too_large."""
        taking: Taking | None = None
        text = bytearray()
        async for block in _blocks(request):
            for part in self._sieve.feed(block):
                taking = await self._take(part, taking, text)
        self._sieve.end()
        if taking is not None:
            raise RobotqError("bad_json", reason="it ends in the middle of a text")
        body = await asyncio.to_thread(parse_unique, bytes(text))
        if self._put_back(body) < len(self._found):
            raise self._too_large()
        return body

    def require_programs(self, orders: Sequence[Order]) -> None:
        """Raises RobotqError body_too_large where something else was as long as a program."""
        left = len(self._found)
        for order in orders:
            params = order.command.params
            if isinstance(params, dict) and order.spec.kind is Kind.QUEUED:
                values = [value for name, value in params.items() if name in order.programs]
                left -= sum(any(value is one for one in self._found) for value in values)
        if left:
            raise self._too_large()

    async def _take(self, part: _Part, taking: Taking | None, text: bytearray) -> Taking | None:
        """Where this part goes; the program that is being taken afterwards."""
        if part.plain:
            text += part.content
            if len(text) > self._limit:
                raise self._too_large()
            return taking
        if taking is None:
            if _OF_THE_COMMAND.search(text, max(0, len(text) - _KEY_BYTES)):
                raise self._too_large()
            taking = await self._stack.enter_async_context(taking_in(self._programs))
        current = taking
        if part.content:
            content = part.content
            await self._programs.with_room(lambda: current.write(_decoded(content)), len(content))
        if not part.last:
            return taking
        self._found.append(await self._programs.on_thread(taking.end, taking.size))
        text += f'"{self._mark}{len(self._found) - 1}"'.encode()
        return None

    def _put_back(self, body: Any) -> int:
        """Programs where their marks stand; how many."""
        put = 0
        for command in body if isinstance(body, list) else [body]:
            if not isinstance(command, dict):
                continue
            data = command.get("data")
            for part in (command, data) if isinstance(data, dict) else (command,):
                params: Any = part.get("params")
                for name, value in params.items() if isinstance(params, dict) else ():
                    if isinstance(value, str) and value.startswith(self._mark):
                        params[name] = self._found[int(value[len(self._mark) :])]
                        put += 1
        return put

    def _too_large(self) -> RobotqError:
        return RobotqError("body_too_large", limit_bytes=self._limit)


class _Part:
    """Of a body: JSON as it came, or what stands in a long text."""

    __slots__ = ("content", "last", "plain")

    def __init__(self, content: bytes, *, plain: bool, last: bool = False) -> None:
        self.content = content
        self.plain = plain
        self.last = last


class _Sieve:
    """Tells long texts from the rest of a JSON document, block by block."""

    def __init__(self, long: int = _LONG) -> None:
        """`long`: bytes of a text that may be a program."""
        self._at_least = long
        self._inside = False
        self._long = False
        self._text = b""
        """Of the text that is not at its end, what was not handed on."""

    def feed(self, block: bytes) -> list[_Part]:
        """Raises RobotqError bad_json."""
        parts: list[_Part] = []
        at = 0
        while at < len(block):
            if not self._inside:
                quote = block.find(b'"', at)
                end = len(block) if quote < 0 else quote
                if end > at:
                    parts.append(_Part(block[at:end], plain=True))
                self._inside = quote >= 0
                at = end + 1
                continue
            text, at = self._text + block[at:], len(block)
            found = _TEXT.match(text)
            assert found is not None
            end = found.end()
            if end < len(text) and text[end : end + 1] == b'"':
                self._text, self._inside = b"", False
                parts.append(self._ended(text[:end]))
                at = len(block) - (len(text) - end - 1)
            else:
                self._goes_on(text, end, parts)
        return parts

    def end(self) -> None:
        """Raises RobotqError bad_json."""
        if self._inside:
            raise RobotqError("bad_json", reason="it ends in the middle of a text")

    def _ended(self, text: bytes) -> _Part:
        if self._long or len(text) > self._at_least:
            self._long = False
            return _Part(text, plain=False, last=True)
        return _Part(b'"' + text + b'"', plain=True)

    def _goes_on(self, text: bytes, end: int, parts: list[_Part]) -> None:
        if len(text) - end > _LONGEST_SIGN:
            raise RobotqError("bad_json", reason="a text has a `\\` that means nothing")
        if not self._long and end <= self._at_least:
            self._text = text
            return
        end = _whole_characters(text, end)
        self._long = True
        self._text = text[end:]
        parts.append(_Part(text[:end], plain=False))


def _whole_characters(text: bytes, end: int) -> int:
    """Where the last character before `end` is whole that its bytes begin."""
    for back in range(1, min(4, end) + 1):
        byte = text[end - back]
        if byte < 0x80:
            return end
        if byte >= 0xC0:
            length = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return end if back >= length else end - back
    return end


def _decoded(content: bytes) -> bytes:
    """What a part of a text in JSON says, as UTF-8. Raises RobotqError bad_json."""
    if b"\\" not in content and content.isascii() and not _CONTROLS.search(content):
        return content
    try:
        text: str = orjson.loads(b'"' + content + b'"')
    except orjson.JSONDecodeError as error:
        raise RobotqError("bad_json", reason=str(error)) from error
    return text.encode()


_CONTROLS = re.compile(rb"[\x00-\x1f]")


async def _blocks(request: web.Request) -> AsyncIterator[bytes]:
    """The body as it comes in. Raises RobotqError bad_json."""
    try:
        async with asyncio.timeout(_IN_ALL_S):
            while True:
                async with asyncio.timeout(_STALLED_S):
                    block = await _block(request)
                if not block:
                    return
                yield block
    except TimeoutError as error:
        reason = f"nothing more of it has come for {_STALLED_S:g} seconds"
        raise RobotqError("bad_json", reason=reason) from error
    except web.RequestPayloadError as error:
        request.content.feed_eof()
        if request.protocol is not None:
            request.protocol.close()
        raise RobotqError("bad_json", reason=not_to_its_end(request)) from error


async def _block(request: web.Request) -> bytes:
    """Some of it, not too little where there is more; empty at its end."""
    parts: list[bytes] = []
    size = 0
    while size < _BLOCK:
        part = await request.content.read(_BLOCK - size)
        if not part:
            break
        parts.append(part)
        size += len(part)
    return b"".join(parts)
