"""The status report, with the fields that only some reports have."""

from __future__ import annotations

from robotq.testing.emulators.motion import Axes, Point

_EVERY = 20
"""Every so many reports, work offset and overrides are told, one after the other."""


class Reports:
    def __init__(self) -> None:
        self.made = 0
        self.tells_offset = True

    def text(
        self,
        state: str,
        axes: Axes,
        feed_mm_s: float,
        free_bytes: int | None,
        *,
        offset: Point,
        unit_mm: float,
    ) -> str:
        """`free_bytes`: the room in the receive buffer, where the firmware tells."""
        x, y, z = (value / unit_mm for value in axes.position)
        fields = [state, f"MPos:{x:.3f},{y:.3f},{z:.3f}"]
        if free_bytes is not None:
            fields.append(f"Bf:{100 - len(axes.blocks)},{free_bytes}")
        fields.append(f"FS:{int(feed_mm_s * 60) if axes.blocks else 0},0")
        if self.made % _EVERY == 0 and self.tells_offset:
            fields.append("WCO:" + ",".join(f"{value / unit_mm:.3f}" for value in offset))
        elif self.made % _EVERY == 1:
            fields.append("Ov:100,100,100")
        self.made += 1
        return f"<{'|'.join(fields)}>"
