"""The keys of one keyboard, taken from the system: the seam between robotq and Linux."""

from __future__ import annotations

import errno
import select
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from robotq.drivers.base import LinkLost
from robotq.drivers.scanner.hid.options import HidOptions

_EV_SYN, _EV_KEY, _SYN_DROPPED = 0, 1, 3
_KEY_ENTER = 28
INSTALL = "pip install 'robotq[hid]' (Linux only)"


@dataclass(frozen=True, slots=True)
class KeyEvent:
    key: int
    value: int
    """0: it goes up; 1: down; 2: it is still down."""
    lost: bool = False
    """Not a key: the system has thrown events away here."""


LOST = KeyEvent(0, 0, lost=True)


class KeyEvents(Protocol):
    """A keyboard that types for nobody else. `read` belongs to one thread; it and `wait` raise
    OSError when the keyboard is gone."""

    @property
    def name(self) -> str: ...

    def wait(self, timeout_s: float) -> bool:
        """Wait until there are keys for `read`; whether there are."""

    def read(self) -> Sequence[KeyEvent]:
        """The keys that are there."""

    def close(self) -> None:
        """Give the keyboard back."""


def found_keyboard(device: str) -> str:
    """The file that a name or pattern stands for now. Raises LinkLost."""
    pattern = Path(device)
    try:
        names = sorted(
            map(str, Path(pattern.anchor).glob(str(pattern.relative_to(pattern.anchor))))
        )
    except (OSError, ValueError) as error:
        raise LinkLost(f"{device}: {error}") from error
    if len(names) > 1:
        raise LinkLost(f"more than one device fits {device}: {', '.join(names)}")
    if not names:
        raise LinkLost(f"{device}: it is not there; check cable and power")
    return names[0]


def open_keyboard(options: HidOptions) -> KeyEvents:
    """Take it for robotq alone. Raises LinkLost, in words that say what to do."""
    try:
        evdev = import_module("evdev")
    except ImportError as error:
        raise LinkLost(f"a scanner that is a keyboard needs {INSTALL}: {error}") from error
    name = found_keyboard(options.device)
    try:
        return Grabbed(name, evdev.InputDevice(name))
    except OSError as error:
        raise LinkLost(f"{name}: {_why(error)}") from error


class Grabbed:
    """A keyboard of the library `evdev`, which is its `InputDevice`."""

    def __init__(self, name: str, device: Any) -> None:
        """Raises OSError, and LinkLost."""
        self.name = name
        self._device = device
        try:
            if _KEY_ENTER not in device.capabilities().get(_EV_KEY, ()):
                raise LinkLost(f"{name}: it is no keyboard; use the name that ends with -event-kbd")
            device.grab()
            # what is held down already goes up one day, and is told as all others
            self._held = [KeyEvent(key, 1) for key in device.active_keys()]
        except BaseException:
            device.close()
            raise
        self._readable = select.poll()
        self._readable.register(device.fd, select.POLLIN)

    def wait(self, timeout_s: float) -> bool:
        return bool(self._held or self._readable.poll(timeout_s * 1000))

    def read(self) -> Sequence[KeyEvent]:
        found, self._held = self._held, []
        try:
            events = list(self._device.read())
        except BlockingIOError:
            return found
        for event in events:
            if event.type == _EV_KEY:
                found.append(KeyEvent(event.code, event.value))
            elif event.type == _EV_SYN and event.code == _SYN_DROPPED:
                found.append(LOST)
        return found

    def close(self) -> None:
        # what is closed is no longer grabbed
        self._device.close()


def _why(error: OSError) -> str:
    match error.errno:
        case errno.EACCES | errno.EPERM:
            return "no permission to open it; add this user to the group input"
        case errno.EBUSY:
            return "another program has taken it"
        case _:
            return error.strerror or str(error)
