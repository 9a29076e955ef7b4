"""What the drivers for G-code controllers have in common."""

from __future__ import annotations
