"""Robot command files: what stands in one, and what becomes of it."""

from __future__ import annotations

import asyncio
import hashlib
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from robotq.catalog import Kind
from robotq.engine.engine import Engine
from robotq.engine.intake.idempotency import Accepted, KeyedRequest
from robotq.model.carried.program import (
    CARRIED_OUT_BY,
    SUFFIXES,
    HandedIn,
    is_program,
    program_text,
    robot_in,
)
from robotq.model.errors import RobotqError
from robotq.model.json import JsonObject
from robotq.model.json.text import parse_unique
from robotq.system.kept_files import BLOCK

_API = "robot"
_SCOPE = "inbox"
"""The tokens of files stand beside Idempotency-Keys, and are kept as long."""


class CommandFiles:
    """One command in a file, or a list of them as a batch, like the body of a submit; or a program
    of G-code, for the robot behind the `@` in its name.

    Only what becomes a task is taken: of a command that acts at once nobody could say after a
    crash whether it had.
    """

    actor = "inbox"
    suffixes: tuple[str, ...] = (".json", *SUFFIXES)

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def known(self, token: str) -> JsonObject | None:
        answer = await self._engine.reads.answer(_SCOPE, token)
        if answer is None:
            return None
        return _receipt(answer.body["task_ids"], answer.body["batch_id"])

    async def accept(self, token: str, content: bytes | Path, name: str = "") -> JsonObject:
        if isinstance(content, Path):
            return await self._accept_large(token, content, name)
        fingerprint = hashlib.sha256(content).hexdigest()
        if is_program(name):
            return await self._submit(
                token, fingerprint, self._program(program_text(content), name)
            )
        return await self._submit(token, fingerprint, parse_unique(content))

    async def _accept_large(self, token: str, file: Path, name: str) -> JsonObject:
        """A program that is never in memory as a whole."""
        from robotq.engine.intake.taking import taking_in  # noqa: PLC0415 - of large ones only

        programs = self._engine.programs
        found = hashlib.sha256()
        async with taking_in(programs) as taking:
            stream = await asyncio.to_thread(_opened, file)
            try:
                while block := await asyncio.to_thread(stream.read, BLOCK):
                    found.update(block)
                    work = partial(taking.write, block)
                    await programs.with_room(work, len(block))
            finally:
                stream.close()
            text = await programs.on_thread(taking.end, taking.size)
            return await self._submit(token, found.hexdigest(), self._program(text, name))

    def _program(self, text: HandedIn | str, name: str) -> JsonObject:
        return self._engine.intake.program_body(
            text, cmd_type=CARRIED_OUT_BY, robot_id=robot_in(name)
        )

    async def _submit(self, token: str, fingerprint: str, body: Any) -> JsonObject:
        batch = isinstance(body, list)
        intake, limit = self._engine.intake, self._engine.config.limits.batch
        if batch:
            if not 0 < len(body) <= limit:
                raise RobotqError(
                    "bad_parameter", field="body", reason=f"expected 1 to {limit} commands"
                )
            orders = intake.read_batch(body)
        else:
            orders = [intake.read(body)]
            if orders[0].spec.kind is not Kind.QUEUED:
                cmd_type = orders[0].command.cmd_type
                raise RobotqError(
                    "bad_parameter",
                    field="cmd_type",
                    reason=f"{cmd_type} acts at once; send it over HTTP",
                )
        accepted: Accepted = await self._engine.queue.submit(
            orders,
            api=_API,
            actor=self.actor,
            batch=batch,
            keyed=KeyedRequest(scope=_SCOPE, key=token, fingerprint=fingerprint),
            # the file is the daemon's, and is taken again until it is accepted
            stands=True,
        )
        return _receipt(list(accepted.task_ids), accepted.batch_id)


def _opened(file: Path) -> BinaryIO:
    """Raises RobotqError bad_parameter."""
    try:
        return file.open("rb")
    except OSError as error:
        reason = f"it cannot be read: {error.strerror}"
        raise RobotqError("bad_parameter", field="file", reason=reason) from error


def _receipt(task_ids: list[str], batch_id: str | None) -> JsonObject:
    if batch_id is None:
        return {"success": True, "task_id": task_ids[0]}
    return {"success": True, "batch_id": batch_id, "task_ids": task_ids}
