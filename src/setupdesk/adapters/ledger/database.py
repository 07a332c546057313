"""Opening the ledger's database: durable, one writer at a time, migrated."""

import logging
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from sqlite3 import SQLITE_IOERR_DIR_FSYNC, SQLITE_IOERR_FSYNC
from sqlite3 import Connection as SqliteConnection
from sqlite3 import Error as SqliteError
from threading import Event

from sqlalchemy import (
    Connection,
    Engine,
    ExceptionContext,
    NullPool,
    QueuePool,
    create_engine,
    event,
    inspect,
    text,
)
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


def stop_after_failed_sync(engine: Engine, tell: Callable[[], None]) -> None:
    """Write nothing more once the disk has not confirmed a write, and *tell* it.

    The kernel reports once what it could not write, and forgets it: whoever syncs again is told
    that all is well. So the process has to end, and what was confirmed is read anew.
    """
    failed = Event()

    def look(context: ExceptionContext) -> None:
        if _is_failed_sync(context.original_exception):
            failed.set()
            tell()

    def refuse(connection: Connection) -> None:
        if failed.is_set() and not _reads_only(connection):
            raise LedgerUnavailableError("its disk did not confirm a write")

    event.listen(engine, "handle_error", look)
    event.listen(engine, "begin", refuse, insert=True)


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Hold the write lock from the first statement on; commit at the end, or leave no trace."""
    with _telling_the_cause():
        try:
            with engine.begin() as connection:
                yield connection
        except OperationalError as error:
            if _is_failed_sync(error.orig):
                _void_unconfirmed(engine)
            raise


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


def _is_failed_sync(error: BaseException | None) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    return code in (SQLITE_IOERR_FSYNC, SQLITE_IOERR_DIR_FSYNC)


def _void_unconfirmed(engine: Engine) -> None:
    # What the disk did not confirm stands in the log all the same, and if this process died now,
    # the next one would take it for committed. Another write in its place makes it void. It is
    # not synced, as a sync that fails would come before it; so nothing may be checkpointed by it.
    with closing(engine.raw_connection()) as connection:
        cursor = connection.cursor()
        with suppress(SqliteError):
            cursor.execute("PRAGMA wal_autocheckpoint = 0")
            cursor.execute("PRAGMA synchronous = OFF")
            cursor.execute("BEGIN IMMEDIATE")
            version: int = cursor.execute("PRAGMA user_version").fetchone()[0]
            cursor.execute(f"PRAGMA user_version = {1 - version}")
            cursor.execute("COMMIT")
        connection.rollback()
        cursor.execute("PRAGMA synchronous = FULL")
        connection.invalidate()


def _set_up(connection: SqliteConnection, _record: object) -> None:
    # The driver must not open transactions on its own: _begin does, with the right lock.
    connection.isolation_level = None
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "trusted_schema = OFF",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    # A transaction that reads first and writes later cannot get the lock once another
    # has written in between, so those that write take it at once.
    connection.exec_driver_sql("BEGIN" if _reads_only(connection) else "BEGIN IMMEDIATE")


def _reads_only(connection: Connection) -> bool:
    return bool(connection.get_execution_options().get("reads_only", False))


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
