"""The receive buffer: bytes wait in it until the line they belong to can be carried out."""

from __future__ import annotations

from collections.abc import Callable


class ReceiveBuffer:
    """Holds `size` bytes; what comes on top of them is lost without a word."""

    def __init__(self, size: int, *, one_ok_for_crlf: bool) -> None:
        self.overflowed = 0
        """Bytes for which there was no room."""
        self._size = size
        self._one_ok_for_crlf = one_ok_for_crlf
        self._bytes = bytearray()
        self._last_was_cr = False

    def __len__(self) -> int:
        return len(self._bytes)

    def clear(self) -> None:
        self._bytes.clear()

    def store(self, data: bytes, line_came: Callable[[], object]) -> None:
        """Bytes have arrived. `line_came` is called at the end of a line where they do not fit
        as a whole: it may take lines out."""
        if len(data) <= self._size - len(self._bytes):
            self._bytes += data
            return
        for byte in data:
            if len(self._bytes) < self._size:
                self._bytes.append(byte)
                if byte in b"\n\r":
                    line_came()
            else:
                self.overflowed += 1

    def next_line(self) -> str | None:
        """The next line without its end, taken out; None where none is complete."""
        ends = [at for at in (self._bytes.find(b"\n"), self._bytes.find(b"\r")) if at >= 0]
        if not ends:
            return None
        at = min(ends)
        line, end = bytes(self._bytes[:at]), self._bytes[at]
        del self._bytes[: at + 1]
        second = end == 0x0A and self._last_was_cr and not line
        self._last_was_cr = end == 0x0D
        if second and self._one_ok_for_crlf:
            return self.next_line()
        return line.decode("latin-1")
