"""What tests of PostgreSQL ask for; tests/conftest.py has them for every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

# `tests.postgres.server` imports psycopg: only for who wants a database


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A server, to make databases in. The first test that wants one waits a second for it."""
    from tests.postgres import server  # noqa: PLC0415

    base = tmp_path_factory.getbasetemp()
    # the processes of pytest-xdist have folders side by side
    whole_run = base.parent if base.name.startswith("popen-") else base
    return server.start(whole_run / "pg")


@pytest.fixture(scope="session")
def _own_database(postgres_server: str) -> Iterator[str]:
    from tests.postgres import server  # noqa: PLC0415

    # at the end of a run the others may still work, and who is last takes the server away
    with server.database(postgres_server, keep=server.is_ours()) as dsn:
        yield dsn


@pytest.fixture
def postgres(_own_database: str) -> str:
    """The DSN of this process's database, without rows; its schema is there where a test before
    has made it."""
    from tests.postgres import server  # noqa: PLC0415

    server.emptied(_own_database)
    return _own_database


@pytest.fixture
def new_postgres(postgres_server: str) -> Iterator[str]:
    """The DSN of a database in which nothing is yet."""
    from tests.postgres import server  # noqa: PLC0415

    with server.database(postgres_server) as dsn:
        yield dsn
