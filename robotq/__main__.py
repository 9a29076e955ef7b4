"""`python -m robotq`: the robotq command."""

from __future__ import annotations

import sys

from robotq.cli import main

if __name__ == "__main__":
    sys.exit(main())
