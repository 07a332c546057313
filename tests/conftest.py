import ctypes
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from setupdesk.adapters.kernel_cache import keep_kernels_in

if TYPE_CHECKING:
    from setupdesk.adapters.prefect_api import PrefectApi

AUTH_STRING = "desk:only-for-this-test"

# How long an example takes says how busy the machine is, and nothing of the product.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

# A desk that a test started ends with this process, even if that is killed.
os.environ["SETUPDESK_DIES_WITH"] = str(os.getpid())  # noqa: TID251 (passed on to desks)

# Only the tests of the web desk start one: it takes a second of processor time.
os.environ["SETUPDESK_UI"] = "0"  # noqa: TID251 (passed on to desks)

# Every desk of a test would compile the same for ten seconds, and these processes once more.
KERNELS = str(Path(__file__).parents[1] / ".pytest_cache/kernels")
os.environ["SETUPDESK_KERNELS"] = KERNELS  # noqa: TID251 (passed on to desks)
keep_kernels_in(Path(KERNELS))

# Whatever the machine speaks, the tests read English.
os.environ["SETUPDESK_LANG"] = "en"  # noqa: TID251 (passed on to commands)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    from tests.order import sort_longest_first

    sort_longest_first(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    from tests.order import SharingOut

    return SharingOut(config, log) if config.getoption("dist") == "loadfile" else None


@dataclass(frozen=True, slots=True)
class PrefectServer:
    url: str
    auth_string: str
    home: Path
    prepared: bool


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    from setupdesk.adapters.prefect_server import DATABASE, prepare_database

    home = tmp_path_factory.mktemp("prefect")
    prepared = prepare_database(home / DATABASE)
    port = find_free_port()
    with serving_prefect(home, port):
        yield PrefectServer(f"http://127.0.0.1:{port}/api", AUTH_STRING, home, prepared)


@contextmanager
def serving_prefect(home: Path, port: int, factory: str = "") -> Iterator[subprocess.Popen[bytes]]:
    """Serve Prefect as a desk does it, or by another *factory* of its application."""
    process = start_prefect(home, port, factory)
    try:
        await_server(f"http://127.0.0.1:{port}/api", process)
        yield process
    finally:
        process.terminate()
        process.wait(20)


def start_prefect(home: Path, port: int, factory: str = "") -> subprocess.Popen[bytes]:
    from setupdesk.adapters.prefect_server import server_command, server_environment

    environment = {
        **server_environment(home, port, AUTH_STRING),
        "HOME": str(home),
        "PATH": os.defpath,
        # Nobody looks at it here, and copying it takes two seconds.
        "PREFECT_SERVER_UI_ENABLED": "false",
    }
    command = [
        factory or word if word.endswith(":create_app") else word for word in server_command(port)
    ]
    with (home / "server.log").open("ab") as output:
        return subprocess.Popen(
            command,
            env=environment,
            cwd=home,
            stdout=output,
            stderr=output,
            preexec_fn=die_with_parent,  # noqa: PLW1509 (no thread of ours holds a lock)
        )


@pytest.fixture
def prefect_api(prefect_server: PrefectServer) -> "Iterator[PrefectApi]":
    from setupdesk.adapters.prefect_api import PrefectApi

    api = PrefectApi(prefect_server.url, prefect_server.auth_string)
    yield api
    api.close()


def die_with_parent() -> None:
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def await_server(url: str, process: subprocess.Popen[bytes]) -> None:
    from setupdesk.adapters.prefect_api import PrefectApi

    api = PrefectApi(url, AUTH_STRING)
    deadline = time.monotonic() + 120
    while not api.is_ready():
        assert process.poll() is None, "the Prefect server ended at once"
        assert time.monotonic() < deadline, "the Prefect server did not start"
        time.sleep(0.1)
    api.close()


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
