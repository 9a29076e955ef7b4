"""The benchmarks run, and their comparison says what got worse."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.figures import Figure, Samples, percentile, ratio_of_medians
from benchmarks.suite import BENCHMARKS, QUICK

_ROOT = Path(__file__).parent.parent
_HERE = {"processor": "this one", "cores": "2"}
_ELSEWHERE = {"processor": "another one", "cores": "64"}


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", BENCHMARKS)
def test_benchmark__runs_with_tiny_sizes(name: str, tmp_path: Path) -> None:
    figures = BENCHMARKS[name].run(replace(QUICK, folder=tmp_path))
    assert figures
    for figure in figures:
        assert figure.name.partition(".")[0] == name
        # what something adds is a difference, of few rounds here
        assert figure.value >= 0 or figure.name.endswith("adds")
    assert len({figure.name for figure in figures}) == len(figures)


def test_compare__names_what_got_worse_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "baseline.json"
    report.save(file, _HERE, [_cost(1.0), _rate(1000), _seconds(2.0)])
    assert report.got_worse([_cost(1.2), _rate(850), _seconds(1.0)], file, _HERE, 0.25) == []
    (worse,) = report.got_worse([_cost(1.3), _rate(2000), _seconds(2.0)], file, _HERE, 0.25)
    assert worse.startswith("some.cost: 1 then, 1.3")
    (worse,) = report.got_worse([_cost(0.5), _rate(700), _seconds(2.0)], file, _HERE, 0.25)
    assert worse.startswith("some.rate: 1000 then, 700")


def test_compare__seconds_of_another_machine_say_nothing(tmp_path: Path) -> None:
    file = tmp_path / "baseline.json"
    report.save(file, _ELSEWHERE, [_cost(1.0), _seconds(1.0)])
    (worse,) = report.got_worse([_cost(2.0), _seconds(60.0)], file, _HERE, 0.25)
    assert worse.startswith("some.cost")


def test_save__keeps_other_benchmarks_of_the_same_machine(tmp_path: Path) -> None:
    file = tmp_path / "baseline.json"
    report.save(file, _HERE, [_cost(1.0)])
    report.save(file, _HERE, [_rate(5)])
    assert set(json.loads(file.read_text())["figures"]) == {"some.cost", "some.rate"}
    report.save(file, _ELSEWHERE, [_rate(5)])
    assert set(json.loads(file.read_text())["figures"]) == {"some.rate"}


def test_figure__a_target_is_met_on_its_own_side() -> None:
    assert _cost(1.5).met
    assert not _cost(1.6).met
    assert _rate(900).met
    assert not _rate(899).met
    assert _seconds(1).met is None


def test_statistics__one_bad_round_does_not_change_the_ratio() -> None:
    measured, limit = Samples(), Samples()
    for factor in (1, 1, 50, 1, 1):
        measured.add([0.002 * factor] * 9)
        limit.add([0.001] * 9)
    assert ratio_of_medians(measured, limit) == pytest.approx(2)
    assert percentile([5, 1, 4, 2, 3], 50) == 3
    assert percentile(list(range(1, 101)), 99) == 100


def test_documentation__names_every_benchmark_and_every_figure() -> None:
    page = (_ROOT / "docs" / "explanation" / "benchmarks.md").read_text(encoding="utf-8")
    for name in BENCHMARKS:
        assert f"`{name}`" in page, name
    baseline = json.loads((_ROOT / "benchmarks" / "baseline.json").read_text(encoding="utf-8"))
    for name in baseline["figures"]:
        assert f"`{name}`" in page, name


def _cost(value: float) -> Figure:
    return Figure(name="some.cost", value=value, target=1.5)


def _rate(value: float) -> Figure:
    return Figure(name="some.rate", value=value, target=900, unit="per s", higher_is_better=True)


def _seconds(value: float) -> Figure:
    return Figure(name="some.seconds", value=value, unit="s")
