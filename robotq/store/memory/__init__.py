"""A store that forgets everything with the process: for tests and for trying things out."""

from __future__ import annotations

from robotq.store.memory.store import MemoryStore

__all__ = ("MemoryStore",)
