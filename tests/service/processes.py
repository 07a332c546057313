"""A service in a process of its own, which tests may stop or harm."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from setupdesk.adapters.secret_file import load_secret
from setupdesk.settings import load_settings
from tests.conftest import find_free_port

NOTHING_MORE: Mapping[str, str] = {}


@contextmanager
def serving(
    home: Path, prefect_port: int = 1, environment: Mapping[str, str] = NOTHING_MORE
) -> Iterator[tuple[subprocess.Popen[bytes], httpx.Client]]:
    port = find_free_port()
    settings = load_settings({"SETUPDESK_HOME": str(home)})
    headers = {"Authorization": f"Bearer {load_secret(settings.api_key_file, 'sdk_')}"}
    here = {"SETUPDESK_HOME": str(home), "SETUPDESK_PORT": str(port)}
    here["SETUPDESK_PREFECT_PORT"] = str(prefect_port)
    with (home.parent / "service.log").open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "setupdesk.service"],
            env={**os.environ, **here, **environment},  # noqa: TID251
            stdout=output,
            stderr=output,
        )
    try:
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}/api/v1", headers=headers, timeout=30
        ) as api:
            await_ping(api, process)
            yield process, api
    finally:
        process.kill()
        process.wait()


def await_ping(api: httpx.Client, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            api.get("/ping")
        except httpx.TransportError:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return
