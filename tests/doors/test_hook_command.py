import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from setupdesk.doors.cli import app

ADD = ["hook", "add", "raids", "-s", "IB_raid_v1", "-p", "GER40", "-i", "M15", "--last", "10d"]


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


@pytest.mark.usefixtures("home")
def test_a_hook_is_made_listed_and_revoked_without_a_desk_that_runs() -> None:
    code, shown, said = run(*ADD, "--field", "symbol", "--set", "min_rr=1.5")
    [listed] = ask("hook", "list")
    revoked = ask("hook", "revoke", listed["hook_id"])

    assert code == 0
    assert "https://YOUR-HOST/api/v1/hooks/" in shown
    assert "{{timenow}}" in shown
    assert "shown this once" in said
    assert listed["payload"]["extra"] == {"min_rr": 1.5}
    assert listed["fields"] == ["symbol"]
    assert listed["revoked_at"] is None
    assert revoked["revoked_at"]
    assert "revoked" in run("hook", "list")[1]


@pytest.mark.usefixtures("home")
def test_a_hook_for_live_scans_and_one_that_is_signed_can_be_made() -> None:
    live = ask(*ADD[:-2], "--live")
    signed = ask(*ADD, "--kind", "standard", "--sender", "10.0.0.0/8")

    assert live["payload"]["mode"] == "live"
    assert signed["secret"].startswith("whsec_")
    assert signed["senders"] == ["10.0.0.0/8"]


@pytest.mark.usefixtures("home")
def test_a_hook_that_could_start_nothing_is_refused() -> None:
    unknown = run("hook", "add", "x", "-s", "IB_raid_v2", "-p", "GER40", "-i", "M15")
    kind = run(*ADD, "--kind", "slack")
    setting = run(*ADD, "--set", "min_rr")
    gone = run("hook", "revoke", "hook_none")

    assert unknown[0] == 3
    assert "IB_raid_v1" in unknown[2]
    assert kind[0] == 3
    assert "tradingview, standard" in kind[2]
    assert setting[0] == 2
    assert gone[0] == 4
