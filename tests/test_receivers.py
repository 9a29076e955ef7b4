"""Where webhooks may go."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from robotq.config.receivers import AllowedHosts, read_host_rule, read_url, shown_url


def allowed(*rules: str) -> AllowedHosts:
    return AllowedHosts([read_host_rule(rule) for rule in rules])


SITE = allowed("mes.lab", "*.plant.example", "10.0.0.0/24", "192.168.1.7", "fd00::/8")


@pytest.mark.parametrize(
    ("url", "takes"),
    [
        ("http://mes.lab:8000/done", True),
        ("http://MES.lab./done", True),
        ("http://line-3.plant.example/", True),
        ("http://a.b.plant.example/", True),
        ("http://10.0.0.255/", True),
        ("http://192.168.1.7:1/", True),
        ("http://[fd12::1]/", True),
        ("http://[::ffff:10.0.0.1]/", True),
        ("http://plant.example/", False),
        ("http://plant.example.evil/", False),
        ("http://xplant.example/", False),
        ("http://mes.lab.evil/", False),
        ("http://mes.lab@evil/", False),
        ("http://evil#mes.lab/", False),
        ("http://evil?mes.lab/", False),
        ("http://10.0.1.1/", False),
        ("http://192.168.1.8/", False),
        ("http://127.0.0.1/", False),
        ("http://１２７.0.0.1/", False),
        ("http://localhost/", False),
        ("http://0/", False),
        ("http://0.0.0.0/", False),
        ("http://2130706433/", False),
        ("http://0x7f.1/", False),
        ("http://[::1]/", False),
        ("http://[::ffff:127.0.0.1]/", False),
        ("http://[fe80::1%25eth0]/", False),
        ("http://169.254.169.254/", False),
    ],
)
def test_host__is_taken_by_its_name_or_address(url: str, takes: bool) -> None:
    assert SITE.takes(read_url(url).raw_host or "") is takes


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "::1",
        "::ffff:127.0.0.1",
        "0.0.0.0",
        "::",
        "169.254.169.254",
        "fe80::1",
        "fe80::1%eth0",
        "224.0.0.1",
        "255.255.255.255",
        "not an address",
    ],
)
def test_name__never_leads_to_this_machine_or_its_cable(address: str) -> None:
    assert not SITE.takes_address(address)
    assert not allowed("localhost").takes_address(address)


@pytest.mark.parametrize("address", ["10.9.9.9", "192.168.1.8", "8.8.8.8", "fd00::7", "2a00::1"])
def test_name__leads_anywhere_else(address: str) -> None:
    assert allowed("mes.lab").takes_address(address)


def test_address__of_this_machine_can_be_allowed_by_itself() -> None:
    site = allowed("localhost", "127.0.0.1", "::1")
    assert site.takes_address("127.0.0.1")
    assert site.takes_address("::1")
    assert not site.takes_address("127.0.0.2")


def test_nothing_allowed__takes_nothing() -> None:
    assert not allowed().takes("mes.lab")
    assert not allowed().takes("10.0.0.1")


@pytest.mark.parametrize(
    "text",
    ["", "*", "*.", "mes..lab", "-mes", "http://mes.lab", "mes.lab:80", "10.0.0.1/8", "127.1",
     "0x7f.1", "mes lab", "256.1.1.1", "*.10", "::1%eth0/64"],
)  # fmt: skip
def test_rule__that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a name, an address or a network"):
        read_host_rule(text)


@given(st.text() | st.integers() | st.none() | st.from_regex(r"https?://[^/]+/?.*"))
@example("http://xn--\x85-ccb")
def test_url__of_any_kind_is_read_or_refused_in_words(text: Any) -> None:
    try:
        url = read_url(text)
    except ValueError as error:
        assert str(error).startswith("expected a URL")
    else:
        assert url.scheme in ("http", "https")
        assert url.raw_host
        # what is kept is read again as the same
        assert read_url(str(url)) == url
        shown_url(str(url))
        SITE.takes(url.raw_host)


def test_shown__without_what_may_be_secret() -> None:
    assert shown_url("https://ann:pw@mes.lab:8443/a/b?token=1") == "https://mes.lab:8443/a/b"
