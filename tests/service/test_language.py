"""Answers are said in the language that is asked for; what programs read stays as it is."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from setupdesk.core.run import Door
from setupdesk.inline import open_inline
from setupdesk.settings import load_settings
from tests.service.serving import serving

RUSSIAN = {"Accept-Language": "ru-RU,ru;q=0.9,en;q=0.8"}
RIGHT = {"setup_id": "IB_raid_v1", "symbol": "GER40", "timeframe": "M15"}
WRONG = {"setup_id": "IB_rade_v1", "symbol": "GER4O", "timeframe": "M15", "start": "2025-05-30"}
SHORT = {"start": "2025-05-01", "end": "2025-05-30"}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    home = tmp_path_factory.mktemp("desk")
    desk = open_inline(load_settings({"SETUPDESK_HOME": str(home)}), Door.CLI)
    desk.simulate_bars({"symbol": "GER40", "start": "2025-03-01", "end": "2025-05-30", "seed": 1})
    assert desk.ask(RIGHT | SHORT)["run_id"]
    assert desk.ask(RIGHT | {"mode": "live"})["run_id"]
    desk.desk.close()
    with serving(home) as client:
        yield client


def ask_for(api: httpx.Client, kind: str, headers: dict[str, str]) -> Any:
    found = api.get("/runs").json()["runs"]
    [run_id] = [one["run_id"] for one in found if one["request"]["mode"] == kind]
    return api.get(f"/runs/{run_id}/result", headers=headers).json()


def test_a_refusal_says_its_three_problems_in_russian(api: httpx.Client) -> None:
    english = api.post("/runs", json=WRONG).json()
    russian = api.post("/runs", json=WRONG, headers=RUSSIAN)

    told = [(one["field"], one["message"]) for one in russian.json()["problems"]]
    assert told == [
        ("setup_id", "'IB_rade_v1': такого нет. Может быть, 'IB_raid_v1'?"),
        ("symbol", "'GER4O': такого нет. Может быть, 'GER40'?"),
        ("end", "Не указано: end."),
    ]
    assert [one["code"] for one in russian.json()["problems"]] == [
        one["code"] for one in english["problems"]
    ]
    assert english["problems"][1]["message"] == "'GER4O' is not known, did you mean 'GER40'?"
    assert russian.headers["content-language"] == "ru"
    assert russian.status_code == 422


def test_what_is_stored_is_english_and_said_in_the_language_of_each_reader(
    api: httpx.Client,
) -> None:
    api.post("/runs", json=WRONG, headers=RUSSIAN)

    english, russian = (
        api.get("/audit", headers=headers).json()[0]["problems"][1]["message"]
        for headers in ({}, RUSSIAN)
    )

    assert english == "'GER4O' is not known, did you mean 'GER40'?"
    assert russian == "'GER4O': такого нет. Может быть, 'GER40'?"


def test_a_report_says_its_verdict_and_all_other_sentences_in_russian(api: httpx.Client) -> None:
    english, russian = (ask_for(api, "backtest", each) for each in ({}, RUSSIAN))

    assert "сдел" in russian["verdict"]["sentence"]
    assert russian["verdict"]["expectation"].startswith("Сетап — это гипотеза.")
    assert find_left(english, russian) == []
    assert russian["statistics"] | {"profit_factor_note": ""} == english["statistics"] | {
        "profit_factor_note": ""
    }
    assert russian["verdict"]["code"] == english["verdict"]["code"]
    assert russian["trades"] == english["trades"]


def test_a_look_says_where_a_setup_stands_in_russian(api: httpx.Client) -> None:
    english, russian = (ask_for(api, "live", each) for each in ({}, RUSSIAN))

    assert english["live"]["sentence"] != russian["live"]["sentence"]
    assert find_left(english, russian) == []
    assert russian["live"]["levels"] == english["live"]["levels"]


def find_left(english: Any, russian: Any, name: str = "") -> list[str]:
    """Find the sentences of a report that are the same in both languages."""
    if isinstance(english, dict):
        return [left for key in english for left in find_left(english[key], russian[key], key)]
    if isinstance(english, list):
        pairs = zip(english, russian, strict=True)
        return [left for one, other in pairs for left in find_left(one, other, name)]
    sentence = isinstance(english, str) and len(english.split()) > 2 and name != "expression"
    return [english] if sentence and english == russian else []


def test_who_asks_for_no_language_or_for_an_unknown_one_is_answered_in_english(
    api: httpx.Client,
) -> None:
    plain = api.get("/runs/run_2020_01_01_001")
    german = api.get("/runs/run_2020_01_01_001", headers={"Accept-Language": "de"})

    assert plain.json()["detail"] == "There is no run 'run_2020_01_01_001'."
    assert german.json() == plain.json()
    assert "content-language" not in german.headers


def test_an_answer_without_a_right_key_is_said_too(api: httpx.Client) -> None:
    answer = api.get("/runs", headers={**RUSSIAN, "Authorization": "Bearer nonsense"})

    assert answer.status_code == 401
    assert answer.json()["detail"] == "Деск не знает такого ключа."
