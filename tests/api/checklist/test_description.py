"""The checklist interface as programs and people read it."""

from __future__ import annotations

import re
from pathlib import Path

import orjson
from openapi_spec_validator import OpenAPIV31SpecValidator

from robotq.api.interfaces import CHECKLIST
from robotq.api.openapi.described import document_of

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "explanation" / "documents" / "checklist.md"


def test_document__is_accepted_by_the_validator_of_the_standard() -> None:
    made = document_of(CHECKLIST, {})
    described = orjson.loads(orjson.dumps(made))
    assert list(OpenAPIV31SpecValidator(described).iter_errors()) == []
    deleted = described["paths"]["/api/v1/tasks/{task_id}"]["delete"]["responses"]
    assert "content" not in deleted["204"]
    assert "422" in deleted


def test_page__names_every_number_once_with_a_test_that_is_there() -> None:
    rows = re.findall(r"^\| S3-(\d+) \|.*\| `(test_\w+)` \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, 25))
    folder = Path(__file__).parent
    tests = "".join(file.read_text("utf-8") for file in folder.glob("test_*.py"))
    for number, name in rows:
        assert f"def {name}(" in tests
        assert name.startswith(f"test_s3_{int(number):02}__")
