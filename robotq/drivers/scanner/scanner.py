"""Reads codes. Its link is made when a code is wanted, and made again when it broke."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from robotq.drivers.base import DriverError, LinkLost
from robotq.drivers.reading import Section
from robotq.drivers.transport import PortOptions, Transport, read_port_options

_LONGEST = 1_024
_LOOK_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class ScannerOptions:
    port: PortOptions
    trigger: bytes = b""
    """Makes it read. Empty: it reads by itself."""
    untrigger: bytes = b""
    """Ends an attempt in which it read nothing."""
    end: bytes = b"\n"
    """Ends a code; a carriage return beside it does no harm."""
    strip: int = 0
    """Characters in front that are not part of the code."""


def read_scanner_options(section: Section) -> ScannerOptions | None:
    """The options under `scanner`; None without them. Raises ConfigError."""
    if "scanner" not in section.names():
        # so that it is among the known keys
        section.optional_text("scanner")
        return None
    own = section.section("scanner")
    read = ScannerOptions(
        port=read_port_options(own, baud=9_600),
        trigger=_bytes(own, "trigger"),
        untrigger=_bytes(own, "untrigger"),
        end=_bytes(own, "end") or b"\n",
        strip=own.whole("strip", default=0, most=64),
    )
    own.end()
    return read


class Scanner:
    """One scanner. `read` belongs to the command thread."""

    def __init__(self, robot: str, options: ScannerOptions) -> None:
        self.options = options
        self._transport = Transport(
            f"{robot}-scanner",
            options.port,
            on_line=self._take,
            on_lost=self._lost,
            line_limit=_LONGEST,
            line_end=options.end,
        )
        self._changed = threading.Condition()
        self._code: str | None = None
        self._wanted = False
        self._broken: str | None = None

    def read(self, timeout_s: float, check: Callable[[], None]) -> str | None:
        """The next code; None where none comes in time. What was read before counts for
        nothing. `check` is called often, and may raise.

        Raises DriverError where the scanner cannot be reached: the robot has not moved.
        """
        with self._changed:
            self._code, self._broken, self._wanted = None, None, True
        try:
            self._reach()
            code = self._wait(timeout_s, check)
            if code is None and self.options.untrigger:
                self._transport.write(self.options.untrigger)
            return code
        except LinkLost as error:
            raise DriverError(f"the scanner: {error.reason}") from error
        finally:
            self._wanted = False

    def close(self) -> None:
        self._transport.shut()

    def _reach(self) -> None:
        if not self._transport.is_open:
            self._transport.open()
        if self.options.trigger:
            self._transport.write(self.options.trigger)

    def _wait(self, timeout_s: float, check: Callable[[], None]) -> str | None:
        deadline = time.monotonic() + timeout_s
        while True:
            check()
            with self._changed:
                left = deadline - time.monotonic()
                if self._code is None and self._broken is None and left > 0:
                    self._changed.wait(min(left, _LOOK_S))
                if self._code is not None:
                    return self._code
                if self._broken is not None:
                    raise LinkLost(self._broken)
                if left <= 0:
                    return None

    def _take(self, line: bytes) -> None:
        code = line.decode("utf-8", "replace")[self.options.strip :]
        code = "".join(character for character in code if character.isprintable()).strip()
        with self._changed:
            if code and self._wanted and self._code is None:
                self._code = code
                self._changed.notify_all()

    def _lost(self, reason: str) -> None:
        with self._changed:
            self._broken = reason
            self._changed.notify_all()


def _bytes(section: Section, key: str) -> bytes:
    text = section.optional_text(key) or ""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        section.refuse(key, "expected characters up to \\xff")
