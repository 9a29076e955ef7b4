"""Where no daemon ever answers: whoever runs the tests may have one on this machine, at a real
robot, and no test talks to it."""

from __future__ import annotations

import socket


def _kept_port() -> int:
    """Bound and never listened on until this process ends: nobody else gets it, and every
    connection is refused."""
    kept = socket.socket()
    kept.bind(("127.0.0.1", 0))
    port: int = kept.getsockname()[1]
    kept.detach()
    return port


PORT = _kept_port()
URL = f"http://127.0.0.1:{PORT}"
