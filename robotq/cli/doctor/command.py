"""robotq doctor: what on this machine keeps robotq from working, and how to mend it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from rich.text import Text

from robotq.cli.doctor.finding import Verdict
from robotq.cli.doctor.machine import findings
from robotq.cli.host.check import contents_of
from robotq.cli.shared import parse
from robotq.cli.shared.display.show import new_console, print_json
from robotq.cli.shared.failure import ExitCode
from robotq.cli.shared.options import AsJson, ConfigFile, Key
from robotq.cli.shared.settings import loader

_MARKS = {Verdict.OK: ("✓", "green"), Verdict.NOTE: ("!", "yellow"), Verdict.BAD: ("✗", "bold red")}


def doctor(
    *,
    config: ConfigFile = None,
    port: Annotated[int | None, parse.Option("--port", help="As for serve.")] = None,
    data: Annotated[Path | None, parse.Option("--data", help="As for serve.")] = None,
    url: Annotated[
        str | None,
        parse.Option("--url", envvar="ROBOTQ_URL", help="Of the daemon, where it is elsewhere."),
    ] = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Check ports, permissions, SQLite, clock, disk, data and configuration; changes nothing."""
    flags: dict[str, Any] = {}
    if port is not None:
        flags["port"] = port
    if data is not None:
        flags["data"] = str(data)
    console = new_console()
    found = []
    looked = findings(loader(config, flags), lambda read: contents_of(read).line, url=url, key=key)
    for finding in looked:
        found.append(finding)
        if as_json:
            continue
        mark, style = _MARKS[finding.verdict]
        line = Text(f"{mark} ", style).append(f"{finding.what}: {finding.found}", "default")
        console.print(line, soft_wrap=True)
        if finding.mend:
            console.print(Text(f"    {finding.mend}", "cyan"), soft_wrap=True)
    if as_json:
        print_json(console, [asdict(finding) for finding in found])
    bad = any(finding.verdict is Verdict.BAD for finding in found)
    raise parse.Exit(ExitCode.FAILED if bad else ExitCode.OK)
