"""A camera in the network: answers each request as the test says."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Reply:
    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    media_type: str | None = "image/png"
    pause_s: float = 0.0
    """Before the body."""
    length: int | None = None
    """What it says that its body has."""
    date_s: float | None = 0.0
    """Its clock against ours; None: it sends no Date."""


def at(seconds: float) -> str:
    """A date as HTTP has it, cut to the second."""
    return formatdate(seconds, usegmt=True)


class CameraServer:
    """`reply` is called with the number of the request, from 0, and its headers."""

    def __init__(self) -> None:
        self.reply: Callable[[int, Mapping[str, str]], Reply] = lambda *_: Reply(status=404)
        self.asked: list[tuple[str, Mapping[str, str]]] = []
        camera = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                camera.asked.append((self.path, headers))
                camera._answer(self, camera.reply(len(camera.asked) - 1, headers))

            def log_message(self, *_: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/snapshot.jpg"

    def shows(self, *pictures: bytes, **how: Any) -> None:
        """One picture after the other, each taken now by its own header; the last one stays."""

        def reply(number: int, _: Mapping[str, str]) -> Reply:
            body = pictures[min(number, len(pictures) - 1)]
            return Reply(body, headers={"X-Taken": repr(time.time())}, **how)

        self.reply = reply
        self.asked.clear()

    def _answer(self, handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        try:
            handler.send_response_only(reply.status)
            if reply.date_s is not None:
                handler.send_header("Date", at(time.time() + reply.date_s))
            if reply.media_type is not None:
                handler.send_header("Content-Type", reply.media_type)
            length = len(reply.body) if reply.length is None else reply.length
            handler.send_header("Content-Length", str(length))
            for name, value in reply.headers.items():
                handler.send_header(name, value)
            handler.end_headers()
            if reply.pause_s:
                handler.wfile.flush()
                self._closing.wait(reply.pause_s)
            handler.wfile.write(reply.body)
        except OSError:
            handler.close_connection = True

    _closing = threading.Event()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def camera_server() -> Iterator[CameraServer]:
    server = CameraServer()
    try:
        yield server
    finally:
        server.close()


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
