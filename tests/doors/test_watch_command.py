"""Watches on the command line, over a home in which no desk runs; time passes as the test says."""

import json
import sqlite3
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from setupdesk.adapters.clock import now
from setupdesk.core.errors import InvalidRequestError
from setupdesk.core.run import Door
from setupdesk.doors.cli import app, main
from setupdesk.doors.cli.alerts import Following, tell_event, tell_record
from setupdesk.inline import InlineDesk, open_inline
from setupdesk.settings import load_settings
from tests.picture.pixels import look_at

LOOKS = ("-s", "IB_raid_v1", "-s", "IB_breakout_v1", "-p", "GER40", "-i", "M15")
REPLAY = ("--feed", "replay", "--from", "2025-05-12 09:00", "--speed", "1", "--every", "1m")
AT_CLOSE = ("--at-bar-close", "M15 + 3s")
BACKTEST = ("backtest", "--inline", *LOOKS[:2], *LOOKS[4:], "--last", "10d")


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    desk = open_inline(load_settings({"SETUPDESK_HOME": str(home)}), Door.CLI)
    desk.simulate_bars({"symbol": "GER40", "start": "2024-10-01", "end": "2025-05-30", "seed": 1})
    return home


@pytest.fixture
def home(stored: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SETUPDESK_HOME", str(stored))
    for one in open_desk(stored).watches():
        open_desk(stored).end_watch(one["watch_id"])
    return stored


def open_desk(home: Path) -> InlineDesk:
    return open_inline(load_settings({"SETUPDESK_HOME": str(home)}), Door.CLI)


def run(*words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, list(words), env={"COLUMNS": "200"})
    return done.exit_code, done.stdout, done.stderr


def ask(*words: str) -> Any:
    code, shown, said = run(*words, "--json")
    assert code == 0, said
    return json.loads(shown)


def make(*words: str) -> str:
    watch_id: str = ask("watch", *LOOKS, *REPLAY, *words)["watch_id"]
    return watch_id


def play_until(home: Path, watch_id: str, moment: datetime) -> dict[str, Any]:
    """Let the clock of a replay show *moment*, and poll."""
    shown = moment - datetime(2025, 5, 12, 7, tzinfo=UTC)
    began = now() - shown
    with sqlite3.connect(home / "ledger.db") as ledger:
        at = began.isoformat(timespec="microseconds")
        ledger.execute("UPDATE watch SET created_at = ? WHERE watch_id = ?", (at, watch_id))
    desk = open_desk(home)
    polled = desk.run(desk.ask({"mode": "live", "watch": watch_id})["run_id"])
    assert polled["state"] == "completed", polled["reason"]
    return polled


def play_four_days(home: Path, watch_id: str) -> None:
    begin = datetime(2025, 5, 12, 7, 15, tzinfo=UTC)
    for days in (0, 1, 3, 4):
        play_until(home, watch_id, begin + timedelta(days=days))


@pytest.mark.usefixtures("home")
def test_a_watch_says_what_it_will_do_and_how_it_is_told_and_ended() -> None:
    code, shown, said = run("watch", *LOOKS, *REPLAY, "--name", "mine", "--expires", "1h")
    [listed] = ask("watches")

    assert code == 0
    assert "looks at IB_raid_v1, IB_breakout_v1 on GER40 M15, every 1m" in shown
    assert "from 2025-05-12 09:00 Europe/Berlin on, 1 times as fast" in shown
    assert "sent for 1h after its bar" in shown
    assert "`setupdesk channel add NAME URL`" in shown
    assert f"`setupdesk watches {listed['watch_id']}`" in said
    assert "No desk runs here" in said
    assert "`setupdesk up --detach`" in said
    assert (listed["name"], listed["last_poll"]) == ("mine", None)
    assert "never" in run("watches")[1]
    assert "No desk runs here" in run("watches")[2]
    assert listed["watch_id"] in run("schedule", "list")[1]
    assert "not looked at yet" in run("watches", "mine")[1]


def test_who_is_told_of_alerts_is_said(home: Path) -> None:
    desk = open_desk(home)
    channel = desk.add_channel({"name": "the log", "url": "log:", "events": ["alert"]})
    desk.add_channel({"name": "ends only", "url": "log:", "events": ["run_failed"]})

    told = run("watch", *LOOKS, *REPLAY)[1]

    desk.revoke_channel(channel["channel_id"])
    assert "alerts are told to the log\n" in told
    assert "nobody is told" in run("watch", *LOOKS, *REPLAY)[1]


def test_a_setup_that_is_watched_is_muted_on_a_channel_and_told_again(home: Path) -> None:
    made = open_desk(home).add_channel({"name": "the log", "url": "log:", "events": ["alert"]})
    channel_id = made["channel_id"]
    watch_id = make()

    code, shown, _ = run("channel", "mute", channel_id, "IB_raid_v1")
    listed = run("channel", "list")[1]
    play_until(home, watch_id, datetime(2025, 5, 12, 8, 45, tzinfo=UTC))
    unmuted = ask("channel", "unmute", channel_id, "IB_raid_v1")
    wrong = run("channel", "mute", channel_id, "IB_rade_v1", "--symbol", "GER40")

    changes = [one["deed"] for one in ask("audit", "--changes")[:3]]
    open_desk(home).revoke_channel(channel_id)
    assert (code, shown.startswith(f"{channel_id}: IB_raid_v1 muted until ")) == (0, True)
    assert "00:00 Europe/Berlin" in shown
    assert "IB_raid_v1 muted until" in listed
    assert unmuted["mutes"] == []
    assert changes[0] == "setup unmuted"
    assert (wrong[0], "did you mean 'IB_raid_v1'?" in wrong[2]) == (3, True)


def test_what_was_raised_is_listed_with_its_outcomes_and_the_record_that_they_make(
    home: Path,
) -> None:
    watch_id = make("--name", "raids")
    play_four_days(home, watch_id)

    listed = run("alerts", "raids")[1]
    shown = run("watches", "raids")[1]
    table = run("watches")[1]

    alerts = ask("alerts", "raids")
    signals = [one for one in alerts if one["kind"] == "signal"]
    assert len([one for one in signals if one["outcome"]]) >= 3
    assert "2025-05-12 10:45  signal" in listed
    price = signals[-1]["said"]["level_price"]
    assert f"short at ib.high {price}, 2025-05-12 10:45 Europe/Berlin" in listed
    assert "+1.80R, flat" in listed
    assert "nobody" in listed
    assert f"{len(signals)} signals: " in listed.splitlines()[-1]
    assert listed.splitlines()[-1].strip() in shown
    assert "2025-05-16 09:15" in shown
    assert alerts[0]["run_id"] in shown
    assert "2 looked" in shown
    assert "ago, completed" in table
    assert "2 looks, replay" in table


def test_an_alert_is_drawn_while_it_is_open_and_when_it_is_over(home: Path, tmp_path: Path) -> None:
    watch_id = make("--name", "drawn")
    morning = datetime(2025, 5, 12, 9, tzinfo=UTC)
    pictures = []
    for days in (0, 1):
        play_until(home, watch_id, morning + timedelta(days=days))
        signal = [one for one in ask("alerts", watch_id) if one["kind"] == "signal"][-1]
        file = tmp_path / f"{days}.png"
        code, _, said = run("chart", "--alert", signal["alert_id"], "--png", str(file))
        pictures.append((code, signal["outcome"] is None, look_at(file.read_bytes()).tobytes()))
        assert said == f"{file}: {file.stat().st_size:,} bytes\n"

    assert [one[:2] for one in pictures] == [(0, True), (0, False)]
    assert pictures[0][2] != pictures[1][2]


def test_polls_stand_among_the_runs_of_their_watch_and_not_among_all(home: Path) -> None:
    make("--name", "apart")
    polled = play_until(
        home, ask("watches", "apart")["watch_id"], datetime(2025, 5, 12, 8, tzinfo=UTC)
    )
    backtest = ask(*BACKTEST)

    listed = [one["run_id"] for one in ask("runs")["runs"]]
    of_watch = [one["run_id"] for one in ask("runs", "--watch", "apart")["runs"]]
    every = [one["run_id"] for one in open_desk(home).runs(100, polls=True)["runs"]]
    past = open_desk(home).desk.show_queue.reads.load_queue().past

    # Times are estimated by earlier runs, of which polls are none.
    assert {one.flow_type for one in past} == {"backtest_flow"}
    assert backtest["run"]["state"] == "completed"
    assert backtest["run"]["run_id"] in listed
    assert polled["run_id"] not in listed
    assert of_watch == [polled["run_id"]]
    assert {polled["run_id"], backtest["run"]["run_id"]} <= set(every)
    assert "2 looked" in run("runs", "--watch", "apart")[1]


@pytest.mark.usefixtures("home")
def test_a_refusal_has_every_problem_and_the_command_that_would_work() -> None:
    words = ["watch", "-s", "IB_raid_v1", "-s", "IB_brakout_v1", "-p", "GER4O", "-i", "M15"]
    done = CliRunner().invoke(app, [*words, "--rr", "2", "--name", "my watch"])

    assert isinstance(done.exception, InvalidRequestError)
    assert {one.suggestion for one in done.exception.problems} == {"IB_breakout_v1", "GER40"}
    [note] = done.exception.__notes__
    assert note == (
        "This would be accepted:\n  setupdesk watch -s IB_raid_v1 -s IB_breakout_v1 -p GER40 "
        "-i M15 --name 'my watch' --rr-target 2"
    )
    assert ask("watches") == []


@pytest.mark.usefixtures("home")
def test_what_is_wrong_is_said_once_for_all_looks_that_it_is_wrong_for() -> None:
    looks = ["-s", "IB_raid_v1", "-s", "ORB5_dir_v1", "-p", "GER40", "-p", "GER4O", "-i", "M15"]
    others = ["--feed", "repaly", "--speed", "0", "--expires", "never", "--name", ""]
    done = CliRunner().invoke(app, ["watch", *looks, *others, "--every", "1m", *AT_CLOSE])

    assert isinstance(done.exception, InvalidRequestError)
    assert [(one.field, one.code) for one in done.exception.problems] == [
        ("timeframe", "not_for_setup"),
        ("symbols", "unknown_symbol"),
        ("every", "one_rhythm"),
        ("name", "wrong_name"),
        ("speed", "out_of_bounds"),
        ("expires", "out_of_bounds"),
        ("feed", "unknown_feed"),
    ]


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("watch", *LOOKS, "--set", "x"), 2),
        (("alerts", "--follow"), 2),
        (("watch", *LOOKS[:4]), 3),
        (("watches", "none"), 4),
        (("unwatch", "none"), 4),
        (("alerts", "none"), 4),
        (("chart", "--alert", "none", "--png", "none.png"), 4),
        (("runs", "--watch", "none"), 4),
    ],
)
def test_the_exit_codes_are_those_of_other_commands(
    words: tuple[str, ...], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["setupdesk", *words])

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == code


