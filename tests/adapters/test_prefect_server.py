import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from websockets import ConnectionClosed, InvalidStatus, Origin, Subprotocol
from websockets.sync.client import connect

from setupdesk.adapters import prefect_server as desk_server
from setupdesk.adapters.machine import find_listeners
from setupdesk.adapters.prefect_server import DATABASE, SCHEMA, prepare_database, schema_version
from setupdesk.adapters.prefect_wall import find_gaps

if TYPE_CHECKING:
    from tests.conftest import PrefectServer


def test_the_kept_schema_is_of_the_prefect_that_is_installed() -> None:
    assert schema_version() == version("prefect")


def test_the_kept_schema_holds_no_row_but_the_name_of_its_revision() -> None:
    inserts = [line for line in SCHEMA.read_text().splitlines() if line.startswith("INSERT")]

    assert len(inserts) == 1
    assert inserts[0].startswith('INSERT INTO "alembic_version"')


def test_a_database_that_exists_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / DATABASE

    assert prepare_database(path)
    assert not prepare_database(path)
    assert [each.name for each in path.parent.iterdir()] == [DATABASE]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_schema_of_another_prefect_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.sql"
    other.write_text("-- Prefect 2.0.0\nCREATE TABLE nothing (id);\n")
    monkeypatch.setattr(desk_server, "SCHEMA", other)

    assert not prepare_database(tmp_path / DATABASE)
    assert not (tmp_path / DATABASE).exists()


@pytest.mark.prefect
def test_the_server_finds_nothing_to_migrate_in_a_prepared_database(
    prefect_server: "PrefectServer", tmp_path: Path
) -> None:
    prepare_database(tmp_path / DATABASE)

    assert prefect_server.prepared
    assert find_revision(prefect_server.home / DATABASE) == find_revision(tmp_path / DATABASE)


@pytest.mark.prefect
def test_the_server_answers_nobody_without_the_password(prefect_server: "PrefectServer") -> None:
    with httpx.Client(base_url=prefect_server.url, trust_env=False) as stranger:
        assert stranger.get("/health").status_code == httpx.codes.OK
        assert stranger.get("/admin/version").status_code == httpx.codes.UNAUTHORIZED
        assert stranger.post("/flows/", json={"name": "x"}).status_code == httpx.codes.UNAUTHORIZED


@pytest.mark.prefect
def test_the_server_lets_no_other_site_call_it(prefect_server: "PrefectServer") -> None:
    asked = {"Origin": "http://elsewhere.test", "Access-Control-Request-Method": "POST"}
    with httpx.Client(base_url=prefect_server.url, trust_env=False) as page:
        answer = page.options("/flows/", headers=asked)

    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.prefect
@pytest.mark.parametrize(
    "path",
    [
        "/variables/name/x-health",
        "/variables/name/system-ready",
        "/flows/health",
        "/admin/version?x=/health",
        "/healthz",
        "//health",
        "/health/",
        "/health/../admin/version",
        "/ready/..%2fadmin/version",
        "/admin/version;/health",
    ],
)
def test_no_path_that_looks_like_that_of_its_health_is_open(
    prefect_server: "PrefectServer", path: str
) -> None:
    for method in ("GET", "POST", "HEAD"):
        answer = ask_raw(prefect_server, f"{method} /api{path} HTTP/1.1\r\nHost: localhost\r\n")

        assert answer in (401, 404)


@pytest.mark.prefect
@pytest.mark.parametrize(
    "path", ["/events/in", "/events/out", "/logs/out", "/task_runs/subscriptions/scheduled"]
)
def test_no_websocket_is_open_without_the_password(
    prefect_server: "PrefectServer", path: str
) -> None:
    address = prefect_server.url.replace("http:", "ws:") + path
    with pytest.raises(InvalidStatus):
        connect(address, proxy=None)
    with connect(address, subprotocols=[Subprotocol("prefect")], proxy=None) as stream:
        stream.send('{"type": "auth", "token": "desk:wrong"}')
        with pytest.raises(ConnectionClosed) as closed:
            stream.recv(10)
    with pytest.raises(InvalidStatus) as refused:
        connect(
            address,
            subprotocols=[Subprotocol("prefect")],
            origin=Origin("http://elsewhere.test"),
            proxy=None,
        )

    assert closed.value.rcvd
    assert closed.value.rcvd.code == 1008
    assert refused.value.response.status_code == 403


@pytest.mark.prefect
@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("Host: elsewhere.test", 421),
        ("Host: localhost\r\nHost: elsewhere.test", 400),
        ("Host: localhost\r\nOrigin: http://elsewhere.test", 403),
        ("Host: localhost:1\r\nOrigin: http://localhost:2", 403),
        ("Host: localhost\r\nOrigin: null", 403),
        ("Host: localhost:1\r\nOrigin: http://localhost:1", 200),
    ],
)
def test_the_wall_lets_in_what_is_for_this_machine_and_from_it(
    prefect_server: "PrefectServer", header: str, status: int
) -> None:
    assert ask_raw(prefect_server, f"GET /api/health HTTP/1.1\r\n{header}\r\n") == status


@pytest.mark.prefect
def test_the_doctor_finds_no_gap_in_the_wall(prefect_server: "PrefectServer") -> None:
    address = prefect_server.url.removesuffix("/api")

    assert list(find_gaps(address, prefect_server.auth_string)) == []
    assert find_listeners(int(address.rpartition(":")[2])) == ["127.0.0.1"]


def ask_raw(server: "PrefectServer", head: str) -> int:
    """Send a head as it is written, which no client would; give the status of the answer."""
    url = httpx.URL(server.url)
    with socket.create_connection((url.host, url.port or 0)) as connection:
        connection.sendall(f"{head}Content-Length: 0\r\nConnection: close\r\n\r\n".encode())
        return int(connection.makefile("rb").readline().split()[1])


UNGUARDED = """
import asyncio
from prefect.server.database.configurations import AioSqliteConfiguration
from setupdesk.adapters.prefect_server import UnguardedWritesError, begin_immediately, create_app
from setupdesk.adapters.prefect_server import refuse_unguarded_writes

begin = AioSqliteConfiguration.begin_transaction
try:
    asyncio.run(refuse_unguarded_writes())
except UnguardedWritesError as error:
    print(error)
begin_immediately()
asyncio.run(refuse_unguarded_writes())
print("guarded")
del AioSqliteConfiguration.begin_transaction
AioSqliteConfiguration.__bases__[0].begin_transaction = None
try:
    create_app()
except UnguardedWritesError as error:
    print(error)
"""


def test_a_prefect_whose_writers_would_not_wait_is_not_started(tmp_path: Path) -> None:
    prepare_database(tmp_path / DATABASE)
    environment = {**desk_server.server_environment(tmp_path, 0, "a:b"), "HOME": str(tmp_path)}

    done = subprocess.run(
        [sys.executable, "-c", UNGUARDED],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    unguarded, guarded, gone = done.stdout.splitlines() or [done.stderr, "", ""]
    assert "its transactions begin without the write lock" in unguarded
    assert guarded == "guarded"
    assert "has no AioSqliteConfiguration.begin_transaction any more" in gone


def find_revision(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        revision: str = connection.execute("SELECT version_num FROM alembic_version").fetchone()[0]
    return revision
