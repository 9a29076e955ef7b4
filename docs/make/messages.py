"""reference/messages.md, from the shapes of the messages."""

from __future__ import annotations

from collections.abc import Iterable

from docs.make.http import shape_section
from robotq.api.openapi.shapes import schemas_of
from robotq.wire.base import REF, Answer
from robotq.wire.remote_work.worker_socket import FROM_DAEMON, FROM_WORKERS
from robotq.wire.webhook import WebhookBody

_HEAD = """# Reference: messages

What is sent without being asked for each time, as JSON objects: webhooks, and what the daemon and
the workers of the dispatcher say to each other over `/ws`. A `*` marks what is always there. Keys
and types of messages that a reader does not know are passed over. The events of `GET /events` stand
with [the other shapes](shapes.md#event).

## Webhooks

[Webhooks](../guides/webhooks.md) says when they are sent and what acknowledges them.
"""

_FROM_DAEMON = """
## The dispatcher, from the daemon

[The dispatcher](../guides/dispatcher.md#messages) says what follows from them.
"""

_FROM_WORKERS = """
## The dispatcher, from workers
"""


def page() -> str:
    """reference/messages.md"""
    parts = [_HEAD, *_sections([WebhookBody])]
    parts += [_FROM_DAEMON, *_sections(FROM_DAEMON), _FROM_WORKERS, *_sections(FROM_WORKERS)]
    return "".join(parts)


def _sections(shapes: Iterable[type[Answer]]) -> list[str]:
    listed = list(shapes)
    _, schemas = schemas_of(listed)
    refs = {REF + name: name for name in schemas}
    return [shape_section(shape.__name__, schemas[shape.__name__], refs) for shape in listed]
