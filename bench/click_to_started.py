"""Click to started: from the request to the entered flow body, beside Prefect's `flow.serve()`.

Both run in one go, on one machine, against the same Prefect server with the same database.
Run it with `make bench`; it takes about two minutes, most of them spent waiting for `serve`.
"""

import os
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

from setupdesk.adapters.prefect_api import PrefectApi
from setupdesk.adapters.prefect_server import executor_environment
from setupdesk.client import Client, connect
from setupdesk.settings import load_settings
from setupdesk.supervisor import find_desk, start_detached, stop

RUNS, SERVED = 20, 6
MARKET = {"symbol": "GER40", "start": "2024-10-01", "end": "2025-10-31", "seed": 1}
PAYLOAD = {
    "setup_id": "IB_raid_v1",
    "symbol": "GER40",
    "timeframe": "M15",
    "start": "2025-05-01",
    "end": "2025-10-31",
}
SERVE = """
import sys
from prefect import flow

@flow
def served(sent_at: float) -> None:
    import time
    with open(sys.argv[1], "a") as file:
        file.write(f"{time.time() - sent_at}\\n")

if __name__ == "__main__":
    served.serve("bench")
"""


def main() -> None:
    """Measure both and print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(
            {
                "SETUPDESK_HOME": f"{folder}/desk",
                "SETUPDESK_PORT": "0",
                "SETUPDESK_PREFECT_PORT": "0",
            }
        )
        start_detached(settings)
        try:
            with connect(settings) as desk:
                desk.simulate_bars(MARKET)
                ours, results = measure_desk(desk)
            address = (find_desk(settings) or {})["processes"]["prefect"]["address"]
            key = settings.prefect_key_file.read_text()
            served = measure_serve(f"{address}/api", key, Path(folder))
        finally:
            stop(settings)
    show("request accepted -> flow body entered", ours)
    show("request sent -> result read", results)
    show("flow.serve(), polling every second", served)
    print(f"ratio of the medians: {median(served) / median(ours):.1f} x")


def measure_desk(desk: Client) -> tuple[list[float], list[float]]:
    """Ask for runs one after the other; the first one warms the desk and does not count."""
    started, finished = [], []
    for count in range(RUNS + 1):
        sent = time.perf_counter()
        run = wait_for_end(desk, desk.ask(PAYLOAD)["run_id"])
        desk.result(run["run_id"])
        if count:
            finished.append(time.perf_counter() - sent)
            started.append(seconds_of(run["started_at"]) - seconds_of(run["accepted_at"]))
    return started, finished


def wait_for_end(desk: Client, run_id: str) -> dict[str, Any]:
    """Wait until the run is completed."""
    while (run := desk.run(run_id))["state"] != "completed":
        assert run["state"] in ("queued", "running"), run  # noqa: S101
        time.sleep(0.01)
    return run


def seconds_of(moment: str) -> float:
    """Give an instant as seconds."""
    return datetime.fromisoformat(moment).timestamp()


def measure_serve(api: str, key: str, folder: Path) -> list[float]:
    """Create flow runs of a served flow over REST; it writes down when its body was entered."""
    script, times = folder / "serve.py", folder / "times"
    script.write_text(SERVE)
    times.touch()
    environment = os.environ | executor_environment(api, key, folder / "serve")  # noqa: TID251
    environment["PREFECT_RUNNER_POLL_FREQUENCY"] = "1"
    command = [sys.executable, str(script), str(times)]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            prefect = PrefectApi(api, key)
            deployment = wait_for_deployment(prefect)
            for count in range(SERVED + 1):
                body = {"parameters": {"sent_at": time.time()}}  # noqa: TID251
                prefect.call("POST", f"/deployments/{deployment}/create_flow_run", body)
                while len(times.read_text().splitlines()) <= count:
                    time.sleep(0.02)
        finally:
            process.terminate()
    return [float(line) for line in times.read_text().splitlines()][1:]


def wait_for_deployment(prefect: PrefectApi) -> str:
    """Wait until `serve` has registered itself, and give its id."""
    while True:
        found = prefect.call(
            "POST", "/deployments/filter", {"flows": {"name": {"any_": ["served"]}}}
        )
        if found:
            return str(found[0]["id"])
        time.sleep(0.1)


def show(what: str, seconds: list[float]) -> None:
    """Print one line of figures."""
    ordered = sorted(seconds)
    p95 = ordered[round(0.95 * (len(ordered) - 1))]
    print(
        f"{what}: p50 {median(ordered):.3f} s, p95 {p95:.3f} s, "
        f"min {ordered[0]:.3f} s (n = {len(ordered)})"
    )


if __name__ == "__main__":
    main()
