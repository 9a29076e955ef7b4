"""The stops of a Marlin driver that lacks one of the things that they rest on are all wrong."""

from __future__ import annotations

import pytest

from .marlin_as_it_was import AS_IT_IS, VARIANTS, Variant, wrong_stops


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_driver_as_it_was__every_stop_with_the_planner_full_is_wrong(variant: Variant) -> None:
    found = wrong_stops(variant, 6)
    assert [one for one in found if one] == found


@pytest.mark.long
@pytest.mark.timeout(300)
def test_driver_as_it_is__no_stop_is_wrong() -> None:
    assert wrong_stops(AS_IT_IS, 6) == [""] * 6
