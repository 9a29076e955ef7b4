"""The log of the daemon: one line per record, on standard error."""

from __future__ import annotations

import logging
import re
import sys
import threading
from datetime import UTC, datetime
from queue import SimpleQueue
from typing import Any, Literal

import orjson

from robotq.model.carried.plain_text import plain, plain_json

_TASK_ID = re.compile(r"\btask_\d{8}_\d{6}_(?:[0-9a-z]{10}|[0-9a-z]{6})\b")
_TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_CLOSE_S = 2.0
"""Seconds at the end of the process for what was not written yet."""


def log_to_stderr(
    level: str, form: Literal["text", "json"] = "text", *, apart: bool = False
) -> None:
    """Log everything from `level` (debug, info, warning, error) up.

    `json`: an object a line with `time` (UTC), `level`, `logger`, `message`, where it is about a
    task `task_id`, where something was raised `exception`, and what the record has in `fields`.
    `apart`: written by a thread, so that whoever logs never waits for whoever reads.
    """
    handler: logging.Handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if form == "json" else TextLines(_TEXT))
    if apart:
        handler = Apart(handler)
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


class TextLines(logging.Formatter):
    """A record as a line. Names of files, groups and workers come from outside: whatever they
    hold, they begin no line of their own, and tell a terminal nothing."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - of logging
        return plain(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802 - of logging
        # its own lines stay lines, further in than any record begins
        return _further_in(super().formatException(ei))

    def formatStack(self, stack_info: str) -> str:  # noqa: N802 - of logging
        return _further_in(super().formatStack(stack_info))


def _further_in(text: str) -> str:
    return "\n".join(f"  {line}" for line in plain(text, keep="\n\t").split("\n"))


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
        fields = getattr(record, "fields", {})
        line.update((name, value) for name, value in fields.items() if value is not None)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        # what a driver from elsewhere logs can be any text, also one that is no UTF-8
        try:
            return plain_json(orjson.dumps(line, default=str).decode())
        except (orjson.JSONEncodeError, UnicodeEncodeError, RecursionError):
            shown = {key: plain(str(value)) for key, value in line.items()}
            return orjson.dumps(shown).decode()


class Apart(logging.Handler):
    """Has records written by a thread. Where nobody takes the lines, it keeps `length` records
    and counts what comes then; a line tells the number in its place."""

    def __init__(self, target: logging.Handler, *, length: int = 10_000) -> None:
        super().__init__()
        self._target = target
        self._length = length
        # of the kind that bears a record in the middle of another: garbage that is collected logs
        self._records: SimpleQueue[logging.LogRecord | None] = SimpleQueue()
        self._missing = 0
        self._thread = threading.Thread(target=self._write, name="log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        if self._records.qsize() < self._length:
            self._tell_missing()
            self._records.put(record)
        else:
            self._missing += 1

    def close(self) -> None:
        """Write what is left, for two seconds at most."""
        self._tell_missing()
        self._records.put(None)
        self._thread.join(_CLOSE_S)
        super().close()

    def _write(self) -> None:
        while (record := self._records.get()) is not None:
            self._target.handle(record)

    def _tell_missing(self) -> None:
        if self._missing:
            text, number = "%d lines are missing here: nobody took them", self._missing
            self._missing = 0
            self._records.put(
                logging.LogRecord(__name__, logging.WARNING, __file__, 0, text, (number,), None)
            )


def tell(*lines: str) -> None:
    """Print the lines at once.

    `print` hands each piece and each end of a line over by itself, and where Python does not
    buffer (PYTHONUNBUFFERED, as in containers) a line of the log came between them.
    """
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()
