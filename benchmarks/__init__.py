"""What robotq costs, as ratios to a limit that is measured in the same run.

`python -m benchmarks` runs all of them, `python -m benchmarks gap status` some; see
docs/explanation/benchmarks.md for what each one measures and what came out.
"""

from __future__ import annotations
