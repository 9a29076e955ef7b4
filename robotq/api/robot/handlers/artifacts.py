"""GET /task/{task_id}/artifacts/{name}: a file that a task has left behind."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from typing import BinaryIO

from aiohttp import web

from robotq.api.http.call import Call
from robotq.model.carried.artifact import Artifact, media_type_of
from robotq.model.errors import RobotqError
from robotq.system.kept_files import NotAsKept

_log = logging.getLogger(__name__)

_CHUNK = 262_144


async def get_artifact(call: Call) -> web.StreamResponse:
    """Nothing in it can act in a browser, whatever a driver or a camera has put there."""
    task_id, name = call.path("task_id"), call.path("name")
    task = await call.engine.reads.task(task_id)
    found = next((one for one in task.artifacts if one.name == name), None)
    reason = "reason.artifact_none" if found is None else found.not_kept
    if found is None or reason is not None:
        raise RobotqError("artifact_not_found", task_id=task_id, name=name[:100], reason=reason)
    answer = web.StreamResponse(headers=_headers(found))
    known = call.request.if_none_match
    if known is not None and any(tag.value in (found.sha256, "*") for tag in known):
        return web.Response(status=304, headers={"ETag": answer.headers["ETag"]})
    try:
        stream = await call.engine.artifacts.opened(found.sha256)
    except NotAsKept as error:
        _log.error("%s of %s cannot be read: %s", name, task_id, error)
        raise RobotqError(
            "artifact_not_found", task_id=task_id, name=name, reason="reason.artifact_gone"
        ) from error
    try:
        await answer.prepare(call.request)
        if call.request.method != "HEAD" and not await _sent(stream, found, answer):
            _log.error("the file of %s of %s is damaged; robotq doctor says more", name, task_id)
            # its length was told, so the client sees that this is not all
            if call.request.transport is not None:
                call.request.transport.abort()
    finally:
        # at once: whoever leaves cancels what is awaited here, and nothing is left to be written
        stream.close()
    return answer


async def _sent(stream: BinaryIO, artifact: Artifact, answer: web.StreamResponse) -> bool:
    """False where it is not what was kept: then its last part was not sent."""
    hashed, size = hashlib.sha256(), 0
    part = await asyncio.to_thread(stream.read, _CHUNK)
    while part:
        hashed.update(part)
        size += len(part)
        following = await asyncio.to_thread(stream.read, _CHUNK)
        if size > artifact.size or (not following and hashed.hexdigest() != artifact.sha256):
            return False
        await answer.write(part)
        part = following
    return size == artifact.size


def _headers(artifact: Artifact) -> dict[str, str]:
    return {
        "Content-Type": media_type_of(artifact.media_type),
        "Content-Length": str(artifact.size),
        # its name has no character that would have to be quoted
        "Content-Disposition": f'attachment; filename="{artifact.name}"',
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "private, no-cache",
        "ETag": f'"{artifact.sha256}"',
    }
