"""What the orchestrator's numbers say. All of them are kept, none is counted when asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from robotq.api.http.times import rfc3339
from robotq.api.orchestrator.answers import API, PRIORITIES, STATUS
from robotq.engine.engine import Engine
from robotq.engine.state.tallies import HOUR_MS, PRIORITY, SUBMITTED, WORKED, WORKED_MS, hour_of
from robotq.model.task import TaskState
from robotq.store.port import Tally
from robotq.wire.remote_work import orchestrator as wire

PERIODS: Mapping[str, int] = {"1h": 1, "24h": 24, "7d": 168, "30d": 720}
"""Name -> hours."""
GRANULARITIES: Mapping[str, int] = {"hour": 1, "day": 24}
"""Name -> hours."""


async def statistics(engine: Engine, period: str, granularity: str) -> wire.Statistics:
    """The five sections. Overview and distributions are those of all time, the rest of the
    period. Raises RobotqError store_unavailable."""
    ever = _by_name(await engine.reads.tallies(API, from_ms=0, to_ms=0))
    last_ms = hour_of(engine.clock.now_ms())
    first_ms = last_ms - (PERIODS[period] - 1) * HOUR_MS
    hourly = await engine.reads.tallies(API, from_ms=first_ms, to_ms=last_ms)
    counts = engine.reads.counts(api=API)
    ended = counts.completed + counts.failed + counts.cancelled
    by_state = {state: getattr(counts, state.value) for state in STATUS}
    return wire.Statistics(
        overview=wire.Overview(
            total_tasks=counts.total,
            completed_tasks=counts.completed,
            failed_tasks=counts.failed,
            cancelled_tasks=counts.cancelled,
            active_tasks=counts.queue_size,
            success_rate=round(counts.completed / ended, 2) if ended else 0.0,
        ),
        status_distribution={STATUS[state]: number for state, number in by_state.items()},
        priority_distribution={
            word: ever.get(f"{PRIORITY}{number}", 0) for word, number in PRIORITIES.items()
        },
        performance_metrics=wire.Performance(
            # milliseconds
            avg_processing_time=round(ever.get(WORKED_MS, 0) / worked, 1)
            if (worked := ever.get(WORKED, 0))
            else 0.0,
            tasks_per_hour=_per_hour(hourly, last_ms),
        ),
        time_series=_series(hourly, first_ms, last_ms, GRANULARITIES[granularity] * HOUR_MS),
    )


def _series(
    hourly: Sequence[Tally], first_ms: int, last_ms: int, step_ms: int
) -> tuple[wire.Hour, ...]:
    """One entry for every hour or day of the period, oldest first, also where nothing ended."""
    ends: dict[tuple[int, str], int] = {}
    for tally in hourly:
        key = (tally.hour_ms - tally.hour_ms % step_ms, tally.name)
        ends[key] = ends.get(key, 0) + tally.value
    return tuple(
        wire.Hour(
            timestamp=rfc3339(at_ms),
            completed=ends.get((at_ms, TaskState.COMPLETED.value), 0),
            failed=ends.get((at_ms, TaskState.FAILED.value), 0),
        )
        for at_ms in range(first_ms - first_ms % step_ms, last_ms + 1, step_ms)
    )


def _per_hour(hourly: Sequence[Tally], last_ms: int) -> float:
    """Tasks completed or failed an hour, from the first hour of the period in which there was
    anything to do."""
    busy = [tally.hour_ms for tally in hourly if tally.name in (SUBMITTED, WORKED)]
    if not busy:
        return 0.0
    hours = (last_ms - min(busy)) // HOUR_MS + 1
    ends = (TaskState.COMPLETED.value, TaskState.FAILED.value)
    return round(sum(tally.value for tally in hourly if tally.name in ends) / hours, 1)


def _by_name(tallies: Sequence[Tally]) -> dict[str, int]:
    return {tally.name: tally.value for tally in tallies}
