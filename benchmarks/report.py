"""Results for people, for a file, and against an earlier file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.figures import MIB, RATIO, Figure

_EVERYWHERE = (RATIO, MIB)
"""Units that mean the same on another machine."""


def table(figures: Iterable[Figure]) -> Iterator[str]:
    """One line for each figure."""
    for figure in figures:
        target = ""
        if figure.target is not None:
            sign = ">=" if figure.higher_is_better else "<="
            target = f"{sign} {figure.target:g}  {'ok' if figure.met else 'MISSED'}"
        value = f"{figure.value:>10.3f} {figure.unit:<6}"
        yield f"  {figure.name:<24} {value} {target:<18} {figure.raw}".rstrip()


def save(file: Path, machine: Mapping[str, str], figures: Iterable[Figure]) -> None:
    """Write the results; those of other benchmarks that are in the file already stay, where
    they are from the same machine."""
    known = _read(file) if file.exists() else {}
    kept = known.get("figures", {}) if known.get("machine") == dict(machine) else {}
    new = {figure.name: _as_json(figure) for figure in figures}
    content = {"machine": dict(machine), "figures": {**kept, **new}}
    file.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def got_worse(
    figures: Sequence[Figure], file: Path, machine: Mapping[str, str], tolerance: float
) -> list[str]:
    """What is worse than in an earlier file by more than `tolerance` (0.25: a quarter).

    Seconds and rates count only where that file is from the same machine.
    """
    earlier = _read(file)
    same_machine = earlier["machine"] == dict(machine)
    worse = []
    for figure in figures:
        before = earlier["figures"].get(figure.name)
        if before is None or not (same_machine or figure.unit in _EVERYWHERE):
            continue
        old, new = before["value"], figure.value
        good, bad = (new, old) if figure.higher_is_better else (old, new)
        if bad > good * (1 + tolerance):
            worse.append(f"{figure.name}: {old:g} then, {new:g} {figure.unit} now")
    return worse


def _as_json(figure: Figure) -> dict[str, Any]:
    return {
        "value": round(figure.value, 4),
        "unit": figure.unit,
        "target": figure.target,
        "raw": figure.raw,
    }


def _read(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content
