"""The compose file of a fleet, read as Compose and robotq read it: no Docker is here to run it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from robotq.config import Config, load_config

ROOT = Path(__file__).parent.parent
SECRETS = {"DB_PASSWORD": "secret1", "FLEET_KEY": "k" * 32}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    text = (ROOT / "compose.fleet.yaml").read_text("utf-8")
    filled = re.sub(r"\$\{(\w+):\?[^}]*\}", lambda found: SECRETS[found[1]], text)
    assert "$" not in filled, "every variable is one of .env"
    found: dict[str, Any] = yaml.safe_load(filled)
    return found


def _config(service: Mapping[str, Any]) -> Config:
    verb, flag, data = service["command"]
    assert flag == "--data"
    overrides = {"data": data, **({"fleet.hub": True} if verb == "hub" else {})}
    return load_config(None, service["environment"], overrides)


def test_daemons__have_a_configuration_that_is_one_fleet(compose: dict[str, Any]) -> None:
    services = compose["services"]
    daemons = {name: _config(services[name]) for name in services if name != "db"}
    assert {name: config.fleet.hub for name, config in daemons.items()} == {
        "hub": True,
        "lab-1": False,
    }
    assert daemons["lab-1"].robots
    assert not daemons["hub"].robots
    for name, config in daemons.items():
        fleet = config.fleet
        assert fleet.name == name
        url = urlsplit(fleet.url or "")
        # the others reach it by the name that Compose gives it, and its guard lets that in
        assert (url.hostname, url.port) == (name, config.port)
        assert config.allowed_hosts == [name]
        assert config.host == "0.0.0.0"
        assert fleet.key == SECRETS["FLEET_KEY"]
        dsn = urlsplit(fleet.dsn or "")
        database = services["db"]["environment"]
        assert dsn.hostname == "db"
        assert dsn.username == database["POSTGRES_USER"]
        assert dsn.password == database["POSTGRES_PASSWORD"]
        assert dsn.path == f"/{database['POSTGRES_DB']}"


def test_daemons__keep_their_data_and_get_their_seconds_to_end(compose: dict[str, Any]) -> None:
    folders = []
    for name, service in compose["services"].items():
        (volume,) = service["volumes"]
        folder, _, place = volume.partition(":")
        assert folder in compose["volumes"]
        folders.append(folder)
        assert service["stop_grace_period"] == "60s"
        # nobody reaches it from another machine without having decided so
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
        if name != "db":
            assert place == "/data"
            assert service["depends_on"]["db"]["condition"] == "service_healthy"
    assert len(set(folders)) == len(folders)


def test_image__has_what_a_fleet_needs(compose: dict[str, Any]) -> None:
    dockerfile = (ROOT / "Dockerfile").read_text("utf-8")
    assert "ARG EXTRAS=fast\n" in dockerfile
    assert '".[${EXTRAS}]"' in dockerfile
    for name, service in compose["services"].items():
        if name != "db":
            assert "postgres" in service["build"]["args"]["EXTRAS"].split(",")
            context = (ROOT / service["build"]["context"]).resolve()
            assert (context / "Dockerfile").is_file()
