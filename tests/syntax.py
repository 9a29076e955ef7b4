"""Syntax trees of the project's own files."""

from __future__ import annotations

import ast
import gc


def tree_of(source: str) -> ast.Module:
    """The tree of a module.

    Without garbage collection meanwhile: what it collects may log, a logged traceback is parsed
    for its marks, and Python 3.11 counts both trees in one place and raises SystemError.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        return ast.parse(source)
    finally:
        if collects:
            gc.enable()
