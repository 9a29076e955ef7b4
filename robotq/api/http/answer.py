"""What answers to one request have in common."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

PAGE_HEADERS: web.RequestKey[Mapping[str, str]] = web.RequestKey("page_headers")
"""What every answer to this request says to the page that has sent it."""
