"""Variables of the environment that the documents of interfaces name."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Iterator, Mapping

_log = logging.getLogger(__name__)

_DISPATCHER = ("interfaces", "dispatcher")

VARIABLES: Mapping[str, tuple[tuple[str, str, str], float, float]] = {
    "TASK_TIMEOUT_MS": ((*_DISPATCHER, "timeout_s"), 1_000, 86_400),
    "MAX_TASK_TIMEOUT_MS": ((*_DISPATCHER, "max_timeout_s"), 1_000, 86_400),
    "MIN_TASK_TIMEOUT_MS": ((*_DISPATCHER, "min_timeout_s"), 1_000, 86_400),
    "MAX_QUEUE_LENGTH": ((*_DISPATCHER, "max_length"), 1, 1_000_000),
    "TASK_RESULT_TTL_MS": ((*_DISPATCHER, "result_ttl_s"), 1_000, 2_592_000),
}
"""Variable -> its key, how many of its units are one of the key's, and the key's upper bound."""

_NUMBER = re.compile(r"[0-9.eE+-]+")


def values(environ: Mapping[str, str]) -> Iterator[tuple[str, tuple[str, str, str], float]]:
    """Variable, key and value of each that is set. One that is no number in its bounds is logged
    and passed over, as their documents want it."""
    for variable, (path, per_unit, most) in VARIABLES.items():
        said = environ.get(variable, "").strip()
        if not said:
            continue
        try:
            # float() alone would take `1_0`, and the digits of other scripts
            found = float(said) if _NUMBER.fullmatch(said) else math.nan
        except ValueError:
            found = math.nan
        whole = found.is_integer() if math.isfinite(found) else False
        if not 0 < found <= most * per_unit or not whole:
            _log.warning(
                "%s: found %s, expected a whole number from 1 to %g; it is passed over",
                variable,
                said[:80],
                most * per_unit,
            )
            continue
        yield variable, path, int(found) if per_unit == 1 else found / per_unit
