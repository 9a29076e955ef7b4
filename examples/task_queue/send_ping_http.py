"""Deprecated: `send_ping.py` does the same, and falls back to files."""

from __future__ import annotations

import sys

from send_ping import main  # type: ignore[import-not-found]

if __name__ == "__main__":
    print("🚀 HTTP-based Ping Task Submission")
    print("⚠️ send_ping_http.py is deprecated; use send_ping.py", file=sys.stderr)
    sys.argv += ["--force", "http"]
    sys.exit(main())
