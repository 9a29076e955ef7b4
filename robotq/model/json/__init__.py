"""Types for values that came from or go to JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

JsonValue: TypeAlias = Any
"""What `json.loads` can return. `Any`: a precise recursive type helps no caller here."""

JsonObject: TypeAlias = Mapping[str, JsonValue]
"""A JSON object. Never changed after it was put into a record."""
