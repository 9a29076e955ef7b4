"""The configuration: what a person, a container and a command line say, and what is told back."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any, get_type_hints

import orjson
import pytest
from blockbuster import BlockingError
from hypothesis import given, settings
from hypothesis import strategies as st

from robotq.config import Config, RobotConfig, StoreConfig, load_config, packaged, strict_yaml
from robotq.config.keys import OTHER_VARIABLES, variables
from robotq.model.errors import ConfigError
from tests.slices import examples

ROOT = Path(__file__).parent.parent


@pytest.fixture
def write(tmp_path: Path) -> Any:
    """Write the configuration file of a test and give its path."""

    def write(text: str) -> Path:
        path = tmp_path / "site.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def faults(
    path: Path | None,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> list[str]:
    """The lines of the error, without the folder of the file."""
    with pytest.raises(ConfigError) as raised:
        load_config(path, environ or {}, overrides or {})
    folder = f"{path.parent}/" if path else ""
    return str(raised.value).replace(folder, "").splitlines()


# what comes out


def test_defaults__two_simulated_robots_with_the_shared_places_of_their_bench() -> None:
    config = load_config(None, {}, {})
    assert list(config.robots) == ["robot_a", "robot_b"]
    assert {robot.driver for robot in config.robots.values()} == {"simulator"}
    assert config.default_robot == "robot_a"
    assert config.port == 8090
    assert config.queue.max_length == 10_000
    shared = [set(places) for places in config.resources.values()]
    assert {"WAITING_SPLIT_AREA_TRANSFER", "WAITING_SPLIT_AREA_SPLIT"} in shared
    assert {"SPLIT_DONE_250ML_AREA_TRANSFER", "SPLIT_DONE_250ML_AREA_SPLIT"} in shared
    assert {"SPLIT_DONE_500ML_AREA_TRANSFER", "SPLIT_DONE_500ML_AREA_SPLIT"} in shared
    assert not {"HOME", "CHARGER"} & set().union(*shared), "every robot has its own"


def test_defaults__every_shared_place_stands_in_the_packaged_lab() -> None:
    lab = strict_yaml.read(packaged("lab.yaml")).value
    shared = set().union(*load_config(None, {}, {}).resources.values())
    assert shared <= set(lab["places"])
    for station in lab["stations"].values():
        if len(station["reach"]) > 1:
            assert set().union(*station["reach"].values()) <= shared, "two robots meet there"


def test_defaults__an_empty_file_and_empty_sections_change_nothing(write: Any) -> None:
    path = write("")
    expected = replace(load_config(None, {}, {}), source=path)
    assert load_config(path, {}, {}) == expected
    path = write("# all commented out\nrobots:\nresources:\nqueue:\ncommands:\nlimits:\n")
    assert load_config(path, {}, {}) == expected


def test_sample__is_the_defaults() -> None:
    path = ROOT / "config" / "robotq.yaml"
    expected = replace(load_config(None, {}, {}), source=path)
    assert load_config(path, {}, {}) == expected


def test_sample__mentions_every_key() -> None:
    text = (ROOT / "config" / "robotq.yaml").read_text(encoding="utf-8")
    written = set(re.findall(r"^ *([a-z_]+):", text, re.MULTILINE))
    assert set(_keys_of(Config)) | set(_keys_of(RobotConfig)) <= written


def _keys_of(section: Any) -> Iterator[str]:
    hints = get_type_hints(section)
    for name, kind in ((one.name, hints[one.name]) for one in fields(section)):
        if name != "source":
            yield name
        if is_dataclass(kind):
            yield from _keys_of(kind)


def test_precedence__flag_over_variable_over_file_over_default(write: Any) -> None:
    path = write("port: 1001\nhost: file\ndata: file\n")
    environ = {"ROBOTQ_PORT": "1002", "ROBOTQ_HOST": "variable"}
    config = load_config(path, environ, {"port": 1003, "host": None, "time_scale": None})
    assert (config.port, config.host, config.data) == (1003, "variable", Path("file"))
    assert config.time_scale == 1.0


def test_flags__of_serve_reach_their_keys() -> None:
    flags = {
        "host": "0.0.0.0",
        "data": Path("elsewhere"),
        "mode": "sync",
        "time_scale": 0,
        "trusted_networks": ["192.168.0.0/16", "fd00::/8"],
    }
    config = load_config(None, {}, flags)
    assert (config.host, config.mode, config.time_scale) == ("0.0.0.0", "sync", 0)
    assert config.data == Path("elsewhere")
    assert config.trusted_networks == [ip_network("192.168.0.0/16"), ip_network("fd00::/8")]


def test_robots__own_ones_replace_the_packaged_and_the_first_is_the_default(write: Any) -> None:
    config = load_config(write("robots: {mill: {driver: grbl}, arm: {}}"), {}, {})
    assert list(config.robots) == ["mill", "arm"]
    assert config.default_robot == "mill"


def test_paths__in_the_file_are_relative_to_it_except_data(
    write: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/operator")
    path = write(
        "data: here\n"
        "commands: [own.yaml, /etc/robotq/more.yaml, ~/mine.yaml]\n"
        "robots: {a: {options: {lab: ./lab.yaml, port: /dev/ttyUSB0, name: lab.yaml}}}\n"
    )
    config = load_config(path, {}, {})
    assert config.data == Path("here")
    assert config.commands == [
        tmp_path / "own.yaml",
        Path("/etc/robotq/more.yaml"),
        Path("/home/operator/mine.yaml"),
    ]
    assert config.robots["a"].options == {
        "lab": f"{tmp_path}/lab.yaml",
        "port": "/dev/ttyUSB0",
        "name": "lab.yaml",
    }


# the environment


def test_environment__sets_one_key_of_a_packaged_robot() -> None:
    config = load_config(None, {"ROBOTQ_ROBOTS__ROBOT_B__ON_START": "hold"}, {})
    assert config.robots["robot_b"].on_start == "hold"
    assert config.robots["robot_a"].on_start is None


def test_environment__finds_a_robot_whose_name_no_variable_can_spell(write: Any) -> None:
    path = write("robots: {arm-1: {driver: grbl}}")
    variable = "ROBOTQ_ROBOTS__ARM_1__OPTIONS__BAUD"
    config = load_config(path, {variable: "115200"}, {})
    assert config.robots["arm-1"].options == {"baud": 115200}


def test_environment__lists_with_and_without_brackets() -> None:
    for text in ("10.0.0.0/8,192.168.1.0/24", "[10.0.0.0/8, 192.168.1.0/24]"):
        config = load_config(None, {"ROBOTQ_TRUSTED_NETWORKS": text}, {})
        assert list(map(str, config.trusted_networks)) == ["10.0.0.0/8", "192.168.1.0/24"]
    assert load_config(None, {"ROBOTQ_COMMANDS": "a.yaml"}, {}).commands == [Path("a.yaml")]
    assert load_config(None, {"ROBOTQ_COMMANDS": ""}, {}).commands == []


def test_environment__sets_where_webhooks_may_go() -> None:
    environ = {
        "ROBOTQ_WEBHOOKS__URL": "http://mes.lab:8000/done",
        "ROBOTQ_WEBHOOKS__ALLOWED_HOSTS": "MES.lab,*.plant.example,10.0.0.0/8,10.1.2.3",
        "ROBOTQ_WEBHOOKS__SECRET": "0123",
    }
    webhooks = load_config(None, environ, {}).webhooks
    assert (webhooks.url, webhooks.secret) == ("http://mes.lab:8000/done", "0123")
    assert webhooks.allowed_hosts == [
        "mes.lab",
        "*.plant.example",
        ip_network("10.0.0.0/8"),
        ip_network("10.1.2.3/32"),
    ]
    assert "0123" not in repr(webhooks)


def test_store__is_a_word_or_says_where_the_workers_tasks_are(write: Any) -> None:
    assert load_config(None, {}, {}).store == StoreConfig(own="sqlite", workers=None)
    memory, shared = StoreConfig(own="memory"), StoreConfig(workers="postgresql://db/robotq")
    word, section = write("store: memory\n"), "ROBOTQ_STORE__WORKERS"
    assert load_config(word, {}, {}).store == memory
    # the password is better there than in the file
    beside = load_config(word, {section: "postgresql://robotq:0123@db/robotq"}, {})
    assert beside.store == StoreConfig(own="memory", workers="postgresql://robotq:0123@db/robotq")
    assert "0123" not in repr(beside)
    assert load_config(None, {"ROBOTQ_STORE": "memory"}, {}).store == memory
    path = write("store:\n  workers: postgresql://db/robotq\n")
    assert load_config(path, {}, {}).store == shared
    # a trial of a site's file must not touch what its daemons share
    assert load_config(path, {}, {"store": "memory"}).store == memory
    # one database for robots too is refused, and without the password
    path = write("store: postgresql://robotq:0123@db/robotq\n")
    with pytest.raises(ConfigError, match="the queues of robots stay with their daemon") as told:
        load_config(path, {}, {})
    assert "0123" not in str(told.value)
    path = write("mode: postgresql://robotq:0123@db/robotq\n")
    with pytest.raises(ConfigError, match=r"postgresql://robotq:\*\*\*@db") as told:
        load_config(path, {}, {})
    assert "0123" not in str(told.value)
    path = write("store: sqlit\n")
    assert faults(path) == [
        "site.yaml:1: store.own: found \"sqlit\", expected 'sqlite' or 'memory'"
    ]


def test_environment__a_text_stays_as_written(write: Any) -> None:
    path = write("robots: {on: {}}".replace("on", "'on'"))
    config = load_config(path, {"ROBOTQ_DEFAULT_ROBOT": "on", "ROBOTQ_DATA": "2026"}, {})
    assert (config.default_robot, config.data) == ("on", Path("2026"))


def test_environment__leaves_alone_what_is_not_the_configuration() -> None:
    environ = dict.fromkeys(OTHER_VARIABLES, "x") | {"PATH": "/bin", "ROBOTICS": "1"}
    assert load_config(None, environ, {}) == load_config(None, {}, {})


def test_environment__knows_every_key_by_its_path() -> None:
    known = set(variables())
    assert {"ROBOTQ_PORT", "ROBOTQ_DATA", "ROBOTQ_TIME_SCALE"} <= known
    assert "ROBOTQ_QUEUE__MAX_LENGTH" in known
    assert "ROBOTQ_INTERFACES__TASK_QUEUE__LEASE_S" in known
    sections = {
        "fleet",
        "store",
        "queue",
        "retention",
        "limits",
        "artifacts",
        "webhooks",
        "notify",
        "interfaces",
        "inbox",
    }
    top = {f.name for f in fields(Config)} - {"source", *sections}
    assert {f"ROBOTQ_{name}".upper() for name in top} <= known


PART = st.text("abcxyz019", min_size=1, max_size=4)
NAMES = st.builds("{}-{}".format, PART, PART)
OPTIONS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=examples(40))
@given(
    value=st.fixed_dictionaries(
        {
            "port": st.integers(0, 65535),
            "time_scale": st.floats(0, 1000),
            "mode": st.sampled_from(["queue", "sync"]),
            "allow_anonymous": st.booleans(),
            "allowed_hosts": st.lists(NAMES, max_size=3),
            "queue": st.fixed_dictionaries({"max_length": st.integers(1, 1_000_000)}),
            "robots": st.dictionaries(
                NAMES,
                st.fixed_dictionaries(
                    {
                        "on_start": st.sampled_from(["resume", "hold"]),
                        "options": st.dictionaries(NAMES, OPTIONS, max_size=3),
                    }
                ),
                min_size=1,
                max_size=3,
            ).filter(
                lambda robots: len({name.replace("-", "_") for name in robots}) == len(robots)
            ),
        }
    )
)
def test_environment__says_the_same_as_the_file(
    value: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """What a file can say key by key, variables can say too, with the same outcome."""
    path = tmp_path_factory.mktemp("same") / "site.yaml"
    path.write_bytes(orjson.dumps(value))
    from_file = load_config(path, {}, {})
    path.write_bytes(orjson.dumps({"robots": {name: {} for name in value["robots"]}}))
    assert load_config(path, dict(_as_variables(value)), {}) == from_file


def _as_variables(tree: Mapping[str, Any], *above: str) -> Iterator[tuple[str, str]]:
    for name, value in tree.items():
        path = (*above, name)
        if isinstance(value, dict) and path[-1] != "options":
            yield from _as_variables(value, *path)
        else:
            text = value if isinstance(value, str) else orjson.dumps(value).decode()
            yield "ROBOTQ_" + "__".join(path).replace("-", "_").upper(), text


# what is told back


def test_faults__all_at_once_with_place_key_found_and_expected(write: Any) -> None:
    path = write(
        "prot: 5\n"
        "mode: fast\n"
        "default_robot: robot_z\n"
        "queue: {max_length: 0}\n"
        "limits: 7\n"
        "robots:\n"
        "  Robot: {}\n"
        "  robot_b:\n"
        "    reconect_s: 4\n"
        "trusted_networks: [10.0.0.1/8, 5]\n"
    )
    environ = {"ROBOTQ_LIMITS__BTCH": "1", "ROBOTQ_ROBOTS__ROBOT_B__ON_START": "go"}
    expected = """
