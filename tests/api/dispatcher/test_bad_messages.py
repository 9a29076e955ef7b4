"""Messages and bodies of every kind: none brings down a connection, none an error of another
form."""

from __future__ import annotations

import tempfile
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import patience
from tests.slices import examples
from tests.workers.conftest import SetClock

from .conftest import NOBODY, running

_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
_types = st.sampled_from(
    ["ready", "task_complete", "taskResult", "task_error", "ping ", "task", "connected", ""]
)
_ids = st.sampled_from([NOBODY, "", "x" * 5_000, "\0", "task_20260101_000000_aaaaaa"])
_messages = st.one_of(
    st.binary(max_size=200),
    _json.map(orjson.dumps),
    st.fixed_dictionaries(
        {},
        optional={
            "type": _types | _json,
            "taskId": _ids | _json,
            "result": _json,
            "error": _json,
            "duration": _json,
            "token": _json,
        },
    ).map(orjson.dumps),
    st.sampled_from([b"[" * 5_000, b'{"type": NaN}', b'{"a":1}{"b":2}', b"\xff", b'"\\ud800"']),
)
_bodies = st.one_of(
    st.binary(max_size=100),
    _json.map(orjson.dumps),
    st.fixed_dictionaries(
        {"async": st.just(True)},
        optional={
            "data": _json,
            "messages": _json,
            "model": _json,
            "group": _json,
            "timeout": _json,
        },
    ).map(orjson.dumps),
)
"""None that would wait: nobody does the tasks."""


async def converse(messages: list[bytes]) -> None:
    """Say all of it to an interface of its own, while the speaker has a task."""
    with tempfile.TemporaryDirectory() as folder:
        async with running(Path(folder), clock=SetClock()) as api, await api.worker() as worker:
            task_id = await api.submit()
            await worker.task()
            for message in messages:
                await worker.ws.send_bytes(message)
            await worker.pong()
            assert (await api.task(task_id))["status"] == "executing"
            await worker.complete(task_id, "fine")
            assert (await api.until(task_id, "completed"))["result"] == "fine"


@pytest.mark.slow
@settings(max_examples=examples(12))
@given(st.lists(_messages, min_size=20, max_size=40))
def test_s4_27__no_message_closes_a_connection_or_ends_a_task(messages: list[bytes]) -> None:
    patience.run(converse(messages))


async def hand_in(bodies: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with (
            running(Path(folder), clock=SetClock()) as api,
            await api.worker("other") as worker,
        ):
            for body in bodies:
                # the client of these tests checks the form of every answer
                answer = await api.ask("POST", "/api/openai", body)
                assert answer.status in (200, 400), answer.text
            await worker.pong()


@pytest.mark.slow
@settings(max_examples=8)
@given(st.lists(_bodies, min_size=15, max_size=30))
def test_submit__any_body_gets_an_answer_in_the_own_form(bodies: list[bytes]) -> None:
    patience.run(hand_in(bodies))
