"""The Prefect server that a desk runs for itself: its command, its environment, its database.

Nothing here imports Prefect except what only the server's own process calls.
A fresh database costs Prefect some ten seconds of migrations, so an empty, migrated one is
kept beside this file. After an upgrade of Prefect it is not used until it is made again:

    python -m setupdesk.adapters.prefect_server > src/setupdesk/adapters/prefect_schema.sql
"""

import asyncio
import gc
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

from setupdesk.adapters.prefect_wall import Wall

SCHEMA = files("setupdesk.adapters").joinpath("prefect_schema.sql")
DATABASE = "prefect.db"
KEEP_ALIVE_SECONDS = 75

# What only makes sense with Prefect's own schedules, workers, limits and automations. The
# event persister and the task run recorder stay: the UI shows what they write.
SERVICES_OFF = (
    "CANCELLATION_CLEANUP",
    "CLEANUP_RECONCILER",
    "FOREMAN",
    "LATE_RUNS",
    "PAUSE_EXPIRATIONS",
    "REPOSSESSOR",
    "SCHEDULER",
    "TRIGGERS",
)


def server_command(port: int) -> list[str]:
    """Build the command that serves Prefect on loopback; `server_environment` goes with it."""
    return [
        sys.executable,
        *("-m", "uvicorn", "--factory", f"{__spec__.name}:create_app"),
        *("--host", "127.0.0.1", "--port", str(port)),
        *("--timeout-keep-alive", str(KEEP_ALIVE_SECONDS)),
        *("--log-level", "warning", "--no-access-log"),
    ]


def server_environment(home: Path, port: int, auth_string: str) -> dict[str, str]:
    """Build every PREFECT_* variable of the server, whose files all live in *home*.

    The caller drops the PREFECT_* variables that it inherited, and starts the server with
    *home* as its working directory: Prefect also reads `.env` and `prefect.toml` there.
    """
    address = f"http://127.0.0.1:{port}"
    return {
        **_shared_environment(home),
        **{f"PREFECT_SERVER_SERVICES_{name}_ENABLED": "false" for name in SERVICES_OFF},
        "PREFECT_API_URL": f"{address}/api",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_API_AUTH_STRING": auth_string,
        "PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS": address,
        "PREFECT_SERVER_API_HOST": "127.0.0.1",
        "PREFECT_SERVER_API_PORT": str(port),
        # The wall refuses what comes from other sites; tokens would cost a query for each write.
        "PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "false",
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{home / DATABASE}",
        "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
        "PREFECT_SERVER_MEMOIZE_BLOCK_AUTO_REGISTRATION": "false",
        "PREFECT_SERVER_REGISTER_BLOCKS_ON_START": "false",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        # Prefect copies its UI before it serves it, by default into its own installation.
        "PREFECT_SERVER_UI_STATIC_DIRECTORY": str(home / "ui"),
        "PREFECT__SERVER_FINAL": "1",
    }


def executor_environment(api_url: str, auth_string: str, prefect_home: Path) -> dict[str, str]:
    """Build every PREFECT_* variable of the executor; the rules of `server_environment` hold."""
    return {
        **_shared_environment(prefect_home),
        "NO_PROXY": "127.0.0.1,localhost",
        "OPENBLAS_NUM_THREADS": "1",
        "PREFECT_API_AUTH_STRING": auth_string,
        "PREFECT_API_REQUEST_TIMEOUT": "20",
        "PREFECT_API_URL": api_url,
        "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "false",
        "PREFECT_CLIENT_MAX_RETRIES": "3",
        "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED": "false",
        "PREFECT_LOGGING_COLORS": "false",
        "PREFECT_LOGGING_TO_API_BATCH_INTERVAL": "0.5",
        "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
        "PREFECT_TELEMETRY_ENABLE_RESOURCE_METRICS": "false",
    }


