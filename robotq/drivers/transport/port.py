"""An open port: bytes in, bytes out, and nothing that waits for long."""

from __future__ import annotations

import errno
import os
import select
import sys
import time
from contextlib import suppress
from typing import Any, Protocol

import serial

from robotq.drivers.base import LinkLost
from robotq.drivers.transport.options import PortOptions
from robotq.drivers.transport.tcp import TcpSocket

if sys.platform == "win32":
    _TERMIOS_ERRORS: tuple[type[Exception], ...] = ()
else:
    import termios

    _TERMIOS_ERRORS = (termios.error,)

PORT_ERRORS: tuple[type[Exception], ...] = (OSError, ValueError, *_TERMIOS_ERRORS)
"""What a port that is gone may raise; pyserial's own exception is an OSError."""

CLOSED_ERRORS: tuple[type[Exception], ...] = (*PORT_ERRORS, TypeError)
"""What it may raise where somebody closes it meanwhile: pyserial stumbles over its own None."""

_READ_BYTES = 4096
_POLL_S = 0.1
"""How often a port that cannot be woken looks whether it is to be closed."""
_WRITE_S = 0.2
"""Longest that one write to such a port may take."""
_ON_THE_WIRE_S = 0.005
"""Wire time of the bytes that may wait inside the operating system: a stop comes after them."""
_LEAST_PIECE = 32
_DRAIN_S = 0.2
"""Longest that the last bytes get to leave when a port is closed."""

_PARITIES = {"none": serial.PARITY_NONE, "even": serial.PARITY_EVEN, "odd": serial.PARITY_ODD}


class Port(Protocol):
    """An open port. `read` belongs to one thread at a time, the others may be called from any, one
    at a time. All but `wake` and `close` raise one of PORT_ERRORS when the port is gone."""

    by_turns: bool
    """Threads may take turns in `read`: `wake` lets it come back at once, as often as it is
    called, and it comes back in time."""

    def read(self, at_most_s: float | None = None) -> bytes:
        """Wait for bytes; may come back with none, and does after `wake`. Only a port that is read
        by turns knows of `at_most_s`."""

    def wake(self) -> None:
        """Let the thread in `read` come back soon."""

    def write_some(self, data: memoryview) -> int:
        """Hand over as many bytes as may be sent now; returns how many, 0 where there is no
        room. Waits no longer than a moment."""

    def wait_writable(self, timeout_s: float) -> None:
        """Wait until there may be room again."""

    def discard_output(self) -> None:
        """Forget what was handed over and has not been sent."""

    def holds_unread(self) -> bool:
        """Whether bytes are there for `read`, or it has given some that are not dealt with."""

    def close(self, *, drain: bool) -> None:
        """Give the port up; with `drain`, let what was handed over leave first."""


def open_port(name: str, options: PortOptions) -> Port:
    """Open a port for this process alone, at the levels of DTR and RTS that are wanted.

    Raises LinkLost, in words that say what to do.
    """
    try:
        if name.startswith("socket://") and sys.platform != "win32":
            return _FilePort(TcpSocket(name), options)
        port = serial.serial_for_url(
            name,
            do_not_open=True,
            baudrate=options.baud,
            bytesize=options.data_bits,
            parity=_PARITIES[options.parity],
            stopbits=options.stop_bits,
            rtscts=options.flow == "rtscts",
            xonxoff=options.flow == "xonxoff",
            timeout=_POLL_S,
            write_timeout=_WRITE_S,
        )
        if _is_device(port):
            port.exclusive = True
        # before it is opened: the level must not go through another one on its way
        port.dtr = options.dtr
        port.rts = options.rts
        port.open()
    except PORT_ERRORS as error:
        raise LinkLost(f"{name}: {_why(error)}") from error
    if sys.platform != "win32" and _is_device(port):
        return _FilePort(port, options)
    return _AnyPort(port)


