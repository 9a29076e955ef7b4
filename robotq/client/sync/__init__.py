# Made from ../asynchronous/__init__.py by `python -m docs.make.sync_client`.
"""robotq.Client: talks to a daemon with nothing but the standard library."""

from __future__ import annotations

from robotq.client.sync.client import Client

__all__ = ["Client"]
