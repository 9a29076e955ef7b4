"""GET /task/{id}/program: the text of a program as it was handed in."""

from __future__ import annotations

import re

from aiohttp import web

from robotq.api.http.call import Call
from robotq.model.errors import RobotqError
from robotq.model.program import StoredProgram, text_of
from robotq.model.program_file import PROGRAM

_NAME = re.compile(r"[^A-Za-z0-9._-]+")
_AS_A_FILE = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox"}
"""Whatever somebody has handed in, a browser saves it and does nothing else with it."""


async def get_program(call: Call) -> web.StreamResponse:
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