def prepare_database(path: Path) -> bool:
    """Create Prefect's database, empty and migrated, if it is absent; say whether it was made.

    Without it, or with a Prefect that the kept schema is not of, the server still starts and
    migrates by itself.
    """
    if path.exists() or schema_version() != version("prefect"):
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".new")
    os.close(handle)
    with closing(sqlite3.connect(name)) as connection:
        connection.executescript(SCHEMA.read_text(encoding="utf-8"))
    Path(name).replace(path)
    return True


def schema_version() -> str:
    """Read of which Prefect the kept schema is."""
    with SCHEMA.open(encoding="utf-8") as lines:
        found = re.fullmatch(r"-- Prefect (\S+)\n", lines.readline())
    return found[1] if found else ""


def dump_schema() -> str:
    """Let Prefect migrate a fresh database, and write it down as SQL.

    No server has ever run on it, so it has no key, no id and no name of this machine.
    """
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        environment = {**server_environment(home, 0, "nobody:nothing"), "HOME": folder}
        command = [sys.executable, "-m", "prefect", "server", "database", "upgrade", "--yes"]
        subprocess.run(command, env=environment, cwd=home, check=True, stdout=sys.stderr)  # noqa: S603
        with closing(sqlite3.connect(home / DATABASE)) as connection:
            statements = list(connection.iterdump())
    return "\n".join([f"-- Prefect {version('prefect')}", *statements, ""])


class UnguardedWritesError(RuntimeError):
    """The server would answer 503 whenever two write at once, so it does not start."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"Prefect {version('prefect')} cannot be made to let writers wait for each other: "
            f"{reason}. Install the version that pyproject.toml names."
        )


def create_app() -> Any:
    """Build Prefect's own application; uvicorn calls this in the server's process."""
    from prefect.server.api.server import create_app as create_prefect_app

    begin_immediately()
    app = create_prefect_app()
    # The check needs a loop of its own, and uvicorn's runs in this thread already.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, refuse_unguarded_writes()).result()
    # What exists by now stays: a collection that walks through it holds every request up.
    gc.freeze()
    return Wall(app)


def begin_immediately() -> None:
    """Let Prefect's transactions take SQLite's write lock when they begin.

    Prefect begins them DEFERRED, reads, then writes. SQLite refuses that upgrade at once when
    another one wrote meanwhile, so two writers make each other fail with 503. IMMEDIATE makes
    them wait in turn, as the comments of Prefect's own file recommend.
    """
    from prefect.server.database import configurations

    configuration = getattr(configurations, "AioSqliteConfiguration", None)
    begin = getattr(configuration, "begin_transaction", None)
    if configuration is None or begin is None:
        raise UnguardedWritesError("it has no AioSqliteConfiguration.begin_transaction any more")

    def begin_immediate(
        self: Any,
        session: Any,
        with_for_update: bool = True,  # noqa: ARG001, FBT001, FBT002
    ) -> Any:
        return begin(self, session, with_for_update=True)

    configuration.begin_transaction = begin_immediate


async def refuse_unguarded_writes() -> None:
    """Raise ``UnguardedWritesError`` if a transaction of Prefect's leaves the lock to others."""
    from prefect.server.database.dependencies import provide_database_interface
    from sqlalchemy import make_url, text

    database = provide_database_interface()
    path = str(make_url(database.database_config.connection_url).database)
    try:
        async with database.session_context(begin_transaction=True) as session:
            await session.execute(text("SELECT 1"))
            if _can_write(path):
                raise UnguardedWritesError("its transactions begin without the write lock")
    finally:
        await (await database.engine()).dispose()


def _can_write(path: str) -> bool:
    with closing(sqlite3.connect(path, timeout=0)) as other:
        try:
            other.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
    return True


def _shared_environment(home: Path) -> dict[str, str]:
    return {
        "DO_NOT_TRACK": "1",
        "PREFECT_HOME": str(home),
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "PREFECT_PROFILES_PATH": str(home / "profiles.toml"),
        "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
    }


if __name__ == "__main__":
    sys.stdout.write(dump_schema())
