"""What can go wrong for a client, each with the stable code of `docs/reference/errors.md`."""

from __future__ import annotations

from robotq.model.errors import ERROR_CODES
from robotq.model.json import JsonObject


class ClientError(Exception):
    """Base of everything that a client raises on purpose."""


class Unreachable(ClientError):
    """The daemon gave no answer, after every attempt that was safe to make."""

    def __init__(self, message: str, *, maybe_done: bool, idempotency_key: str | None) -> None:
        super().__init__(message)
        self.maybe_done = maybe_done
        """The request may have reached the daemon and been carried out. False: it never did."""
        self.idempotency_key = idempotency_key
        """Of a submit: repeating it with this key and the same command is safe. Else None."""


class Refused(ClientError):
    """The daemon answered with an error. Nothing was done, unless `body` says otherwise."""

    def __init__(self, status: int, body: JsonObject, *, repeated: bool) -> None:
        self.status = status
        """Of HTTP."""
        self.code = str(body.get("error_code", "internal_error"))
        """The stable name, e.g. `queue_full`."""
        self.number = body.get("code")
        """The number that belongs to it, e.g. 3010."""
        self.message = str(body.get("message", f"HTTP {status}"))
        """In the language that the client asked for."""
        self.body = body
        """The whole answer: `field` of a bad parameter, `holds` of a held queue, ..."""
        self.repeated = repeated
        """An earlier attempt of the same request may have been carried out."""
        super().__init__(f"{self.message} ({self.code})")

    @property
    def retry(self) -> bool:
        """Whether the same request can succeed later without anything being changed in it."""
        row = ERROR_CODES.get(self.code)
        return row is not None and row.retry


class NotRobotq(ClientError):
    """Something answers at the address that does not speak as robotq does."""


class WrongKind(ClientError):
    """`submit` was given a command that acts at once, or `immediate` one that is queued.

    The daemon has taken it all the same; `answer` is what it said.
    """

    def __init__(self, message: str, answer: JsonObject) -> None:
        super().__init__(message)
        self.answer = answer
