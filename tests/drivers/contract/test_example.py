"""The example of a driver from elsewhere keeps the contract too: its own tests, as they stand."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

EXAMPLE = Path(__file__).parents[3] / "examples" / "robotq-driver-blinker"


def _tests_of_the_example() -> Any:
    (file,) = (EXAMPLE / "tests").glob("test_*.py")
    spec = spec_from_file_location(f"example_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.path.insert(0, str(EXAMPLE / "src"))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(EXAMPLE / "src"))
    return module


TestBlinker = _tests_of_the_example().TestBlinker
