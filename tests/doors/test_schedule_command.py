import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from setupdesk.core.errors import InvalidRequestError
from setupdesk.doors.cli import app

WHAT = ("-s", "IB_raid_v1", "-p", "GER40", "-i", "M15", "--last", "10d")
ADD = ("schedule", "add", "nightly", "--cron", "30 22 * * 1-5", *WHAT)

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SETUPDESK_HOME", str(tmp_path))
    simulated = ["data", "simulate", "--start", "2025-05-01", "--end", "2025-05-16"]
    assert CliRunner().invoke(app, simulated).exit_code == 0
    return tmp_path


def run(*words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, list(words))
    return done.exit_code, done.stdout, done.stderr


def ask(*words: str) -> Any:
    code, shown, _ = run(*words, "--json")
    assert code == 0
    return json.loads(shown)


def test_a_schedule_is_made_shown_paused_and_removed_without_a_desk_that_runs() -> None:
    code, shown, _ = run(*ADD)
    [listed] = ask("schedule", "list")
    schedule_id = listed["schedule_id"]
    paused = ask("schedule", "pause", schedule_id)
    nothing = ask("schedule", "next")
    _, resumed, said = run("schedule", "resume", schedule_id)
    coming = ask("schedule", "next", "-n", "3")
    removed = ask("schedule", "remove", schedule_id)

    assert code == 0
    assert "30 22 * * 1-5 Europe/Berlin" in shown
    assert "22:30:00 Europe/Berlin" in shown
    assert paused["paused"]
    assert nothing == []
    assert (resumed, "goes on, next at" in said) == ("", True)
    assert [tick["schedule_id"] for tick in coming] == [schedule_id] * 3
    assert removed["removed_at"]
    assert run("schedule", "list")[1].strip() == "No schedules yet."


def test_run_now_carries_the_runs_of_a_batch_out_and_their_tick_is_told(tmp_path: Path) -> None:
    request = {"setup_id": "IB_raid_v1", "symbol": "GER40", "timeframe": "M15", "last": "10d"}
    file = tmp_path / "requests.json"
    file.write_text(json.dumps([request, {**request, "options": {"rr_target": 2}}]))
    made = ask("schedule", "add", "batch", "--every", "1h", "--requests", str(file))

    tick = ask("schedule", "run-now", made["schedule_id"])
    states = [ask("show", run_id)["run"]["state"] for run_id in tick["run_ids"]]

    assert states == ["completed", "completed"]
    assert "fired" in run("schedule", "ticks", made["schedule_id"])[1]
    assert tick["run_ids"][0] in run("schedule", "show", made["schedule_id"])[1]


def test_a_schedule_that_could_start_nothing_is_refused_with_what_is_meant() -> None:
    done = CliRunner().invoke(app, [*ADD[:5], *WHAT[:2], "-p", "GER4O", *WHAT[4:]])

    assert isinstance(done.exception, InvalidRequestError)
    assert done.exception.problems[0].suggestion == "GER40"
    assert ask("schedule", "list") == []


def test_a_live_scan_follows_the_bars_and_skips_what_overlaps() -> None:
    made = ask("schedule", "add", "scan", "--at-bar-close", "M15 + 3s", "--live", *WHAT[:-2])

    assert made["payloads"][0]["mode"] == "live"
    assert (made["overlap"], made["start_deadline"]) == ("skip", None)
    assert all(tick["at"][17:19] == "03" for tick in made["next"])
