"""A folder whose files become tasks, looked at again and again."""

from __future__ import annotations

import asyncio
import errno
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol, TypeVar

from robotq.config import InboxConfig
from robotq.engine.engine import Engine
from robotq.engine.why import Standing
from robotq.inbox.folder import Folder, Taken
from robotq.model.carried.plain_text import plain
from robotq.model.errors import RobotqError
from robotq.model.hold import Wait, WaitCode
from robotq.model.json import JsonObject
from robotq.model.json.safe import plain as plain_args
from robotq.model.texts import Language
from robotq.system.rarely import Rarely

_log = logging.getLogger(__name__)

_T = TypeVar("_T")

_LATER = frozenset(
    {
        "queue_full",
        "queue_bytes_full",
        "programs_full",
        "store_unavailable",
        "fleet_away",
        "shutting_down",
        "too_many_requests",
    }
)
"""Refusals after which the same file can be taken later. It waits, and so do all behind it."""

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
"""The disk takes nothing, which is about no file: they wait."""

_PRUNE_S = 3_600.0
"""Wall seconds between two looks at what is old."""


class Accepts(Protocol):
    """Makes tasks of files."""

    actor: str
    """Who hands them in, in the journal."""
    suffixes: tuple[str, ...]
    """How the names of its files end, in lower case."""

    async def known(self, token: str) -> JsonObject | None:
        """What the file with this token became, if it was accepted before.

        Raises RobotqError store_unavailable.
        """

    async def accept(self, token: str, content: bytes | Path, name: str) -> JsonObject:
        """What the file becomes; on disk when this returns, and made only once for a token. A
        program that is larger than other files may be is `content` by its path.

        Raises RobotqError, with the reason for whoever dropped it.
        """


