"""What is kept of each death, so that a round that fails can be looked into afterwards."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .ledger import Ledger


def deaths(folder: Path) -> Path:
    """Where the deaths of a round are kept, one folder each, numbered from 1."""
    return folder / "deaths"


def keep(folder: Path, number: int, *, data: Path, ledger: Ledger, **more: Any) -> Path:
    """Copy the data folder as a death left it, with what clients had been told by then.

    The next life writes over both. `more` is told beside them, in `death.json`.
    """
    kept = deaths(folder) / f"{number}"
    shutil.copytree(data, kept / "data", symlinks=True)
    _write(kept / "ledger.json", asdict(ledger))
    _write(kept / "death.json", more)
    return kept


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")
