"""A disk that does not confirm a write: a refusal, never a false receipt, and the service ends."""

import os
import random
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from tests.faults.checks import find_outcomes
from tests.faults.children import accept, make_home, need_strace, trace
from tests.faults.deliveries import Job, draw_deliveries
from tests.faults.drills import CALLS, fail_sync
from tests.service.processes import serving

SEED = 20251031
PAYLOAD = {"setup_id": "no_such_setup"}


def count_syncs(job: Job, folder: Path) -> int:
    home, log = make_home(folder / "whole"), folder / "calls"
    accept(replace(job, home=str(home)), prefix=trace(home, log, CALLS))
    return len(re.findall(r"fdatasync\(", log.read_text()))


def fail_everywhere(folder: Path, seed: int, count: int, every: int) -> int:
    """Let each *every*-th sync fail; give how many that were."""
    need_strace()
    job = Job("", draw_deliveries(seed, count), checkpoint=8)
    syncs = count_syncs(job, folder)
    chosen = range(1 + random.Random(seed).randrange(every), syncs + 1, every)

    faults = [
        f"seed {seed}, sync {number}: {fault}"
        for number in chosen
        for fault in fail_sync(replace(job, home=str(folder / str(number))), number)
    ]
    assert not faults, "\n".join(faults)
    return len(chosen)


def test_a_sync_that_fails_is_a_refusal_and_the_last_word(tmp_path: Path) -> None:
    seed = random.randrange(10**6)

    assert fail_everywhere(tmp_path, seed, count=8, every=6) > 2, f"seed {seed}"


@pytest.mark.faults
def test_every_sync_that_fails_is_a_refusal_and_the_last_word(tmp_path: Path) -> None:
    failed = fail_everywhere(tmp_path, SEED, count=60, every=1)

    print(f"{failed} syncs failed, 0 bad")
    assert failed > 60


def test_the_service_ends_after_a_failed_sync_and_knows_all_that_it_answered(
    tmp_path: Path,
) -> None:
    need_strace()
    home = tmp_path / "home"
    home.mkdir()

    def ask(api: httpx.Client, key: int) -> httpx.Response:
        return api.post("/runs", json=PAYLOAD, headers={"Idempotency-Key": str(key)})

    with serving(home) as (service, api):
        answered = [ask(api, key) for key in range(3)]
        inject = ("-e", "inject=fdatasync:error=EIO:when=1", "-p", str(service.pid))
        command = trace(home, tmp_path / "calls", CALLS, *inject)
        with subprocess.Popen(command, stderr=subprocess.PIPE) as strace:
            assert strace.stderr
            assert b"attached" in strace.stderr.readline()
            refused = ask(api, 3)
            ended_with = service.wait(10)
    said = "".join(log.read_text() for log in tmp_path.rglob("service*") if log.is_file())
    with serving(home) as (_, api):
        again = [ask(api, key) for key in range(4)]

    assert [one.status_code for one in answered] == [422, 422, 422]
    assert (refused.status_code, refused.json()["title"]) == (503, "ledger_unavailable")
    assert ended_with == os.EX_IOERR
    assert said.count("the disk did not confirm a write: the service ends") == 1
    assert [one.content for one in again[:3]] == [one.content for one in answered]
    assert again[3].status_code == 422
    assert find_outcomes(home) == [*["refused"] * 3, *["replayed"] * 3, "refused"]
