"""A lab that is served as the daemon serves it."""

from __future__ import annotations

import socket

from robotq.api.access.keys import KeyFile
from robotq.api.app import make_app
from robotq.api.http.served import Served

from .lab import Lab


async def serve(lab: Lab, keys: KeyFile) -> tuple[Served, int]:
    """On a free port of loopback. To be closed by the caller."""
    served = Served(make_app(lab.engine, keys=keys))
    await served.start()
    sock = socket.create_server(("127.0.0.1", 0))
    await served.listen(sock)
    return served, sock.getsockname()[1]
