"""A program goes in as the file that the CAM tool has written: by HTTP, command line and inbox."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import Any

import orjson
import pytest

from robotq.config import InboxConfig
from robotq.inbox.commands import CommandFiles
from robotq.inbox.hot_folder import HotFolder
from tests.cli.conftest import robotq
from tests.drivers.gcode.test_over_http import Site, device, plugged, site

PART = b"G21 G90\r\nG1 X10 F3000\r\nM30\r\n"
WRONG = b"G21 G90\nM2000\n"
GANTRY = "/?cmd_type=RUN_GCODE&robot_id=gantry"


async def send(lab: Site, path: str, content: bytes, **headers: str) -> tuple[int, Any]:
    headers = {"Content-Type": "text/plain; charset=utf-8", **headers}
    async with lab._client.post(path, data=io.BytesIO(content), headers=headers) as response:
        return response.status, orjson.loads(await response.read())


async def test_text_plain__is_the_program_as_it_is(tmp_path: Path) -> None:
    async with (
        plugged(device("grbl-gantry", tmp_path, speed=100)) as machine,
        site("grbl-gantry", tmp_path) as lab,
    ):
        await lab.do("HOME")
        status, answer = await send(lab, f"{GANTRY}&cmd_id=part-7&priority=5", PART)
        assert status == 200, answer
        task = await lab.ended(answer["task_id"])
        assert (task["status"], task["cmd_id"], task["priority"]) == ("completed", "part-7", 5)
        assert task["params"] == {"program": PART.decode()}
        assert machine.axes.moved


async def test_text_plain__of_the_same_key_counts_once_also_as_json(tmp_path: Path) -> None:
    key = {"Idempotency-Key": "part-7"}
    async with site("grbl-gantry", tmp_path, held=True) as lab:
        _, first = await send(lab, GANTRY, PART, **key)
        assert (await send(lab, GANTRY, PART, **key))[1]["task_id"] == first["task_id"]
        status, other = await send(lab, GANTRY, PART + b"G4 P1\n", **key)
        assert (status, other["error_code"]) == (409, "idempotency_conflict")
        body = {"cmd_type": "RUN_GCODE", "robot_id": "gantry", "params": {"program": PART.decode()}}
        async with lab._client.post("/", json=body, headers=key) as response:
            assert (await response.json())["task_id"] == first["task_id"]
        assert len((await lab.get("/tasks"))["tasks"]) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "content", "expected"),
    [
        (GANTRY, WRONG, (422, "program_refused", "params.program")),
        (f"{GANTRY}&dry_run=1", WRONG, (422, "program_refused", "params.program")),
        (GANTRY, b"", (400, "bad_parameter", "params.program")),
        (GANTRY, b"(only a comment)\n", (400, "bad_parameter", "params.program")),
        (GANTRY, b"G1 X1 F600\n" * 100_000 + WRONG, (422, "program_refused", "params.program")),
        ("/?cmd_type=RUN_GCODE&robot_id=mill", PART, (400, "bad_parameter", "robot_id")),
        ("/?cmd_type=HOME", PART, (400, "bad_parameter", "cmd_type")),
        ("/?cmd_type=FLY", PART, (400, "unknown_command", None)),
        (f"{GANTRY}&priority=soon", PART, (400, "bad_parameter", "priority")),
        # without a command in the query it is JSON, as ever
        ("/", PART, (400, "bad_json", None)),
    ],
)
async def test_text_plain__that_cannot_be_taken(
    path: str, content: bytes, expected: tuple[int, str, str | None], tmp_path: Path
) -> None:
    async with site("grbl-gantry", tmp_path, held=True) as lab:
        status, answer = await send(lab, path, content)
        assert (status, answer["error_code"], answer.get("field")) == expected, answer
        assert (await lab.get("/tasks"))["tasks"] == []


@pytest.mark.parametrize(
    "content",
    [
        "(fräsen Ø6)\nG1 X10 F3000\n".encode("latin-1"),
        "(фреза)\nG1 X10 F3000\n".encode("cp1251"),
        "\ufeff(铣刀)\nG1 X10 F3000\n".encode(),
        "(Fräser)\nG1 X10 F3000\n".encode("utf-16"),
    ],
)
async def test_comments_in_the_letters_of_a_country__are_no_reason_to_refuse(
    content: bytes, tmp_path: Path
) -> None:
    async with site("grbl-gantry", tmp_path, held=True) as lab:
        status, answer = await send(lab, f"{GANTRY}&dry_run=1", content)
        assert status == 200, answer
        assert answer["commands"][0]["program"]["box_mm"] == {"x": [10, 10]}


@pytest.mark.wall("robotq submit is a process of its own")
async def test_robotq_submit__takes_a_program_for_a_robot(tmp_path: Path) -> None:
    part, wrong = tmp_path / "part.NC", tmp_path / "wrong.tap"
    part.write_bytes(PART)
    wrong.write_bytes(WRONG)
    async with site("grbl-gantry", tmp_path, held=True) as lab:
        url = str(lab._client.make_url("/")).rstrip("/")

        async def submit(*arguments: str | Path) -> Any:
            return await asyncio.to_thread(robotq, "submit", *arguments, "--url", url)

        done = await submit(part, "--robot", "gantry", "--idempotency-key", "once")
        assert done.returncode == 0, done.stderr
        task = await lab.get(f"/task/{done.stdout.strip()}")
        assert (task["cmd_type"], task["robot_id"]) == ("RUN_GCODE", "gantry")
        again = await submit(part, "--robot", "gantry", "--idempotency-key", "once")
        assert again.stdout == done.stdout
        refused = await submit(wrong, "--robot", "gantry")
        assert (refused.returncode, refused.stdout) == (1, "")
        assert "line 2, M2000" in refused.stderr
        checked = await submit(part, "--dry-run")
        assert checked.returncode == 0, checked.stderr
        told = orjson.loads(checked.stdout)
        assert told["program"]["box_mm"] == {"x": [10, 10]}
        assert told["params"] == {"program": "..."}
        assert (await submit(wrong, "--dry-run")).returncode == 1
        assert len((await lab.get("/tasks"))["tasks"]) == 1
        command = tmp_path / "home.json"
        command.write_text('{"cmd_type": "HOME"}')
        both = await submit(command, "--robot", "gantry")
        assert both.returncode == 2
        assert "--robot goes with programs" in both.stderr


async def test_inbox__takes_a_program_for_the_robot_in_its_name(tmp_path: Path) -> None:
    box = tmp_path / "inbox"
    async with site("grbl-gantry", tmp_path, held=True) as lab:
        config = InboxConfig(settle_s=0, poll_s=0.01)
        folder = HotFolder(box, CommandFiles(lab.engine), lab.engine, config, lasts_s=86_400)
        await asyncio.to_thread(folder._folder.prepare)
        files = {"part@gantry.nc": PART, "first.GCODE": PART, "wrong@gantry.ngc": WRONG,
                 "part@mill.gco": PART, "empty.tap": b"", "part.txt": PART}  # fmt: skip
        for name, content in files.items():
            await asyncio.to_thread((box / name).write_bytes, content)
        await folder.look()
        await folder.look()
        await folder.stop()
        tasks = (await lab.get("/tasks"))["tasks"]
        assert [(task["cmd_type"], task["robot_id"]) for task in tasks] == [
            ("RUN_GCODE", "gantry"), ("RUN_GCODE", "gantry"),
        ]  # fmt: skip
        notes = {file.name: orjson.loads(file.read_bytes()) for file in box.rglob("*.json")}
        assert notes["part@gantry.nc.accepted.json"]["task_id"] in {t["task_id"] for t in tasks}
        assert notes["first.GCODE.accepted.json"]["success"]
        wrong = notes["wrong@gantry.ngc.reason.json"]
        assert (wrong["error_code"], wrong["line"], wrong["text"]) == (
            "program_refused", 2, "M2000",
        )  # fmt: skip
        assert notes["part@mill.gco.reason.json"]["field"] == "robot_id"
        assert "empty" in notes["empty.tap.reason.json"]["message"]
        assert ".nc" in notes["part.txt.reason.json"]["message"]


async def test_inbox__does_not_take_the_half_of_a_program(tmp_path: Path) -> None:
    """Over a slow network a file grows, and each part of it could run."""
    box = tmp_path / "inbox"
    async with site("grbl-gantry", tmp_path, held=True) as lab:
        config = InboxConfig(settle_s=3_600, poll_s=0.01)
        folder = HotFolder(box, CommandFiles(lab.engine), lab.engine, config, lasts_s=86_400)
        await asyncio.to_thread(folder._folder.prepare)
        await asyncio.to_thread((box / "part.nc").write_bytes, PART[:20])
        for _ in range(3):
            await folder.look()
        await folder.stop()
        assert (box / "part.nc").exists()
        assert (await lab.get("/tasks"))["tasks"] == []


async def test_inbox__a_name_that_is_cut_still_names_the_robot(tmp_path: Path) -> None:
    """Without it, the default robot would carry out what another one was meant to do."""
    box = tmp_path / "inbox"
    async with site("grbl-gantry", tmp_path, held=True) as lab:
        config = InboxConfig(settle_s=0, poll_s=0.01)
        folder = HotFolder(box, CommandFiles(lab.engine), lab.engine, config, lasts_s=86_400)
        await asyncio.to_thread(folder._folder.prepare)
        await asyncio.to_thread((box / f"{'ü' * 110}@mill.nc").write_bytes, PART)
        await folder.look()
        await folder.look()
        await folder.stop()
        assert (await lab.get("/tasks"))["tasks"] == []
        (reason,) = [orjson.loads(file.read_bytes()) for file in box.rglob("*.reason.json")]
        assert reason["field"] == "robot_id"
