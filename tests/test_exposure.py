"""What a desk refuses to start with, and how it is reached by TLS."""

import json
import socket
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from setupdesk.adapters import clock
from setupdesk.adapters.secret_file import load_secret
from setupdesk.client import Client
from setupdesk.core.errors import DeskUnavailableError, UnsafeStartError
from setupdesk.exposure import pin, refuse_unsafe_start
from setupdesk.settings import InvalidSettingsError, Settings, load_settings

SETUPDESK = Path(sys.executable).with_name("setupdesk")


def set_up(home: Path, *lines: str) -> Settings:
    (home / "setupdesk.toml").write_text("\n".join(lines))
    return load_settings({"SETUPDESK_HOME": str(home)})


def find_faults(settings: Settings) -> tuple[str, ...]:
    with pytest.raises(UnsafeStartError) as caught:
        refuse_unsafe_start(settings)
    return caught.value.faults


def write_certificate(folder: Path) -> None:
    """Write a self-signed certificate of another name, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "desk.example.org")])
    now = clock.now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "key.pem").touch(mode=0o600)
    (folder / "key.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


TLS = ('tls_certificate = "certificate.pem"', 'tls_key = "key.pem"')


def test_a_new_desk_listens_on_loopback_and_may_start(tmp_path: Path) -> None:
    settings = set_up(tmp_path)

    refuse_unsafe_start(settings)

    assert settings.address == "http://127.0.0.1:8750"
    assert settings.listening.is_local


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "desk.example.org"])  # noqa: S104 (refused)
def test_a_desk_that_others_reach_does_not_start_without_tls_and_names(
    tmp_path: Path, host: str
) -> None:
    unreadable, nameless = find_faults(set_up(tmp_path, f'host = "{host}"'))

    assert "tls_certificate = " in unreadable
    assert "behind_proxy = true" in unreadable
    assert "hosts = [" in nameless


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_a_desk_on_loopback_needs_neither(tmp_path: Path, host: str) -> None:
    refuse_unsafe_start(set_up(tmp_path, f'host = "{host}"'))


def test_what_the_refusal_proposes_would_do(tmp_path: Path) -> None:
    write_certificate(tmp_path)
    everywhere = ('host = "0.0.0.0"', 'hosts = ["desk.example.org"]')

    refuse_unsafe_start(set_up(tmp_path, *everywhere, "behind_proxy = true"))
    refuse_unsafe_start(set_up(tmp_path, *everywhere, *TLS))

    assert load_settings({"SETUPDESK_HOME": str(tmp_path)}).address == "https://127.0.0.1:8750"


def test_a_certificate_that_is_none_is_told_before_the_start(tmp_path: Path) -> None:
    assert "go together" in find_faults(set_up(tmp_path, TLS[0]))[0]
    assert "there is no file" in find_faults(set_up(tmp_path, *TLS))[0]
    write_certificate(tmp_path)
    (tmp_path / "key.pem").chmod(0o640)
    assert "can be read by others" in find_faults(set_up(tmp_path, *TLS))[0]
    (tmp_path / "key.pem").chmod(0o600)
    (tmp_path / "certificate.pem").write_text("no certificate")
    assert "no certificate with its key" in find_faults(set_up(tmp_path, *TLS))[0]


@pytest.mark.parametrize(
    "text", ["", "sdk_secret", "the-key", f"sdk_{'x' * 42}", f"sdk_{'x' * 43}\n"]
)
def test_a_key_that_was_not_drawn_is_refused_with_its_remedy(tmp_path: Path, text: str) -> None:
    settings = set_up(tmp_path)
    settings.api_key_file.touch(mode=0o600)
    settings.api_key_file.write_text(text)

    [fault] = find_faults(settings)

    assert "delete the file" in fault
    assert text == "" or text not in fault


def test_a_secret_that_others_may_read_is_refused(tmp_path: Path) -> None:
    settings = set_up(tmp_path)
    for path, prefix in (
        (settings.api_key_file, "sdk_"),
        (settings.prefect_key_file, "setupdesk:"),
    ):
        load_secret(path, prefix)
    refuse_unsafe_start(settings)
    settings.api_key_file.chmod(0o644)
    settings.prefect_key_file.write_text("setupdesk:admin")

    readable, weak = find_faults(settings)

    assert "api.key can be read by others" in readable
    assert "prefect.key holds no secret" in weak


SIGN_IN = (
    "[oidc]",
    'metadata_url = "https://accounts.example.org/.well-known/openid-configuration"',
    'client_id = "desk"',
    'client_secret_file = "oidc.secret"',
    'redirect = "https://localhost:8501/oauth2callback"',
    "[oidc.users]",
    '"anna@example.org" = { user = "anna", role = "trader" }',
)


def test_every_mistake_in_the_settings_of_the_sign_in_is_told_before_the_start(
    tmp_path: Path,
) -> None:
    no_file = find_faults(set_up(tmp_path, *SIGN_IN))
    secret = tmp_path / "oidc.secret"
    secret.touch(mode=0o644)
    readable = find_faults(set_up(tmp_path, *SIGN_IN))
    secret.chmod(0o600)
    empty = find_faults(set_up(tmp_path, *SIGN_IN))
    secret.write_text("what the provider gave")
    refuse_unsafe_start(set_up(tmp_path, *SIGN_IN))
    several = find_faults(set_up(tmp_path, *SIGN_IN[:2], *SIGN_IN[3:4]))

    assert [len(found) for found in (no_file, readable, empty, several)] == [1, 1, 1, 3]
    assert "there is no file" in no_file[0]
    assert "chmod 600" in readable[0]
    assert "is empty" in empty[0]
    assert "client_id" in several[0]


def test_where_users_sign_in_the_page_acts_for_nobody_else_even_with_mistakes(
    tmp_path: Path,
) -> None:
    assert not set_up(tmp_path).ui_asks_for_key
    assert set_up(tmp_path, *SIGN_IN).ui_asks_for_key
    assert set_up(tmp_path, "[oidc]").ui_asks_for_key


@pytest.mark.parametrize(
    "line",
    ['host = "a b"', 'hosts = ["http://desk"]', 'hosts = ["*"]', 'behind_proxy = "anybody"'],
)
def test_a_setting_that_cannot_be_meant_is_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(InvalidSettingsError):
        set_up(tmp_path, line)


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    set_up(tmp_path, 'host = "10.0.0.1"', 'hosts = ["a.example"]')
    given = {"SETUPDESK_HOST": "::1", "SETUPDESK_HOSTS": "b.example, C.example"}

    listening = load_settings({"SETUPDESK_HOME": str(tmp_path)} | given).listening

    assert (listening.host, listening.hosts) == ("::1", ("b.example", "c.example"))


@pytest.mark.parametrize("words", [("up",), ("up", "--detach")])
def test_the_command_line_says_every_reason_at_once(tmp_path: Path, words: tuple[str, ...]) -> None:
    set_up(tmp_path, 'host = "0.0.0.0"')
    (tmp_path / "api.key").write_text("admin")

    done = subprocess.run(
        [SETUPDESK, *words],
        env={"SETUPDESK_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 2
    for reason in ("tls_certificate = ", "hosts = [", "api.key can be read by others"):
        assert reason in done.stderr
    assert not (tmp_path / "ledger.db").exists()


def test_a_desk_that_speaks_tls_is_reached_by_its_own_certificate_only(tmp_path: Path) -> None:
    write_certificate(tmp_path)
    settings = set_up(tmp_path, *TLS)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    key = load_secret(settings.api_key_file, "sdk_")
    environment = {
        "SETUPDESK_HOME": str(tmp_path),
        "SETUPDESK_PORT": str(port),
        "SETUPDESK_PREFECT_PORT": "1",
        "PATH": "/usr/bin:/bin",
    }
    service = subprocess.Popen([sys.executable, "-m", "setupdesk.service"], env=environment)
    address = f"https://127.0.0.1:{port}"
    try:
        with Client(address, key, certificate=tmp_path / "certificate.pem") as client:
            assert await_setups(client)
        with Client(address, key) as client, pytest.raises(DeskUnavailableError, match="certif"):
            client.setups()
        with pytest.raises(httpx.TransportError):
            httpx.get(f"http://127.0.0.1:{port}/api/v1/ping", trust_env=False)
        forwarded = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "http"}
        seen = httpx.get(
            f"{address}/api/v1/ping",
            headers=forwarded,
            verify=pin(tmp_path / "certificate.pem"),
            trust_env=False,
        )
        assert "server" not in seen.headers
        assert json.loads(seen.text) == {"status": "pong"}
    finally:
        service.terminate()
        service.wait(20)


def await_setups(client: Client) -> list[object]:
    deadline = time.monotonic() + 60
    while True:
        try:
            return list(client.setups())
        except DeskUnavailableError:
            assert time.monotonic() < deadline
            time.sleep(0.2)
