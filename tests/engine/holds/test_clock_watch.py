"""Somebody sets the clock of the machine."""

from __future__ import annotations

from robotq.engine.start import start_engine
from robotq.engine.upkeep.clock_watch import ClockWatch
from robotq.store.memory import MemoryStore
from tests.engine.bench import CATALOG, bench_config, bench_factory
from tests.workers.conftest import SetClock


async def test_clock__that_jumps_is_in_the_journal_and_ages_are_not_believed_for_a_day() -> None:
    clock, store = SetClock(), MemoryStore()
    engine = await start_engine(
        bench_config(), CATALOG, store, {"bench": bench_factory({})}, clock=clock
    )
    try:
        watch = ClockWatch(clock, engine._parts.base.commit)
        clock.pass_(3_600)
        clock.wrong_by_ms = 1_500
        await watch.look()
        before = watch.settled
        assert before
        clock.wrong_by_ms += 365 * 86_400_000
        await watch.look()
        at_once = watch.settled
        assert not at_once
        (event,) = [
            event for event in await store.events_since(0, limit=1_000) if event.kind == "clock.set"
        ]
        assert event.data == {"by_ms": 365 * 86_400_000 + 1_500}
        clock.pass_(86_399)
        await watch.look()
        a_second_early = watch.settled
        assert not a_second_early
        clock.pass_(1)
        assert watch.settled
    finally:
        await engine.shut_down()
