"""The log of the daemon: one line per record, on standard error."""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime
from typing import Any, Literal

import orjson

_TASK_ID = re.compile(r"\btask_\d{8}_\d{6}_[0-9a-z]{6}\b")
_TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def log_to_stderr(level: str, form: Literal["text", "json"] = "text") -> None:
    """Log everything from `level` (debug, info, warning, error) up.

    `json`: an object a line with `time` (UTC), `level`, `logger`, `message`, where it is about a
    task `task_id`, and where something was raised `exception`.
    """
    logging.basicConfig(level=level.upper(), format=_TEXT, force=True)
    if form == "json":
        for handler in logging.getLogger().handlers:
            handler.setFormatter(JsonLines())


class JsonLines(logging.Formatter):
    """A record as a JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": message,
        }
        about = _TASK_ID.search(message)
        if about is not None:
            line["task_id"] = about[0]
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        # what a driver from elsewhere logs can be any text
        return orjson.dumps(line, default=str).decode()
