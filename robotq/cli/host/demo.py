"""robotq demo: the daemon at work, seen with one command."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Annotated

from rich.console import Console
from rich.text import Text

from robotq.cli.host.menu import sample_command
from robotq.cli.shared import parse
from robotq.cli.shared.display.show import TaskView, new_console, print_json
from robotq.cli.shared.failure import ExitCode
from robotq.cli.shared.follow import follow, is_completed, looking_at
from robotq.cli.shared.http import told
from robotq.cli.shared.logs import log_to_stderr
from robotq.cli.shared.options import ConfigFile
from robotq.cli.shared.settings import loader
from robotq.cli.shared.startup import startup_lines, url_of
from robotq.cli.shared.words import language_here, say
from robotq.client import AsyncClient, ClientError
from robotq.config import Config
from robotq.daemon.assembly import running_daemon
from robotq.daemon.process import StopSignals, run_program

_TIME_SCALE = 0.05
_GRACE_S = 1.0
"""Wall seconds that Ctrl-C leaves to the scan: whoever ends a demo does not want to wait."""


def demo(
    *,
    port: Annotated[
        int | None, parse.Option("--port", help="Port; 0 takes any free one. [default: 8090]")
    ] = None,
    data: Annotated[
        Path | None, parse.Option("--data", help="Data folder. [default: a temporary one]")
    ] = None,
    time_scale: Annotated[
        float,
        parse.Option("--time-scale", metavar="FACTOR", help="Wall seconds per simulated second."),
    ] = _TIME_SCALE,
    exit_after: Annotated[
        bool, parse.Option("--exit", help="End after the result, instead of serving on.")
    ] = False,
    config: ConfigFile = None,
) -> None:
    """Start the daemon with simulated robots, scan the bottles of a tray, and serve on."""
    log_to_stderr("warning")
    with _folder(data) as folder:
        load = loader(
            config,
            {
                "port": port,
                "data": str(folder),
                "time_scale": time_scale,
                "mode": "queue",
                "limits.shutdown_grace_s": _GRACE_S,
            },
        )
        read = load()
        code = run_program(
            lambda signals: show_demo(read, load, signals, new_console(), exit_after=exit_after)
        )
    raise parse.Exit(code)


async def show_demo(
    config: Config,
    load: Callable[[], Config],
    signals: StopSignals,
    console: Console,
    *,
    exit_after: bool,
) -> int:
    """Serve, submit the sample command over HTTP, show it to its end.

    Then serve on until a signal comes, unless `exit_after`. Ctrl-C before the end is no
    failure of the demo.
    """
    async with running_daemon(config, load, reload=signals.reload) as daemon:
        url = url_of(daemon.addresses)
        _say(console, *startup_lines(config, daemon.addresses), "")
        speed = f"{1 / config.time_scale:g}" if config.time_scale else "∞"
        _say(console, say("demo.intro", speed=speed, scale=f"{config.time_scale:g}"))
        completed = await signals.unless_ended(_scan(url, console))
        if completed is not None:
            if exit_after:
                return ExitCode.OK if completed else ExitCode.FAILED
            _say(console, "", say("demo.next"), *_hints(url), "", say("stop_with"))
            await signals.end.wait()
        _say(console, say("stopping"))
    _say(console, say("stopped"))
    return ExitCode.OK


async def _scan(url: str, console: Console) -> bool:
    file = sample_command()
    _say(console, say("demo.submitting", file=file), "")
    try:
        async with AsyncClient(url, language=language_here()) as client:
            accepted = await client.submit_file(file.read_bytes())
            view = TaskView(console, url)
            with view.on_screen():
                (task,) = await follow(looking_at(client), [accepted["task_id"]], view)
    except ClientError as error:
        raise told(error, url) from error
    _say(console, "", say("demo.result"))
    print_json(console, task["result"])
    return is_completed(task)


def _hints(url: str) -> list[str]:
    return [
        f"  curl -d @{sample_command()} {url}",
        f"  curl {url}/queue/status",
        f"  curl -N {url}/events",
        f"  curl -X POST {url}/estop",
    ]


def _folder(data: Path | None) -> AbstractContextManager[str | Path]:
    if data is not None:
        return nullcontext(data)
    return tempfile.TemporaryDirectory(prefix="robotq-demo-")


def _say(console: Console, *lines: str) -> None:
    for line in lines:
        console.print(Text(line), soft_wrap=True)
