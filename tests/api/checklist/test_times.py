"""Times of day of the checklist interface."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from robotq.api.http.times import iso_time, to_ms


@given(st.datetimes(timezones=st.just(UTC)))
def test_times__of_every_year_can_be_written_and_read(at: datetime) -> None:
    at_ms = to_ms(at)
    text = iso_time(at_ms)
    assert text is not None
    assert text.endswith("Z")
    assert to_ms(datetime.fromisoformat(text)) == at_ms
    assert to_ms(at.replace(tzinfo=None)) == at_ms