def test_a_watch_that_is_ended_looks_no_more_and_what_it_raised_stays(home: Path) -> None:
    watch_id = make("--name", "brief")
    play_four_days(home, watch_id)
    raised = ask("alerts", watch_id)

    _, shown, said = run("unwatch", "brief")

    assert shown == ""
    assert f"`setupdesk alerts {watch_id}`" in said
    assert run("watches")[1].strip() == "No watches yet."
    assert watch_id in [one["watch_id"] for one in ask("watches", "--all")]
    assert "ended 2" in run("watches", watch_id)[1]
    assert ask("alerts", watch_id) == raised
    assert open_desk(home).ask({"mode": "live", "watch": watch_id})["status"] == "refused"


def test_each_alert_and_each_outcome_is_told_once_as_it_comes_until_the_watch_ends(
    home: Path,
) -> None:
    watch_id = make()
    following = Following(open_desk(home), watch_id)
    play_until(home, watch_id, datetime(2025, 5, 12, 7, 15, tzinfo=UTC))
    before = list(following.look())
    play_until(home, watch_id, datetime(2025, 5, 12, 9, tzinfo=UTC))
    first = list(following.look())
    play_until(home, watch_id, datetime(2025, 5, 13, 9, tzinfo=UTC))
    then = list(following.look())
    play_until(home, watch_id, datetime(2026, 1, 1, tzinfo=UTC))
    over = list(following.look())
    open_desk(home).end_watch(watch_id)

    [(_, alert)] = first
    outcomes = [one for event, one in then if event == "outcome" and one["kind"] == "signal"]
    told = [line for event, said in (*first, *then) if (line := tell_event(event, said))]
    assert before == []
    assert alert["kind"] == "signal"
    assert [one["alert_id"] for one in outcomes] == [alert["alert_id"]]
    assert told[0].startswith("2025-05-12 10:45  signal   GER40 M15 IB_raid_v1: short at ib.high")
    assert told[-1] == (
        "2025-05-12 17:30  outcome  GER40 M15 IB_raid_v1: short of 10:45: +1.80R, flat"
    )
    assert [tell_event(event, said) for event, said in over if event == "trouble"] == [
        "GER40: the replay has played all stored bars"
    ]
    assert list(following.look()) == []
    assert following.has_ended


def build_alert(kind: str, outcome: dict[str, Any] | None) -> dict[str, Any]:
    return {"kind": kind, "outcome": outcome}


def test_the_record_counts_signals_and_leaves_open_what_is_open() -> None:
    ends = [{"verdict": "traded", "r": r, "exit_reason": "flat"} for r in (2.0, -1.0, 0.5, 0.0)]
    missed = {"verdict": "not_reached", "detail": "the price was not reached"}
    alerts = [build_alert("signal", end) for end in (*ends, missed, None)]
    others = [build_alert("further", missed), build_alert("stale", None)]

    assert tell_record([*alerts, *others]) == (
        "6 signals: 2 won, 1 lost, 1 even, 1 not traded, 1 open; +1.50R in all."
    )
    assert tell_record(alerts[:1]) == "1 signal: 1 won; +2.00R in all."
    assert tell_record(others) == "No signals so far."
