"""Requests that came in one piece, and heads that come again."""

from __future__ import annotations

from dataclasses import dataclass

_END = b"\r\n\r\n"
_LENGTH = b"\r\ncontent-length:"
_FRAMING = (
    b"connect ",
    b"\r\nconnection:",
    b"\r\ncontent-encoding:",
    b"\r\nexpect:",
    b"\r\ntransfer-encoding:",
    b"\r\nupgrade:",
)
"""The method and the headers that may change where a request ends, what its body is, or what
follows it. What a CONNECT has behind its head is no body to aiohttp, whatever its length."""

_DIGITS = 9
"""Of a length: more than any body that is taken."""


@dataclass(frozen=True, slots=True)
class RequestHead:
    """The head of a request, but for the length of its body."""

    before: bytes
    """Up to the digits of the length."""
    after: bytes | None
    """From behind them to the end of the head; None where it says no length and has no body."""

    def body(self, data: bytes) -> bytes | None:
        """The body, where `data` is exactly one request with this head; else None."""
        if self.after is None:
            return b"" if data == self.before else None
        if not data.startswith(self.before):
            return None
        at = len(self.before)
        end = data.find(b"\r", at, at + _DIGITS + 1)
        length = data[at:end] if end > 0 else b""
        if not length.isdigit() or not data.startswith(self.after, end):
            return None
        begin = end + len(self.after)
        return data[begin:] if len(data) - begin == int(length) else None


def is_whole(data: bytes) -> bool:
    """Whether these bytes, at the beginning of a request, are certainly that one request and
    nothing more. False where that is not plain to see."""
    end = data.find(_END) + len(_END)
    # many clients say what goes without saying
    head = data[:end].lower().replace(b"\r\nconnection: keep-alive\r\n", b"\r\n")
    if len(head) < len(_END) or head.count(b"\n") != head.count(b"\r\n"):
        return False
    if any(name in head for name in _FRAMING):
        return False
    if _LENGTH not in head:
        return len(data) == end
    rest = head.partition(_LENGTH)[2]
    length = rest[: rest.find(b"\r")].strip(b" \t")
    if _LENGTH in rest or not length.isdigit() or len(length) > _DIGITS:
        return False
    return len(data) == end + int(length)


def head_of(data: bytes) -> RequestHead:
    """The head of a whole request."""
    end = data.find(_END) + len(_END)
    head = data[:end]
    at = head.lower().find(_LENGTH)
    if at < 0:
        return RequestHead(before=head, after=None)
    at += len(_LENGTH)
    while head[at : at + 1] in (b" ", b"\t"):
        at += 1
    return RequestHead(before=head[:at], after=head[head.index(b"\r", at) :])


def upgrade_end(data: bytes) -> int | None:
    """Where the head ends of a request that wants the connection to become another; None where
    it does not, or its head is not whole."""
    end = data.find(_END)
    if end < 0 or b"\r\nupgrade:" not in data[:end].lower():
        return None
    return end + len(_END)
