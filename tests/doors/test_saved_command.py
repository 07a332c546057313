import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from setupdesk.core.errors import InvalidRequestError
from setupdesk.doors.cli import app

WHAT = ("-s", "IB_raid_v1", "-p", "GER40", "-i", "M15")

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SETUPDESK_HOME", str(tmp_path))
    simulated = ["data", "simulate", "--start", "2025-03-01", "--end", "2025-05-16"]
    assert CliRunner().invoke(app, simulated).exit_code == 0
    return tmp_path


def run(*words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, list(words))
    return done.exit_code, done.stdout, done.stderr


def ask(*words: str) -> Any:
    code, shown, said = run(*words, "--json")
    assert code == 0, said
    return json.loads(shown)


def test_a_saved_request_is_asked_for_with_changes_and_forgotten() -> None:
    code, _, said = run("saved", "add", "Morning raid", *WHAT, "--last", "10d")
    listed = run("saved", "list")[1]
    done = ask("backtest", "--saved", "morning RAID", "--rr", "2", "--inline")
    gone = ask("saved", "remove", "Morning raid")

    assert code == 0
    assert 'setupdesk backtest --saved "Morning raid"' in said
    assert "--last 10d" in " ".join(listed.split())
    assert done["run"]["request"]["options"]["rr_target"] == 2
    assert done["run"]["request"]["end"] == "2025-05-16"
    assert gone["payload"]["last"] == "10d"
    assert "No request is saved yet" in run("saved", "list")[1]


def test_a_name_that_is_taken_is_refused_until_it_is_replaced() -> None:
    run("saved", "add", "raid", *WHAT, "--last", "10d")

    refused = CliRunner().invoke(app, ["saved", "add", "RAID", *WHAT, "--last", "5d"])
    replaced = ask("saved", "add", "RAID", *WHAT, "--last", "5d", "--replace")

    assert isinstance(refused.exception, InvalidRequestError)
    assert "'RAID' is saved already" in str(refused.exception)
    assert replaced["payload"]["last"] == "5d"
    assert len(ask("saved", "list")) == 1


def test_what_a_run_was_asked_for_is_saved_and_one_look_is_asked_for_by_analyze() -> None:
    look = ask("analyze", *WHAT, "--inline")
    run("saved", "add", "look", "--run", look["run"]["run_id"])

    code, _, said = run("backtest", "--saved", "look", "--inline")
    again = ask("analyze", "--saved", "look", "--inline")

    assert code == 2
    assert 'setupdesk analyze --saved "look"' in said
    assert again["run"]["request"]["mode"] == "live"


def test_runs_are_compared_in_a_table_and_as_json() -> None:
    first = ask("backtest", *WHAT, "--last", "1m", "--inline")["run"]["run_id"]
    second = ask("backtest", *WHAT, "--last", "1m", "--rr", "2", "--inline")["run"]["run_id"]

    code, shown, _ = run("compare", first, second)
    found = ask("compare", first, second)
    refused, _, said = run("compare", first)

    assert code == 0
    assert f"A  {first}" in shown
    assert "options.rr_target" in shown
    assert "The same bars, rule, costs and versions." in shown
    assert [one["run_id"] for one in found["runs"]] == [first, second]
    assert refused == 3
    assert "1 runs were to be compared" in said


def test_the_audit_log_is_searched() -> None:
    ask("backtest", *WHAT, "--last", "10d", "--dry-run", "--inline")
    run("backtest", *WHAT, "-p", "GER4O", "--last", "10d", "--inline")

    refused = ask("audit", "--outcome", "refused", "--search", "ger4o mean")
    none = run("audit", "--door", "webhook")[1]

    assert [row["outcome"] for row in refused] == ["refused"]
    assert "No request is as searched for." in none
