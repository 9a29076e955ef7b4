"""GET /tasks.csv: tasks as a table for a spreadsheet, as many as asked for, page by page."""

from __future__ import annotations

import asyncio
import csv
import io
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from aiohttp import web
from msgspec.structs import replace

from robotq.api.http.call import Call
from robotq.api.robot.handlers.tasks import task_query
from robotq.api.robot.models import tasks as models
from robotq.model.carried.plain_text import no_formula
from robotq.model.carried.program import shown_params
from robotq.model.errors import RobotqError
from robotq.model.outcome import result_view
from robotq.model.task import Task
from robotq.model.texts import Language, text

_log = logging.getLogger(__name__)

_PAGE = 100
"""Tasks that are read, and are in memory, at a time."""
_CELL = 32_000
"""Characters of a cell; a spreadsheet takes 32,767."""

COLUMNS = (
    "task_id", "cmd_type", "cmd_id", "robot_id", "api", "state", "error_code", "message",
    "resolution", "submitted", "started", "ended", "took_s", "actor", "attempt", "batch_id",
    "retry_of", "params", "result",
)  # fmt: skip


async def export_tasks(call: Call) -> web.StreamResponse:
    """Streamed, so that it costs the same memory however many tasks there are."""
    query = call.query(models.ExportQuery)
    wanted = await task_query(call, query)
    language, left = call.language, query.limit
    # before the head is sent, so that what goes wrong here is answered as an error
    page = await call.engine.reads.tasks(replace(wanted, limit=min(_PAGE, left) + 1))
    answer = web.StreamResponse(
        headers={
            "Content-Type": "text/csv; charset=utf-8",
            "Content-Disposition": f'attachment; filename="{_name()}"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        }
    )
    await answer.prepare(call.request)
    if call.request.method == "HEAD":
        return answer
    # the mark by which a spreadsheet knows that it is UTF-8
    await answer.write(b"\xef\xbb\xbf" + _line(COLUMNS))
    while page:
        shown, more = page[: min(_PAGE, left)], len(page) > min(_PAGE, left)
        await answer.write(await asyncio.to_thread(_lines, shown, language))
        left -= len(shown)
        if not more:
            break
        cursor = shown[-1].seq
        if not left:
            told = text("export_more", {"cursor": cursor}, language)
            await answer.write(_line(("", "", "", "", "", "", "", told)))
            break
        try:
            page = await call.engine.reads.tasks(
                replace(wanted, before_seq=cursor, limit=min(_PAGE, left) + 1)
            )
        except RobotqError as error:
            _log.error("an export of tasks was broken off: %s", error)
            # its head was sent, so the client sees that this is not all
            if call.request.transport is not None:
                call.request.transport.abort()
            break
    return answer


def _name() -> str:
    return f"robotq-tasks-{datetime.now(UTC).astimezone():%Y-%m-%d-%H%M}.csv"


def _lines(tasks: Sequence[Task], language: Language) -> bytes:
    return b"".join(_line(_row(task, language)) for task in tasks)


def _row(task: Task, language: Language) -> Sequence[Any]:
    command, ended_ms, started_ms = task.command, task.ended_at_ms, task.started_at_ms
    result = result_view(task, language) or {}
    message = result.pop("message", "")
    for name in ("success", "code", "error_code"):
        result.pop(name, None)
    resolution = task.resolution
    return (
        task.id,
        command.cmd_type,
        command.cmd_id,
        task.queue,
        task.api,
        "unknown" if task.outcome_unknown else task.state.value,
        None if task.error is None else task.error.code,
        message,
        None if resolution is None else f"{resolution.outcome}, {resolution.actor}",
        _time(task.submitted_at_ms),
        _time(started_ms),
        _time(ended_ms),
        None if ended_ms is None or started_ms is None else (ended_ms - started_ms) / 1000,
        task.actor,
        task.attempt,
        task.batch_id,
        task.retry_of,
        _json(shown_params(command)),
        _json(result) if result else None,
    )


def _time(at_ms: int | None) -> str | None:
    """With its distance to UTC: it is read elsewhere, perhaps."""
    if at_ms is None:
        return None
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone().isoformat(timespec="seconds")


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()


def _line(cells: Sequence[Any]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerow([_cell(cell) for cell in cells])
    return out.getvalue().encode("utf-8", "replace")


def _cell(value: Any) -> Any:
    """A number stays one; a text is never a formula."""
    if value is None or isinstance(value, int | float):
        return value
    told = str(value).replace("\x00", "")
    if len(told) > _CELL:
        told = f"{told[:_CELL]}…"
    return no_formula(told)