--port: port: found 99999, expected less than or equal to 65535
ROBOTQ_LIMITS__BTCH: unknown variable; did you mean ROBOTQ_LIMITS__BATCH?
ROBOTQ_ROBOTS__ROBOT_B__ON_START: robots.robot_b.on_start: found "go", expected 'resume' or 'hold'
site.yaml:10: trusted_networks[0]: found "10.0.0.1/8", expected a network such as 192.168.0.0/16
site.yaml:10: trusted_networks[1]: found 5, expected a network such as 192.168.0.0/16
site.yaml:1: prot: unknown key; did you mean port?
site.yaml:2: mode: found "fast", expected 'queue' or 'sync'
site.yaml:3: default_robot: found "robot_z", expected one of: Robot, robot_b
site.yaml:4: queue.max_length: found 0, expected greater than or equal to 1
site.yaml:5: limits: found 7, expected a section with keys of its own
site.yaml:7: robots.Robot: found "Robot", expected a name of 1 to 64 of a-z, 0-9, _ and -
site.yaml:9: robots.robot_b.reconect_s: unknown key; did you mean reconnect_s?
"""
    assert sorted(faults(path, environ, {"port": 99_999})) == expected.strip().splitlines()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("port: '8090'", 'site.yaml:1: port: found "8090", expected a whole number'),
        ("port: true", "site.yaml:1: port: found true, expected a whole number"),
        ("port:", "site.yaml:1: port: found null, expected a whole number"),
        ("time_scale: .nan", "site.yaml:1: time_scale: found null, expected a number"),
        ("allow_anonymous: 1", "site.yaml:1: allow_anonymous: found 1, expected true or false"),
        ("data: 5", "site.yaml:1: data: found 5, expected a text"),
        ("commands: a.yaml", 'site.yaml:1: commands: found "a.yaml", expected a list'),
        ("robots: [a]", 'site.yaml:1: robots: found ["a"], expected a mapping of names'),
        ("source: me.yaml", "site.yaml:1: source: unknown key"),
        (
            "webhooks: {url: mes.lab}",
            'site.yaml:1: webhooks.url: found "mes.lab", expected a URL such as http',
        ),
        (
            "webhooks: {allowed_hosts: ['http://mes.lab']}",
            'allowed_hosts[0]: found "http://mes.lab", expected a name, an address or a network',
        ),
        ("- port", "site.yaml: expected keys such as `port: 8090`"),
        (
            "a: 1\nport: 1\nport: 2",
            "site.yaml:3:1: the key 'port' stands a second time, first in line 2",
        ),
        ("1: a", "site.yaml:1:1: found the key 1, expected a text: quote it"),
        ("port: !!binary aGk=", "site.yaml:1:7: found a bytes, expected what JSON can hold"),
        ("port: !!int many", "site.yaml:1:7: invalid literal for int() with base 10: 'many'"),
        ("a: &a [*a]", "site.yaml:1:4: this part contains itself"),
        ("\x00", "unacceptable character #x0000"),
        ("a: " + "[" * 101 + "]" * 101, "site.yaml:1:103: nested more than 100 times"),
        ("[" * 600, "site.yaml: nested more than 100 times"),
        ("---\na: 1\n---\nb: 1", "site.yaml:3:1: expected a single document in the stream"),
        ("queue:\n  max_length: [1", "site.yaml:2:17: while parsing a flow sequence"),
        ("queue:\n\tmax_length: 1", "site.yaml:2:1: while scanning for the next token"),
    ],
)
def test_fault__of_a_file(text: str, fault: str, write: Any) -> None:
    lines = faults(write(text))
    assert fault in lines[0]
    assert len(lines) == 1


def test_fault__a_file_that_cannot_be_read(tmp_path: Path) -> None:
    assert faults(tmp_path / "none.yaml") == [
        "none.yaml: cannot be read: No such file or directory"
    ]
    (tmp_path / "latin.yaml").write_bytes(b"host: \xe9")
    assert faults(tmp_path / "latin.yaml") == [
        (
            "latin.yaml: byte 6 (0xe9, line 1) is not UTF-8; it looks like text in Latin-1 or "
            "Windows-1252: save or send it as UTF-8"
        )
    ]


@pytest.mark.parametrize(
    ("variable", "value", "fault"),
    [
        ("ROBOTQ_PROT", "1", "ROBOTQ_PROT: unknown variable; did you mean ROBOTQ_PORT?"),
        ("ROBOTQ_port", "1", "ROBOTQ_port: unknown variable"),
        ("ROBOTQ_PORT__X", "1", "ROBOTQ_PORT__X: unknown variable"),
        ("ROBOTQ_", "1", "ROBOTQ_: unknown variable"),
        ("ROBOTQ_SOURCE", "x", "ROBOTQ_SOURCE: unknown variable"),
        ("ROBOTQ_PORT", "many", 'ROBOTQ_PORT: port: found "many", expected a whole number'),
        ("ROBOTQ_PORT", "[1", "ROBOTQ_PORT:1:3: while parsing a flow sequence"),
        ("ROBOTQ_ROBOTS", "{}", "ROBOTQ_ROBOTS: robots: found none, expected at least one robot"),
    ],
)
def test_fault__of_a_variable(variable: str, value: str, fault: str) -> None:
    assert fault in faults(None, {variable: value, "ROBOTQ_KEY": "x"})[0]


def test_fault__a_place_in_two_resources(write: Any) -> None:
    path = write("resources:\n  a: [X, Y, X]\n  b:\n  - Z\n  - X\n")
    assert faults(path) == [
        "site.yaml:5: resources.b[1]: found X, which belongs to a; expected one resource only"
    ]


def test_fault__a_long_value_is_cut(write: Any) -> None:
    (line,) = faults(write(f"port: {'9' * 500}x"))
    assert len(line) < 200


def test_yaml__merge_keys_and_aliases_work(write: Any) -> None:
    path = write(
        "robots:\n"
        "  a: &arm {driver: grbl, reconnect_s: 1e1, options: {port: x}}\n"
        "  b: &slow {<<: *arm, reconnect_s: 2.5}\n"
        "  c: *slow\n"
    )
    robots = load_config(path, {}, {}).robots
    assert [robot.reconnect_s for robot in robots.values()] == [10, 2.5, 2.5]
    assert {robot.driver for robot in robots.values()} == {"grbl"}


def test_yaml__a_date_stays_a_text(write: Any) -> None:
    config = load_config(write("robots: {a: {options: {since: 2026-01-02}}}"), {}, {})
    assert config.robots["a"].options == {"since": "2026-01-02"}


async def test_load__reads_files_so_it_is_kept_off_the_event_loop() -> None:
    with pytest.raises(BlockingError):
        load_config(None, {}, {})
    assert (await asyncio.to_thread(load_config, None, {}, {})).port == 8090


def test_yaml__aliases_that_double_are_refused_and_not_unfolded() -> None:
    rows = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 8)}]" for n in range(1, 12)]
    began = time.thread_time()
    with pytest.raises(ConfigError, match="aliases double them"):
        strict_yaml.parse("\n".join(rows), "bomb.yaml")
    # up to the limit it takes two seconds to unfold them
    assert time.thread_time() - began < 0.5
