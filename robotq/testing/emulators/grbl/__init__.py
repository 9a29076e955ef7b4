"""Controllers of the GRBL family."""

from __future__ import annotations

from robotq.testing.emulators.grbl.emulator import GrblEmulator
from robotq.testing.emulators.grbl.firmware import Dialect

__all__ = ["Dialect", "GrblEmulator"]
