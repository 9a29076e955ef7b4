"""Names and media types of artifacts, whatever somebody says that they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robotq.model.carried.artifact import LONGEST_NAME, OTHER, is_name, media_type_of, name_of


@pytest.mark.parametrize(
    ("told", "number", "name"),
    [
        ("code.jpg", 1, "code.jpg"),
        ("code.jpg", 2, "code-2.jpg"),
        ("../../etc/passwd", 1, "etc_passwd"),
        ("..", 1, "artifact"),
        ("", 3, "artifact-3"),
        ("瓶子.png", 1, "png"),
        ("slot 3: left.png", 1, "slot_3_left.png"),
        (".hidden", 1, "hidden"),
        ('x"\r\nSet-Cookie: a=b', 1, "x_Set-Cookie_a_b"),
        ("x" * 300 + ".png", 12, "x" * 93 + "-12.png"),
    ],
)
def test_name__is_never_a_path_nor_a_header(told: str, number: int, name: str) -> None:
    assert name_of(told, number) == name


@given(told=st.text(max_size=200), number=st.integers(1, 10_000))
def test_name__of_whatever_is_told_is_one(told: str, number: int) -> None:
    name = name_of(told, number)
    assert is_name(name), name
    assert len(name) <= LONGEST_NAME
    assert name_of(name) == name


@pytest.mark.parametrize(
    "told", ["text/html", "image/svg+xml", "application/pdf", "", "text/xml", "x\r\ny"]
)
def test_media_type__that_a_browser_may_run_is_none(told: str) -> None:
    assert media_type_of(told) == OTHER


@pytest.mark.parametrize("told", ["image/PNG", "image/png; charset=utf-8", " image/png"])
def test_media_type__of_a_picture_is_that(told: str) -> None:
    assert media_type_of(told) == "image/png"
