"""What a device remembers of its commands: by their ids, bounded, and over a restart if it can."""

from __future__ import annotations

import logging
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from robotq.drivers.jsonline import messages
from robotq.model.json import JsonObject
from robotq.system.durable import write_durably

_log = logging.getLogger(__name__)

_MOST_BYTES = 65_536
"""Of one last report that is kept over a restart; of a longer one only the state is."""


class Kept:
    """The last reports of commands, oldest first. `id` is another one each time that all of it
    was lost."""

    def __init__(self, most: int, path: Path | None = None) -> None:
        """`path`: a file that outlives the device; None: a restart forgets everything."""
        self._most = most
        self._path = path
        self.id = secrets.token_hex(4)
        self.begun = 0
        """How many ids have ever been remembered here: who knows this number as it was earlier
        knows whether one can have been forgotten since."""
        self.epoch = 0
        """The highest that a host has come with; 0: none has."""
        self._reports: OrderedDict[str, JsonObject] = OrderedDict()
        self._read()

    def rises(self, epoch: int) -> None:
        """On disk when this returns: before the host with this epoch is told. Raises OSError."""
        before, self.epoch = self.epoch, epoch
        try:
            self._write()
        except OSError:
            self.epoch = before
            raise

    def report(self, id_: str) -> JsonObject | None:
        return self._reports.get(id_)

    def begins(self, id_: str) -> None:
        """On disk when this returns: before anything moves. Raises OSError."""
        self._keep(id_, {"id": id_, "state": messages.RUNNING})

    def refuses(self, id_: str) -> None:
        """From now on this id is not begun. Raises OSError."""
        self._keep(id_, {"id": id_, "state": messages.UNKNOWN, "refused": True})

    def ended(self, report: JsonObject) -> None:
        """On disk when this returns: before the end is told. Raises OSError."""
        if len(orjson.dumps(report)) > _MOST_BYTES:
            fault = {"code": "device_error", "message": "its result is too long to be kept"}
            report = {"id": report["id"], "state": messages.UNCERTAIN, "error": fault}
        self._reports[report["id"]] = report
        self._write()

    def _keep(self, id_: str, report: JsonObject) -> None:
        self._reports[id_] = report
        self.begun += 1
        while len(self._reports) > self._most:
            self._reports.popitem(last=False)
        self._write()

    def _write(self) -> None:
        if self._path is not None:
            content = {
                "id": self.id,
                "begun": self.begun,
                "epoch": self.epoch,
                "reports": list(self._reports.values()),
            }
            write_durably(self._path, orjson.dumps(content))

    def _read(self) -> None:
        if self._path is None:
            return
        try:
            found = orjson.loads(self._path.read_bytes())
            reports = [_after_a_restart(report) for report in found["reports"]]
            id_, begun = str(found["id"]), int(found["begun"])
            epoch = int(found.get("epoch", 0))
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError) as error:
            _log.error("%s is lost: %s", self._path, error)
            return
        self.id, self.begun, self.epoch = id_, begun, epoch
        self._reports = OrderedDict((str(report["id"]), report) for report in reports)


def _after_a_restart(report: Mapping[str, Any]) -> JsonObject:
    """What had no end when the device lost its power has none that anybody knows."""
    if report["state"] != messages.RUNNING:
        return report
    fault = {"code": "device_reset", "message": "the device lost its power in this command"}
    return {"id": report["id"], "state": messages.UNCERTAIN, "error": fault}
