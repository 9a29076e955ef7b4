"""What routes say about the `Idempotency-Key`, the same in every interface."""

from __future__ import annotations

from robotq.api.http.routes import RequestHeader

IDEMPOTENCY_KEY = RequestHeader(
    name="Idempotency-Key",
    text="Repeating a submit with the same key and body gives the first answer again, and "
    "nothing runs twice. A key counts until a day after its tasks have ended. Of queued "
    "commands: one that acts at once acts each time.",
    schema={"type": "string", "pattern": r"^[\x21-\x7e]{1,255}$"},
)

KEYED_ERRORS = ("idempotency_conflict", "task_not_found")
"""Errors of a route that takes a key and answers with the task of it."""

REPLAYED = {"Idempotency-Replayed": "true"}
"""The header of an answer that was given before."""
