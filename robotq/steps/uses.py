"""What steps use besides the robot that carries them out."""

from __future__ import annotations

from collections.abc import Sequence

from robotq.steps import language as lang


def scans(steps: Sequence[lang.Step]) -> bool:
    """Whether a code may be read in these steps."""
    for step in steps:
        match step.action:
            case lang.Scan():
                return True
            case lang.Group(steps=inner) | lang.Loop(steps=inner) if scans(inner):
                return True
    return False


def uses_devices(steps: Sequence[lang.Step]) -> bool:
    """Whether devices beside the robot may be used in these steps."""
    for step in steps:
        match step.action:
            case lang.On():
                return True
            case lang.Group(steps=inner) | lang.Loop(steps=inner) if uses_devices(inner):
                return True
    return False
