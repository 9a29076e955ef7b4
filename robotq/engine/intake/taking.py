"""A program on its way in, piece by piece: never all of it in memory."""

from __future__ import annotations

import codecs
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager

from robotq.config.schema import LimitsConfig
from robotq.engine.intake.programs import Programs
from robotq.model.carried.program import HEAD, WIDE, HandedIn, ProgramFile
from robotq.model.crashpoints import CrashPoint, crash_point
from robotq.model.errors import RobotqError
from robotq.system.kept_files import BLOCK, FileRoom, Incoming

_log = logging.getLogger(__name__)

_HEAD_BYTES = 4 * (HEAD + 1)
"""Of UTF-8, in which the head is for sure."""


@asynccontextmanager
async def taking_in(programs: Programs) -> AsyncIterator[Taking]:
    """A program that comes in pieces. What it gives is gone at the end of the block, unless a task
    was made of it."""
    taking = Taking(await programs.opened_room(), programs.limits())
    try:
        yield taking
    finally:
        try:
            await programs.on_thread(taking.close)
        except RobotqError as error:
            # the next start removes it
            _log.warning("half a program was not removed: %s", error)


class Taking:
    """Everything but the making of it blocks, and is done by the thread of `Programs`."""

    def __init__(self, room: FileRoom, limits: LimitsConfig) -> None:
        self._room = room
        self._limit = limits.program_bytes
        self._small = limits.body_bytes
        self._stack = ExitStack()
        self._half: Incoming | None = None
        self._made: Incoming | None = None
        self._begin = b""
        self._decoder: codecs.IncrementalDecoder | None = None
        """While all that has come is UTF-8."""

    @property
    def size(self) -> int:
        """Bytes that have come. Does not block."""
        return 0 if self._half is None else self._half.size

    @property
    def sha256(self) -> str:
        """Of what `end` has given, as UTF-8. Does not block."""
        return "" if self._made is None else self._made.sha256

    def write(self, block: bytes) -> None:
        """Raises RobotqError program_too_large, RoomFull, OSError; then nothing of the block was
        taken."""
        half = self._half
        if half is None:
            half = self._half = self._stack.enter_context(self._room.incoming())
            self._decoder = codecs.getincrementaldecoder("utf-8")()
        if half.size + len(block) > self._limit:
            raise too_large(self._limit)
        half.write(block)
        if len(self._begin) < _HEAD_BYTES:
            self._begin += block[:_HEAD_BYTES]
        if self._decoder is not None:
            self._decode(block)

    def end(self) -> HandedIn | str:
        """All of it has come: the text of one that is no larger than a body may be, else where it
        is. Raises as `write` does, and RobotqError bad_parameter for UTF-16 that is none."""
        if self._half is None:
            return ""
        if self._decoder is not None:
            self._decode(b"", final=True)
        half = self._half
        if self._decoder is None or self._begin.startswith(WIDE):
            half = self._as_utf8(half)
        self._made = half
        stream = self._stack.enter_context(half.reading())
        if half.size <= self._small:
            return stream.read().decode("utf-8")
        file = ProgramFile(stream)
        head = stream.read(_HEAD_BYTES).decode("utf-8", "ignore")
        return HandedIn(
            file, sha256=half.sha256, size=half.size, head=head, keep=_Keep(self._room, half)
        )

    def close(self) -> None:
        """Also after an error, and more than once."""
        self._stack.close()

    def _decode(self, block: bytes, *, final: bool = False) -> None:
        assert self._decoder is not None
        try:
            self._decoder.decode(block, final)
        except UnicodeDecodeError:
            self._decoder = None

    def _as_utf8(self, half: Incoming) -> Incoming:
        """The same text in the encoding in which all are kept."""
        made = self._stack.enter_context(self._room.incoming())
        for text in self._decoded(half):
            block = text.encode("utf-8", "surrogatepass")
            if made.size + len(block) > self._limit:
                raise too_large(self._limit)
            made.write(block)
        return made

    def _decoded(self, half: Incoming) -> Iterator[str]:
        # as `program_text` reads a small one
        wide = self._begin.startswith(WIDE)
        decoder = codecs.getincrementaldecoder("utf-16" if wide else "latin-1")()
        with half.reading() as stream:
            try:
                while block := stream.read(BLOCK):
                    yield decoder.decode(block)
                yield decoder.decode(b"", True)
            except UnicodeDecodeError as error:
                reason = "it begins like UTF-16, and is none"
                raise RobotqError("bad_parameter", field="program", reason=reason) from error


class _Keep:
    """Gives a program its name, once; a second time it only has to be there."""

    def __init__(self, room: FileRoom, half: Incoming) -> None:
        self._room = room
        self._half = half
        self._kept = False

    def __call__(self) -> None:
        sha256, size = self._half.sha256, self._half.size
        if not self._kept:
            self._room.keep(self._half, written)
            self._kept = True
            return
        self._room.pin(sha256)
        if not self._room.has(sha256, size):
            self._room.release(sha256)
            raise RobotqError("program_lost", sha256=sha256, reason="it was removed meanwhile")


def written() -> None:
    """A program is synced, and has no name."""
    crash_point(CrashPoint.PROGRAM_WRITTEN)


def too_large(limit: int) -> RobotqError:
    return RobotqError("program_too_large", limit_bytes=limit)
