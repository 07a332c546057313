"""The message of a run that has ended: its figures, its files, and asking for it again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from setupdesk.core.run import Door
from setupdesk.doors.telegram.line import correct, read_payload, write_words
from setupdesk.inline import open_inline
from setupdesk.settings import load_settings
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
        run(home, "live", {})
        with working(found):
            yield found


def run(home: Path, mode: str, period: dict[str, str]) -> None:
    desk = open_inline(load_settings({"SETUPDESK_HOME": str(home)}), Door.CLI)
    assert desk.ask(MARKET | period | {"mode": mode})["run_id"]
    desk.desk.close()


def find(talk: Talk, mode: str) -> str:
    runs = talk.desk.get("/runs").json()["runs"]
    return str(next(one["run_id"] for one in runs if one["request"]["mode"] == mode))


def test_a_completed_backtest_has_its_verdict_and_figures_with_intervals(talk: Talk) -> None:
    run_id = find(talk, "backtest")
    report = talk.desk.get(f"/runs/{run_id}/result").json()
    text = talk.ask(f"/result {run_id}")["text"]

    assert f"🟢 {run_id}: completed" in text
    assert "2025-05-01 to 2025-05-30 inclusive" in text
    assert report["verdict"]["sentence"] in text
    assert f"Trades: {report['statistics']['trades']}" in text
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


def test_its_chart_and_its_equity_come_as_pictures(talk: Talk) -> None:
    card = talk.ask(f"/result {find(talk, 'backtest')}")
    pictures = [talk.press_for_file(card, label)["photo"] for label in ("Chart", "Equity")]
    second = talk.ask(f"/chart {find(talk, 'backtest')} 2")["photo"]

    assert all(one.startswith(b"\x89PNG") for one in [*pictures, second])
    assert len({*pictures, second}) == 3


def test_it_is_asked_for_again_after_a_look_at_what_was_asked(talk: Talk) -> None:
    card = talk.ask(f"/result {find(talk, 'backtest')}")
    before = talk.count_runs()
    summary = talk.press(card, "Run again")
    seen = talk.count_runs()
    started = talk.press(summary, "Start")

    assert "2025-05-01 to 2025-05-30 inclusive" in summary["text"]
    assert (seen, talk.count_runs()) == (before, before + 1)
    assert "queued" in started["text"]


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


def test_what_has_no_suggestion_is_not_corrected() -> None:
    wrong = {"field": "symbol", "code": "unknown_symbol", "suggestion": None}
    key = {"field": "extra.min_r", "code": "unknown_key", "suggestion": "min_rr"}
    request = {"symbol": "X", "extra": {"min_r": 2}}

    assert correct({"request": request, "problems": [wrong, key]}) is None
    assert correct({"request": request, "problems": [key]}) == {
        "symbol": "X",
        "extra": {"min_rr": 2},
    }
