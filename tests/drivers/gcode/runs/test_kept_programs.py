"""The text of a program stands in a file, once, and not in the rows of the tasks that name it."""

from __future__ import annotations

import asyncio
import hashlib
import io
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest

from robotq.config import InboxConfig
from robotq.config.schema import LimitsConfig
from robotq.engine.intake.programs import Programs
from robotq.inbox.commands import CommandFiles
from robotq.inbox.hot_folder import HotFolder
from robotq.store.sqlite.store import SqliteStore
from tests.drivers.gcode.runs.test_doors import GANTRY, send
from tests.drivers.gcode.test_over_http import Site, device, plugged, site

REMARK = f"(made by a tool that likes to talk: {'bla ' * 20})\n"
SHORT = "G21 G90\nG1 X10 F3000\n"
LONG = SHORT + REMARK * 30 + "G1 X20\n"
LARGE = SHORT + REMARK * 12_000 + "G1 X20\n"
"""More than a body may have."""
TINY = LimitsConfig(body_bytes=1_024, program_bytes=8_192, programs_bytes=16_384)


def run(program: Any, **more: Any) -> dict[str, Any]:
    params = {"program": program}
    return {"cmd_type": "RUN_GCODE", "robot_id": "gantry", "params": params, **more}


def sha256_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def kept(folder: Path) -> list[str]:
    """The names of all files of programs."""
    programs = folder / "data" / "programs"
    return sorted(file.name for file in programs.rglob("*") if file.is_file())


def rows(folder: Path) -> list[str]:
    with closing(sqlite3.connect(folder / "data" / "robotq.db")) as database:
        return [rest for (rest,) in database.execute("SELECT rest FROM tasks ORDER BY seq")]


def lab_in(folder: Path, **how: Any) -> Any:
    """With its data on disk; nothing of it runs unless a machine is plugged in."""
    store = SqliteStore(folder / "data")
    return site("grbl-gantry", folder, store=store, **{"held": True, **how})


async def text_of(lab: Site, task_id: str) -> tuple[str, Any]:
    async with lab._client.get(f"/task/{task_id}/program") as response:
        assert response.status == 200, await response.text()
        return await response.text(), response.headers


async def test_a_program__is_a_file_and_its_task_says_which(tmp_path: Path) -> None:
    async with lab_in(tmp_path) as lab:
        answer = await lab.post("/", run(LONG, cmd_id="part 7/a"))
        task = await lab.get(f"/task/{answer['task_id']}")
        told = task["params"]["program"]
        assert (told["sha256"], told["bytes"]) == (sha256_of(LONG), len(LONG))
        # a half of a program must not look like one
        assert set(told) == {"sha256", "bytes", "head"}
        assert LONG.startswith(told["head"])
        text, headers = await text_of(lab, answer["task_id"])
        assert text == LONG
        assert headers["Content-Disposition"] == 'attachment; filename="part_7_a.nc"'
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Type"] == "text/plain; charset=utf-8"
        assert kept(tmp_path) == [sha256_of(LONG)]
        assert "X20" not in "".join(rows(tmp_path))


@pytest.mark.parametrize("program", [SHORT, SHORT.splitlines(), ["G21", "", "G1 X1 F600\nG1 X2"]])
async def test_a_short_program__is_shown_as_it_came(program: Any, tmp_path: Path) -> None:
    async with lab_in(tmp_path) as lab:
        task_id = (await lab.post("/", run(program)))["task_id"]
        assert (await lab.get(f"/task/{task_id}"))["params"] == {"program": program}


@pytest.mark.slow
async def test_the_same_text__is_kept_once_by_whatever_way_it_came(tmp_path: Path) -> None:
    async with lab_in(tmp_path) as lab:
        part = LARGE[: LARGE.index("\n", 500_000) + 1]
        assert (await lab.post("/", [run(part), run(part)]))["success"]
        for _ in range(2):
            assert (await lab.post("/", run(LARGE)))["success"]
            assert (await send(lab, GANTRY, LARGE.encode()))[0] == 200
            assert (await send(lab, GANTRY, LARGE.encode("utf-16")))[0] == 200
        assert kept(tmp_path) == sorted([sha256_of(LARGE), sha256_of(part)])
        tasks = (await lab.get("/tasks?limit=50"))["tasks"]
        for one in tasks[:6]:
            assert (await text_of(lab, one["task_id"]))[0] == LARGE


async def test_a_key__counts_once_for_a_large_program_by_either_way(tmp_path: Path) -> None:
    key = {"Idempotency-Key": "tonight"}
    async with lab_in(tmp_path) as lab:
        _, first = await send(lab, GANTRY, LARGE.encode(), **key)
        assert (await send(lab, GANTRY, LARGE.encode(), **key))[1]["task_id"] == first["task_id"]
        body = orjson.dumps(run(LARGE))
        async with lab._client.post("/", data=io.BytesIO(body), headers=key) as response:
            assert (await response.json())["task_id"] == first["task_id"]
        status, other = await send(lab, GANTRY, LARGE.encode() + b"G4 P1\n", **key)
        assert (status, other["error_code"]) == (409, "idempotency_conflict")
        assert len((await lab.get("/tasks"))["tasks"]) == 1


