"""A running daemon, as the commands of the command line ask it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import quote

from robotq.cli.shared.failure import ExitCode, Failure
from robotq.cli.shared.who import who_is_here
from robotq.cli.shared.words import language_here
from robotq.client import Client, ClientError, NotRobotq, Refused, Unreachable, calls
from robotq.client.request import Call
from robotq.client.trying import Lost, Trying
from robotq.model.json import JsonValue

__all__ = ["Caller", "asking", "talk", "told"]

_RETRY_S = 3.0
"""Wall seconds in which a daemon that restarts may come back."""

_IN_PATHS = "/%?&=:@!$'()*+,;~"
"""What stands in a path as it is; names of people and robots may be in any alphabet."""

_AT_THE_END_S = 60.0
"""A robot that does not come to its end is stopped first."""

_T = TypeVar("_T")


class _Trying(Trying):
    """Waits for a daemon that was there, and for nobody who never was."""

    def pause_s(self, problem: Lost | Refused) -> float:
        if isinstance(problem, Lost) and not problem.sent and not self.maybe_done:
            raise self.given_up(str(problem)) from problem
        return super().pause_s(problem)


class Caller(Client):
    """A client that shows what the daemon says, word for word."""

    def get(self, path: str, **query: str | float) -> Any:
        return self.request("GET", _quoted(path), query=query)

    def post(
        self,
        path: str,
        body: JsonValue = None,
        headers: Mapping[str, str] = {},
        query: Mapping[str, str | float] = {},
        *,
        safe: bool = False,
    ) -> Any:
        """`body` as bytes goes out as it is, so that it is the daemon that judges it. `safe`: see
        `Client.request`."""
        content = {} if body is None else body
        return self.request("POST", _quoted(path), content, query=query, headers=headers, safe=safe)

    def post_once(self, path: str, body: JsonValue, *, wait_s: float) -> Any:
        """The daemon may take so many seconds on purpose. What it may have had is not sent
        again."""
        call = calls.other("POST", _quoted(path), body, {}, {})
        return self._do(replace(call, wait_s=wait_s + _AT_THE_END_S))

    def put(self, path: str, body: JsonValue) -> Any:
        return self.request("PUT", _quoted(path), body)

    def _trying(self, call: Call[object]) -> Trying:
        return _Trying(call, self.url, self._retry_s)


def talk(url: str, key: str | None, conversation: Callable[[Caller], _T]) -> _T:
    """Run `conversation` with the daemon at `url`. Raises Failure; Ctrl-C ends it too."""
    try:
        with asking(url, key) as caller:
            return conversation(caller)
    except KeyboardInterrupt:
        raise Failure("interrupted", ExitCode.INTERRUPTED) from None


@contextmanager
def asking(url: str, key: str | None) -> Iterator[Caller]:
    """A client for a command that asks one thing after the other. Raises Failure for all that
    it raises."""
    try:
        name = {"X-Robotq-Name": quote(who_is_here(), safe=" ,.;:@()_-")}
        caller = Caller(url, key, retry_s=_RETRY_S, language=language_here(), headers=name)
    except ValueError as error:
        raise Failure(str(error), ExitCode.USAGE) from error
    try:
        with caller:
            yield caller
    except ClientError as error:
        raise told(error, caller.url) from error


def told(error: ClientError, url: str) -> Failure:
    """The line for the person who asked."""
    match error:
        case Refused():
            return Failure(error.message, body=error.body)
        case Unreachable() if error.maybe_done:
            return Failure(str(error), ExitCode.NO_DAEMON)
        case Unreachable():
            return Failure(
                f"no daemon answers at {url} ({_reason(error)}); start one with "
                "`robotq serve`, or name another with --url or ROBOTQ_URL",
                ExitCode.NO_DAEMON,
            )
        case NotRobotq():
            return Failure(f"{url} answers otherwise than robotq: {error}", ExitCode.NO_DAEMON)
        case _:
            return Failure(str(error))


def _quoted(path: str) -> str:
    """Raises UnicodeEncodeError for what is no text."""
    return quote(path, safe=_IN_PATHS)


def _reason(error: Unreachable) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno:
            return os.strerror(cause.errno)
        if cause.__cause__ is None:
            return str(cause) or type(cause).__name__
        cause = cause.__cause__
    return str(error)
