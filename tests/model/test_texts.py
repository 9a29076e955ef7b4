"""Texts: every code in both languages, what is missing visible, nobody's words taken for one."""

from __future__ import annotations

import re
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robotq.drivers.base import UncertainOutcome
from robotq.model.errors import ERROR_CODES, error_text
from robotq.model.hold import HoldCode, WaitCode
from robotq.model.texts import TEXTS, Language, fill, text

LANGUAGES = list(Language)
CHINESE = re.compile("[一-鿿]")


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name}


def test_row__says_the_same_in_both_languages() -> None:
    for code, (chinese, english) in TEXTS.items():
        assert english, code
        assert not CHINESE.search(english), code
        assert CHINESE.search(chinese) or chinese == english, code
        assert fields(chinese) <= fields(english) | {"actor"}, code


@pytest.mark.parametrize("hold", HoldCode)
def test_hold__has_a_reason_and_a_way_to_clear_it(hold: HoldCode) -> None:
    assert f"hold.{hold}" in TEXTS
    assert f"clear.{hold}" in TEXTS


@pytest.mark.parametrize("wait", WaitCode)
def test_wait__has_a_reason_and_a_way_to_clear_it(wait: WaitCode) -> None:
    assert f"wait.{wait}" in TEXTS
    # that of a batch is what clears the wait of its next task
    assert f"clear.{wait}" in TEXTS or wait is WaitCode.BATCH


@pytest.mark.parametrize(
    "cause",
    [
        "daemon_died",
        "link_lost",
        "device_reset",
        "driver_raised",
        "internal_error",
        "stop_unconfirmed",
    ],
)
def test_cause__of_an_unknown_outcome_has_a_text(cause: str) -> None:
    args = {"cause": f"cause.{cause}", "reason": "R"}
    for language in LANGUAGES:
        told = error_text("outcome_unknown", args, language)
        assert "cause." not in told
        assert "{" not in told


def test_cause__of_a_driver_from_elsewhere_is_its_own_text() -> None:
    told = UncertainOutcome("gripper_lost", "grip")
    args = {"cause": f"cause.{told.cause}", "reason": told.reason}
    assert "cause.gripper_lost" in error_text("outcome_unknown", args, Language.EN)


def test_missing_argument__stays_visible() -> None:
    assert text("wait.resource", {"resource": "bench"}, Language.EN) == (
        "bench is occupied by {occupied_by}"
    )


def test_unknown_code__is_its_own_text() -> None:
    assert text("Put the {lid} on", {"lid": "x"}, Language.ZH) == "Put the {lid} on"


@pytest.mark.parametrize("words", ["done", "queued", "hold.paused", "cause.link_lost"])
def test_reason__that_a_person_gave_is_shown_as_it_was_said(words: str) -> None:
    """Whoever types `done` means that, and not some text that happens to have this code."""
    assert text("hold.paused", {"actor": "ann", "reason": words}, Language.EN) == (
        f"Paused by ann: {words}"
    )


def test_reason__that_the_daemon_gave_is_in_the_reader_s_language() -> None:
    args = {"actor": "ann", "reason": "reason.estop_reset"}
    assert text("hold.paused", args, Language.ZH) == "队列已暂停: 急停已复位"


@given(
    st.dictionaries(
        st.sampled_from(["cause", "reason", "actor", "task_id"]),
        st.one_of(
            st.sampled_from(sorted(TEXTS)),
            st.text(max_size=10),
            st.integers(),
            st.just("{cause}{reason}"),
        ),
    ),
    st.sampled_from(sorted(TEXTS)),
    st.sampled_from(LANGUAGES),
)
def test_any_arguments__make_a_text_and_no_endless_one(
    args: dict[str, object], code: str, language: Language
) -> None:
    assert len(text(code, args, language)) < 1_000


def test_braces__in_an_argument_are_only_text() -> None:
    assert fill("Stopped: {reason}", {"reason": "{actor}"}, Language.EN) == "Stopped: {actor}"


@pytest.mark.parametrize("code", ERROR_CODES)
def test_error__says_the_same_in_both_languages(code: str) -> None:
    row = ERROR_CODES[code]
    assert row.en
    assert CHINESE.search(row.zh)
    assert not CHINESE.search(row.en)
    assert fields(row.zh) <= fields(row.en) | {"task_id", "state", "action", "reason"}
    if row.read is not None:
        zh, en = row.read
        assert CHINESE.search(zh)
        assert not CHINESE.search(en)
        assert fields(zh) == fields(en) == fields(row.en)
