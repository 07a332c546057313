"""The process of the web desk, as the supervisor starts it: who is let in, and what it loads."""

import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from setupdesk.doors.ui.__main__ import list_flags
from setupdesk.settings import InvalidSettingsError, build_ui_environment, load_settings
from tests.conftest import die_with_parent, find_free_port

HEAVY = ("prefect", "numba", "fastapi", "sqlalchemy", "polars")
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


@pytest.fixture(scope="module", name="port")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    home, port = tmp_path_factory.mktemp("home"), find_free_port()
    settings = load_settings({"SETUPDESK_HOME": str(home), "SETUPDESK_UI_PORT": str(port)})
    with (home / "ui.log").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "setupdesk.doors.ui"],
            env=build_ui_environment(settings) | {"HOME": str(home)},
            cwd=home,
            stdout=output,
            stderr=output,
            preexec_fn=die_with_parent,  # noqa: PLW1509 (no thread of ours holds a lock)
        )
    deadline = time.monotonic() + 60
    while ask(port, "/_stcore/health") != 200:
        assert process.poll() is None, (home / "ui.log").read_text()
        assert time.monotonic() < deadline, "the page did not come"
        time.sleep(0.1)
    yield port
    process.terminate()
    assert process.wait(10) == 0
    assert "Traceback" not in (home / "ui.log").read_text()
    assert not (home / ".streamlit").exists()


def ask(port: int, path: str, **headers: str) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def test_a_browser_of_this_machine_is_let_in_and_a_page_of_another_name_is_not(port: int) -> None:
    own = {"Host": f"localhost:{port}", "Origin": f"http://localhost:{port}"}
    led_here = {"Host": f"evil.example:{port}", "Origin": f"http://evil.example:{port}"}
    other_site = {"Host": f"localhost:{port}", "Origin": "http://evil.example"}

    answers = [
        ask(port, "/_stcore/stream", **UPGRADE, **who) for who in (own, led_here, other_site)
    ]

    assert answers == [101, 403, 403]


def test_its_page_is_there_without_a_desk(port: int) -> None:
    answers = [ask(port, "/"), ask(port, "/runs"), ask(port, "/_stcore/host-config")]

    assert answers == [200, 200, 200]


def test_the_pages_load_nothing_heavy() -> None:
    code = (
        "import sys, setupdesk.doors.ui.run, setupdesk.doors.ui.runs\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )

    assert done.stdout == "[]\n"


def test_a_desk_for_other_machines_shows_its_page_to_its_names_by_its_certificate(
    tmp_path: Path,
) -> None:
    (tmp_path / "setupdesk.toml").write_text(
        'host = "0.0.0.0"\nhosts = ["desk.example.org"]\n'
        'tls_certificate = "certificate.pem"\ntls_key = "key.pem"\n'
    )
    settings = load_settings({"SETUPDESK_HOME": str(tmp_path)})

    flags = list(list_flags(settings))

    assert "--server.address=0.0.0.0" in flags
    assert "--server.allowedHosts=desk.example.org" in flags
    assert f"--server.sslCertFile={tmp_path / 'certificate.pem'}" in flags
    assert settings.ui_address == "https://127.0.0.1:8501"


def test_what_is_set_for_other_programs_does_not_change_the_pages() -> None:
    settings = load_settings({"SETUPDESK_UI": "false"})

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STREAMLIT_CLIENT_SHOW_ERROR_DETAILS", "full")
        patch.setenv("SETUPDESK_SERVER", "https://elsewhere.example")
        environment = build_ui_environment(settings)

    assert not settings.ui
    assert not [name for name in environment if name.startswith(("STREAMLIT", "SETUPDESK_SERVER"))]


@pytest.mark.parametrize(
    ("said", "address", "is_local"),
    [
        ("", "http://127.0.0.1:8501", True),
        ('public_address = "http://localhost:9000"', "http://localhost:9000", True),
        (
            'hosts = ["a.example"]\nbehind_proxy = true\npublic_address = "https://a.example/"',
            "https://a.example",
            False,
        ),
        (
            'host = "0.0.0.0"\nhosts = ["desk.example.org"]\ntls_certificate = "a.pem"',
            "https://desk.example.org:8501",
            False,
        ),
    ],
)
def test_a_link_leads_to_where_browsers_reach_the_page(
    tmp_path: Path, said: str, address: str, *, is_local: bool
) -> None:
    (tmp_path / "setupdesk.toml").write_text(said)

    settings = load_settings({"SETUPDESK_HOME": str(tmp_path)})

    assert (settings.web_address, settings.is_web_local) == (address, is_local)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("http://desk.example.org", "the https address of the web desk"),
        ("https://desk.example.org/web", "the https address of the web desk"),
        ("https://a@desk.example.org", "the https address of the web desk"),
        ("https://other.example.org", 'hosts = ["other.example.org"]'),
    ],
)
def test_an_address_that_pages_are_not_served_at_is_refused(
    tmp_path: Path, address: str, reason: str
) -> None:
    said = {"SETUPDESK_HOME": str(tmp_path), "SETUPDESK_HOSTS": "desk.example.org"}

    with pytest.raises(InvalidSettingsError) as refused:
        load_settings({**said, "SETUPDESK_PUBLIC_ADDRESS": address})

    assert reason in str(refused.value)
