from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from robotq.model.errors import ConfigError
from robotq.system import listen


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def close(sockets: list[socket.socket]) -> None:
    for one in sockets:
        one.close()


def test_open_sockets__no_host_listens_on_the_loopback_addresses_only() -> None:
    sockets = listen.open_sockets("", 0)
    try:
        names = [one.getsockname() for one in sockets]
        assert names[0][0] == "127.0.0.1"
        assert all(listen.is_loopback(name[0]) for name in names)
        assert len({name[1] for name in names}) == 1
    finally:
        close(sockets)


def test_open_sockets__a_client_can_connect_before_anybody_accepts() -> None:
    sockets = listen.open_sockets("127.0.0.1", 0)
    try:
        with socket.create_connection(sockets[0].getsockname(), timeout=1):
            pass
    finally:
        close(sockets)


def test_open_sockets__a_taken_port_is_named_with_the_way_out(taken_port: int) -> None:
    with pytest.raises(listen.CannotListen) as told:
        listen.open_sockets("", taken_port)
    assert f"port {taken_port} on 127.0.0.1 is taken" in str(told.value)
    assert "--port" in str(told.value)


def test_open_sockets__an_address_of_another_machine() -> None:
    with pytest.raises(listen.CannotListen, match=r"no address 192\.0\.2\.7"):
        listen.open_sockets("192.0.2.7", 0)


@pytest.mark.parametrize("host", ["", "127.0.0.1", "::1", "localhost", "127.8.9.10"])
def test_exposure__loopback_needs_no_guard(host: str) -> None:
    listen.check_exposure(host, guarded=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.20"])
def test_exposure__without_a_guard_the_refusal_says_what_to_type(host: str) -> None:
    with pytest.raises(ConfigError) as told:
        listen.check_exposure(host, guarded=False)
    assert f"serve --host {host} --trusted-network 192.168.0.0/16" in str(told.value)
    listen.check_exposure(host, guarded=True)


def test_exposure__a_name_that_nobody_knows_is_a_fault_of_the_configuration() -> None:
    with pytest.raises(ConfigError, match="names no address"):
        listen.addresses_of("no such host")
