"""What one firmware can be given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from robotq.drivers.gcode.reader.lines import Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How a firmware reads lines, and which codes robotq keeps from it."""

    name: str
    rules: Rules
    """How it reads; nothing is denied."""
    own: Mapping[str, str] = field(default_factory=dict)
    """Code -> why nobody may send it: it is part of the conversation of the driver."""
    lasting: Mapping[str, str] = field(default_factory=dict)
    """Code -> why no program of a client may hold it: it changes more than this one command."""
    modes: tuple[str, ...]
    """Lines with which each command begins: whatever the one before it has left."""
    off: tuple[str, ...]
    """Lines that switch off what may be on."""

    def for_operator(self, *, block_delete: str = "refuse") -> Rules:
        """For lines of the operator."""
        return replace(self.rules, denied=self.own, block_delete=block_delete)

    def for_programs(self, *, block_delete: str, denied: Mapping[str, str]) -> Rules:
        """For programs of a client; `denied`: codes that the configuration refuses besides."""
        refused = {**self.own, **self.lasting, **denied}
        return replace(self.rules, denied=refused, block_delete=block_delete)
