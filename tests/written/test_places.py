"""A place that nobody knows guards nothing: it is found when it is written, not in a collision."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robotq.catalog import load_catalog
from robotq.checks.written import Written, examine
from robotq.config import load_config
from robotq.engine.intake.read_command import Intake
from robotq.engine.state.known_robots import KnownRobots
from robotq.model.errors import RobotqError
from tests.slices import each
from tests.written.conftest import Site, faults, right

ROOT = Path(__file__).parents[2]

GANTRY = "robots: {gantry: {driver: grbl, options: {port: /dev/gantry}}}\n"


def test_packaged_site__is_right_and_knows_the_places_of_its_lab() -> None:
    written = examine(load_config(None, {}, {}), load_catalog([]))
    assert {"HOME", "SCAN_TABLE"} <= written.known.places["robot_a"]
    assert list(written.notes) == []


@pytest.mark.parametrize(
    "file", ["grbl-gantry.yaml", "marlin-arm.yaml", "jsonline-robot.yaml", "all-apis.yaml"]
)
def test_ready_configurations__are_right(file: str) -> None:
    config = load_config(ROOT / "config" / file, {}, {})
    examine(config, load_catalog(config.commands))


def test_resource__with_a_place_that_no_lab_knows(site: Site) -> None:
    (told,) = faults(site("resources:\n  table:\n  - SPLIT_TABLE\n  - SCAN_TABEL\n"))
    assert told.startswith(
        "site.yaml:4: resources.table[1]: found no place 'SCAN_TABEL'; did you mean SCAN_TABLE? "
        "Known: BOTTLE_OPENER_250, "
    )


def test_resource__without_a_place_guards_nothing(site: Site) -> None:
    (told,) = faults(site("resources:\n  table: []\n"))
    assert told == "site.yaml:2: resources.table: found no place, so it guards nothing"


def test_place__that_is_declared_is_known(site: Site) -> None:
    right(site("places: [SCAN_TABEL]\nresources: {table: [SCAN_TABEL]}\n"))


AT = "schema: {type: object, required: [at], properties: {at: {type: string"
AT_PLACE = 'resources: ["{at}"]\n    ' + AT


@each(
    ("command", "where"),
    [
        ("resources: [CHARGER, SCAN_TABEL]", ":3: commands.RINSE.resources[1]"),
        # the name of the resource, and not of its place
        ("resources: [scan_table]", ":3: commands.RINSE.resources[0]"),
        (
            f"{AT_PLACE}, enum: [SCAN_TABLE, SCAN_TABEL]}}}}}}",
            ":4: commands.RINSE.schema.properties.at",
        ),
        (f"{AT_PLACE}, default: SCAN_TABEL}}}}}}", ":4: commands.RINSE.schema.properties.at"),
        (
            "steps:\n    - steps:\n      - place: SCAN_TABEL",
            ":5: commands.RINSE.steps[0].steps[0].place",
        ),
        (
            "steps:\n    - do: {cmd_type: NAVIGATION, params: {area: SCAN_TABEL}}",
            ":4: commands.RINSE.steps[0].do.params.area",
        ),
        (
            f"{AT_PLACE}}}}}}}\n    example: {{cmd_type: RINSE, params: {{at: SCAN_TABEL}}}}",
            ":5: commands.RINSE.example",
        ),
    ],
)
def test_command__that_goes_where_nothing_is(site: Site, command: str, where: str) -> None:
    place = "scan_table" if "scan_table" in command else "SCAN_TABEL"
    (told,) = faults(site("", f"commands:\n  RINSE:\n    {command}\n"))
    assert told.startswith(f"own.yaml{where}: ")
    assert f"no place '{place}'; did you mean SCAN_TABLE?" in told
    # the same with the right name is right
    right(site("", f"commands:\n  RINSE:\n    {command}\n".replace(place, "SCAN_TABLE")))


def test_every_fault__is_told_at_once(site: Site) -> None:
    told = faults(
        site(
            "resources: {a: [SCAN_TABEL], b: []}\n",
            "commands:\n  RINSE: {resources: [HOEM]}\n  DRY: {resources: [CHARGR]}\n",
        )
    )
    assert len(told) == 4


def test_robot_without_a_lab__has_the_places_that_its_configuration_names(site: Site) -> None:
    site_of = site(f"{GANTRY}resources: {{bench: [BENCH_A, BENCH_B]}}\nplaces: [PARKED]\n")
    written = right(site_of)
    assert written.known.places["gantry"] == {"BENCH_A", "BENCH_B", "PARKED"}
    rinse = "commands: {RINSE: {resources: [BENCH_1]}}\n"
    (told,) = faults(site(f"{GANTRY}resources: {{bench: [BENCH_A]}}\n", rinse))
    assert "no place 'BENCH_1'; did you mean BENCH_A?" in told


def test_robot_without_a_lab__whose_places_nobody_names_is_told_and_takes_any(site: Site) -> None:
    config, catalog = site(GANTRY)
    written = right((config, catalog))
    note = written.notes[0]
    assert note.startswith("nobody says which places gantry has")
    intake = Intake(catalog, ["gantry"], "gantry", known=places_of(written))
    intake.read({"cmd_type": "NAVIGATION", "params": {"area": "ANYWHERE"}})


def test_two_kinds_of_robots__each_has_its_own_places(site: Site) -> None:
    config, catalog = site(
        "robots:\n  robot_a: {}\n  gantry: {driver: grbl, options: {port: /dev/gantry}}\n"
        "resources: {bench: [BENCH_A], table: [SCAN_TABLE]}\n"
    )
    known = places_of(right((config, catalog)))
    intake = Intake(catalog, ["robot_a", "gantry"], "robot_a", known=known)
    intake.read(go("BENCH_A", robot_id="gantry"))
    intake.read(go("SCAN_TABLE", robot_id="gantry"))
    with pytest.raises(RobotqError, match="robot_a has no place 'BENCH_A'"):
        intake.read(go("BENCH_A"))


def places_of(written: Written) -> KnownRobots:
    """What it says of places alone: no steps are written for the gantry."""
    return KnownRobots(written.known.places)


def go(area: str, **more: str) -> dict[str, object]:
    return {"cmd_type": "NAVIGATION", "params": {"area": area}, **more}


def refusal(places: KnownRobots, area: str) -> RobotqError | None:
    intake = Intake(load_catalog([]), ["robot_a"], "robot_a", known=places)
    try:
        intake.read(go(area))
    except RobotqError as error:
        return error
    return None


def test_submit__to_a_misspelt_place_is_refused_with_the_known_ones() -> None:
    places = right((load_config(None, {}, {}), load_catalog([]))).known
    assert refusal(places, "SCAN_TABLE") is None
    error = refusal(places, "Scan_Tabel")
    assert error is not None
    assert (error.code.name, error.args_["field"]) == ("bad_parameter", "params.area")
    assert error.args_["suggestions"][0] == "SCAN_TABLE"
    assert "HOME" in error.args_["known"]
    assert "did you mean SCAN_TABLE?" in str(error)


@given(area=st.text(min_size=1, max_size=200))
def test_submit__takes_the_known_robots_and_no_other_text(area: str) -> None:
    places = KnownRobots({"robot_a": frozenset({"HOME", "SCAN_TABLE"})})
    assert (refusal(places, area) is None) is (area in {"HOME", "SCAN_TABLE"})
