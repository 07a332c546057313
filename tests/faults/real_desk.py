"""A desk of real processes in a home of its own, to be killed piece by piece."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from setupdesk.adapters.prefect_api import PrefectApi

MARKET = {"symbol": "GER40", "start": "2025-01-06", "end": "2025-05-30", "seed": 1}


@dataclass(frozen=True)
class RealDesk:
    """What ``setupdesk up`` runs, seen from outside."""

    home: Path
    supervisor: subprocess.Popen[bytes]

    def processes(self) -> dict[str, dict[str, Any]]:
        """Read what the desk says of its processes; nothing where it has not said it yet."""
        try:
            found: dict[str, dict[str, Any]] = json.loads((self.home / "desk.json").read_text())[
                "processes"
            ]
        except FileNotFoundError:
            return {}
        return found

    def are_ready(self) -> bool:
        found = self.processes()
        return len(found) == 3 and {one["state"] for one in found.values()} == {"ready"}

    def open_client(self) -> httpx.Client:
        """Open a connection that shows the owner's key; it outlives restarts of the service."""
        key = (self.home / "api.key").read_text()
        return httpx.Client(
            base_url=f"{self.processes()['service']['address']}/api/v1",
            headers={"Authorization": f"Bearer {key}"},
            timeout=httpx.Timeout(20, connect=2),
            trust_env=False,
        )

    def open_prefect(self) -> PrefectApi:
        key = (self.home / "prefect.key").read_text()
        return PrefectApi(f"{self.processes()['prefect']['address']}/api", key)

    def find_processes(self) -> list[int]:
        """Find every process that was started in this home, whoever its parent is."""
        mark = f"SETUPDESK_HOME={self.home}\0".encode()
        return [int(folder.name) for folder in Path("/proc").glob("[0-9]*") if has(folder, mark)]


def has(process: Path, mark: bytes) -> bool:
    try:
        return mark in (process / "environ").read_bytes() + b"\0"
    except OSError:
        return False


@contextmanager
def running_desk(home: Path, **settings: int | str) -> Iterator[RealDesk]:
    """Run a desk with a small simulated market until the block ends."""
    home.mkdir(parents=True, exist_ok=True)
    stored = {"port": 0, "prefect_port": 0} | settings
    (home / "setupdesk.toml").write_text(
        "".join(f"{name} = {value}\n" for name, value in stored.items())
    )
    environment = {key: text for key, text in os.environ.items() if not key.startswith("PREFECT")}  # noqa: TID251
    with (home / "supervisor.log").open("wb") as output:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "setupdesk.supervisor"],
            env=environment
            | {"SETUPDESK_HOME": str(home), "SETUPDESK_DIES_WITH": str(os.getpid())},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    desk = RealDesk(home, supervisor)
    try:
        wait_until(desk.are_ready, 120)
        with desk.open_client() as client:
            client.post("/data/simulated", json=MARKET, timeout=60).raise_for_status()
        yield desk
    finally:
        supervisor.terminate()
        supervisor.wait(60)


def wait_until(is_true: Callable[[], bool], seconds: float) -> float:
    began = time.monotonic()
    while not is_true():
        assert time.monotonic() - began < seconds, f"it did not come true within {seconds} s"
        time.sleep(0.05)
    return time.monotonic() - began
