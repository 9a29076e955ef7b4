"""robotq notify test: tells each receiver something, so that one is not silent when it matters."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from robotq.cli.shared import parse
from robotq.cli.shared.display.screen import show_json
from robotq.cli.shared.failure import ExitCode, Failure
from robotq.cli.shared.options import OutcomeAsJson
from robotq.cli.shared.settings import loader
from robotq.engine.notify.incident import Notice
from robotq.engine.notify.receivers import check, read_urls
from robotq.engine.notify.sending import send, shown
from robotq.model.texts import Language, text


def notify(
    what: Annotated[Literal["test"], parse.Argument(help="test: one message to each receiver.")],
    config: Annotated[
        Path | None, parse.Option("--config", envvar="ROBOTQ_CONFIG", help="Configuration file.")
    ] = None,
    as_json: OutcomeAsJson = False,
) -> None:
    """Send a test message to everybody whom `notify` in the configuration names."""
    found = loader(config, {})()
    told = found.notify
    if not told.to:
        raise Failure(
            f"{config or 'the packaged configuration'}: notify.to is empty", ExitCode.USAGE
        )
    check(told)
    title = text(f"notify.{what}", {}, Language(found.language))
    problems: dict[str, str | None] = {}
    for url in read_urls([*told.to, *told.escalate_to]).values():
        notice = Notice(
            name=what, subject=what, target="", title=f"robotq: {title}", body=title,
            level="info", made_ms=0,
        )  # fmt: skip
        problem = send(url, notice)
        problems[shown(url)] = problem or None
        if not as_json:
            print(f"{shown(url)}: {problem or 'taken'}")
    if as_json:
        show_json([{"receiver": name, "problem": problem} for name, problem in problems.items()])
    failed = sum(problem is not None for problem in problems.values())
    if failed:
        raise Failure(f"{failed} of the receivers have not taken it")
