"""Bodies that are packed on their way."""

from __future__ import annotations

from aiohttp import web


def coding_of(request: web.BaseRequest) -> str:
    """How the body is packed, as its header says; identity where it is not."""
    return request.headers.get("Content-Encoding", "identity")[:20]


def not_to_its_end(request: web.BaseRequest) -> str:
    """Why a body could not be read."""
    coding = coding_of(request)
    if coding == "identity":
        return "it could not be read to its end"
    return f"it says that it is packed ({coding}), and cannot be unpacked"