class HotFolder:
    """Takes files in the order in which they came. Each ends in `done/` or in `rejected/`.

    Its files are touched in one thread of its own, which a network folder that hangs can hold
    up, and nothing else.
    """

    def __init__(
        self, path: Path, accepts: Accepts, engine: Engine, config: InboxConfig, *, lasts_s: float
    ) -> None:
        """`lasts_s`: for how long `accepts` knows what it has accepted."""
        self._folder = Folder(
            path,
            limit_bytes=engine.config.limits.body_bytes,
            program_bytes=engine.config.limits.program_bytes,
            settle_s=config.settle_s,
            suffixes=accepts.suffixes,
        )
        self._accepts = accepts
        self._engine = engine
        self._poll_s = config.poll_s
        self._lasts_s = lasts_s
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"inbox {path.name}")
        self._watching: asyncio.Task[None] | None = None
        self._told = ""
        """What keeps it from going on; said once."""
        self._waiting = ""
        """The token of a file that was refused for now."""
        self._name = f"{_under(path, engine.config.data)}/"
        """Under which it is told why its files wait; no queue has such a name."""
        self._stands: Standing | None = None
        self._pruned_at = 0.0
        self._rarely = Rarely(_log)

    async def start(self) -> None:
        """Begin to look. What lies there is taken first."""
        self._watching = asyncio.create_task(self._watch(), name=f"inbox {self._folder.path}")
        self._engine.why.ask_outside(self.standing)

    async def stop(self) -> None:
        """Take nothing more. A file that is being taken is taken up again by the next start."""
        self._engine.why.ask_no_more(self.standing)
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        self._thread.shutdown(wait=False, cancel_futures=True)

    def standing(self) -> Standing | None:
        """Why its files wait; None where they do not."""
        return self._stands

    async def _watch(self) -> None:
        await self._prepare()
        while True:
            try:
                await self.look()
                await self._prune()
                self._told = ""
                self._stands = None
            except FileNotFoundError:
                # somebody has cleared it away
                await self._prepare()
            except RobotqError as error:
                self._tell(f"waits: {error}")
                await self._stand(error=error.code.name, error_args=plain_args(error.args_))
            except Exception as error:  # noqa: BLE001 - the next look may succeed
                self._tell(f"cannot be looked at: {error!r}")
                await self._stand(reason=str(error) or type(error).__name__)
            await asyncio.sleep(self._poll_s)

    async def look(self) -> None:
        """Take everything that is there and complete.

        Raises RobotqError for what cannot be taken just now, and OSError.
        """
        for taken in await self._in_thread(self._folder.left_over):
            await self._handle_alone(taken)
        for name in await self._in_thread(self._folder.arrived):
            try:
                file = await self._in_thread(self._folder.take, name)
            except (OSError, ValueError) as error:
                # it stays where it is, and nothing behind it waits for it
                self._rarely.warning(
                    "%s/%s: cannot be taken: %r", self._folder.path, plain(name), error
                )
                continue
            if file is not None:
                await self._handle_alone(file)

    async def _handle_alone(self, taken: Taken) -> None:
        """Whatever a file raises is about this file: it is set aside, and the next one's turn
        comes. A refusal of all of them, for now, is passed on. Raises RobotqError."""
        try:
            await self._handle(taken)
        except (RobotqError, FileNotFoundError):
            raise
        except OSError as error:
            if error.errno in _NO_ROOM:
                # a task may have been made of it: it is in `taking/` until that can be told
                self._waiting = taken.token
                raise RobotqError("store_unavailable", reason=str(error)) from error
            await self._set_aside(taken)
        except Exception:  # noqa: BLE001 - logged whole; nobody behind it waits for it
            await self._set_aside(taken)

    async def _set_aside(self, taken: Taken) -> None:
        """Called while what is wrong with it is handled."""
        _log.exception("%s/%s: is set aside", self._folder.path, taken.shown)
        try:
            await self._in_thread(self._folder.set_aside, taken)
        except OSError as error:
            self._rarely.warning(
                "%s/%s: cannot be set aside: %r", self._folder.path, taken.shown, error
            )

    async def _stand(self, **why: Any) -> None:
        """Files wait: tell since when, how many, and the first one."""
        try:
            files = await self._in_thread(self._folder.waiting)
            first = next(iter(await self._in_thread(self._folder.left_over)), None)
        except OSError:
            # what cannot be looked at cannot be counted either
            files, first = 1, None
        before = None if self._stands is None else self._stands.reasons[0]
        since_ms = self._engine.clock.now_ms() if before is None else before.since_ms
        args = {"folder": self._name, "file": "" if first is None else first.shown, "files": files}
        wait = Wait(code=WaitCode.FOLDER, args={**args, **why}, since_ms=since_ms, queue=self._name)
        self._stands = Standing(queue=self._name, waiting=max(files, 1), running=0, reasons=(wait,))

    async def _handle(self, taken: Taken) -> None:
        try:
            receipt = await self._accepts.known(taken.token) or await self._accept(taken)
        except RobotqError as error:
            if error.code.name in _LATER:
                self._waiting = taken.token
                raise
            await self._reject(taken, error)
            return
        await self._in_thread(self._folder.finish, taken, receipt)
        _log.info("%s/%s: accepted", self._folder.path, taken.shown)

    async def _accept(self, taken: Taken) -> JsonObject:
        """Raises RobotqError."""
        self._check_age(taken)
        content = await self._in_thread(self._folder.read, taken)
        try:
            return await self._accepts.accept(taken.token, content, taken.name)
        except RobotqError:
            raise
        except Exception as error:
            # a file that nobody can take must not hold up those behind it
            _log.exception("%s/%s: cannot be accepted", self._folder.path, taken.shown)
            known = await self._accepts.known(taken.token)
            if known is not None:
                return known
            raise RobotqError("internal_error", reference=taken.token) from error

    def _check_age(self, taken: Taken) -> None:
        """A task may have been made of it, and forgotten since; not of one that waits."""
        if taken.token == self._waiting:
            return
        age_s = self._engine.clock.now_ms() / 1000 - taken.at_ms / 1000
        if age_s > self._lasts_s:
            reason = "it was taken too long ago to know whether it was accepted; see the tasks"
            raise RobotqError("bad_parameter", field="file", reason=reason)

    async def _reject(self, taken: Taken, error: RobotqError) -> None:
        zh = self._engine.config.language == Language.ZH.value
        message = error.text(Language.ZH if zh else Language.EN)
        reason = {
            "success": False,
            "code": error.code.number,
            "error_code": error.code.name,
            "message": message,
            **{key: value for key, value in error.args_.items() if key not in _FIXED},
        }
        await self._in_thread(self._folder.reject, taken, reason)
        _log.warning("%s/%s: rejected: %s", self._folder.path, taken.shown, error)
        await self._engine.note(
            "inbox.rejected",
            actor=self._accepts.actor,
            data={"file": taken.shown, "error_code": error.code.name, "message": str(error)},
        )

    async def _prepare(self) -> None:
        try:
            await self._in_thread(self._folder.prepare)
        except OSError as error:
            self._tell(f"cannot be made: {error}")
            await asyncio.sleep(self._poll_s)

    async def _prune(self) -> None:
        if time.monotonic() - self._pruned_at < _PRUNE_S and self._pruned_at:
            return
        self._pruned_at = time.monotonic()
        keep_s = self._engine.config.retention.tasks_days * 86_400
        await self._in_thread(self._folder.prune, self._engine.clock.now_ms() / 1000 - keep_s)

    def _tell(self, what: str) -> None:
        if what != self._told:
            self._told = what
            _log.warning("%s %s", self._folder.path, what)

    async def _in_thread(self, work: Callable[..., _T], *args: Any) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *args)


def _under(path: Path, data: Path) -> str:
    """Its name for people: below the data folder, where it is there."""
    return (path.relative_to(data) if path.is_relative_to(data) else path).as_posix()


_FIXED = frozenset({"success", "code", "error_code", "message"})
