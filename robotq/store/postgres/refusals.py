"""What errors of the database mean for a commit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg

from robotq.postgres.database import Connection
from robotq.store.port import DuplicateKey, StaleRevision

_STALE = "RQ001"
"""What robotq.expect raises."""


class Unknown(Exception):
    """The connection broke while a commit was on its way."""


@asynccontextmanager
async def rolled_back(connection: Connection) -> AsyncIterator[None]:
    """What fails inside leaves no transaction open. Raises Unknown where the connection breaks,
    or time is up, since the commit may have been on its way."""
    try:
        yield
    except psycopg.errors.DeadlockDetected as error:
        # somebody changed a task that was being chosen; each is tried alone, and then anew
        await connection.rollback()
        raise StaleRevision("deadlock") from error
    except psycopg.Error as error:
        if connection.closed or connection.broken:
            raise Unknown from error
        await connection.rollback()
        raise
    except (TypeError, ValueError, StaleRevision):
        await connection.rollback()
        raise
    except BaseException as error:
        # nobody knows where it stands
        await connection.close()
        raise Unknown from error


def refusal(error: Exception) -> Exception:
    """The store's word for what the database has refused; else the error itself."""
    if isinstance(error, psycopg.errors.UniqueViolation):
        duplicate = error.diag.table_name == "answers"
        return (DuplicateKey if duplicate else StaleRevision)(str(error))
    if isinstance(error, psycopg.Error) and error.sqlstate == _STALE:
        return StaleRevision(error.diag.message_primary or "")
    if isinstance(error, psycopg.DataError):
        return ValueError(str(error))
    return error
