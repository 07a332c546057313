"""A service that is told to stop while requests come in and Prefect hangs."""

import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from setupdesk.adapters.ledger.database import open_database
from setupdesk.adapters.ledger.reads import Reads
from setupdesk.core.run import Door
from setupdesk.inline import open_inline
from setupdesk.settings import load_settings
from tests.service.processes import serving

MARKET = {"symbol": "GER40", "start": "2025-05-01", "end": "2025-05-30", "seed": 1}
PAYLOAD = {
    "setup_id": "IB_raid_v1",
    "symbol": "GER40",
    "timeframe": "M15",
    "start": "2025-05-01",
    "end": "2025-05-30",
}


def ask_until_it_stops(api: httpx.Client, name: str) -> dict[str, str]:
    """Ask again and again; give the run_id that was answered to each key, empty if none was."""
    answers: dict[str, str] = {}
    for number in range(10_000):
        key = f"{name}-{number}"
        try:
            answer = api.post("/runs", json=PAYLOAD, headers={"Idempotency-Key": key})
        except httpx.TransportError:
            return answers | {key: ""}
        answers[key] = answer.json()["run_id"]
    return answers


def test_sigterm_ends_the_service_in_time_and_leaves_no_answer_undone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    open_inline(load_settings({"SETUPDESK_HOME": str(home)}), Door.CLI).simulate_bars(MARKET)
    with (
        socket.create_server(("127.0.0.1", 0), backlog=64) as hanging_prefect,
        serving(home, hanging_prefect.getsockname()[1]) as (process, api),
        ThreadPoolExecutor(4) as clients,
    ):
        asking = [clients.submit(ask_until_it_stops, api, str(n)) for n in range(4)]
        while len(api.get("/runs", params={"limit": 20}).json()["runs"]) < 12:
            time.sleep(0.1)
        told = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.wait(15)
        took = time.monotonic() - told
        answers = {key: run_id for each in asking for key, run_id in each.result().items()}

    assert took < 8, "the supervisor kills what takes longer"
    reads = Reads(open_database(home / "ledger.db"))
    kept = {row["idempotency_key"]: row["run_id"] for row in reads.load_audit_log(100_000)}
    answered = {key: run_id for key, run_id in answers.items() if run_id}
    assert len(answered) > 4
    assert answered.items() <= kept.items()
    assert set(kept) <= set(answers)
    assert {run["run_id"] for run in reads.load_runs(100_000)} == set(kept.values())
