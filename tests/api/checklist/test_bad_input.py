"""Whatever is sent, the answer is one that the route describes, in the one form of errors."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import orjson
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from robotq.api.checklist.interface import ROUTES
from robotq.catalog import Catalog
from tests.api.conftest import lab_config
from tests.api.lab import running_lab
from tests.slices import examples

from .conftest import NOBODY, SESSION, Checklist

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def checklist(
    catalog: Catalog, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Checklist]:
    config = await asyncio.to_thread(lab_config, tmp_path_factory.mktemp("lab"))
    async with running_lab(config, catalog) as lab:
        checklist = Checklist(lab)
        await checklist.create("there", session_id=SESSION)
        await lab.asking()
        yield checklist


def faults(answer: Any) -> list[tuple[str, list[str | int]]]:
    return [(fault["type"], fault["loc"]) for fault in answer["details"]["validation_errors"]]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"{", [("json_invalid", ["body", 1])]),
        (b'{"title": NaN}', [("json_invalid", ["body", 10])]),
        (b"\xff", [("json_invalid", ["body", 0])]),
        (b"[]", [("model_attributes_type", ["body"])]),
        (b'"a text"', [("model_attributes_type", ["body"])]),
        (b"7", [("model_attributes_type", ["body"])]),
        (b"null", [("model_attributes_type", ["body"])]),
        (b"", [("missing", ["body", "title"])]),
        ({"title": 7}, [("string_type", ["body", "title"])]),
        ({"title": None}, [("string_type", ["body", "title"])]),
        ({"title": "a", "status": None}, [("enum", ["body", "status"])]),
        ({"title": "a", "priority": "urgent"}, [("enum", ["body", "priority"])]),
        ({"title": "a", "session_id": "s"}, [("uuid_parsing", ["body", "session_id"])]),
        ({"title": "a", "session_id": 1}, [("uuid_type", ["body", "session_id"])]),
        (
            {"title": "a", "due_date": "0001-01-01T00:00:00+23:59"},
            [("datetime_range", ["body", "due_date"])],
        ),
        (
            {"title": "", "due_date": "soon"},
            [
                ("string_too_short", ["body", "title"]),
                ("datetime_from_date_parsing", ["body", "due_date"]),
            ],
        ),
    ],
)
async def test_create__each_fault_is_named(
    checklist: Checklist, body: Any, expected: list[tuple[str, list[str | int]]]
) -> None:
    answer = await checklist.post("/tasks", body)
    assert answer.status == 422
    assert faults(answer) == expected


@pytest.mark.parametrize(
    ("query", "loc"),
    [
        ("page=0", "page"),
        ("page=-1", "page"),
        ("page=x", "page"),
        ("page=99999999999999999999999999", "page"),
        ("status=", "status"),
        ("status=done", "status"),
        ("session_id=x", "session_id"),
        ("batch_id=x", "batch_id"),
        ("sort_by=title", "sort_by"),
        ("order=up", "order"),
    ],
)
async def test_list__a_bad_parameter_is_named(checklist: Checklist, query: str, loc: str) -> None:
    answer = await checklist.get(f"/tasks?{query}")
    assert answer.status == 422
    assert [fault["loc"] for fault in answer["details"]["validation_errors"]] == [["query", loc]]


async def test_bulk__too_much_at_once_is_refused(checklist: Checklist) -> None:
    ids = [NOBODY] * 1_001
    many = await checklist.delete("/tasks/bulk", {"ids": ids})
    assert faults(many) == [("too_long", ["body", "ids"])]
    none = await checklist.put("/tasks/bulk", {"tasks": []})
    assert faults(none) == [("too_short", ["body", "tasks"])]
    large = await checklist.ask("POST", "/tasks", data=io.BytesIO(b" " * 2_000_000))
    assert large.status == 413


async def test_fault__neither_their_number_nor_what_was_sent_makes_a_long_answer(
    checklist: Checklist,
) -> None:
    body = {"tasks": [{"description": "x" * 10_000}] * 50}
    answer = await checklist.post("/batches", body)
    assert len(answer["details"]["validation_errors"]) == 50
    assert len(answer.text) < 20_000


async def test_another_content_type__is_read_as_json(checklist: Checklist) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await checklist.post("/tasks", {"title": "from a form"}, headers=headers)
    assert answer.status == 201


@pytest.mark.parametrize("path", ["//", "//nothing", "//api", "/", "/tasks/x/y", "//%0a"])
async def test_path__an_unknown_one_is_404_in_the_one_form(checklist: Checklist, path: str) -> None:
    assert (await checklist.get(path)).body["message"] == "Not Found"


values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    | st.sampled_from([SESSION, NOBODY, "completed", "high", "2025-12-07", "9999-12-31T23:59:59Z"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["title", "status", "priority", "due_date", "session_id", "id", "ids", "tasks"]
            ),
            inner,
        )
    ),
    max_leaves=8,
)
bodies = st.one_of(
    values,
    st.fixed_dictionaries(
        {"title": st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5)},
        optional={"due_date": values, "description": values, "status": values},
    ),
)
queries = st.dictionaries(
    st.sampled_from(["page", "status", "session_id", "batch_id", "sort_by", "order", "?"]),
    st.text(max_size=8) | st.sampled_from([SESSION, "1", "asc", "pending", "due_date"]),
)


@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    route=st.sampled_from([route for route in ROUTES if route.path.startswith("/api")]),
    part=st.sampled_from([NOBODY, "bulk", "x", "%00"]) | st.text(min_size=1, max_size=5),
    query=queries,
    body=bodies.map(orjson.dumps) | st.binary(max_size=20),
)
async def test_anything__is_answered_as_its_route_says(
    checklist: Checklist, route: Any, part: str, query: dict[str, str], body: bytes
) -> None:
    path = route.path.removeprefix("/api/v1").replace("{task_id}", "{}").replace("{batch_id}", "{}")
    path = path.format(quote(part.encode("utf-8", "surrogatepass"), safe="%"))
    text = "&".join(f"{quote(k)}={quote(v.encode('utf-8', 'replace'))}" for k, v in query.items())
    await checklist.ask(route.method, f"{path}?{text}", body)
