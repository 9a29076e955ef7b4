"""reference/worker-socket.md, from the shapes of the messages."""

from __future__ import annotations

from collections.abc import Sequence

from docs.make.http import shape_section
from robotq.api.openapi.shapes import schemas_of
from robotq.wire.base import REF
from robotq.wire.worker_socket import FROM_DAEMON, FROM_WORKERS, Said

_HEAD = """# Reference: the WebSocket of the dispatcher

What the daemon and a worker say to each other over `/ws`: JSON objects, one in a message.
[The dispatcher](../guides/dispatcher.md#messages) says what follows from them. A `*` marks what is
always there. A worker passes over messages and keys that it does not know.
"""


def page() -> str:
    """reference/worker-socket.md"""
    return "".join(
        [
            _HEAD,
            "\n## From the daemon\n",
            *_sections(FROM_DAEMON),
            "\n## From workers\n",
            *_sections(FROM_WORKERS),
        ]
    )


def _sections(shapes: Sequence[type[Said]]) -> list[str]:
    _, schemas = schemas_of(shapes)
    refs = {REF + name: name for name in schemas}
    return [shape_section(shape.__name__, schemas[shape.__name__], refs) for shape in shapes]
