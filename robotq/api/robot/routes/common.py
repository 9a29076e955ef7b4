"""What routes of several subjects have in common."""

from __future__ import annotations

from robotq.api.http.routes import RequestHeader

STORE = ("store_unavailable",)
TASK = ("task_not_found", *STORE)
ROBOT = ("bad_parameter", "robot_busy", "robot_disconnected", "device_error")

NAMED = ("not_named", "not_what_was_meant")

IDEMPOTENCY = RequestHeader(
    name="Idempotency-Key",
    text="A request that is repeated with the same key and body gets the first answer again.",
    schema={"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
)
IF_MATCH = RequestHeader(
    name="If-Match",
    text="The ETag of `/queue/status`, or of the edit before: where somebody has edited the queue "
    "of this robot since, nothing is done. Tasks that come and go do not count.",
    schema={"type": "string", "examples": ['"7"', "*"]},
)
COUNTED = RequestHeader(
    name="If-Match",
    text="The ETag of the answer without `count`: says the same as `up_to` and `count`.",
    schema={"type": "string", "examples": ['"4711-10000"']},
)
AGENT = RequestHeader(
    name="X-Robotq-Agent",
    text="An agent makes this request and not a person, whatever the value: commands whose spec "
    "says `approval: true` wait until a person approves them. A key with the scope `agent` says "
    "so by itself.",
    schema={"type": "string"},
)
