"""What was asked and answered lately, for the page. Kept in memory, lost with the process."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Any

import orjson

from robotq.model.task import Task
from robotq.wire.remote_work.dispatcher import LogLine

_KEPT = 50
_SHOWN = 2_000
"""Characters of a body."""
_PAYLOADS = 500


class DispatchLog:
    """The latest requests of submitters and answers of workers, with their bodies."""

    def __init__(self) -> None:
        self._latest: deque[LogLine] = deque(maxlen=_KEPT)
        self._count = 0
        self._payloads: OrderedDict[str, str] = OrderedDict()

    def add(
        self,
        at_ms: int,
        *,
        method: str,
        path: str,
        status: int,
        latency_ms: float | None,
        request: str | None,
        response: str | None,
        task_id: str | None,
    ) -> None:
        self._count += 1
        self._latest.append(
            LogLine(
                id=self._count,
                timestamp=at_ms,
                method=method,
                path=path,
                status=status,
                latency=latency_ms,
                request_body=request,
                response_body=response,
                task_id=task_id,
            )
        )

    def newest_first(self) -> tuple[LogLine, ...]:
        return tuple(reversed(self._latest))

    def payload(self, task: Task) -> str:
        """What a task is about, as it is shown."""
        known = self._payloads.get(task.id)
        if known is None:
            known = self._payloads[task.id] = shown(task.command.params)
            if len(self._payloads) > _PAYLOADS:
                self._payloads.popitem(last=False)
        return known


def shown(value: Any) -> str:
    """JSON, cut where it is long."""
    return cut(orjson.dumps(value))


def cut(encoded: bytes) -> str:
    """The beginning of a text that may be long."""
    if len(encoded) <= _SHOWN:
        return encoded.decode(errors="replace")
    return f"{encoded[:_SHOWN].decode(errors='ignore')}... ({len(encoded)} bytes)"
