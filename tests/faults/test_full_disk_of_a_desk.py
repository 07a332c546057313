"""The disk of a whole desk fills up, and is emptied again: nobody dies, nobody hangs."""

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faults.real_desk import running_desk, wait_until
from tests.service.test_full_disk import mount_small

REQUEST: dict[str, Any] = {
    "setup_id": "IB_raid_v1",
    "symbol": "GER40",
    "timeframe": "M15",
    "mode": "backtest",
    "start": "2025-03-03",
    "end": "2025-03-31",
    "options": {"dry_run": True},
}


def test_a_desk_on_a_full_disk_lives_refuses_at_once_and_works_again(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    if os.geteuid() != 0 or not mount_small(home, "size=160m"):
        pytest.skip("only root can mount a small file system")
    try:
        with running_desk(home) as desk, desk.open_client() as http:
            before = {one["pid"] for one in desk.processes().values()}
            fill(home / "filler")
            refused, slowest = ask_for_a_while(http, 8)
            assert desk.supervisor.poll() is None
            (home / "filler").unlink()
            wait_until(desk.are_ready, 60)
            run_id = ask_until_accepted(http)
            wait_until(lambda: state_of(http, run_id) == "planned", 60)
            after = {one["pid"] for one in desk.processes().values()}
    finally:
        unmount(home)

    assert refused > 3
    assert slowest < 5
    assert after == before


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))


def ask_for_a_while(http: httpx.Client, seconds: float) -> tuple[int, float]:
    refused, slowest, began = 0, 0.0, time.monotonic()
    while time.monotonic() - began < seconds:
        asked = time.monotonic()
        answer = http.post("/runs", json=REQUEST)
        slowest = max(slowest, time.monotonic() - asked)
        assert answer.status_code in (202, 503), answer.text
        refused += answer.status_code == 503
        time.sleep(0.2)
    return refused, slowest


def ask_until_accepted(http: httpx.Client) -> str:
    wait_until(lambda: http.post("/runs", json=REQUEST).status_code == 202, 30)
    return str(http.post("/runs", json=REQUEST).json()["run_id"])


def state_of(http: httpx.Client, run_id: str) -> str:
    return str(http.get(f"/runs/{run_id}").json()["state"])


def unmount(home: Path) -> None:
    # What has just ended may still have a file open for a moment.
    wait_until(lambda: os.system(f"/bin/umount {home}") == 0, 10)  # noqa: S605 (a path of ours)
