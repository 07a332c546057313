"""A desk whose users sign in by a provider: its service and its page as processes of their own."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from setupdesk.settings import Settings, build_environment, build_ui_environment, load_settings
from setupdesk.supervisor import _locked
from tests.conftest import die_with_parent, find_free_port
from tests.doors.ui.provider import CLIENT, DESCRIPTION, SECRET, Provider, providing


@dataclass(frozen=True)
class Place:
    """A desk with its page, and the provider by which its users sign in."""

    settings: Settings
    page: str
    provider: Provider

    @property
    def api(self) -> str:
        return self.settings.address

    @property
    def log(self) -> str:
        return (self.settings.home / "ui.log").read_text()


@contextmanager
def serving_with_provider(home: Path) -> Iterator[Place]:
    """Serve a desk into which Anna and Boris may come, a viewer and a trader."""
    ports = [find_free_port() for _ in range(3)]
    (home / "oidc.secret").touch(mode=0o600)
    (home / "oidc.secret").write_text(f"{SECRET}\n")
    (home / "setupdesk.toml").write_text(
        f"port = {ports[0]}\nui_port = {ports[1]}\nprefect_port = 1\n"
        f'[oidc]\nmetadata_url = "http://127.0.0.1:{ports[2]}{DESCRIPTION}"\n'
        f'client_id = "{CLIENT}"\nclient_secret_file = "oidc.secret"\n'
        f'redirect = "http://127.0.0.1:{ports[1]}/oauth2callback"\n'
        '[oidc.users]\n"anna@example.org" = { user = "anna", role = "viewer" }\n'
        '"77001" = { user = "boris", role = "trader" }\n'
    )
    settings = load_settings({"SETUPDESK_HOME": str(home)})
    with ExitStack() as stack:
        provider = stack.enter_context(providing(ports[2]))
        page = run("doors.ui", build_ui_environment(settings), home)
        stack.enter_context(ending(page))
        service = build_environment(settings) | {"SETUPDESK_UI": "true"}
        desk = run("service", service, home)
        stack.enter_context(ending(desk))
        await_answer(desk, f"{settings.address}/api/v1/ping")
        await_answer(page, f"{settings.ui_address}/_stcore/health")
        ready = {"state": "ready", "pid": 1, "address": settings.address}
        settings.desk_file.write_text(json.dumps({"pid": 1, "processes": {"service": ready}}))
        stack.enter_context(_locked(settings))
        yield Place(settings, settings.ui_address, provider)


def run(name: str, environment: dict[str, str], home: Path) -> "subprocess.Popen[bytes]":
    """Run a process of the desk, with its output in the home."""
    with (home / f"{name.rpartition('.')[2]}.log").open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", f"setupdesk.{name}"],
            env=environment | {"HOME": str(home)},
            cwd=home,
            stdout=output,
            stderr=output,
            preexec_fn=die_with_parent,  # noqa: PLW1509 (no thread of ours holds a lock)
        )


@contextmanager
def ending(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    """End a process with the block."""
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


def await_answer(process: "subprocess.Popen[bytes]", address: str) -> None:
    """Wait until a process answers."""
    deadline = time.monotonic() + 60
    while not answers(address):
        assert process.poll() is None, address
        assert time.monotonic() < deadline, address
        time.sleep(0.1)


def answers(address: str) -> bool:
    try:
        return httpx.get(address, trust_env=False, timeout=2).is_success
    except httpx.TransportError:
        return False
