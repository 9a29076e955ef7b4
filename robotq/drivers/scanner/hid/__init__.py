"""Scanners that are a keyboard: their keys are taken from the system, and never reach a window."""

from __future__ import annotations

from robotq.drivers.scanner.hid.events import KeyEvent, KeyEvents, open_keyboard
from robotq.drivers.scanner.hid.link import HidLink
from robotq.drivers.scanner.hid.options import KEYBOARDS, HidOptions

__all__ = ["KEYBOARDS", "HidLink", "HidOptions", "KeyEvent", "KeyEvents", "open_keyboard"]