async def test_a_large_program__runs_as_it_was_handed_in(tmp_path: Path) -> None:
    machine = device("grbl-gantry", tmp_path, speed=100)
    async with plugged(machine), lab_in(tmp_path, held=False) as lab:
        await lab.do("HOME")
        for program in (LARGE, LARGE.encode("utf-16").decode("utf-16") + "G1 X5\n"):
            _, answer = await send(lab, GANTRY, program.encode())
            task = await lab.ended(answer["task_id"])
            assert task["status"] == "completed", task
        assert machine.axes.position[0] == pytest.approx(5)


async def test_a_dry_run__leaves_nothing(tmp_path: Path) -> None:
    async with lab_in(tmp_path) as lab:
        for program in (SHORT, LARGE):
            assert (await lab.post("/?dry_run=1", run(program)))["success"]
            status, _ = await send(lab, f"{GANTRY}&dry_run=1", program.encode())
            assert status == 200
        refused = await lab.post("/", run(LARGE + "M2000\n"))
        assert (refused["error_code"], refused["line"]) == ("program_refused", 12_004)
        assert kept(tmp_path) == []


@pytest.mark.parametrize("damage", ["gone", "other"])
async def test_a_lost_program__fails_before_anything_moves(damage: str, tmp_path: Path) -> None:
    machine = device("grbl-gantry", tmp_path, speed=100)
    async with lab_in(tmp_path) as lab:
        task_id = (await lab.post("/", run(LONG)))["task_id"]
        file = next((tmp_path / "data" / "programs").rglob(sha256_of(LONG)))
        if damage == "gone":
            await asyncio.to_thread(file.unlink)
        else:
            # as long as before, and another way
            await asyncio.to_thread(file.write_text, LONG.replace("X20", "X99"))
        async with plugged(machine):
            task = await lab.ended(task_id)
            assert (task["status"], task["error_code"]) == ("failed", "program_lost")
            assert sha256_of(LONG) in str(task["error"])
            assert not machine.axes.moved
        async with lab._client.get(f"/task/{task_id}/program") as response:
            assert response.status == 410
        if damage == "gone":
            again = await lab.post(f"/task/{task_id}/retry", {})
            assert again["error_code"] == "program_lost"
        # the same handed in once more is whole again
        assert (await lab.post("/", run(LONG)))["success"]
        assert (await text_of(lab, task_id))[0] == LONG


async def test_the_limit_of_a_program__is_named_by_every_way_in(tmp_path: Path) -> None:
    program = SHORT + "(x)\n" * 2_100
    box = tmp_path / "inbox"
    async with lab_in(tmp_path, limits=TINY) as lab:
        status, answer = await send(lab, GANTRY, program.encode())
        assert (status, answer["error_code"]) == (413, "program_too_large")
        assert "8192 字节 (limits.program_bytes)" in answer["message"]
        answer = await lab.post("/", run(program))
        assert (answer["error_code"], answer["limit_bytes"]) == ("program_too_large", 8_192)
        folder = HotFolder(
            box, CommandFiles(lab.engine), lab.engine, InboxConfig(settle_s=0), lasts_s=86_400
        )
        await asyncio.to_thread(folder._folder.prepare)
        for name, text in {"part@gantry.nc": program, "fits@gantry.nc": LONG}.items():
            await asyncio.to_thread((box / name).write_text, text)
        await folder.look()
        await folder.look()
        await folder.stop()
        (reason,) = [orjson.loads(file.read_bytes()) for file in box.rglob("*.reason.json")]
        assert reason["error_code"] == "program_too_large"
        assert kept(tmp_path) == [sha256_of(LONG)]


async def test_what_is_no_program__keeps_the_limit_of_bodies(tmp_path: Path) -> None:
    limits = LimitsConfig(body_bytes=1_024, program_bytes=200_000)
    async with lab_in(tmp_path, limits=limits) as lab:
        for body in (
            run(SHORT, cmd_id="x" * 3_000),
            run(SHORT, note="x" * 70_000),
            {**run(SHORT), "params": {"program": SHORT, "remark": "x" * 70_000}},
            [run(SHORT)] * 100,
            {"cmd_type": "GET_ROBOT_MOTION_STATE", "params": {"program": "x" * 70_000}},
        ):
            answer = await lab.post("/", body)
            assert answer["error_code"] == "body_too_large", answer
        assert (await lab.get("/tasks"))["tasks"] == []
        assert kept(tmp_path) == []


