"""A barcode scanner on a serial port of its own: each code that it reads is a line.

Options, under `scanner`: those of its port (see `drivers.transport.options`, `baud` 9600), and
`trigger`, text that makes it read (control characters as in `"\\x16T\\r"`); `untrigger`, text
that ends the attempt; `end`, with which each code ends (`"\\n"`; many scanners send `"\\r"`);
`strip`, how many characters to leave out in front.
"""

from __future__ import annotations

from robotq.drivers.scanner.scanner import Scanner, ScannerOptions, read_scanner_options

__all__ = ["Scanner", "ScannerOptions", "read_scanner_options"]
