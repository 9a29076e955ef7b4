"""One connection over which Modbus is spoken: of TCP, where every answer has the number of its
question, and a serial line, where it has none."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from typing import Any

from robotq.config.plc_station import PlcModbus, PlcModbusRtu
from robotq.drivers.base import LinkLost
from robotq.drivers.plc.protocols.turns import Turns

_ERROR = 0x80
"""Or-ed to the function in an answer that refuses."""
_LOOPBACK = 8
_TRIES = 3
_SILENCE_S = 0.05
"""Longer than 3.5 characters at 1,200 baud."""
_BITS = 11
"""Of a character, at most."""
_PARITIES = {"none": "N", "even": "E", "odd": "O"}


class ModbusLine:
    """It is opened once. Each method may be called from any thread."""

    def __init__(self, client: Any, where: str) -> None:
        self._client = client
        self._where = where
        self._turns = Turns()
        self._opened = False
        self._closed = threading.Event()

    def open(self) -> None:
        """Raises LinkLost. Does nothing where it is open already."""
        with self._turns.turn():
            if self._closed.is_set():
                raise LinkLost("the connection is closed")
            if self._opened:
                return
            if not self._client.connect():
                raise LinkLost(f"{self._where} takes no connection")
            # or pymodbus would open it again by itself for a question whose turn comes later
            self._client.connect = lambda: self._client.connected
            self._opened = True
            self._look_at()
            self._become_clear()

    def ask(
        self,
        name: str,
        function: int,
        question: Callable[[Any], Any],
        *,
        first: bool = False,
        again: bool = False,
    ) -> Any:
        """The answer, of this function or refusing it. `again`: it may be asked again, as nothing
        changes by it.

        After one without an answer the connection is not used again: a late answer would be taken
        for that of the next question. Raises LinkLost.
        """
        with self._turns.turn(first=first):
            return self._asked(name, function, question, again=again)

    def close(self) -> None:
        # without a turn: whoever waits for an answer ends with LinkLost
        self._closed.set()
        self._client.close()

    def _asked(
        self, name: str, function: int, question: Callable[[Any], Any], *, again: bool
    ) -> Any:
        # again only where it can be made certain which answer is whose; see `SerialLine`
        del again
        try:
            return self._once(function, question)
        except LinkLost as error:
            self._end()
            raise LinkLost(f"{name}: {error.reason}") from error

    def _end(self) -> None:
        """Close it, in a turn."""
        self.close()

    def _once(self, function: int, question: Callable[[Any], Any]) -> Any:
        from pymodbus.exceptions import ModbusException  # noqa: PLC0415 - only where it is used

        if self._closed.is_set() or not self._client.connected:
            raise LinkLost("the connection is closed")
        try:
            answer = question(self._client)
        except (ModbusException, OSError, AttributeError, TypeError) as error:
            # the last two: it was closed by another thread meanwhile
            raise LinkLost(str(error)) from error
        if answer.function_code & ~_ERROR != function:
            raise LinkLost("this was the answer to another question")
        return answer

    def _look_at(self) -> None:
        """Whether the line is one that can be believed. Raises LinkLost."""

    def _become_clear(self) -> None:
        """So that no answer to a question of before can come any more."""


class SerialLine(ModbusLine):
    """A wire with one master, on which an answer does not say what was asked. A frame is lost now
    and then: what only reads is asked again."""

    def __init__(self, client: Any, options: PlcModbusRtu, answer_s: float) -> None:
        super().__init__(client, options.port)
        self._options = options
        self._device = options.device
        self._answer_s = answer_s
        self._loops_back = True
        """Whether the device says anything to what it is asked to give back."""
        self._closing = threading.Lock()

    def _asked(
        self, name: str, function: int, question: Callable[[Any], Any], *, again: bool
    ) -> Any:
        for left in reversed(range(_TRIES if again else 1)):
            try:
                return self._once(function, question)
            except LinkLost as error:
                if not left or self._closed.is_set():
                    self._end()
                    raise LinkLost(f"{name}: {error.reason}") from error
            self._become_clear()
        raise AssertionError("it is tried once at least")

    def close(self) -> None:
        port = self._taken()
        if port is not None:
            # not while another thread reads from it: its number may be another port's by then
            with self._turns.turn(first=True):
                port.close()

    def _end(self) -> None:
        port = self._taken()
        if port is not None:
            port.close()

    def _taken(self) -> Any:
        """The port, for whoever asks first; an exchange that is on its way ends without it."""
        self._closed.set()
        with self._closing:
            port, self._client.socket = self._client.socket, None
        return port

    def _become_clear(self) -> None:
        """Ask for something that nobody else has asked, and wait until it comes back: the device
        answers in order. A device that does not know the question says so, or is silent: then
        `answer_s` have passed, in which a late answer was heard.

        Raises LinkLost.
        """
        from pymodbus.exceptions import ModbusException  # noqa: PLC0415 - only where it is used

        if not self._loops_back:
            # some devices lose the next question over one that they do not know
            self._wait_for_silence(self._answer_s)
            return
        for _ in range(_TRIES):
            self._wait_for_silence()
            mine = secrets.token_bytes(2)
            try:
                answer = self._client.diag_query_data(mine, device_id=self._device)
            except ModbusException:
                self._loops_back = False
                self._wait_for_silence()
                return
            except (OSError, AttributeError, TypeError) as error:
                self._end()
                raise LinkLost(f"{self._where}: {error}") from error
            if answer.function_code == _LOOPBACK | _ERROR or (
                answer.function_code == _LOOPBACK and _word(answer.message) == mine
            ):
                self._wait_for_silence()
                return
        self._end()
        raise LinkLost(f"{self._where}: answers to other questions come all the time")

    def _look_at(self) -> None:
        """An adapter that gives back what is sent would answer every write of a bit, and a stop,
        in place of the PLC. A frame with a wrong check sum is answered by nobody else."""
        sent = bytes((self._device, _LOOPBACK, 0, 0)) + secrets.token_bytes(2) + b"\0\0"
        heard = b""
        until = time.monotonic() + _SILENCE_S + len(sent) * _BITS / self._options.baud
        try:
            self._client.socket.reset_input_buffer()
            self._client.socket.write(sent)
            while time.monotonic() < until and len(heard) < len(sent):
                heard += self._client.socket.read(self._client.socket.in_waiting)
                self._closed.wait(_SILENCE_S / 10)
        except (OSError, AttributeError, TypeError) as error:
            self._end()
            raise LinkLost(f"{self._where}: {error}") from error
        if sent in heard and not self._options.echo:
            self._end()
            raise LinkLost(
                f"{self._where}: the adapter gives back what is sent: expected `echo: true` in "
                "modbus_rtu, or an adapter that does not"
            )

    def _wait_for_silence(self, silence_s: float = _SILENCE_S) -> None:
        began = heard = time.monotonic()
        try:
            while (now := time.monotonic()) - heard < silence_s:
                if waiting := self._client.socket.in_waiting:
                    self._client.socket.read(waiting)
                    heard = now
                if now - began > 2 * self._answer_s + 2 * _SILENCE_S:
                    raise LinkLost(f"{self._where}: it is never quiet")
                self._closed.wait(_SILENCE_S / 10)
        except (OSError, AttributeError, TypeError) as error:
            self._end()
            raise LinkLost(f"{self._where}: {error}") from error


def _word(message: Any) -> bytes:
    """What came back, which pymodbus has as bytes or as numbers."""
    if isinstance(message, bytes):
        return message
    numbers = message if isinstance(message, list | tuple) else [message]
    return b"".join(int(each).to_bytes(2, "big") for each in numbers)


def tcp_line(options: PlcModbus, answer_s: float) -> ModbusLine:
    """A write goes out once: pymodbus would repeat it three times."""
    from pymodbus.client import ModbusTcpClient  # noqa: PLC0415 - only where it is used

    client = ModbusTcpClient(options.host, port=options.port, timeout=answer_s, retries=0)
    return ModbusLine(client, f"{options.host}:{options.port}")


def serial_line(options: PlcModbusRtu, answer_s: float) -> SerialLine:
    """The same of a serial line."""
    from pymodbus.client import ModbusSerialClient  # noqa: PLC0415 - only where it is used

    client = ModbusSerialClient(
        options.port,
        baudrate=options.baud,
        parity=_PARITIES[options.parity],
        stopbits=options.stop_bits,
        timeout=answer_s,
        retries=0,
        handle_local_echo=options.echo,
    )
    return SerialLine(client, options, answer_s)
