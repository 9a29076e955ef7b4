"""How this daemon is, as it tells the others."""

from __future__ import annotations

import orjson

from robotq.api.dashboard.context import Statuses
from robotq.api.dashboard.look import robot_looks
from robotq.api.http.errors import encoded
from robotq.catalog import Kind
from robotq.engine.engine import Engine
from robotq.fleet.fleet import Fleet, State
from robotq.model.json import JsonObject
from robotq.model.task import TaskState
from robotq.model.texts import Language
from robotq.store.shared.what import SHARED


def state_of(engine: Engine, statuses: Statuses, fleet: Fleet) -> State:
    """What tells it; in both languages, since nobody knows who will read it."""

    async def tell() -> JsonObject:
        known = await statuses.all()
        return {
            "robots": {
                language.value: [
                    orjson.loads(encoded(one)) for one in robot_looks(engine, known, language)
                ]
                for language in Language
            },
            "estop": engine.estop.latched,
            "counts": _counts(engine, shared=False),
            "shared_counts": _counts(engine, shared=True),
            "shares": engine.config.store.workers is not None,
            "isolated_since_ms": fleet.isolation.since_ms,
            "behind": fleet.outbox.behind,
            "at_once": [spec.cmd_type for spec in engine.catalog if spec.kind is not Kind.QUEUED],
        }

    return tell


def _counts(engine: Engine, *, shared: bool) -> JsonObject:
    """Tasks by state: of what is in a store that other daemons have too, or of all else."""
    there = SHARED if engine.config.store.workers is not None else frozenset()
    if shared and not there:
        return {}
    counts = {state.value: 0 for state in TaskState}
    for (api, _, state), number in engine.reads.all_counts().items():
        if (api in there) is shared:
            counts[state.value] += number
    return counts
