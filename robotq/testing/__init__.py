"""What users of robotq get for their own tests: see docs/guides/testing.md.

Nothing is imported here, so that a test suite pays only for what it uses.
"""

from __future__ import annotations
