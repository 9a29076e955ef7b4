"""Makes what reads codes, from its options."""

from __future__ import annotations

from robotq.drivers.scanner.options import ScannerOptions
from robotq.drivers.scanner.reader import CodeReader
from robotq.drivers.scanner.scanner import Scanner


def reader_of(robot: str, options: ScannerOptions) -> CodeReader:
    """What these options mean; nothing is opened yet."""
    if options.camera is not None:
        # read only where there is one: it brings an HTTP client
        from robotq.drivers.scanner.camera.camera import Camera  # noqa: PLC0415

        return Camera(robot, options)
    return Scanner(robot, options)
