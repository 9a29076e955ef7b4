"""Whether an answer is what the table of routes says: nothing is missing, and nothing more."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import jsonschema_rs

from robotq.api.interfaces import INTERFACES
from robotq.api.openapi.shapes import schemas_of
from robotq.api.root import ROBOT
from robotq.wire.remote_work import worker_socket

# made before any test runs, since it reads files
_SCHEMAS = {
    shape: {**schema, "components": {"schemas": components}}
    for schemas, components in [
        *(
            schemas_of(
                shape
                for route in interface.routes
                for shape in (
                    route.response,
                    *route.responses,
                    *route.answers.values(),
                    interface.about.error,
                )
                if shape is not None
            )
            for interface in (ROBOT, *INTERFACES)
        ),
        schemas_of([*worker_socket.FROM_DAEMON, *worker_socket.FROM_WORKERS]),
    ]
    for shape, schema in schemas.items()
}


def check(body: Any, *shapes: Any) -> None:
    """The body is one of these shapes."""
    faults = [[str(fault) for fault in _validator(shape).iter_errors(body)] for shape in shapes]
    assert [] in faults, (faults, body)


@lru_cache(maxsize=512)
def _validator(shape: Any) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(_SCHEMAS[shape])
