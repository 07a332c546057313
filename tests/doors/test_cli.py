import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from setupdesk.adapters import clock
from tests.commands import SETUPDESK, run_command

REAL_FILE = Path(__file__).parents[2].parent / "shared/data/raw/rokas__FOREXCOM_GER40_M15.csv.gz"
BACKTEST = ("backtest", "-s", "IB_raid_v1", "-p", "GER40", "-i", "M15", "--inline")
MAY = ("--start", "2025-05-01", "--end", "2025-05-30")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a home with a simulated market and no running desk."""
    home = tmp_path_factory.mktemp("home")
    call(home, "data", "simulate", "--start", "2024-10-01", "--end", "2025-05-30")
    return home


def call(home: Path, *words: str, exit_code: int = 0) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "SETUPDESK_HOME": str(home)}  # noqa: TID251 (passed on)
    done = run_command(*words, environment=environment)
    assert done.returncode == exit_code, done.stdout + done.stderr
    return done


def ask(home: Path, *words: str, exit_code: int = 0) -> Any:
    return json.loads(call(home, *words, "--json", exit_code=exit_code).stdout)


def test_help_imports_nothing_heavy() -> None:
    heavy = "numpy numba polars pandas fastapi sqlalchemy prefect streamlit pydantic httpx rich"
    code = (
        "import sys\\nfrom setupdesk.doors.cli import app\\n"
        "try: app(['--help'])\\nexcept SystemExit: pass\\n"
        f"print([name for name in {heavy.split()} if name in sys.modules], file=sys.stderr)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code.replace("\\n", "\n")],
        capture_output=True,
        text=True,
        check=True,
    )

    assert "backtest" in done.stdout
    assert done.stderr.strip() == "[]"


def test_the_service_never_imports_prefect() -> None:
    code = "import sys, setupdesk.service.__main__; print('prefect' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"


def test_an_inline_backtest_needs_no_desk_and_leaves_no_process(home: Path) -> None:
    answer = ask(home, *BACKTEST, *MAY)

    assert answer["receipt"]["door"] == "cli"
    assert answer["run"]["state"] == "completed"
    assert answer["run"]["flow_run_id"] is None
    assert answer["report"]["simulated"] is True
    assert answer["report"]["look_ahead"]["checked"] > 0
    assert answer["report"]["look_ahead"]["moved"] == 0
    assert ask(home, "status", exit_code=5)["running"] is False


def test_the_printed_key_gives_the_receipt_again_and_runs_nothing(home: Path) -> None:
    printed = call(home, *BACKTEST, *MAY).stdout
    before = ask(home, "runs")
    found = re.search(r"--request-key (\S+) gives this receipt again", printed)
    assert found
    key = ("--request-key", found[1])

    again = ask(home, *BACKTEST, *MAY, *key)
    conflict = ask(home, *BACKTEST, "--last", "10d", *key, exit_code=3)
    call(home, *BACKTEST, *MAY, "--request-key", "with space", exit_code=2)

    assert again["receipt"]["run_id"] == before["runs"][0]["run_id"]
    assert again["run"]["state"] == "completed"
    assert conflict["code"] == "key_conflict"
    assert ask(home, "runs") == before
    assert "replayed" in call(home, "audit").stdout
    assert "The audit log is whole" in call(home, "audit", "--verify").stdout
    assert ask(home, "audit", "--verify")["anchored"] > 0


def test_a_key_is_shown_once_and_can_be_taken_back(home: Path) -> None:
    made = call(home, "key", "add", "phone", "--role", "trader", "--user", "anna", "--days", "30")
    [key] = ask(home, "key", "list")
    revoked = ask(home, "key", "revoke", key["key_id"])

    assert made.stdout.startswith("sdk_")
    assert made.stdout.strip() not in call(home, "key", "list", "--json").stdout
    assert f"`setupdesk key revoke {key['key_id']}`" in made.stderr
    assert (key["user"], key["role"], key["state"]) == ("anna", "trader", "active")
    assert revoked["revoked_at"]
    assert "revoked" in call(home, "key", "list").stdout
    call(home, "key", "revoke", "key_ffffffff", exit_code=4)
    call(home, "key", "add", "=1+1", "--role", "viewer", exit_code=3)
    assert "Nothing came" in call(home, "audit", "--turned-away").stdout


def test_the_same_request_gives_the_same_trades(home: Path) -> None:
    first, second = (ask(home, *BACKTEST, *MAY)["report"] for _ in range(2))

    assert first == second
    assert first["trades"]


def test_a_run_can_be_looked_at_afterwards_in_every_way(home: Path) -> None:
    run_id = ask(home, *BACKTEST, *MAY)["receipt"]["run_id"]

    shown = ask(home, "show", run_id)
    table = call(home, "trades", run_id, "--format", "csv").stdout.splitlines()

    assert shown["run"]["run_id"] == run_id
    assert table[0].startswith("run_id,setup_id,setup_hash,number,day,side,level,")
    assert len(table) == len(shown["report"]["trades"]) + 1
    made_by = {
        "run_id": run_id,
        "setup_id": "IB_raid_v1",
        "setup_hash": shown["report"]["provenance"]["setup_hash"],
    }
    assert ask(home, "trades", run_id) == [made_by | one for one in shown["report"]["trades"]]
    story = ask(home, "logs", run_id)
    assert {(event["run_id"], event["process"]) for event in story} == {(run_id, "inline")}
    assert [event["event"] for event in story] == [
        "request accepted",
        "process started",
        "task started",
        "stage: planning",
        "stage: finding signals",
        "task ended",
        "process done with it",
    ]
    told = call(home, "logs", run_id).stdout.splitlines()
    assert len(told) == len(story)
    assert "request accepted  user=" in told[0]
    assert run_id in call(home, "runs").stdout
    assert run_id in call(home, "audit").stdout
    assert "simulated market" in call(home, "show", run_id).stdout.lower()


def test_runs_are_searched_and_paged(home: Path) -> None:
    first, second = (ask(home, *BACKTEST, *MAY)["receipt"]["run_id"] for _ in range(2))
    found = ("runs", "--state", "completed", "--setup", "IB_raid_v1", "--search", "ger40")

    page = call(home, *found, "--limit", "1")
    cursor = re.search(r"--cursor (\S+)", page.stderr)
    assert cursor
    rest = ask(home, *found, "--limit", "1", "--cursor", cursor[1])

    assert second in page.stdout
    assert first not in page.stdout
    assert first in {run["run_id"] for run in rest["runs"]}
    assert call(home, "runs", "--state", "failed").stdout == "No run is as searched for.\n"
    wrong = call(home, "runs", "--state", "faild", exit_code=3).stderr
    assert "'faild' is not known, did you mean 'failed'?" in wrong
    assert "--queue" in call(home, "runs", "--queue", "--user", "me", exit_code=2).stderr


def test_a_run_in_another_terminal_is_cancelled_there(tmp_path: Path) -> None:
    call(tmp_path, "data", "simulate", "--start", "2024-10-01", "--end", "2025-05-30")
    [column] = tmp_path.glob("bars/GER40/M1/*/close.npy")
    column.unlink()
    os.mkfifo(column)
    environment = {**os.environ, "SETUPDESK_HOME": str(tmp_path)}  # noqa: TID251 (passed on)
    words = ("timeout", "90", SETUPDESK, *BACKTEST, *MAY)
    with subprocess.Popen(words, env=environment) as other:
        deadline = time.monotonic() + 60
        while [run["state"] for run in ask(tmp_path, "runs")["runs"]] != ["running"]:
            assert time.monotonic() < deadline
        [run] = ask(tmp_path, "runs")["runs"]

        cancelled = ask(tmp_path, "cancel", run["run_id"])

        # Polars has the wait for the pipe restarted, so that an interrupt alone ends nothing.
        assert cancelled["state"] == "cancelled"
        assert other.wait(5) in (130, 137, -signal.SIGKILL)
    [row] = ask(tmp_path, "runs")["runs"]
    assert (row["state"], row["reason"]) == ("cancelled", "cancelled on demand")


def test_an_empty_queue_reads_well(home: Path) -> None:
    assert call(home, "runs", "--queue").stdout == "0 of 2 places taken, nothing waits.\n"
    assert ask(home, "runs", "--queue")["waiting"] == []


def test_only_a_run_that_waits_has_a_turn_that_can_change(home: Path) -> None:
    run_id = ask(home, *BACKTEST, *MAY)["receipt"]["run_id"]

    ended = call(home, "prioritize", run_id, "live", exit_code=4)
    unknown = call(home, "prioritize", run_id, "urgent", exit_code=2)

    assert f"{run_id} does not wait for a place: it is completed." in ended.stderr
    assert "it is live or manual or nightly" in unknown.stderr


def test_a_report_is_handed_on_as_one_file_and_overwrites_nothing(
    home: Path, tmp_path: Path
) -> None:
    run_id = ask(home, *BACKTEST, *MAY)["receipt"]["run_id"]
    page = tmp_path / "page.html"

    printed = call(home, "report", run_id, "--html", "-").stdout
    call(home, "report", run_id, "--html", str(page))
    refused = call(home, "report", run_id, "--html", str(page), exit_code=2)
    call(home, "report", run_id, "--html", str(page), "--force")
    call(home, "report", run_id, "--html", str(tmp_path / "nowhere/page.html"), exit_code=2)
    named = subprocess.run(
        [SETUPDESK, "report", run_id],
        env={**os.environ, "SETUPDESK_HOME": str(home)},  # noqa: TID251 (passed on)
        cwd=tmp_path,
        check=True,
    )

    assert page.read_text() == printed.removesuffix("\n") + "\n"
    assert '<noscript><p><img alt="Equity and drawdown"' in printed
    assert "exists already; --force overwrites it" in refused.stderr
    assert named.returncode == 0
    assert {path.name for path in tmp_path.iterdir()} == {"page.html", f"{run_id}.html"}
    assert ask(home, "report", run_id) == ask(home, "show", run_id)["report"]
    assert call(home, "report", run_id, "--csv").stdout == call(home, "trades", run_id).stdout


def test_a_report_whose_bars_were_deleted_has_no_candles_and_says_so(tmp_path: Path) -> None:
    call(tmp_path, "data", "simulate", "--start", "2024-10-01", "--end", "2025-05-30")
    run_id = ask(tmp_path, *BACKTEST, *MAY)["receipt"]["run_id"]
    before = call(tmp_path, "report", run_id, "--html", "-").stdout
    call(tmp_path, "data", "delete", "GER40", "M1", "--yes")

    after = call(tmp_path, "report", run_id, "--html", "-").stdout

    why = "There are no candles: the bars of this run are not stored any more."
    assert '"candles":{"tick":0.1,' in before
    assert f'"candles":"{why}"' in after
    assert '"trades":[{"number":1,' in after


def test_a_run_that_cannot_be_carried_out_fails_with_its_reason(home: Path) -> None:
    call(home, "data", "simulate", "-p", "UK100", "--start", "2025-05-01", "--end", "2025-05-30")
    [version] = home.glob("bars/UK100/M1/*/")
    shutil.rmtree(version)
    words = ("backtest", "-s", "IB_raid_v1", "-p", "UK100", "-i", "M15", "--inline")

    answer = ask(home, *words, *MAY, exit_code=1)
    listed = {entry["symbol"]: entry["figure"] for entry in ask(home, "data", "list")}

    assert answer["run"]["state"] == "failed"
    assert listed == {"GER40": 100.0, "UK100": None}
    assert "no bars of UK100 M1" in answer["run"]["reason"]
    assert answer["report"] is None
    story = ask(home, "logs", answer["run"]["run_id"])
    assert [event["event"].partition(":")[0] for event in story if event["level"] == "error"] == [
        "task failed"
    ]
    assert story[-1]["event"] == "process done with it"


def test_params_of_the_setup_change_the_run(home: Path) -> None:
    answer = ask(home, *BACKTEST, *MAY, "--set", "target=mid", "--set", "min_rr=0.5")

    assert answer["receipt"]["request"]["extra"] == {"target": "mid", "min_rr": 0.5}
    assert answer["report"]["trades"] != ask(home, *BACKTEST, *MAY)["report"]["trades"]


def test_max_trades_total_caps_the_run(home: Path) -> None:
    report = ask(home, *BACKTEST, *MAY, "--set", "max_trades_total=2")["report"]

    assert len(report["trades"]) == 2
    assert report["funnel"]["verdicts"]["run_limit"] > 0


def test_a_refusal_shows_every_problem_and_the_command_that_would_work(home: Path) -> None:
    words = ("backtest", "-s", "IB_raid_v2", "-p", "GER4O", "-i", "M15", "--inline")

    done = call(home, *words, "--start", "2025-05-01", "--end", "2025-06-30", exit_code=3)
    receipt = ask(home, *words, "--start", "2025-05-01", "--end", "2025-05-30", exit_code=3)

    assert "did you mean 'GER40'" in done.stderr
    assert "did you mean 'IB_raid_v1'" in done.stderr
    command = receipt["corrected_command"]
    assert command == (
        "setupdesk backtest -s IB_raid_v1 -p GER40 -i M15 --start 2025-05-01 --end 2025-05-30"
    )
    assert ask(home, *command.split()[1:], "--inline")["run"]["state"] == "completed"


@pytest.mark.parametrize(
    ("words", "exit_code"),
    [
        (("show", "run_2025_10_31_999"), 4),
        (("trades", "run_2025_10_31_999"), 4),
        (("report", "run_2025_10_31_999"), 4),
        (("report", "../audit", "--html"), 4),
        (("report", "run_2025_10_31_999", "--json", "--csv"), 2),
        (("logs", "run_2025_10_31_999"), 4),
        (("cancel", "run_2025_10_31_999"), 4),
        (("trades", "run_2025_10_31_999", "--format", "xls"), 2),
        (("backtest", "--colour"), 2),
        (("backtest", "--inline"), 3),
        (("data", "import", "nothing.csv", "-p", "GER40", "-i", "M15"), 2),
        (("data", "import", "{home}/api.key", "-p", "GER40", "-i", "M15"), 3),
        (("data", "import", "{home}/api.key", "-p", "GER4O", "-i", "M15"), 4),
        (("data", "show", "GER40", "M15"), 4),
        (("data", "quality", "UK100", "H1"), 4),
        (("data", "export", "GER40", "M1", "{home}/x.xls"), 2),
        (("data", "export", "GER40", "M1", "{home}/api.key"), 2),
        (("data", "export", "GER40", "M15", "{home}/x.csv"), 4),
        (("data", "export", "GER40", "M1", "{home}/nowhere/x.csv"), 2),
        (("data", "delete", "GER40", "M1"), 2),
        (("data", "delete", "GER40", "M15", "--yes"), 4),
        (("data", "levels", "GER40", "M15", "--window", "lunch"), 3),
        (("data", "simulate", "--start", "2025-05-30", "--end", "2025-05-01"), 3),
        (("data", "simulate", "--start", "2025-05-01", "--end", "2025-05-02", "--seed", "-1"), 3),
        (("show", "../audit"), 4),
        (("show", ""), 4),
        (("cancel", "run_2025_10_31_001/trades"), 4),
        ((*BACKTEST, *MAY, "--rr-target", "inf"), 3),
        ((*BACKTEST, *MAY, "--set", "stop_buffer=nan"), 3),
        ((*BACKTEST, *MAY, "--set", "min_rr=abc", "--rr-target", "2"), 3),
        ((*BACKTEST, *MAY, "--set", "min_rr"), 2),
        ((*BACKTEST, *MAY, "--timerange", "20250501-20250530"), 2),
        ((*BACKTEST, "--timerange", "2025-05-01-2025-05-30"), 0),
        ((*BACKTEST, "--timerange", "20250503-20250504"), 3),
        ((*BACKTEST, "--start", "0001-01-01", "--end", "9999-12-31"), 3),
        (("status",), 5),
        (("down",), 0),
    ],
)
def test_each_kind_of_failure_has_its_exit_code(
    home: Path, words: tuple[str, ...], exit_code: int
) -> None:
    (home / "api.key").write_text("no,bars,here\n")

    done = call(home, *(word.format(home=home) for word in words), exit_code=exit_code)

    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("name", "content"),
    [("port", None), ("setupdesk.toml", "port = "), ("setupdesk.toml", "places = 0")],
)
def test_wrong_settings_are_said_in_a_sentence(
    tmp_path: Path, name: str, content: str | None
) -> None:
    environment = {**os.environ, "SETUPDESK_HOME": str(tmp_path)}  # noqa: TID251 (passed on)
    if content is None:
        environment["SETUPDESK_PORT"] = "abc"
    else:
        (tmp_path / name).write_text(content)

    done = run_command("status", environment=environment)

    assert done.returncode == 2
    assert "it has to be" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_home_that_is_a_file_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "home").touch()

    done = call(tmp_path / "home", "runs", exit_code=1)

    assert "home" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_home_is_its_owners_alone(tmp_path: Path) -> None:
    call(tmp_path / "home", "runs")

    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700


def test_no_cell_of_a_csv_is_a_formula() -> None:
    from setupdesk.client.tables import write_csv

    text = write_csv([{"a": "=1+1", "b": -2, "c": "@x", "d": "plain"}])

    assert text == "a,b,c,d\n'=1+1,-2,'@x,plain\n"


def test_a_report_says_how_good_its_bars_are(home: Path) -> None:
    answer = ask(home, *BACKTEST, *MAY)

    quality = answer["report"]["data_quality"]
    assert (quality["figure"], quality["sessions"], quality["incomplete"]) == (100.0, 21, [])
    shown = call(home, "show", answer["receipt"]["run_id"]).stdout
    assert "21 of 21 sessions complete; history quality 100 of 100" in shown


def test_stored_bars_can_be_looked_at_in_every_way(home: Path) -> None:
    listed = call(home, "data", "list").stdout
    shown = call(home, "data", "show", "DAX40", "1m").stdout
    judged = call(home, "data", "quality", "GER40").stdout
    covered = call(home, "data", "coverage", "GER40", "M1").stdout
    levels = call(home, "data", "levels", "GER40", "M15", "--start", "2025-05-26").stdout
    table = call(home, "data", "levels", "GER40", "M15", "--csv").stdout.splitlines()

    assert "quality" in listed
    assert "simulated market" in shown
    assert "GER40 M1: history quality 100 of 100  SIMULATED MARKET" in judged
    assert "sessions complete" in judged
    assert re.search(r"2025-05 .* 100\.00 %", covered)
    assert "5 days, median range" in levels
    assert "extension reached" in levels
    assert table[0] == (
        "date,ib_high,ib_low,ib_range,raid_high,raid_low,first_high_at,first_low_at,"
        "reclaimed_high,reclaimed_low,day_high,day_low,bars,coverage"
    )
    assert table[-1].startswith("2025-05-30,")


def test_a_symbol_of_ones_own_changes_what_a_run_pays(tmp_path: Path) -> None:
    home, file = tmp_path / "home", tmp_path / "mine.toml"
    file.write_text('name = "GER40"\nextends = "GER40"\n[costs]\nslippage = 3.5\n')
    call(home, "data", "simulate", "--start", "2025-05-01", "--end", "2025-05-30")
    before = ask(home, *BACKTEST, *MAY)["report"]

    refused = call(home, "symbols", "check", __file__, exit_code=3)
    checked = ask(home, "symbols", "check", str(file))
    added = call(home, "symbols", "add", str(file))
    after = ask(home, *BACKTEST, *MAY)["report"]

    assert "the TOML cannot be read" in refused.stderr
    assert checked["outcome"] == "checked"
    assert "GER40 is replaced" in added.stderr
    assert (before["costs"]["slippage"], after["costs"]["slippage"]) == (0.5, 3.5)
    assert before["provenance"]["symbol_hash"] != after["provenance"]["symbol_hash"]
    assert after["statistics"]["total_r"] < before["statistics"]["total_r"]
    assert call(home, "symbols", "show", "DE40", "--toml").stdout == file.read_text()
    assert ask(home, "symbols", "show", "DE40")["own"]

    (home / "symbols/GER40.toml").write_text("tick = ")
    assert "GER40.toml cannot be used: the TOML" in call(home, "symbols").stderr
    assert ask(home, *BACKTEST, *MAY, exit_code=3)["problems"][0]["code"] == "unknown_symbol"


def test_a_symbols_file_is_told_all_its_mistakes_at_once(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        'name = "DAX"\nextends = "GER40"\ncalendar = "XETRA"\naliases = ["DAX40"]\ntick = 0\n'
    )

    said = call(tmp_path, "symbols", "check", str(file), exit_code=3).stderr

    assert "tick: 0 is wrong" in said
    assert "'DAX40' names both GER40 and DAX" in said
    assert "calendar: There is no exchange calendar 'XETRA', did you mean 'XETR'?" in said


PYTHONS_OWN = re.compile(
    r"<\w+[.:]|Path\(|\bNone\b|\bTrue\b|datetime\.|dict|[Tt]uple|_\w+Entry|Error\b"
)


@pytest.mark.parametrize(
    ("words", "exit_code", "says"),
    [
        (("data", "levels", "GER40", "H4"), 3, ["was 'H4'; it can be M1, M5, M15, H1."]),
        (("data", "show", "GER40", "M30"), 4, ["no timeframe 'M30'. There are M1, M5, M15,"]),
        (("data", "import", "{file}", "-p", "GER40", "-i", "M15"), 3, ["format is not known"]),
        (("backtest", "-s", "x", "-p", "y", "-i", "M30", "--set", "a=b", "--inline"), 3, ["'M30'"]),
        (
            ("symbols", "check", "{file}"),
            3,
            [
                "session: it must be a table of keys, true is not",
                "windows.a: it must be a table of keys, 3 is not",
                "costs.spread.0: [1, 2, 3] is wrong: it has 3 parts, 2 are allowed",
                "costs.spread.1.0: it must be a time such as 09:00:00, 'a' is not",
                "costs.slippage: it must be a number, 'x' is not",
                "trade_on_holidays: it must be true or false, 'maybe' is not",
                "feeds.x: 'x' is not one of",
                'week: "09:00:00" is not one of',
                "aliases: it must be a list, 3 is not",
            ],
        ),
    ],
)
def test_no_refusal_shows_how_python_writes_a_thing(
    home: Path, tmp_path: Path, words: tuple[str, ...], exit_code: int, says: list[str]
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        'name = "X1"\nextends = "GER40"\nsession = true\ntrade_on_holidays = "maybe"\n'
        "feeds = { x = {} }\nweek = 09:00:00\naliases = 3\nwindows = { a = 3 }\n"
        'costs = { spread = [[1, 2, 3], ["a"]], slippage = "x" }\n'
    )

    refused = call(home, *(word.format(file=file) for word in words), exit_code=exit_code)

    said = " ".join(refused.stderr.split())
    assert not [each for each in says if each not in said]
    assert not PYTHONS_OWN.search(said)


def test_sources_without_a_common_day_are_not_compared(tmp_path: Path) -> None:
    file = tmp_path / "hours.csv"
    rows = [f"2025-05-05T{hour:02}:00:00Z,20000,20010,19990,20005" for hour in range(7, 15)]
    file.write_text("\n".join(["time,open,high,low,close", *rows]))
    call(tmp_path, "data", "simulate", "--start", "2025-05-12", "--end", "2025-05-13")
    looked = call(tmp_path, "data", "import", str(file), "-p", "GER40", "-i", "H1", "--dry-run")
    call(tmp_path, "data", "import", str(file), "-p", "GER40", "-i", "H1")

    said = call(tmp_path, "data", "quality", "GER40", "H1").stdout

    assert "no day is shared with M1 from simulated market, so nothing was compared" in said
    assert "of 0" not in said
    assert "nothing was stored" in looked.stdout
    assert "2025-05-05T07:00Z" in looked.stdout


def test_a_report_says_when_its_bars_are_made_from_finer_ones(home: Path) -> None:
    report = call(home, *BACKTEST, *MAY).stdout

    assert "The M15 bars are made from stored M1 bars." in report


def test_bars_are_exported_deleted_and_imported_as_the_same_bars(tmp_path: Path) -> None:
    days = ("--start", "2025-05-05", "--end", "2025-05-09")
    call(tmp_path, "data", "simulate", *days)
    before = ask(tmp_path, "data", "show", "GER40", "M1")
    file = tmp_path / "bars.csv.gz"

    call(tmp_path, "data", "export", "GER40", "M1", str(file))
    call(tmp_path, "data", "export", "GER40", "M1", str(file), exit_code=2)
    deleted = ask(tmp_path, "data", "delete", "GER40", "M1", "--yes")
    after = ask(tmp_path, "data", "import", str(file), "-p", "GER40", "-i", "M1")

    assert deleted["versions"] == 1
    assert after["outcome"] == "created"
    assert after["fingerprint"] == before["fingerprint"]


@pytest.mark.skipif(not REAL_FILE.exists(), reason="the real bars are not on this machine")
def test_real_bars_are_imported_whole_and_traded(tmp_path: Path) -> None:
    imported = ask(tmp_path, "data", "import", str(REAL_FILE), "-p", "GER40", "-i", "M15")

    refused = ask(tmp_path, *BACKTEST, "--start", "2025-05-01", "--end", "2025-10-31", exit_code=3)
    report = ask(tmp_path, *BACKTEST, "--start", "2025-05-01", "--end", "2025-10-03")["report"]

    assert imported["rows"] == imported["added"] == 21_861
    [problem] = refused["problems"]
    assert problem["message"] == "GER40 M15 has no bars from 2025-10-04 to 2025-10-31."
    assert "--end 2025-10-03" in refused["corrected_command"]
    assert report["simulated"] is False
    assert report["funnel"]["sessions"] == 111
    assert report["statistics"]["trades"] == 83


def test_a_run_is_named_and_tagged_and_found_by_it(home: Path) -> None:
    run_id = ask(home, *BACKTEST, *MAY)["receipt"]["run_id"]

    call(home, "note", run_id, "--name", "First try", "--notes", "a\nb", "--tag", "x", "--tag", "y")
    changed = ask(home, "note", run_id, "--notes", "", "--untag", "X", "--tag", "z")

    assert changed["earlier"] == {"notes": "a\nb", "tags": ["x", "y"]}
    assert (changed["notes"], changed["tags"]) == (None, ["y", "z"])
    [found] = ask(home, "runs", "--tag", "Y", "--search", "first")["runs"]
    assert found["run_id"] == run_id
    assert "First try  [y, z]" in call(home, "show", run_id).stdout
    assert "--name, --notes, --tag" in call(home, "note", run_id, exit_code=2).stderr
    refused = call(home, "note", run_id, "--name", "=1+1", exit_code=3)
    assert "a spreadsheet would take it for a formula" in refused.stderr


def test_a_run_is_asked_for_again_with_a_change(home: Path) -> None:
    first = ask(home, *BACKTEST, *MAY)["receipt"]

    again = ask(home, "rerun", first["run_id"], "--inline", "--rr", "3", "--set", "min_rr=0.5")
    planned = ask(home, "rerun", first["run_id"], "--inline", "--dry-run", "--end", "2025-05-20")
    refused = call(home, "rerun", first["run_id"], "--inline", "--rr", "-1", exit_code=3)
    unknown = call(home, "rerun", "run_2025_10_31_999", "--inline", exit_code=4)

    changed = {key: again["receipt"]["request"][key] for key in ("options", "extra")}
    assert changed == {
        "options": {"max_trades": None, "rr_target": 3.0, "dry_run": False},
        "extra": {"min_rr": 0.5},
    }
    assert again["receipt"]["request"] | changed == first["request"] | changed
    assert (planned["run"]["state"], planned["run"]["request"]["end"]) == ("planned", "2025-05-20")
    assert "rr_target" in refused.stderr
    assert "There is no run" in unknown.stderr


def test_bars_of_a_file_are_pushed_and_told(home: Path, tmp_path: Path) -> None:
    newest = clock.now().replace(second=0, microsecond=0) - timedelta(minutes=2)
    bar = {"time": newest.isoformat(), "open": 2e4, "high": 2e4, "low": 2e4, "close": 2e4}
    file, wrong = tmp_path / "bars.json", tmp_path / "wrong.json"
    file.write_text(json.dumps([bar]))
    wrong.write_text('[{"close": NaN}]')
    to = ("-p", "DE40", "-i", "1m")

    first, again = (call(home, "data", "push", str(file), *to).stderr for _ in range(2))
    refused = call(home, "data", "push", str(wrong), *to, exit_code=2).stderr

    assert first.startswith("GER40 M1: 1 added, 0 repeated, up to ")
    assert again.startswith("GER40 M1: 0 added, 1 repeated, up to ")
    assert refused.startswith("wrong.json is not JSON: ")
