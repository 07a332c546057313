import json
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from setupdesk.core.errors import NotFoundError
from setupdesk.core.run import Door
from setupdesk.doors.cli import app
from setupdesk.inline import open_inline
from setupdesk.settings import load_settings
from tests.service.serving import serving

pytestmark = pytest.mark.usefixtures("home")

WATCH = {
    "name": "dax",
    "setups": ["IB_raid_v1", "ORB30_break_v1"],
    "symbols": ["GER40"],
    "timeframe": "M15",
    "feed": "replay",
    "replay_from": "2025-05-12 09:30",
    "speed": 40_000,
}


@pytest.fixture(scope="module")
def polled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a home in which a watch has looked some times."""
    home = tmp_path_factory.mktemp("home")
    desk = open_inline(load_settings({"SETUPDESK_HOME": str(home)}), Door.CLI)
    desk.simulate_bars({"symbol": "GER40", "start": "2025-04-01", "end": "2025-05-30", "seed": 1})
    made = desk.add_watch(WATCH)
    for _ in range(3):
        desk.ask({"mode": "live", "watch": made["watch_id"]})
        time.sleep(0.5)
    return home


@pytest.fixture
def home(polled: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SETUPDESK_HOME", str(polled))
    return polled


def run(*words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, list(words), terminal_width=120)
    return done.exit_code, done.stdout, done.stderr


def ask(*words: str) -> Any:
    code, shown, said = run(*words, "--json")
    assert code == 0, said
    return json.loads(shown)


def find_run(mode: str) -> str:
    watch_id = ask("watches", "dax")["watch_id"]
    return str(ask("runs", "--watch", watch_id, "--mode", mode)["runs"][0]["run_id"])


def test_parity_says_that_live_and_backtest_agree_and_what_was_compared() -> None:
    code, shown, _ = run("parity", "dax", "--inline")
    report = ask("parity", "dax", "--inline", "--from", "2025-05-12", "--to", "2025-05-30")[
        "report"
    ]

    assert code == 0
    assert " IDENTICAL " in shown
    assert "Parity of dax  all that it has seen" in shown
    assert report["summary"]["verdict"] == "identical"
    assert report["summary"]["looks"] == 2
    assert report["summary"]["bars"] > 10


def test_runs_of_a_watch_are_listed_and_shown_as_what_they_are() -> None:
    ask("parity", "dax", "--inline")
    listed = run("runs", "--watch", ask("watches", "dax")["watch_id"])[1]
    poll = run("show", find_run("live"))[1]
    parity = run("show", find_run("backtest"))[1]

    assert "2 looked" in listed
    assert "identical" in listed
    assert poll.startswith("Poll of watch_")
    assert "2 looked" in poll
    assert "setupdesk trades" not in poll
    assert parity.startswith("Parity of dax")


@pytest.mark.parametrize("mode", ["live", "backtest"])
def test_a_run_of_a_watch_has_no_trades_and_no_page(mode: str, home: Path) -> None:
    ask("parity", "dax", "--inline")
    run_id = find_run(mode)
    desk = open_inline(load_settings({"SETUPDESK_HOME": str(home)}), Door.CLI)
    code, _, said = run("report", run_id, "--html")

    assert [desk.trades(run_id), desk.equity(run_id), desk.signals(run_id)] == [[], [], []]
    assert desk.evidence(run_id) == []
    assert run("trades", run_id)[:2] == (0, "\n")
    assert code == 4
    assert f"it is a run of a watch, which has no trades. `setupdesk show {run_id}`" in said


@pytest.mark.parametrize("mode", ["live", "backtest"])
def test_every_route_of_a_run_answers_for_a_run_of_a_watch(mode: str, home: Path) -> None:
    ask("parity", "dax", "--inline")
    run_id = find_run(mode)
    with serving(home) as api:
        found = {
            path: api.get(f"/runs/{run_id}/{path}".rstrip("/")) for path in (*ROUTES, "report.html")
        }
        none = api.get(f"/runs/{run_id}/evidence", params={"candidate": 1})

    assert {path: found[path].status_code for path in ROUTES} == dict.fromkeys(ROUTES, 200)
    assert found["result"].json()["summary"]["looks"] == 2
    assert (found["report.html"].status_code, none.status_code) == (404, 404)
    assert "a run of a watch" in found["report.html"].json()["detail"]


ROUTES = ("", "result", "trades", "equity", "signals", "evidence", "logs", "events")


def test_a_parity_can_be_asked_again_for_other_days() -> None:
    ask("parity", "dax", "--inline")
    again = ask(
        "rerun", find_run("backtest"), "--inline", "--start", "2025-05-12", "--end", "2025-05-12"
    )

    assert again["run"]["request"]["start"] == "2025-05-12"
    assert again["report"]["summary"]["verdict"] == "identical"


def test_a_backtest_of_a_watched_setup_is_planned_by_backtests_alone() -> None:
    asked = ("-s", "IB_raid_v1", "-p", "GER40", "-i", "M15", "--last", "10d", "--inline")
    ask("parity", "dax", "--inline")
    done = ask("backtest", *asked)

    assert done["run"]["state"] == "completed"
    assert done["run"]["plan"]["variants"] == 1


def test_what_cannot_be_compared_is_refused_with_the_command_that_can() -> None:
    unknown = CliRunner().invoke(app, ["parity", "nothing", "--inline"]).exception
    refused = run("parity", "dax", "--inline", "--last", "3")

    assert isinstance(unknown, NotFoundError)
    assert refused[0] == 3
    assert "setupdesk parity watch_" in refused[2]
    assert "--last 1d" in refused[2]
