"""The lab file: what is wrong is named by file, line, key and expectation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from robotq.drivers.simulator.lab.layout_file import PACKAGED, read_layout
from robotq.drivers.simulator.options import read_options
from robotq.model.errors import ConfigError
from tests.drivers.simulator.bench import Bench

TO_COPY = Path(__file__).parents[3] / "config" / "lab.yaml"


def edited(folder: Path, *changes: tuple[str, str]) -> Path:
    """A copy of the packaged lab with these replacements."""
    text = PACKAGED.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path = folder / "lab.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_lab_to_copy__is_the_packaged_one_with_an_unreadable_bottle() -> None:
    packaged, to_copy = read_layout(None), read_layout(TO_COPY)
    assert all(bottle.readable for bottle in packaged.bottles)
    unreadable = [bottle for bottle in to_copy.bottles if not bottle.readable]
    assert [bottle.id for bottle in unreadable] == ["bottle_002"]
    for name in ("places", "stations", "robots", "boxes", "durations", "actions", "thresholds"):
        assert getattr(packaged, name) == getattr(to_copy, name)
    assert [bottle.slot for bottle in packaged.bottles] == [b.slot for b in to_copy.bottles]


def test_places_in_the_lab__are_those_of_the_packaged_resources() -> None:
    text = (PACKAGED.parent / "robotq.yaml").read_text(encoding="utf-8")
    places = read_layout(None).places
    for place in ("SCAN_TABLE", "WAITING_SPLIT_AREA_SPLIT", "SPLIT_DONE_500ML_AREA_TRANSFER"):
        assert place in places
        assert place in text


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("HOME: {x: 0, y: 0}", "HOME: {x: 0}", "places.HOME.y: is missing"),
        ("HOME: {x: 0, y: 0}", "HOME: {x: a, y: 0}", "HOME.x: found 'a', expected a number"),
        ("HOME: {x: 0, y: 0}", "HOME: {x: 0, y: 0, z: 1}", "z: unknown key, expected one of x, y"),
        ("HOME: {x: 0, y: 0}", "HOUSE: {x: 0, y: 0}", "places.HOME: is missing"),
        ("  CHARGER: {", "  HOME: {", "the key 'HOME' stands a second time"),
        ("slots: 3", "slots: 0", "SCAN_TABLE.slots: found 0, expected a whole number of at least"),
        ("slots: 3", "slots: 2.5", "SCAN_TABLE.slots: found 2.5, expected a whole number"),
        ("[SCAN_TABLE]}", "[MOON]}", "reach.robot_a: found 'MOON', expected only HOME, CHARGER"),
        ("[SCAN_TABLE]}", "[]}", "reach.robot_a: names no place"),
        ("{robot_a: [SCAN_TABLE]}", "{robot_c: [SCAN_TABLE]}", "robot_c: no such robot, expected"),
        ("  SCAN_TABLE:\n", "  TABLE:\n", "stations.SCAN_TABLE: is missing"),
        ("types: [glass_bottle_250]", "types: [cup]", "types: found 'cup', expected only glass_"),
        ("box_areas: [", "box_areas: [MOON, ", "box_areas: found 'MOON', expected only"),
        ("box_001: BOX_AREA_1", "box_001: HOME", "boxes.box_001: found 'HOME', expected one of"),
        (
            "box_001: BOX_AREA_1",
            "box_001: BOX_AREA_1\n  box_002: BOX_AREA_1",
            "box_002: BOX_AREA_1 has a box already",
        ),
        ("skills: [split", "skills: [fly", "skills: found 'fly', expected only scan, split"),
        ("speed: 350", "speed: 0", "drive.speed: found 0, expected a number above 0"),
        ("speed: 350", "speed: .inf", "drive.speed: found inf, expected a number above 0"),
        ("id: bottle_002", "id: bottle_001", "bottles[1].id: bottle_001 is there already"),
        ("slot: SCAN_TABLE_002", "slot: SCAN_TABLE_001", "SCAN_TABLE_001 is taken already"),
        ("slot: SCAN_TABLE_002", "slot: SCAN_TABLE_009", "found 'SCAN_TABLE_009', expected one of"),
        ("volume: 500", "volume: 501", "glass_bottle_500 holds no more than 500 ml"),
        ("type: glass_bottle_250, slot: BOTTLE_OPENER_250_001, volume: 250",
         "type: glass_bottle_500, slot: BOTTLE_OPENER_250_001, volume: 250",
         "glass_bottle_500 does not fit into BOTTLE_OPENER_250_001"),
        ("readable: true", "readable: 1", "readable: found 1, expected true or false"),
        ("SCANNING: [5, 10]", "SCANNING: [10, 5]", "SCANNING: found 5, expected a number of at"),
        ("SCANNING: [5, 10]", "SCANNING: 5", "SCANNING: found 5, expected two numbers, like"),
        ("SCANNING: [5, 10]", "SCANING: [5, 10]", "durations.SCANNING: is missing"),
        ("WAVE: [3, 5]", "WAVE: [0, 5]", "actions.WAVE: found 0, expected a number above 0"),
        ("speed_variation: 0.05", "speed_variation: 1", "found 1, expected a number below 1"),
        ("thresholds:", "limits: 3\nthresholds:", "limits: unknown key, expected one of"),
    ],
)  # fmt: skip
def test_wrong_lab_file__is_refused_by_line_and_key(
    tmp_path: Path, old: str, new: str, complaint: str
) -> None:
    path = edited(tmp_path, (old, new))
    with pytest.raises(ConfigError) as error:
        read_layout(path)
    message = str(error.value)
    assert message.startswith(f"{path}:")
    assert message.removeprefix(f"{path}:")[0].isdigit(), "no line"
    assert complaint in message


@pytest.mark.parametrize("text", ["", "3", "places: 3", "{"])
def test_file_that_is_no_lab__is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "lab.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=str(path)):
        read_layout(path)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"lab": 3}, "lab: found 3, expected a text"),
        ({"lab": "/does/not/exist.yaml"}, "/does/not/exist.yaml: cannot be read"),
        ({"seed": "x"}, "seed: found 'x', expected a whole number"),
        ({"seeds": 1}, "seeds: unknown key, expected one of faults, lab, seed"),
        ({"faults": 1}, "faults: found 1, expected a list"),
    ],
)
def test_wrong_options__are_refused_by_key(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigError) as error:
        read_options("robot_a", options)
    assert complaint in str(error.value)


def test_robot_that_the_lab_does_not_have__is_refused() -> None:
    with pytest.raises(ConfigError, match=r"has no robot robot_9, only robot_a, robot_b"):
        read_options("robot_9", {})


def test_reload__changes_poses_speeds_and_thresholds_but_not_what_stands_where(
    tmp_path: Path,
) -> None:
    path = edited(tmp_path)
    bench = Bench(tmp_path, options={"lab": str(path)})
    bench.run("PICK_UP", [{"bottle_id": "bottle_001"}])
    edited(
        tmp_path,
        ("CHARGER: {x: 500, y: 2000}", "CHARGER: {x: 5000, y: 0}"),
        ("speed: 350", "speed: 700"),
        ("SCAN_TABLE_002, volume: 500, task: split_500, readable: true",
         "SCAN_TABLE_002, volume: 500, task: split_500, readable: false"),
    )  # fmt: skip
    before = bench.state
    apply = bench.robot().prepare_reload({"lab": str(path)})
    assert bench.lab.layout.places["CHARGER"].x == 500, "only checked so far"
    apply()
    assert bench.state == before
    at = bench.clock.now()
    bench.run("NAVIGATION", {"area": "CHARGER"})
    assert bench.robot().status().details["x_mm"] == 5000
    assert bench.clock.now() - at < 7_000 / 600 + 4
    again = Bench(tmp_path, options={"lab": str(path)})
    again.robot()
    assert again.state == bench.state, "a restart goes on, too"


def test_reload_in_the_middle_of_a_drive__takes_effect_with_the_next_motion(
    tmp_path: Path,
) -> None:
    path = edited(tmp_path)
    bench = Bench(tmp_path, options={"lab": str(path)})
    bench.robot()
    edited(tmp_path, ("CHARGER: {x: 500, y: 2000}", "CHARGER: {x: 5000, y: 0}"))
    with bench.frozen():
        running = bench.start("NAVIGATION", {"area": "CHARGER"})
        bench.at(3, bench.robot().prepare_reload({"lab": str(path)}))
    running.join()
    assert bench.robot().status().details["x_mm"] == 500
    bench.run("NAVIGATION", {"area": "CHARGER"})
    assert bench.robot().status().details["x_mm"] == 5000


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("speed: 350", "speed: fast", "drive.speed: found 'fast'"),
        ("  BOX_AREA_3: {x: 5000, y: 8000}\n", "", "expected only"),
        (", BOX_AREA_3]", "]", "box area BOX_AREA_3 is gone; that needs a restart"),
        ("slots: 6", "slots: 5", "pose SPLIT_TABLE_006 is gone"),
        ("{robot_a: [REFILL_STATION], ", "{", "robot_a in stations.REFILL_STATION.reach is gone"),
    ],
)
def test_reload_that_cannot_be__changes_nothing(
    tmp_path: Path, old: str, new: str, complaint: str
) -> None:
    path = edited(tmp_path)
    bench = Bench(tmp_path, options={"lab": str(path)})
    driver = bench.robot()
    layout = bench.lab.layout
    edited(tmp_path, (old, new))
    with pytest.raises(ConfigError) as error:
        driver.prepare_reload({"lab": str(path)})
    assert complaint in str(error.value)
    assert bench.lab.layout is layout


def test_reload__stays_in_its_lab_file(bench: Bench) -> None:
    with pytest.raises(ConfigError, match=r"a running lab stays .*; restart for"):
        bench.robot().prepare_reload({"lab": str(TO_COPY)})


def test_reload__changes_faults_and_the_same_faults_go_on_counting(tmp_path: Path) -> None:
    once = {"faults": [{"kind": "raise", "nth": 1}]}
    bench = Bench(tmp_path, options=once)
    with pytest.raises(RuntimeError):
        bench.run("NAVIGATION", {"area": "CHARGER"})
    bench.robot().prepare_reload(once)()
    bench.run("NAVIGATION", {"area": "CHARGER"})
    bench.robot().prepare_reload({"faults": [{"kind": "raise", "nth": 1, "reason": "again"}]})()
    with pytest.raises(RuntimeError, match="again"):
        bench.run("NAVIGATION", {"area": "CHARGER"})
