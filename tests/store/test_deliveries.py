"""What every store keeps about webhooks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from robotq.model.delivery import Delivery, DeliveryState
from robotq.store.port import DeliveryQuery, SaveDelivery, Store

from .conftest import Shelf
from .records import NOON_MS, webhooks

SENT, WAITING, GIVEN_UP = (
    mutation.delivery for mutation in webhooks() if isinstance(mutation, SaveDelivery)
)


async def test_restart__finds_what_is_still_to_be_sent(shelf: Shelf) -> None:
    await shelf.store.apply(webhooks())
    assert list((await shelf.reopen()).deliveries) == [WAITING]
    again = replace(GIVEN_UP, state=DeliveryState.PENDING, attempts=0, ended_at_ms=None)
    await shelf.store.apply([SaveDelivery(again)])
    assert list((await shelf.reopen()).deliveries) == [WAITING, again]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (DeliveryQuery(), [GIVEN_UP, SENT, WAITING]),
        (DeliveryQuery(limit=1), [GIVEN_UP]),
        (DeliveryQuery(state=DeliveryState.DELIVERED), [SENT]),
        (DeliveryQuery(state=DeliveryState.UNDELIVERED), [GIVEN_UP]),
        (DeliveryQuery(task_id=SENT.task_id), [SENT, WAITING]),
        (DeliveryQuery(before=(NOON_MS, SENT.task_id, SENT.receiver.value)), [WAITING]),
    ],
)
async def test_deliveries__are_listed_newest_first(
    store: Store, query: DeliveryQuery, expected: list[Delivery]
) -> None:
    await store.apply(webhooks())
    assert list(await store.deliveries(query)) == expected


async def test_prune__keeps_what_is_still_to_be_sent(store: Store) -> None:
    await store.apply(webhooks())
    removed = await store.prune(
        tasks_before_ms=NOON_MS + 1, events_before_ms=0, answers_before_ms=0, limit=10
    )
    assert removed == 1
    assert list(await store.deliveries(DeliveryQuery())) == [GIVEN_UP, WAITING]
