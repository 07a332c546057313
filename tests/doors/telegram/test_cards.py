"""The message of a run that has ended: its figures, its files, and asking for it again."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from setupdesk.core.run import Door
from setupdesk.doors.telegram.correcting import correct
from setupdesk.doors.telegram.figures import duration
from setupdesk.doors.telegram.line import read_payload, tell_changes, write_words
from setupdesk.inline import open_inline
from setupdesk.settings import load_settings
from tests.doors.telegram.bot_api import Trouble
from tests.doors.telegram.speaking import Talk, talking, working

MARKET = {"setup_id": "IB_raid_v1", "symbol": "GER40", "timeframe": "M15"}
MAY = {"start": "2025-05-01", "end": "2025-05-30"}


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Talk]:
    home = tmp_path_factory.mktemp("desk")
    with talking(home) as found:
        owner = found.desk.get("/whoami").json()["user"]
        found.pair(user=owner)
        run(home, "backtest", MAY)
        run(home, "backtest", MAY | {"options": {"rr_target": 2.5}})
        run(home, "live", {})
        with working(found):
            yield found


def run(home: Path, mode: str, period: dict[str, Any]) -> None:
    desk = open_inline(load_settings({"SETUPDESK_HOME": str(home)}), Door.CLI)
    assert desk.ask(MARKET | period | {"mode": mode})["run_id"]
    desk.desk.close()


def find(talk: Talk, mode: str) -> str:
    runs = talk.desk.get("/runs").json()["runs"]
    ended = [one for one in runs if one["state"] == "completed"]
    return str([one["run_id"] for one in ended if one["request"]["mode"] == mode][-1])


def test_a_completed_backtest_has_its_verdict_and_figures_with_intervals(talk: Talk) -> None:
    run_id = find(talk, "backtest")
    report = talk.desk.get(f"/runs/{run_id}/result").json()
    text = talk.ask(f"/result {run_id}")["text"]

    assert f"🟢 {run_id}: completed" in text
    assert "2025-05-01 to 2025-05-30 inclusive" in text
    assert report["verdict"]["sentence"] in text
    assert f"Trades: {report['statistics']['trades']}" in text
    assert text.count(report["verdict"]["sentence"].partition(":")[0]) == 1
    assert "R to +" in text
    assert "simulated market" in text


def test_its_trades_and_its_report_come_as_files(talk: Talk) -> None:
    run_id = find(talk, "backtest")
    card = talk.ask(f"/result {run_id}")
    trades = talk.press_for_file(card, "Trades as CSV")
    report = talk.press_for_file(card, "The report")
    count = len(talk.desk.get(f"/runs/{run_id}/trades").json())

    assert len(trades["document"].decode().splitlines()) == count + 1
    assert report["document"].startswith(b"<!doctype html>")
    assert card["text"] == talk.api.messages[card["message_id"]]["text"]


def test_its_equity_stands_above_its_figures_and_its_chart_is_a_picture(talk: Talk) -> None:
    run_id = find(talk, "backtest")
    card = talk.ask(f"/result {run_id}")
    chart = talk.press_for_file(card, "Chart")["photo"]
    short = f"{int(run_id[-3:])}"
    others = [
        talk.ask(said)["photo"] for said in (f"/chart {short} 2", f"/equity {run_id.upper()}")
    ]
    unknown = talk.ask("/st 999")

    assert all(one.startswith(b"\x89PNG") for one in [card["photo"], chart, *others])
    assert len({card["photo"], chart, *others}) == 3
    assert card["photo"] == others[1]
    assert "999" in unknown["text"]
    assert list(talk.api.find_buttons(card["message_id"])) == [
        "Chart",
        "The report",
        "Trades as CSV",
        "Rerun with…",
        "Compare",
    ]


def test_it_is_asked_for_again_as_it_was_and_its_own_message_stays(talk: Talk) -> None:
    card = talk.ask(f"/result {find(talk, 'backtest')}")
    before = talk.count_runs()
    begun = talk.press_for_file(card, "Rerun with…")
    seen = talk.count_runs()
    started = talk.press(begun, "Start")

    assert "2025-05-01 to 2025-05-30 inclusive" in begun["text"]
    assert (seen, talk.count_runs()) == (before, before + 1)
    assert "queued, place" in started["text"]
    assert talk.api.messages[card["message_id"]]["photo"] == card["photo"]


def test_a_rerun_is_changed_part_by_part_before_it_starts(talk: Talk) -> None:
    card = talk.ask(f"/result {find(talk, 'backtest')}")
    begun = talk.press_for_file(card, "Rerun with…")
    summary = talk.press(talk.press(begun, "Target in R"), "2.5")
    begun = talk.press(summary, "Change…")
    summary = talk.press(talk.press(begun, "Period"), "1m")
    begun = talk.press(summary, "Change…")
    summary = talk.press(talk.press(begun, "Timeframe"), "M5")
    listed = talk.ask("/runs")
    talk.press(summary, "Start")
    request = talk.desk.get("/runs?limit=1").json()["runs"][0]["request"]

    assert "IB_raid_v1 GER40 M5 rr=2.5" in summary["text"]
    assert "IB_raid_v1 GER40 M15 rr=2.5" in listed["text"]
    assert request["options"]["rr_target"] == 2.5
    assert (request["timeframe"], request["end"]) == ("M5", "2025-05-30")
    assert request["start"] > "2025-04-01"


def test_it_is_compared_with_another_one_like_it(talk: Talk) -> None:
    card = talk.ask(f"/result {find(talk, 'backtest')}")
    choice = talk.press_for_file(card, "Compare")
    found = talk.press(choice, "With the newest like it")
    numbered = talk.ask("/compare 1 2")
    runs = [
        one["run_id"] for one in talk.desk.get("/runs?state=completed&mode=backtest").json()["runs"]
    ]
    shown = talk.press(found, f"B: {runs[0]}")

    assert "options.rr_target: A --, B 2.5" in found["text"]
    assert all(one in found["text"] for one in runs)
    assert "Expectancy\nA: " in found["text"]
    assert numbered["text"].startswith(f"A: {min(runs)}")
    assert "Only in one: A " in found["text"]
    assert shown["text"].startswith(f"🟢 {runs[0]}")
    assert shown["photo"]


def test_a_picture_that_telegram_refuses_keeps_no_figures_back(talk: Talk) -> None:
    run_id = find(talk, "backtest")
    talk.api.troubles["sendPhoto"] = [Trouble(400)]
    talk.api.troubles["editMessageMedia"] = [Trouble(400)]
    card = talk.ask(f"/result {run_id}")
    begun = talk.ask("/runs")
    edited = talk.press(begun, run_id)

    assert "photo" not in card
    assert "Win rate" in card["text"]
    assert edited["text"] == card["text"]


def test_a_look_at_the_market_says_where_the_setup_stands(talk: Talk) -> None:
    run_id = find(talk, "live")
    sentence = talk.desk.get(f"/runs/{run_id}/result").json()["live"]["sentence"]

    card = talk.ask(f"/result {run_id}")
    answers = [talk.press_for_file(card, label) for label in ("Chart", "Trades as CSV")]

    assert sentence in card["text"]
    assert answers[0]["photo"].startswith(b"\x89PNG")
    assert answers[1]["document"]


def test_words_and_payloads_lead_to_one_another() -> None:
    typed = [
        "IB_raid_v1",
        "GER40",
        "M15",
        "2025-05-01..2025-05-30",
        "rr=2",
        "max=1",
        "min_rr=1.5",
        "dry",
    ]
    payload = read_payload(typed, "backtest")

    assert payload["options"] == {"rr_target": 2, "max_trades": 1, "dry_run": True}
    assert payload["extra"] == {"min_rr": 1.5}
    assert read_payload(write_words(payload).split(), "backtest") == payload


def test_a_decimal_comma_and_a_dry_run_are_read_as_a_phone_writes_them() -> None:
    typed = [
        "symbol=GER40",
        "IB_raid_v1",
        "M15",
        "rr=2,5",
        "account=10,000",
        "—dry-run",
        "6m",
        "1y",
    ]
    payload = read_payload(typed, "backtest")

    assert (payload["setup_id"], payload["timeframe"], payload["last"]) == (
        "IB_raid_v1",
        "M15",
        "6m",
    )
    assert payload["options"] == {"rr_target": 2.5, "dry_run": True}
    assert payload["extra"] == {"account": "10,000", "1y": "1y"}
    assert tell_changes(payload) == "rr=2.5 account=10,000 1y=1y dry"


def test_how_long_a_run_takes_is_a_sentence() -> None:
    assert duration(0.2) == "It takes less than a second."
    assert duration(90) == "It takes about 90 s."


def test_what_has_no_suggestion_is_not_corrected() -> None:
    wrong = {"field": "symbol", "code": "unknown_symbol", "suggestion": None}
    key = {"field": "extra.min_r", "code": "unknown_key", "suggestion": "min_rr"}
    request = {"symbol": "X", "extra": {"min_r": 2}}

    bound = {"field": "extra.min_r", "code": "out_of_bounds", "suggestion": "1"}

    assert correct({"request": request, "problems": [wrong, key]}) is None
    assert correct({"request": request, "problems": [bound]}) is None
    assert correct({"request": request, "problems": [key]}) == {
        "symbol": "X",
        "extra": {"min_rr": 2},
    }
