"""The front door: `python main.py` asks what to start; with arguments it is robotq."""

from __future__ import annotations

import sys

try:
    from robotq.cli import main
except ModuleNotFoundError as error:
    if (error.name or "").startswith("robotq"):
        raise
    sys.exit(
        f"robotq needs the library {error.name}, which this Python does not have. Once, do\n"
        "  python3 -m venv .venv && .venv/bin/pip install .\n"
        "and start it with .venv/bin/python main.py"
    )

if __name__ == "__main__":
    sys.exit(main(menu=True))
