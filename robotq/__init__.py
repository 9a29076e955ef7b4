"""A daemon between software and robots: durable queues, one executor per robot, drivers.

`robotq.Client` and `robotq.AsyncClient` talk to it; see docs/guides/client.md.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from robotq.model.version import __version__

if TYPE_CHECKING:
    from robotq.client import AsyncClient, Client

__all__ = ["AsyncClient", "Client", "__version__"]


def __getattr__(name: str) -> Any:
    # loaded only when it is used: neither the daemon nor an emergency stop waits for it
    if name in ("AsyncClient", "Client"):
        return getattr(import_module("robotq.client"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
