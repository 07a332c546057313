"""A real service on a real file system that fills up."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from setupdesk.adapters.ledger.database import open_database
from setupdesk.adapters.ledger.reads import Reads
from tests.service.processes import serving

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
