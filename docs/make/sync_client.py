"""Makes robotq.Client from robotq.AsyncClient: one text for both.

python -m docs.make.sync_client            write robotq/client/sync, but for its http.py
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

_CLIENT = Path(__file__).parents[2] / "robotq" / "client"

SOURCE = _CLIENT / "asynchronous"
TARGET = _CLIENT / "sync"

OWN = "http.py"
"""Stands in both folders, written by hand: there the two clients differ."""

_WORDS = {
    r"\bawait ": "",
    r"\basync (def|with|for)\b": r"\1",
    r"\bAsyncGenerator\[(\w+), None\]": r"Generator[\1, None, None]",
    r"\bAsync(Client|Generator|Iterator)\b": r"\1",
    r"__a(enter|exit)__": r"__\1__",
    r"\baclosing\b": "closing",
    r"\basyncio\b": "time",
    r"\basynchronous\b": "sync",
    r"\bfor (\w+) in (.+):\n +yield \1\n": r"yield from \2\n",
    r"from an event loop, on aiohttp": "with nothing but the standard library",
    r"for a program with an event loop. Use it as an async context manager, or call\n    `close`"
    r" in the end.": "for a program that blocks. Keeps no connection and no state, so threads"
    " may\n    share one.",
    r"\n`robotq.client.sync` is made .+?\n(?=\"\"\")": "",
}
"""What stands in the one -> what stands in the other."""

_OURS = 'lint.isort.known-first-party=["robotq"]'
"""Told, because ruff knows a module by its file, which may not be there yet."""
_SORT = ["check", "--select", "I", "--config", _OURS, "--fix", "--quiet"]


def files() -> Mapping[Path, str]:
    """Each file that is made, and its text."""
    return {
        TARGET / source.name: _made(source)
        for source in sorted(SOURCE.glob("*.py"))
        if source.name != OWN
    }


def _made(source: Path) -> str:
    text = source.read_text(encoding="utf-8")
    for pattern, replacement in _WORDS.items():
        text = re.sub(pattern, replacement, text, flags=re.DOTALL if ".+?" in pattern else 0)
    head = f"# Made from ../asynchronous/{source.name} by `python -m docs.make.sync_client`.\n"
    return _in_style(head + text, TARGET / source.name)


def _in_style(text: str, file: Path) -> str:
    """Shorter names: other line ends, and another order of the imports."""
    for command in (_SORT, ["format"]):
        done = subprocess.run(  # noqa: S603 - our own words
            [sys.executable, "-m", "ruff", *command, "--stdin-filename", str(file), "-"],
            input=text,
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
        text = done.stdout
    return text


def main() -> None:
    for file, text in files().items():
        file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
