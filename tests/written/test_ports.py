"""Two that open one port get each other's answers: it is told before either of them does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.written.conftest import Site, faults, right

GRBL = "  gantry: {driver: grbl, options: {port: PORT}MORE}\n"
BALANCE = "{options: {device: mt-sics, port: PORT}}"


def sites(port: str, other: str) -> dict[str, str]:
    gantry = GRBL.replace("PORT", port)
    balance = BALANCE.replace("PORT", f'"{other}"')
    return {
        "robots.pump.options.port": "robots:\n"
        + gantry.replace("MORE", "")
        + f"  pump: {{driver: line, options: {{device: cavro-pump, port: '{other}'}}}}\n",
        "robots.gantry.devices.balance.options.port": "robots:\n"
        + gantry.replace("MORE", f", devices: {{balance: {balance}}}"),
        "robots.gantry.options.scanner.port": "robots:\n"
        + gantry.replace("}MORE", f", scanner: {{port: '{other}'}}}}"),
    }


@pytest.mark.parametrize("at", sites("", ""))
def test_port__that_another_one_has_is_refused_with_its_owner(site: Site, at: str) -> None:
    (told,) = faults(site(sites("/dev/one", "/dev/one")[at]))
    assert re.search(f"{at}: found /dev/one|devices.balance.options: port: found /dev/one", told)
    assert "gantry" in told.partition("found")[2]
    right(site(sites("/dev/one", "/dev/two")[at]))


def test_port__by_another_name_is_the_same_port(site: Site, tmp_path: Path) -> None:
    port = tmp_path / "ttyUSB0"
    port.touch()
    stays = tmp_path / "by-id"
    stays.symlink_to(port)
    for written in sites(str(port), str(stays)).values():
        (told,) = faults(site(written))
        assert "which gantry has" in told


def test_converter__that_takes_several_connections_needs_an_address_of_each(site: Site) -> None:
    def pumps(first: str, second: str) -> str:
        line = (
            "  {}: {{driver: line, options: {{device: cavro-pump, port: 'socket://Bus:4001'{}}}}}\n"
        )
        return "robots:\n" + line.format("one", first) + line.format("two", second)

    right(site(pumps(", address: '1'", ", address: '2'")))
    for same in (("", ""), (", address: '1'", ", address: '1'"), ("", ", address: '2'")):
        (told,) = faults(site(pumps(*same)))
        assert "robots.two.options.port: found socket://Bus:4001, which one has" in told
