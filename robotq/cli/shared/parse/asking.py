"""Asks the person at the terminal."""

from __future__ import annotations

import sys


def confirm(question: str, *, err: bool = False) -> bool:
    """Whether a person says yes; Enter and the end of the input are no. `err`: ask on standard
    error, where standard output is for a program."""
    print(f"{question} [y/N]: ", end="", file=sys.stderr if err else sys.stdout, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
