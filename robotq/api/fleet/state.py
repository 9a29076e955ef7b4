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
from robotq.model.texts import Language


def state_of(engine: Engine, statuses: Statuses, fleet: Fleet) -> State:
    """What tells it; in both languages, since nobody knows who will read it."""

    async def tell() -> JsonObject:
        known = await statuses.all()
        counts = engine.reads.counts()
        return {
            "robots": {
                language.value: [
                    orjson.loads(encoded(one)) for one in robot_looks(engine, known, language)
                ]
                for language in Language
            },
            "estop": engine.estop.latched,
            "counts": {
                "pending": counts.pending,
                "running": counts.running,
                "completed": counts.completed,
                "failed": counts.failed,
                "cancelled": counts.cancelled,
            },
            "shares": engine.config.store.workers is not None,
            "isolated_since_ms": fleet.isolation.since_ms,
            "behind": fleet.outbox.behind,
            "at_once": [spec.cmd_type for spec in engine.catalog if spec.kind is not Kind.QUEUED],
        }

    return tell
