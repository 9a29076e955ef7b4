"""The seam to Linux, with a device that is a pipe: there is no keyboard where the tests run.

What is its own here: which events are keys, what was dropped, what is held at the start, whether
the keyboard is given back. The ioctls are those of the library `evdev`, and are not tried.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pytest

from robotq.drivers.base import LinkLost
from robotq.drivers.scanner.hid import KeyEvent
from robotq.drivers.scanner.hid.events import LOST, Grabbed

_EVENT = struct.Struct("llHHi")
"""`struct input_event` of linux/input.h."""


class Event(NamedTuple):
    type: int
    code: int
    value: int


@dataclass
class Device:
    """What the library calls an InputDevice, on one end of a pipe."""

    fd: int
    keys: Sequence[int] = (28, 30)
    held: Sequence[int] = ()
    grabbed: bool = False
    closed: bool = False
    taken: bool = False

    def capabilities(self) -> Mapping[int, Sequence[int]]:
        return {0: [0, 1, 4], 1: self.keys}

    def grab(self) -> None:
        if self.taken:
            raise OSError(16, "Device or resource busy")
        self.grabbed = True

    def active_keys(self) -> Sequence[int]:
        return self.held

    def read(self) -> Iterator[Event]:
        data = os.read(self.fd, 64 * _EVENT.size)
        if not data:
            raise OSError(19, "No such device")
        for _, _, kind, code, value in _EVENT.iter_unpack(data):
            yield Event(kind, code, value)

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    near, far = os.pipe()
    os.set_blocking(near, False)
    yield near, far
    os.close(near)


def sent(far: int, *events: tuple[int, int, int]) -> None:
    os.write(far, b"".join(_EVENT.pack(0, 0, *each) for each in events))


def test_keys__and_nothing_else_of_what_the_system_says(pipe: tuple[int, int]) -> None:
    near, far = pipe
    device = Device(near)
    keys = Grabbed("event7", device)
    assert device.grabbed
    assert not keys.wait(0)
    sent(far, (4, 4, 458_756), (1, 30, 1), (0, 0, 0), (1, 30, 0), (17, 1, 1), (0, 3, 0))
    assert keys.wait(1)
    assert keys.read() == [KeyEvent(30, 1), KeyEvent(30, 0), LOST]
    assert not keys.wait(0)
    assert keys.read() == [], "nothing there is no end"
    os.close(far)
    assert keys.wait(1)
    with pytest.raises(OSError, match="No such device"):
        keys.read()
    keys.close()
    assert device.closed


def test_what_is_held_when_it_is_taken__comes_first(pipe: tuple[int, int]) -> None:
    near, far = pipe
    keys = Grabbed("event7", Device(near, held=(42,)))
    assert keys.wait(0)
    assert keys.read() == [KeyEvent(42, 1)]
    sent(far, (1, 42, 0))
    assert keys.read() == [KeyEvent(42, 0)]
    os.close(far)


def test_what_is_no_keyboard_or_taken_by_another_program__is_given_back(
    pipe: tuple[int, int],
) -> None:
    near, far = pipe
    mouse = Device(near, keys=(272, 273))
    with pytest.raises(LinkLost, match="no keyboard"):
        Grabbed("event3", mouse)
    taken = Device(near, taken=True)
    with pytest.raises(OSError, match="busy"):
        Grabbed("event7", taken)
    assert mouse.closed
    assert taken.closed
    os.close(far)