async def test_all_programs_together__have_a_limit_that_says_what_to_do(tmp_path: Path) -> None:
    async with lab_in(tmp_path, limits=TINY) as lab:
        for number in range(3):
            assert (await lab.post("/", run(f"(part {number})\n" + SHORT * 200)))["success"]
        for body in (run("(part 4)\n" + SHORT * 200), run("(part 4)\n" + SHORT * 20)):
            async with lab._client.post("/", data=io.BytesIO(orjson.dumps(body))) as response:
                answer = await response.json()
                if response.status == 200:
                    continue
                assert (response.status, answer["error_code"]) == (507, "programs_full")
                assert "limits.programs_bytes" in answer["message"]
                break
        else:
            raise AssertionError("everything was taken")


async def test_a_program__goes_with_the_last_task_that_names_it(tmp_path: Path) -> None:
    async with lab_in(tmp_path) as lab:
        first, waits = [(await lab.post("/", run(LONG)))["task_id"] for _ in range(2)]
        lonely = (await lab.post("/", run(SHORT)))["task_id"]
        for task_id in (first, lonely):
            await lab.post(f"/task/{task_id}/cancel", {})
        programs: Programs = lab.engine.programs
        assert await programs.sweep() == 0
        store: Any = lab.engine.reads._store
        far = 2**53
        while await store.prune(
            tasks_before_ms=far, events_before_ms=0, answers_before_ms=0, limit=100
        ):
            pass
        assert await programs.sweep() == 1
        assert kept(tmp_path) == [sha256_of(LONG)]
        assert (await text_of(lab, waits))[0] == LONG


async def test_what_nothing_names__makes_room_for_what_comes(tmp_path: Path) -> None:
    async with lab_in(tmp_path, limits=TINY) as lab:
        room = await asyncio.to_thread(lambda: lab.engine.programs.room)
        left = await asyncio.to_thread(room.put, b"x" * 16_000)
        assert kept(tmp_path) == [left]
        room.release(left)
        assert (await lab.post("/", run(LONG)))["success"]
        assert kept(tmp_path) == [sha256_of(LONG)]


async def test_a_start__goes_on_with_programs_of_the_run_before(tmp_path: Path) -> None:
    async with lab_in(tmp_path) as lab:
        await lab.submit("HOME")
        task_id = (await lab.post("/", run(LARGE)))["task_id"]
    half = tmp_path / "data" / "programs" / ".incoming-dead.tmp"
    await asyncio.to_thread(half.write_bytes, b"half")
    machine = device("grbl-gantry", tmp_path, speed=100)
    async with plugged(machine), lab_in(tmp_path, held=False) as lab:
        task = await lab.ended(task_id)
        assert task["status"] == "completed", task["error"]
        assert kept(tmp_path) == [sha256_of(LARGE)]
        assert machine.axes.position[0] == pytest.approx(20)


async def test_a_task_of_an_earlier_robotq__has_its_program_in_its_row(tmp_path: Path) -> None:
    async with lab_in(tmp_path) as lab:
        await lab.submit("HOME")
        task_id = (await lab.post("/", run(SHORT)))["task_id"]

    def as_it_was_written_before() -> None:
        with closing(sqlite3.connect(tmp_path / "data" / "robotq.db")) as database, database:
            rest = orjson.loads(rows(tmp_path)[1])
            rest["params"] = {"program": LONG}
            del rest["programs"]
            written = (orjson.dumps(rest).decode(), task_id)
            database.execute("UPDATE tasks SET rest = ? WHERE id = ?", written)
            database.execute("DELETE FROM programs")

    await asyncio.to_thread(as_it_was_written_before)
    machine = device("grbl-gantry", tmp_path, speed=100)
    async with plugged(machine), lab_in(tmp_path, held=False) as lab:
        task = await lab.ended(task_id)
        assert (task["status"], task["params"]) == ("completed", {"program": LONG}), task
        assert (await text_of(lab, task_id))[0] == LONG
        again = await lab.post(f"/task/{task_id}/retry", {})
        task = await lab.ended(again["task_id"])
        assert task["status"] == "completed", task["error"]
        assert machine.axes.position[0] == pytest.approx(20)


@pytest.mark.parametrize(
    "forged",
    [
        {"sha256": sha256_of(LONG), "bytes": len(LONG)},
        {"sha256": sha256_of(LONG), "bytes": len(LONG), "head": SHORT},
    ],
)
async def test_a_program__cannot_be_had_by_its_hash(forged: Any, tmp_path: Path) -> None:
    """Who may hand in, but not read, must not run or get what somebody else has handed in."""
    async with lab_in(tmp_path) as lab:
        assert (await lab.post("/", run(LONG)))["success"]
        answer = await lab.post("/", run(forged))
        assert (answer["error_code"], answer["field"]) == ("bad_parameter", "params.program")


@pytest.mark.parametrize("cut", [lambda body: body[:-40], lambda body: body[: len(body) // 2]])
async def test_a_body_that_breaks_off__is_refused_and_leaves_nothing(
    cut: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    async with lab_in(tmp_path) as lab:
        broken = cut(orjson.dumps(run(LARGE)))
        async with lab._client.post("/", data=io.BytesIO(broken)) as response:
            assert response.status == 400
            assert (await response.json())["error_code"] == "bad_json"
        assert kept(tmp_path) == []
