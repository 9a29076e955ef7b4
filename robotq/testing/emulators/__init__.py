"""Controllers that are not there: they speak over a pseudo-terminal as the genuine firmware was
observed to, keep a log of what they carried out, and fail on request.

Only where the operating system has pseudo-terminals.
"""

from __future__ import annotations

from robotq.testing.emulators.faults import Fault, FaultKind, Faults
from robotq.testing.emulators.grbl import Dialect, GrblEmulator
from robotq.testing.emulators.marlin import MarlinEmulator
from robotq.testing.emulators.scanner import Habits, ScannerEmulator

__all__ = [
    "Dialect",
    "Fault",
    "FaultKind",
    "Faults",
    "GrblEmulator",
    "Habits",
    "MarlinEmulator",
    "ScannerEmulator",
]
