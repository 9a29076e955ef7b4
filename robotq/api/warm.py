"""What a start leaves for later, done when the daemon serves.

- The interfaces for workers and for people: `api.interfaces` reads what is behind one for the first
  request that comes for it.
- The shapes of requests (pydantic builds their validators; `defer_build`): here, one a turn of the
  loop, so that nothing waits for more than one of them. A request that comes before builds its own.
- `prometheus_client`: by the first `GET /metrics`, in a thread. Who has nobody that reads them does
  not pay for it.
- The shapes of answers are only documented: `GET /openapi.json` builds them.
- `robotq.client`: never by the daemon.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from pydantic import BaseModel

from robotq.api.root import ROUTES

_AFTER_S = 1.0
"""Wall seconds after the start: the first command is accepted by then."""


async def warm() -> None:
    """Do it, beside everything else."""
    await asyncio.sleep(_AFTER_S)
    for model in request_models():
        model.model_rebuild()
        await asyncio.sleep(0)


def request_models() -> Iterator[type[BaseModel]]:
    """The shapes of every query and body of the robot interface, each once."""
    seen = set()
    for route in ROUTES:
        for model in (route.query, route.request):
            if model is not None and model not in seen:
                seen.add(model)
                yield model
