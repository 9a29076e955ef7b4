"""A barcode scanner on a serial port of its own. Its options: docs/drivers/scanner.md."""

from __future__ import annotations

from robotq.drivers.scanner.options import ScannerOptions, read_scanner_options
from robotq.drivers.scanner.scanner import Scanner

__all__ = ["Scanner", "ScannerOptions", "read_scanner_options"]
