"""Who is answered: by the host that was asked for, and by the page that asks."""

import socket
from collections.abc import Iterator

import httpx
import pytest

from setupdesk.service.hosts import SECURITY_HEADERS
from tests.service.serving import serving


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    home = tmp_path_factory.mktemp("desk")
    (home / "setupdesk.toml").write_text('hosts = ["Desk.Example.org", "10.0.0.7"]\n')
    with serving(home) as client:
        yield client


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:9",
        "127.0.0.1:8750",
        "[::1]:8750",
        "desk.example.org",
        "desk.example.org.:443",
        "10.0.0.7:1",
    ],
)
def test_the_names_of_the_desk_are_answered(api: httpx.Client, host: str) -> None:
    assert api.get("/ping", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "desk.example.org.evil.example",
        "evil.example:8750",
        "127.0.0.1.evil.example",
        "10.0.0.8",
        "0.0.0.0:8750",
        "[::2]",
        "localhost@evil.example",
    ],
)
def test_another_host_is_told_nothing_even_with_the_key(api: httpx.Client, host: str) -> None:
    for path in ("/ping", "/runs", "/nothing"):
        answer = api.get(path, headers={"Host": host})

        assert answer.status_code == 421
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["problems"][0]["code"] == "wrong_host"
        assert "desk.example.org" not in answer.json()["detail"]


def test_a_request_without_a_host_or_with_two_is_refused(api: httpx.Client) -> None:
    for head in ("GET /api/v1/ping HTTP/1.0\r\n", TWO_HOSTS):
        with socket.create_connection(("127.0.0.1", api.base_url.port or 0)) as connection:
            connection.sendall(f"{head}Connection: close\r\n\r\n".encode())
            status = connection.makefile("rb").readline().split()[1]

        assert status in (b"400", b"421")


TWO_HOSTS = "GET /api/v1/ping HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n"


@pytest.mark.parametrize(
    ("origin", "host", "status"),
    [
        ("http://localhost:8750", "localhost:8750", 200),
        ("https://desk.example.org", "127.0.0.1:8750", 200),
        ("http://localhost:3000", "localhost:8750", 403),
        ("http://evil.example", "localhost:8750", 403),
        ("null", "localhost:8750", 403),
        ("file://", "localhost:8750", 403),
        ("", "localhost:8750", 403),
        ("http://desk.example.org.evil.example", "desk.example.org", 403),
    ],
)
def test_only_a_page_of_the_desk_itself_may_ask(
    api: httpx.Client, origin: str, host: str, status: int
) -> None:
    answer = api.get("/ping", headers={"Host": host, "Origin": origin})

    assert answer.status_code == status
    assert status == 200 or answer.json()["problems"][0]["code"] == "wrong_origin"


def test_no_browser_is_ever_told_to_share_an_answer(api: httpx.Client) -> None:
    asked = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}

    for answer in (api.options("/runs", headers=asked), api.get("/ping"), api.get("/runs")):
        assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("path", ["/ping", "/runs", "/nothing", "/health", "/openapi.json"])
def test_every_answer_has_the_headers_of_security(api: httpx.Client, path: str) -> None:
    answer = api.get(path)

    assert {name: answer.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
def test_no_page_that_loads_from_other_hosts_is_served(api: httpx.Client, path: str) -> None:
    origin = str(api.base_url).removesuffix("/api/v1/")

    assert api.get(f"{origin}{path}").status_code == 404
