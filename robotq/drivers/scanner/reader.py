"""What a driver needs of whatever reads codes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from robotq.drivers.scanner.options import ScannerOptions
from robotq.model.json import JsonObject


class Keep(Protocol):
    """`CommandContext.artifact`, or nothing."""

    def __call__(
        self, name: str, media_type: str, data: bytes, *, needed: bool = False
    ) -> object: ...


def nothing_kept(name: str, media_type: str, data: bytes, *, needed: bool = False) -> None:  # noqa: ARG001 - as Keep has it
    return


class CodeReader(Protocol):
    """A scanner or a camera of one robot. `require` and `read` belong to the command thread."""

    @property
    def options(self) -> ScannerOptions: ...

    @property
    def ready(self) -> bool: ...

    def start(self) -> None:
        """Look for it from now on. Does not wait for it."""

    def require(self, given_up: Callable[[], bool] = ...) -> None:
        """Raises DriverError scanner_absent."""

    def read(self, timeout_s: float, check: Callable[[], None], keep: Keep = ...) -> str | None:
        """The next code; None where none comes in time. `keep` gets the picture, if there is one.
        Raises DriverError scanner_absent, code_refused, picture_refused."""

    def state(self) -> JsonObject:
        """What there is to be shown of it."""

    def close(self) -> None: ...
