"""What a daemon's start does before anything else, so that it is short.

Most of a start is reading libraries. `robotq.api.warm` says which of them come later.
"""

from __future__ import annotations

import gc
import threading
from contextlib import suppress
from importlib import import_module

_LONGEST = "aiohttp.web"
"""A fifth of all imports: it makes two TLS contexts, which read the certificates of the system.
OpenSSL does that beside the interpreter, so a second core can do it."""


def begin() -> None:
    """Called before the daemon's own modules are imported. `run_program` turns the collection of
    garbage on again: nothing of what is imported ever becomes any."""
    gc.disable()
    threading.Thread(target=_import, name="early import", daemon=True).start()


def _import() -> None:
    # whoever imports it in earnest is told what is wrong
    with suppress(ImportError):
        import_module(_LONGEST)
