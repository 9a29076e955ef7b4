"""Barcode scanners and cameras. Their options: docs/drivers/scanner.md, docs/drivers/camera.md."""

from __future__ import annotations

from robotq.drivers.scanner.made import reader_of
from robotq.drivers.scanner.options import ScannerOptions, read_scanner_options
from robotq.drivers.scanner.reader import CodeReader
from robotq.drivers.scanner.scanner import Scanner

__all__ = ["CodeReader", "Scanner", "ScannerOptions", "read_scanner_options", "reader_of"]
