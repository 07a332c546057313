"""A rule of the user's own, from the first line to its run, by the command line."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.commands import run_command

MAY = ("--start", "2025-05-01", "--end", "2025-05-30")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder to work in, with a home in which mine_v1 is published."""
    place = tmp_path_factory.mktemp("place")
    call(place, "setups", "new", "mine")
    call(place, "setups", "add", "mine_v1.yaml")
    return place


def call(place: Path, *words: str, exit_code: int = 0) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "SETUPDESK_HOME": str(place / "home")}  # noqa: TID251 (passed on)
    done = run_command(*words, environment=environment, folder=place)
    assert done.returncode == exit_code, done.stdout + done.stderr
    return done


def ask(place: Path, *words: str, exit_code: int = 0) -> Any:
    return json.loads(call(place, *words, "--json", exit_code=exit_code).stdout)


def test_new_writes_a_rule_that_is_sound_and_check_says_what_it_looked_at(place: Path) -> None:
    done = call(place, "setups", "check", "mine_v1.yaml")

    assert "price sweep.extreme + side_out*stop_buffer*ib.range" in done.stdout
    assert "looking for what later bars change, M15\ntrading a random walk, M1" in done.stderr
    assert "M1: 60 beginnings of a market with" in done.stderr
    assert "The gate is passed.\nmine_v1.yaml: mine_v1 is sound." in done.stderr


def test_new_overwrites_nothing_and_takes_no_odd_name(place: Path) -> None:
    call(place, "setups", "new", "twice")
    again = call(place, "setups", "new", "twice", exit_code=2)
    odd = call(place, "setups", "new", "../mine", exit_code=2)

    assert "twice_v1.yaml is there already" in again.stderr
    assert "letters, digits and _" in odd.stderr


def test_new_proposes_the_next_version_of_what_is_published(place: Path) -> None:
    own = call(place, "setups", "new", "mine", exit_code=2)
    shipped = call(place, "setups", "new", "IB_raid", exit_code=2)

    assert "mine_v1 is published already: `setupdesk setups new mine_v" in own.stderr
    assert "IB_raid_v1 is one that ships with the desk" in shipped.stderr
    assert "`setupdesk setups new IB_raid_v2` is the next" in shipped.stderr
    assert not (place / "IB_raid_v1.yaml").exists()


def test_a_rule_that_never_trades_is_not_called_sound(place: Path) -> None:
    text = (place / "mine_v1.yaml").read_text().replace("0.15*atr <=", "90*atr <=")
    (place / "idle.yaml").write_text(text.replace("mine_v1", "idle_v1"))

    told = call(place, "setups", "check", "idle.yaml", exit_code=3)
    answer = ask(place, "setups", "check", "idle.yaml", exit_code=3)

    assert "It never traded on 40 sessions of a simulated market on M1, M5, M15" in told.stderr
    assert told.stderr.endswith("idle_v1 has no mistake in its words, but it never traded.\n")
    assert re.search(r"published +no\b", told.stdout)
    assert (answer["gate"]["passed"], answer["gate"]["never_traded"]) == (False, True)


def test_new_takes_a_version_and_says_where_the_file_is(place: Path) -> None:
    answer = ask(place, "setups", "new", "other_v3")

    assert answer == {"setup_id": "other_v3", "file": str(place / "other_v3.yaml")}
    assert (place / "other_v3.yaml").read_text() == (
        call(place, "setups", "new", "other_v3", "--stdout").stdout
    )


def test_check_tells_every_mistake_in_a_line_of_its_own(place: Path) -> None:
    text = (place / "mine_v1.yaml").read_text()
    wrong = text.replace("weekday in", "wekday in").replace("sweep.extreme +", "swep.extreme +")
    (place / "wrong.yaml").write_text(wrong)
    lines = {line[:7]: number for number, line in enumerate(wrong.splitlines(), 1)}

    told = call(place, "setups", "check", "wrong.yaml", exit_code=3).stderr.splitlines()
    answer = ask(place, "setups", "check", "wrong.yaml", exit_code=3)

    assert told[0] == "wrong.yaml:"
    assert told[1].startswith(f"  line {lines['  - wek']}: filters: 'wekday' is not known")
    assert told[2].startswith(f"  line {lines['stop: {']}: stop.price: 'swep.extreme' is not")
    assert told[2].endswith("did you mean 'sweep.extreme'?")
    assert [problem["field"] for problem in answer["problems"]] == ["filters", "stop.price"]


def test_a_published_rule_is_listed_shown_and_runs(place: Path) -> None:
    call(place, "data", "simulate", "--start", "2025-03-03", "--end", "2025-05-30")
    backtest = ("backtest", "-s", "mine_v1", "-p", "GER40", "-i", "M15", "--inline")

    listed = {setup["setup_id"]: setup["own"] for setup in ask(place, "setups")}
    shown = ask(place, "setups", "show", "mine_v1")
    answer = ask(place, *backtest, *MAY)

    assert listed["mine_v1"]
    assert not listed["IB_raid_v1"]
    assert answer["run"]["state"] == "completed"
    assert answer["report"]["provenance"]["setup_hash"] == shown["hash"]
    assert call(place, "setups", "show", "mine_v1", "--yaml").stdout == shown["yaml"]
    assert "mine_v1" in call(place, "setups", "list").stdout
    assert "yes, of your own" in call(place, "setups", "show", "mine_v1").stdout
    assert "yes, it ships with" in call(place, "setups", "show", "IB_raid_v1").stdout
    assert "There is no setup" in call(place, "setups", "show", "mine_v9", exit_code=4).stderr


def test_a_change_of_a_published_rule_is_a_new_version(place: Path) -> None:
    text = (place / "mine_v1.yaml").read_text().replace("min_rr: 1.0", "min_rr: 1.5")
    (place / "changed.yaml").write_text(text)
    (place / "second.yaml").write_text(text.replace("mine_v1", "mine_v2"))

    refused = call(place, "setups", "add", "changed.yaml", exit_code=3)
    added = call(place, "setups", "add", "second.yaml")
    again = call(place, "setups", "add", "second.yaml")

    assert "published with other content and stays as it is, publish mine_v2" in refused.stderr
    assert "second.yaml: mine_v2 is published.\n" in added.stderr
    assert "second.yaml: mine_v2 is published, as it was before.\n" in again.stderr


def test_a_file_that_was_put_there_by_hand_is_named_and_not_used(place: Path) -> None:
    by_hand = place / "home/setups/sly_v1.yaml"
    by_hand.write_text(call(place, "setups", "new", "sly", "--stdout").stdout)

    told = call(place, "setups", "list").stderr
    shown = call(place, "setups", "show", "sly_v1", exit_code=3).stderr
    run = ("backtest", "-s", "sly_v1", "-p", "GER40", "-i", "M15", "--inline")
    [problem, *_] = ask(place, *run, *MAY, exit_code=3)["problems"]
    by_hand.unlink()

    assert "sly_v1.yaml cannot be used: it was not published yet: setupdesk setups add" in told
    assert "it was not published yet" in shown
    assert (problem["field"], problem["code"]) == ("setup_id", "unusable_setup")
