"""Opening the ledger's database: durable, one writer at a time, migrated."""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from sqlite3 import Connection as SqliteConnection

from sqlalchemy import Connection, Engine, NullPool, QueuePool, create_engine, event, inspect, text
from sqlalchemy.exc import OperationalError

from setupdesk.adapters.ledger.tables import HEAD
from setupdesk.core.errors import LedgerUnavailableError

log = logging.getLogger(__name__)

PATIENCE = 10.0
"""Seconds that the write lock is waited for."""


def open_database(
    path: Path, *, keeps_connections: bool = False, patience: float = PATIENCE
) -> Engine:
    """Open the ledger at *path*, made or migrated if it has to be.

    A process that forks must not keep connections: none may live on in a child. Whoever waits
    longer than *patience*, in seconds, for the write lock meets ``LedgerUnavailableError``.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        f"sqlite:///{path}",
        poolclass=QueuePool if keeps_connections else NullPool,
        connect_args={"timeout": patience},
    )
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    if _find_revision(engine) != HEAD:
        _migrate(engine)
    return engine


def open_as_it_is(path: Path) -> Engine:
    """Open the ledger at *path* to look at it: it is neither made nor migrated, nor set to WAL."""
    engine = create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True),
        poolclass=NullPool,
    )
    event.listen(engine, "connect", _set_up_as_it_is)
    event.listen(engine, "begin", _begin)
    return engine


def copy_database(path: Path, to: Path) -> None:
    """Copy the ledger, as of one moment, into the new file *to*; its writers need not wait."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("VACUUM INTO ?", (str(to),))


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Hold the write lock from the first statement on; commit at the end, or leave no trace."""
    with _telling_the_cause(), engine.begin() as connection:
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """See one state of the ledger, without waiting for its writer."""
    with _telling_the_cause(), engine.connect() as connection:
        yield connection.execution_options(reads_only=True)


@contextmanager
def _telling_the_cause() -> Iterator[None]:
    # A full disk, a failed fsync, a lock that is held too long: the transaction left no trace.
    try:
        yield
    except OperationalError as error:
        log.exception("the ledger cannot be used")
        raise LedgerUnavailableError(str(error.orig)) from error


def _set_up(connection: SqliteConnection, _record: object) -> None:
    # The driver must not open transactions on its own: _begin does, with the right lock.
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode = WAL")
    _set_up_as_it_is(connection, _record)


def _set_up_as_it_is(connection: SqliteConnection, _record: object) -> None:
    connection.isolation_level = None
    for pragma in ("synchronous = FULL", "foreign_keys = ON", "trusted_schema = OFF"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    # A transaction that reads first and writes later cannot get the lock once another
    # has written in between, so those that write take it at once.
    reads_only = connection.get_execution_options().get("reads_only", False)
    connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")


def _find_revision(engine: Engine) -> str | None:
    with reading(engine) as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _migrate(engine: Engine) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with writing(engine) as connection:
        # Two processes may find an empty home at once: the second waits for the lock here.
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
