"""Ids of daemons that know nothing of each other."""

from __future__ import annotations

from robotq.model.ids import suffix
from robotq.store.port import SetFact
from tests.engine.conftest import StartLab


async def test_new_data_folders__number_their_tasks_by_chance(start_lab: StartLab) -> None:
    """Before: two of them that were asked in the same second made one id, and a system above them
    took one task for the other."""
    ids = [await (await start_lab()).submit("first") for _ in range(5)]
    assert len({task_id[-6:] for task_id in ids}) == 5


async def test_data_folder__makes_no_id_anew_after_a_kill(start_lab: StartLab) -> None:
    lab = await start_lab()
    salt = lab.engine._parts.base.salt
    before = await lab.submit("first")
    again = await start_lab(data=await lab.kill())
    assert again.engine._parts.base.salt == salt
    assert (await again.submit("second"))[-6:] != before[-6:]


async def test_data_folder__of_before_goes_on_without_a_salt(start_lab: StartLab) -> None:
    lab = await start_lab()
    task_id = await lab.submit("first")
    await lab.ended(task_id)
    data = await lab.kill()
    await data.apply([SetFact("ids", None)])
    again = await start_lab(data=data)
    assert again.engine._parts.base.salt == 0
    assert (await again.submit("second"))[-6:] == suffix(2)
