"""What went over a link, on disk.

One JSON object a line: `{"open": <port>, "at": <ISO time>, "t": 0}` at each opening, then
`{"out": …}` for what was sent, `{"in": …}` for what came, each with `t`, seconds since that
opening, and `{"close": <reason>, "t": …}`. Bytes are told as text, one character for a byte
(Latin-1), so every byte comes back exactly and text stays readable. `{"missing": n}` stands
where the disk was too slow for n entries. Within an opening, `t` tells the order: entries of
two threads may stand the other way round.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from robotq.system.durable import ends_in_a_line_cut_short

_log = logging.getLogger(__name__)

LIMIT_BYTES = 256 * 1024 * 1024
"""A recording that is larger when it is opened becomes `<name>.1`; one such is kept."""
_WAITING = 20_000
"""Entries that wait for the disk; the next ones are missing from the recording."""
_END_S = 2.0


class Recording:
    """Takes entries without ever waiting; a thread of its own writes them.

    A disk that takes no writes ends the recording and is logged; the link goes on.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._entries: queue.Queue[dict[str, Any] | None] = queue.Queue(_WAITING)
        self._began = time.monotonic()
        self._missing = 0
        self._thread = threading.Thread(target=self._write, name="recording", daemon=True)
        self._thread.start()

    def opened(self, port: str) -> None:
        self._began = time.monotonic()
        self._add({"open": port, "at": datetime.now().astimezone().isoformat()})

    def sent(self, data: bytes, began: float) -> None:
        """`began` is when it was about to be sent, on `time.monotonic`: the answer may be
        recorded before it, by another thread."""
        self._add({"out": data.decode("latin-1")}, began)

    def received(self, data: bytes) -> None:
        self._add({"in": data.decode("latin-1")})

    def closed(self, reason: str) -> None:
        self._add({"close": reason})

    def close(self) -> None:
        """Wait a moment for the last entries to be written."""
        try:
            self._entries.put(None, timeout=_END_S)
        except queue.Full:
            _log.error("%s: the disk is stuck; the recording has no end", self._path)
            return
        self._thread.join(_END_S)

    def _add(self, entry: dict[str, Any], at: float | None = None) -> None:
        entry["t"] = round((time.monotonic() if at is None else at) - self._began, 9)
        try:
            if self._missing:
                self._entries.put_nowait({"missing": self._missing})
                self._missing = 0
            self._entries.put_nowait(entry)
        except queue.Full:
            self._missing += 1

    def _write(self) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if self._path.exists() and self._path.stat().st_size > LIMIT_BYTES:
                self._path.replace(self._path.with_name(self._path.name + ".1"))
            with self._path.open("ab") as file:
                if ends_in_a_line_cut_short(self._path):
                    file.write(b"\n")
                while (entry := self._entries.get()) is not None:
                    file.write(orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE))
                    if self._entries.empty():
                        file.flush()
                return
        except OSError as error:
            _log.error("%s: no longer recorded: %s", self._path, error)
        while self._entries.get() is not None:
            pass
