"""When the head of a request is the one of the request before, and only its body is new."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robotq.api.request_head import head_of, is_whole

from .kept_connection import request


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GET / HTTP/1.1\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n{}",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\n{}",
        b"POST / HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
        b"POST / HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        b"POST / HTTP/1.1\r\nContent-Length: 2\ncontent-length: 0\r\n\r\n{}",
        b"POST / HTTP/1.1\r\nContent-Length: +2\r\n\r\n{}",
        b"POST / HTTP/1.1\r\nContent-Length:\r\n\r\n",
        b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}",
        b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n",
        b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
        b"CONNECT a:80 HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
        b"POST / HTTP/1.1\r\nContent-Encoding: deflate\r\nContent-Length: 2\r\n\r\n{}",
    ],
)
def test_is_whole__only_where_it_is_plain(data: bytes) -> None:
    assert not is_whole(data)


@given(body=st.binary(max_size=300), other=st.binary(max_size=300), digits=st.integers(0, 3))
def test_head_of__finds_the_body_of_the_next_request(
    body: bytes, other: bytes, digits: int
) -> None:
    kept = "Connection: keep-alive"
    first, second = request(body, kept, "X-A: b"), request(other, kept, "X-A: b")
    head = head_of(first)
    assert is_whole(first)
    assert head.body(second) == other
    assert head.body(second + b"x") is None
    assert head.body(second[: len(second) - 1 - digits]) is None
    assert head.body(request(other, kept, "X-A: c")) is None
    assert head.body(request(other, kept, "X-A: b", method="PUT")) is None
