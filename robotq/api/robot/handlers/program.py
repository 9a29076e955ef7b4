"""The program of a task: as a file, and what would run from one of its lines on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aiohttp import web

from robotq.api.http.call import Call
from robotq.api.robot.answers.words import words
from robotq.model.carried.program import PROGRAM, StoredProgram, text_of
from robotq.model.errors import RobotqError
from robotq.wire import submit as submit_wire

if TYPE_CHECKING:
    from robotq.engine.control.from_line import FromLineLook

_NAME = re.compile(r"[^A-Za-z0-9._-]+")
_AS_A_FILE = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox"}
"""Whatever somebody has handed in, a browser saves it and does nothing else with it."""


def shown(look: FromLineLook, call: Call) -> submit_wire.FromLine:
    """What would run from a line on."""
    outlook = look.outlook
    return submit_wire.FromLine.read(
        look.resumption.told,
        success=True,
        dry_run=True,
        message=words("from_line", call.language, line=look.from_line),
        task_id=look.task.id,
        from_line=look.from_line,
        seen=look.seen,
        preamble=tuple(look.resumption.preamble),
        program=None if outlook is None else submit_wire.ProgramOutlook.read(outlook),
    )


async def program_file(call: Call) -> web.StreamResponse:
    task = await call.engine.reads.task(call.path("task_id"))
    params = task.command.params
    program = params.get(PROGRAM) if isinstance(params, dict) else None
    name = _NAME.sub("_", task.command.cmd_id or task.id).strip("._")[:100] or "program"
    headers = {**_AS_A_FILE, "Content-Disposition": f'attachment; filename="{name}.nc"'}
    if isinstance(program, StoredProgram):
        path = await call.engine.programs.checked_path(program)
        found = web.FileResponse(path, headers=headers)
        found.content_type = "text/plain"
        found.charset = "utf-8"
        return found
    # of a task of an earlier robotq, or a list of lines that is none of plain ones
    text = text_of(program)
    if text is None:
        raise RobotqError("not_found", path=call.request.path[:200])
    return web.Response(text=text, headers=headers, content_type="text/plain", charset="utf-8")
