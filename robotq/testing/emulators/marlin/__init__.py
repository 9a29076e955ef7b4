"""Marlin 2.1.2."""

from __future__ import annotations

from robotq.testing.emulators.marlin.emulator import MarlinEmulator

__all__ = ["MarlinEmulator"]