class _FilePort:
    """A port with a file descriptor: written to without ever waiting, and read at once."""

    by_turns = True

    def __init__(self, port: Any, options: PortOptions) -> None:
        self._port = port
        self._fd: int = port.fileno()
        self._paced = _is_device(port)
        bits = 1 + options.data_bits + (options.parity != "none") + options.stop_bits
        self._piece = max(_LEAST_PIECE, int(options.baud / bits * _ON_THE_WIRE_S))
        if self._paced:
            _keep_lines_up(self._fd)
        self._woken, self._waking = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(self._waking, False)
        self._readable = select.poll()
        self._readable.register(self._fd, select.POLLIN)
        self._readable.register(self._woken, select.POLLIN)
        self._taking = False
        """Bytes have been taken from the system, or are about to be; until the next `read`."""

    def read(self, at_most_s: float | None = None) -> bytes:
        self._taking = False
        ready = self._readable.poll(None if at_most_s is None else at_most_s * 1000)
        if not ready:
            return b""
        if any(fd == self._woken for fd, _ in ready):
            with suppress(BlockingIOError):
                os.read(self._woken, _READ_BYTES)
            return b""
        self._taking = True
        try:
            data = os.read(self._fd, _READ_BYTES)
        except BlockingIOError:
            return b""
        if not data:
            raise OSError(errno.EIO, "the other end is gone")
        return data

    def wake(self) -> None:
        with suppress(OSError):
            os.write(self._waking, b"\0")

    def write_some(self, data: memoryview) -> int:
        if self._paced:
            room = self._piece - self._port.out_waiting
            if room <= 0:
                return 0
            data = data[:room]
        try:
            return os.write(self._fd, data)
        except BlockingIOError:
            return 0

    def wait_writable(self, timeout_s: float) -> None:
        if self._paced and self._port.out_waiting >= self._piece:
            # bytes on their way out of a UART tell nobody when they have left
            time.sleep(min(timeout_s, _ON_THE_WIRE_S / 5))
            return
        writable = select.poll()
        writable.register(self._fd, select.POLLOUT)
        writable.poll(timeout_s * 1000)

    def discard_output(self) -> None:
        self._port.reset_output_buffer()

    def holds_unread(self) -> bool:
        readable = select.poll()
        readable.register(self._fd, select.POLLIN)
        # in this order: they are taken from the one to the other
        return any(event & select.POLLIN for _, event in readable.poll(0)) or self._taking

    def _waits(self) -> bool:
        return self._paced and self._port.out_waiting > 0

    def close(self, *, drain: bool) -> None:
        with suppress(*PORT_ERRORS):
            deadline = time.monotonic() + _DRAIN_S
            while self._waits() and drain and time.monotonic() < deadline:
                time.sleep(_ON_THE_WIRE_S)
            if not drain or self._waits():
                # a device that takes no bytes would keep the closing waiting for half a minute;
                # where all have left, this could take a stop back that is in the UART or unread
                self._port.reset_output_buffer()
        with suppress(*PORT_ERRORS):
            self._port.close()
        for end in (self._woken, self._waking):
            os.close(end)


class _AnyPort:
    """Whatever else pyserial opens, by its own methods."""

    by_turns = False

    def __init__(self, port: Any) -> None:
        self._port = port

    def read(self, at_most_s: float | None = None) -> bytes:  # noqa: ARG002 - by one thread
        data: bytes = self._port.read(1)
        if data:
            data += self._port.read(min(self._port.in_waiting, _READ_BYTES))
        return data

    def wake(self) -> None:
        """It comes back by itself."""

    def write_some(self, data: memoryview) -> int:
        piece = bytes(data[:_LEAST_PIECE])
        self._port.write(piece)
        return len(piece)

    def wait_writable(self, timeout_s: float) -> None:
        time.sleep(min(timeout_s, _ON_THE_WIRE_S))

    def discard_output(self) -> None:
        self._port.reset_output_buffer()

    def holds_unread(self) -> bool:
        return bool(self._port.in_waiting)

    def close(self, *, drain: bool) -> None:  # noqa: ARG002 - a write returns when it is out
        with suppress(*PORT_ERRORS):
            self._port.close()


def _is_device(port: object) -> bool:
    return type(port) is serial.Serial


def _keep_lines_up(fd: int) -> None:
    """Have the system leave DTR as it is when the port is closed: on many boards a falling DTR
    is a reset."""
    if sys.platform == "win32":
        return
    with suppress(*_TERMIOS_ERRORS):
        attributes = termios.tcgetattr(fd)
        attributes[2] &= ~termios.HUPCL
        termios.tcsetattr(fd, termios.TCSANOW, attributes)


def _why(error: Exception) -> str:
    number = error.errno if isinstance(error, OSError) else None
    match number:
        case errno.ENOENT | errno.ENODEV | errno.ENXIO:
            return "it is not there; check cable and power"
        case errno.EACCES | errno.EPERM:
            return "no permission to open it; on Linux, add this user to the group dialout"
        case errno.EAGAIN | errno.EBUSY:
            return "another program has it open"
        case _:
            return str(error) or type(error).__name__
