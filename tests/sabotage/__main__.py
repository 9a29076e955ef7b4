"""`python -m tests.sabotage [WORD...]`: break each promise in a copy of the tree, and see whether
its tests find that. Exit code 1 where one is not found, or its line is not there any more."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .list import SABOTAGES, Sabotage

ROOT = Path(__file__).parents[2]

_LIMIT_S = 600.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.sabotage", description=__doc__)
    parser.add_argument("word", nargs="*", help="only those with one of these in their names")
    parser.add_argument(
        "--control", action="store_true", help="break nothing: then no test may fail"
    )
    parser.add_argument("--jobs", type=int, default=1, help="tests at the same time in each run")
    options = parser.parse_args()
    chosen = [
        one
        for one in SABOTAGES
        if not options.word or any(word in one.name for word in options.word)
    ]
    if options.control:
        every = " ".join(dict.fromkeys(" ".join(one.tests for one in chosen).split()))
        chosen = [Sabotage(name="nothing", file="__init__.py", found="", instead="", tests=every)]
    missed = 0
    with tempfile.TemporaryDirectory(prefix="robotq-sabotage-") as folder:
        copy = Path(folder) / "tree"
        shutil.copytree(
            ROOT, copy, ignore=shutil.ignore_patterns(".git", ".venv", "__pycache__", "build")
        )
        for one in chosen:
            began = time.monotonic()
            verdict = found_by_tests(copy, one, options.jobs)
            missed += verdict != "found"
            say(f"{verdict:>12}  {time.monotonic() - began:4.0f} s  {one.name}")
    if options.control:
        return 0 if missed else 1
    say(f"{len(chosen)} sabotages, {missed} not found")
    return 1 if missed else 0


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def found_by_tests(copy: Path, one: Sabotage, jobs: int) -> str:
    """`found`, `NOT FOUND`, or why it cannot be said."""
    file = copy / "robotq" / one.file
    whole = file.read_text(encoding="utf-8")
    if one.found and whole.count(one.found) != 1:
        return "LINE IS GONE"
    if one.found:
        file.write_text(whole.replace(one.found, one.instead), encoding="utf-8")
    try:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-q", "-x", "-m", "not long"),
                *("-n", str(jobs)),
                *one.tests.split(),
            ],
            cwd=copy,
            # the copy and not what is installed
            env={**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "found"
    finally:
        file.write_text(whole, encoding="utf-8")
    if re.search(r"^=*.*\b[1-9]\d* failed\b", done.stdout, re.MULTILINE):
        return "found"
    return "NOT FOUND" if done.returncode == 0 else f"exit {done.returncode}"


if __name__ == "__main__":
    sys.exit(main())
