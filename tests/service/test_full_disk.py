"""A real service on a real file system that fills up."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from setupdesk.adapters.ledger.database import open_database
from setupdesk.adapters.ledger.reads import Reads
from setupdesk.adapters.secret_file import load_secret
from setupdesk.settings import load_settings
from tests.conftest import find_free_port

PAYLOAD = {"setup_id": "no_such_setup", "note": "x" * 20_000}


@pytest.fixture
def small_home(tmp_path: Path) -> Iterator[Path]:
    home = tmp_path / "home"
    home.mkdir()
    if os.geteuid() != 0 or not mount_small(home, "size=4m"):
        pytest.skip("only root can mount a small file system")
    yield home
    subprocess.run(["/bin/umount", str(home)], check=True)


def mount_small(home: Path, options: str) -> bool:
    command = ["/bin/mount", "-t", "tmpfs", "-o", options, "setupdesk", str(home)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


@contextmanager
def serving(home: Path) -> Iterator[tuple[subprocess.Popen[bytes], httpx.Client]]:
    port = find_free_port()
    settings = load_settings({"SETUPDESK_HOME": str(home)})
    headers = {"Authorization": f"Bearer {load_secret(settings.api_key_file, 'sdk_')}"}
    environment = {**os.environ, "SETUPDESK_HOME": str(home), "SETUPDESK_PORT": str(port)}  # noqa: TID251
    environment["SETUPDESK_PREFECT_PORT"] = "1"
    with (home.parent / "service.log").open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "setupdesk.service"],
            env=environment,
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


def test_a_full_disk_is_an_honest_refusal_and_the_same_key_works_afterwards(
    small_home: Path,
) -> None:
    with serving(small_home) as (process, api):

        def ask(key: int) -> httpx.Response:
            return api.post("/runs", json=PAYLOAD, headers={"Idempotency-Key": str(key)})

        answers = [ask(0)]
        while answers[-1].status_code != 503 and len(answers) < 400:
            answers.append(ask(len(answers)))
        full = api.get("/audit/check").json()
        mount_small(small_home, "remount,size=16m")
        again, repeated = ask(len(answers) - 1), ask(0)
        process.send_signal(signal.SIGTERM)
        process.wait(10)

    refused = answers.pop()
    assert len(answers) > 5
    assert {answer.status_code for answer in answers} == {422}
    assert refused.json()["title"] == "ledger_unavailable"
    assert "database or disk is full" in refused.json()["detail"]
    assert (full["whole"], full["rows"]) == (True, len(answers))
    assert (again.status_code, repeated.content) == (422, answers[0].content)
    assert find_outcomes(small_home) == [*["refused"] * (len(answers) + 1), "replayed"]


def find_outcomes(home: Path) -> list[str]:
    rows = Reads(open_database(home / "ledger.db")).load_audit_log(1000)
    return [row["outcome"] for row in reversed(rows)]
