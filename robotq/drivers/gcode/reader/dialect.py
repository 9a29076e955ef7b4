"""What one firmware can be given."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from robotq.drivers.gcode.reader.rules import UNKNOWN, Modes, Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What a configuration says about programs."""

    block_delete: str = "refuse"
    denied: Mapping[str, str] = field(default_factory=dict)
    """Code -> why no program of a client may hold it."""
    allowed: frozenset[str] = frozenset()
    """Codes that programs may hold although they are refused otherwise."""
    translated: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Code -> the lines that are sent in its place."""


_NOTHING_SAID = Site()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How a firmware reads lines, and which codes robotq keeps from it."""

    name: str
    rules: Rules
    """How it reads; nothing is denied."""
    own: Mapping[str, str] = field(default_factory=dict)
    """Code -> why nobody may send it: it is part of the conversation of the driver."""
    unchanged: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Code -> the only word that a client may give it, and why: no later command puts it back."""
    with_axes: Mapping[str, str] = field(default_factory=dict)
    """Code -> why a client may not give it axes."""
    modes: tuple[str, ...]
    """Lines with which each command begins: whatever the one before it has left."""
    known: Modes = UNKNOWN
    """What is in effect after these lines."""
    off: tuple[str, ...]
    """Lines that switch off what may be on."""

    def for_operator(self, site: Site = _NOTHING_SAID) -> Rules:
        """For lines of the operator."""
        return replace(
            self.rules,
            own=self.own,
            denied=self.own,
            block_delete=site.block_delete,
            allowed=site.allowed,
            letters=_with_letters_of(site.allowed, self.rules),
        )

    def for_programs(self, site: Site = _NOTHING_SAID) -> Rules:
        """For programs of a client."""
        return replace(
            self.for_operator(site),
            client=True,
            denied={**self.own, **site.denied},
            unchanged=self.unchanged,
            with_axes=self.with_axes,
            translated=site.translated,
        )

    def in_place_of(self, rules: Rules) -> Rules:
        """`rules`, which were made before it was known which firmware it is."""
        own = self.rules
        return replace(
            rules,
            firmware=own.firmware,
            letters=_with_letters_of(rules.allowed, own),
            codes=own.codes,
            most_tool=own.most_tool,
        )


def _with_letters_of(allowed: Collection[str], rules: Rules) -> frozenset[str]:
    """The letters that a firmware knows, and those of the codes that it knows at this site."""
    table = rules.codes or {}
    taken = (table[code].takes for code in allowed if code in table)
    return rules.letters.union(*taken)
