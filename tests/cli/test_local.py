"""Commands carried out by an engine in this process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from robotq.cli.host.run import run_settings
from robotq.cli.shared.display.junit import Outcome
from robotq.cli.shared.display.show import TaskView
from robotq.cli.shared.engine_here import carry_out, read_entries
from robotq.cli.shared.failure import ExitCode, Failure
from robotq.daemon.assembly import running_engine
from tests.cli.conftest import COMMANDS, SCAN

Carry = Callable[..., Coroutine[Any, Any, list[Outcome]]]


@pytest.fixture
def carry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Carry]:
    """Carry out commands, each a file or a body, on a fresh simulated lab."""
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    with run_settings(None, None, 0) as settings:

        async def run(*files: Path) -> list[Outcome]:
            outcomes: list[Outcome] = []
            entries = await asyncio.to_thread(read_entries, files)
            async with running_engine(settings) as engine:
                await carry_out(engine, entries, TaskView(Console(quiet=True)), outcomes)
            return outcomes

        yield run


def written(folder: Path, body: object) -> Path:
    file = folder / f"{len(list(folder.iterdir()))}.json"
    file.write_text(json.dumps(body))
    return file


def command(cmd_type: str, **params: object) -> dict[str, object]:
    return {"cmd_type": cmd_type, "params": params}


async def test_carry_out__one_outcome_per_command_in_order(carry: Carry) -> None:
    battery = COMMANDS / "GET_BATTERY_STATE_command.json"
    outcomes = await carry(battery, SCAN, COMMANDS / "NAVIGATION_command.json")
    assert [outcome.cmd_type for outcome in outcomes] == [
        "GET_BATTERY_STATE",
        "SCAN_QRCODE",
        "NAVIGATION",
    ]
    assert all(outcome.passed for outcome in outcomes)
    assert outcomes[1].result is not None
    assert outcomes[1].result["scanned_count"] == 3


async def test_carry_out__after_a_failure_the_rest_of_its_batch_is_skipped(
    carry: Carry, tmp_path: Path
) -> None:
    batch = [
        command("PICK_UP", target_params=[{"bottle_id": "bottle_999"}]),
        command("NAVIGATION", area="HOME"),
    ]
    failed, skipped = await carry(written(tmp_path, batch))
    assert failed.failure is not None
    assert "bottle_999" in failed.failure
    assert failed.kind == "device_error"
    assert not failed.skipped
    assert skipped.kind == "batch_failed"
    assert skipped.skipped


async def test_carry_out__what_only_a_person_could_answer_is_cancelled(carry: Carry) -> None:
    (outcome,) = await carry(COMMANDS / "MANUAL_STEP_command.json")
    assert not outcome.passed
    assert outcome.kind == "cancelled"


async def test_carry_out__a_place_that_nobody_will_leave_is_not_waited_for(
    carry: Carry, tmp_path: Path
) -> None:
    stays = command("NAVIGATION", area="WAITING_SPLIT_AREA_TRANSFER", robot_id="robot_a")
    arrived, waits = await carry(written(tmp_path, stays), COMMANDS / "SPLIT_LIQUID_command.json")
    assert arrived.passed
    assert waits.kind == "cancelled"
    assert waits.skipped


async def test_carry_out__a_wrong_command_is_told_before_anything_moves(
    carry: Carry, tmp_path: Path
) -> None:
    wrong = written(tmp_path, command("FLY"))
    with pytest.raises(Failure, match="Unknown command type: FLY") as told:
        await carry(SCAN, wrong)
    assert told.value.code is ExitCode.USAGE
    assert str(wrong) in str(told.value)
