"""The status report, with the fields that only some reports have."""

from __future__ import annotations

from robotq.testing.emulators.motion import Axes

_EVERY = 20
"""Every so many reports, work offset and overrides are told, one after the other."""


class Reports:
    def __init__(self) -> None:
        self._made = 0

    def text(self, state: str, axes: Axes, feed_mm_s: float, free_bytes: int | None) -> str:
        """`free_bytes`: the room in the receive buffer, where the firmware tells."""
        x, y, z = axes.position
        fields = [state, f"MPos:{x:.3f},{y:.3f},{z:.3f}"]
        if free_bytes is not None:
            fields.append(f"Bf:{100 - len(axes.blocks)},{free_bytes}")
        fields.append(f"FS:{int(feed_mm_s * 60) if axes.blocks else 0},0")
        if self._made % _EVERY == 0:
            fields.append("WCO:0.000,0.000,0.000")
        elif self._made % _EVERY == 1:
            fields.append("Ov:100,100,100")
        self._made += 1
        return f"<{'|'.join(fields)}>"
