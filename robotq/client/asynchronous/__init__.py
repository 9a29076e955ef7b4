"""robotq.AsyncClient: talks to a daemon from an event loop, on aiohttp.

`robotq.client.sync` is made from what is here, but for `http.py`, by
`python -m docs.make.sync_client`.
"""

from __future__ import annotations

from robotq.client.asynchronous.client import AsyncClient

__all__ = ["AsyncClient"]
