"""What steps use besides the robot that carries them out."""

from __future__ import annotations

from collections.abc import Sequence

from robotq.steps import language as lang


def scans(steps: Sequence[lang.Step]) -> bool:
    """Whether a code may be read in these steps."""
    return _any(steps, lang.Scan)


def uses_devices(steps: Sequence[lang.Step]) -> bool:
    """Whether devices beside the robot may be used in these steps."""
    return _any(steps, lang.On)


def _any(steps: Sequence[lang.Step], kind: type[lang.Action]) -> bool:
    """Whether one of them, or of those in groups and loops, has such an action."""
    for step in steps:
        match step.action:
            case lang.Group(steps=inner) | lang.Loop(steps=inner):
                if _any(inner, kind):
                    return True
            case action if isinstance(action, kind):
                return True
            case _:
                pass
    return False
