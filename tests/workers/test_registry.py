"""Which workers there are, and which of them nobody hears of any more."""

from __future__ import annotations

from .conftest import QUEUE, Shop


async def test_registry__forgets_the_one_not_seen_for_longest_that_has_nothing(
    shop: Shop,
) -> None:
    limit = 3
    shop.workers.registry._limit = lambda: limit
    await shop.submit()
    shop.workers.seen(QUEUE, "busy")
    await shop.claimed("busy")
    for name in ("a", "b", "c"):
        shop.clock.pass_(1)
        shop.workers.seen(QUEUE, name)
    assert [worker.name for worker in shop.workers.registry] == ["busy", "b", "c"]


async def test_worker__whose_lease_is_over_is_silent_until_it_is_heard_of(shop: Shop) -> None:
    await shop.submit(deadline_ms=shop.clock.ms + 60_000)
    shop.workers.seen(QUEUE, "dies")
    await shop.claimed("dies")

    def dies() -> tuple[bool, int]:
        worker = shop.workers.registry.get(QUEUE, "dies")
        assert worker is not None
        return worker.silent(shop.clock.now_ms()), worker.expired

    assert dies() == (False, 0)
    await shop.after(11)
    assert dies() == (True, 1)
    shop.workers.seen(QUEUE, "dies")
    assert dies() == (False, 1)
    # its deadline is the task's fault, and not that of whoever has it
    await shop.claimed("dies")
    await shop.after(9)
    await shop.workers.heartbeat(QUEUE, "dies")
    await shop.after(60)
    assert dies() == (False, 1)


async def test_worker__that_asks_for_nothing_is_silent_in_the_end(shop: Shop) -> None:
    polls = shop.workers.seen(QUEUE, "polls")
    connected = shop.workers.seen(QUEUE, "connected", transport="websocket")
    shop.clock.pass_(90)
    assert not polls.silent(shop.clock.now_ms())
    shop.clock.pass_(1)
    assert polls.silent(shop.clock.now_ms())
    assert not connected.silent(shop.clock.now_ms())
