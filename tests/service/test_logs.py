"""No secret and no forged line comes into a log, by whichever door it is sent."""

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.commands import run_command
from tests.service.processes import serving

CANARY = "sdk_CANARY-CANARY-CANARY"
HOSTILE = f"Bearer {CANARY}\n2025-10-31T09:00:00Z INFO forged\x1b[31m\u202e"
ASKED = {
    "setup_id": "IB_raid_v1",
    "symbol": "GER40",
    "timeframe": "M15",
    "start": "2025-05-01",
    "end": "2025-05-30",
    "mode": "backtest",
}
MARKET = {"symbol": "GER40", "start": "2025-05-01", "end": "2025-05-30", "seed": 1}


def send_by_every_way(api: httpx.Client, key: str) -> str:
    """Send secrets and hostile words in headers, fields and queries; give an accepted run."""
    api.post("/data/simulated", json=MARKET)
    for word in (HOSTILE, key, f"password={key}"):
        api.get("/runs", params={"limit": word, word: word})
        api.get(f"/runs/{quote(word, safe='')}/logs")
        api.get(f"/data/{quote(word, safe='')}/quality")
        api.post("/runs", json={**ASKED, "symbol": word})
        api.post("/runs", json={**ASKED, word: word, "extra": {"password": word}})
        api.post("/runs", content=word.encode(), headers={"Content-Type": "application/json"})
        api.post("/symbols", params={"file_name": word}, json=word)
        api.post("/setups", params={"file_name": word}, json=word)
        api.post("/data/fetch", json={"symbol": word, "feed": word})
    for headers in ({"Authorization": f"Bearer {CANARY}"}, {"Setupdesk-Door": key}):
        api.post("/runs", json={**ASKED, "symbol": "GER4O"}, headers=headers)
    api.post("/runs", json=ASKED, headers={"Idempotency-Key": CANARY})
    accepted = api.post("/runs", json=ASKED, headers={"Idempotency-Key": "a-key"})
    run_id: str = accepted.json()["run_id"]
    api.post(f"/runs/{run_id}/cancel", headers={"Idempotency-Key": key})
    return run_id


def read_logs(home: Path) -> dict[Path, str]:
    files = [*(home / "logs").iterdir(), *home.glob("runs/*/run.log"), home.parent / "service.log"]
    return {path: path.read_text() for path in files if path.exists()}


def read_events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.split("\n")[:-1]]


def test_http_brings_no_secret_and_no_forged_line_into_a_log(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with serving(home) as (_, api):
        key = (home / "api.key").read_text()
        run_id = send_by_every_way(api, key)
        logs = read_logs(home)
        story = api.get(f"/runs/{run_id}/logs").json()

    for text in logs.values():
        assert "CANARY" not in text
        assert key.removeprefix("sdk_") not in text
        assert all(line.isprintable() for line in text.split("\n"))
    events = read_events(logs[home / "logs/service.jsonl"])
    assert [event for event in events if event["event"].startswith("request")]
    assert {event["level"] for event in events} <= {"info", "warning"}
    assert [event["event"] for event in story] == ["request accepted", "cancel asked"]


@pytest.mark.parametrize("where", ["--symbol", "--setup", "--start", "--set", "--request-key"])
def test_the_command_line_brings_no_secret_into_a_log(tmp_path: Path, where: str) -> None:
    word = f"password={CANARY}" if where == "--set" else CANARY
    words = ["backtest", "-s", "IB_raid_v1", "-p", "GER40", "-i", "M15", "--inline", where, word]

    environment = {**os.environ, "SETUPDESK_HOME": str(tmp_path)}  # noqa: TID251 (passed on)
    run_command(*words, environment=environment)

    [event] = read_events((tmp_path / "logs/inline.jsonl").read_text())[-1:]
    assert event["event"] == "request refused"
    assert "CANARY" not in "".join(read_logs(tmp_path).values())
