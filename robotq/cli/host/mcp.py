"""robotq mcp: lets an agent look at a daemon and, where allowed, submit to it."""

from __future__ import annotations

import asyncio
from typing import Annotated

from robotq.cli.shared import parse
from robotq.cli.shared.failure import ExitCode, Failure
from robotq.cli.shared.options import URL, Key, Url


def mcp(
    *,
    allow_control: Annotated[
        bool,
        parse.Option(
            "--allow-control",
            help="Let the agent submit, cancel, pause and stop; without it, it only looks.",
        ),
    ] = False,
    url: Url = URL,
    key: Key = None,
) -> None:
    """Serve one agent over standard input and output (Model Context Protocol)."""
    try:
        from robotq.mcp.server import serve  # noqa: PLC0415 - its library is an extra
    except ModuleNotFoundError as error:
        raise Failure(
            f"{error.name} is not installed; install it with `pip install 'robotq[mcp]'`",
            ExitCode.USAGE,
        ) from error
    try:
        asyncio.run(serve(url, key, allow_control=allow_control))
    except ValueError as error:
        raise Failure(str(error), ExitCode.USAGE) from error
