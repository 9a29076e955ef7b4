"""Draws docs/images/demo.svg: what `robotq demo` shows in the middle of its scan.

    python docs/make/picture.py

It is a real run on a simulated lab, cut off at two thirds.
"""

from __future__ import annotations

import asyncio
import io
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

from robotq.cli.shared.display.show import TaskView
from robotq.cli.shared.follow import has_ended, looking_at
from robotq.cli.shared.settings import loader
from robotq.cli.shared.startup import url_of
from robotq.cli.shared.words import say
from robotq.client import AsyncClient
from robotq.config import packaged
from robotq.daemon.assembly import running_daemon

PICTURE = Path(__file__).parents[1] / "images" / "demo.svg"
CUT = 0.66


async def draw(folder: str) -> Console:
    console = Console(record=True, width=84, file=io.StringIO())
    load = loader(None, {"data": folder, "time_scale": 0.05, "limits.shutdown_grace_s": 0.0})
    config = load()
    async with running_daemon(config, load, reload=asyncio.Event()) as daemon:
        url = url_of(daemon.addresses)
        console.print(Text(say("demo.intro", speed="20", scale="0.05")))
        console.print(Text(say("demo.submitting", file="commands/SCAN_QR_CODE_command.json")))
        console.print()
        async with AsyncClient(url) as client:
            sample = packaged("commands") / "SCAN_QR_CODE_command.json"
            task_id = (await client.submit_file(sample.read_bytes()))["task_id"]
            view = TaskView(console)
            view.submitted(task_id)
            look = looking_at(client)
            while (task := await look(task_id))["progress"] is None or task["progress"] < CUT:
                assert not has_ended(task)
                view.update(task)
            view.update(task)
            console.print(view.bar)
    return console


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        console = asyncio.run(draw(folder))
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(console.export_svg(title="python main.py demo"), encoding="utf-8")


if __name__ == "__main__":
    main()
