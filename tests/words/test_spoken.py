"""What the API and the command line say to who reads Russian, and to programs."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from setupdesk.core.run import Door
from setupdesk.inline import open_inline
from setupdesk.settings import find_language, load_settings
from tests.commands import run_command
from tests.service.serving import serving

RUSSIAN = {"Accept-Language": "ru-RU,ru;q=0.9,en;q=0.8"}
RUSSIAN_MACHINE = {"LANG": "ru_RU.UTF-8", "SETUPDESK_LANG": ""}
RIGHT = {"setup_id": "IB_raid_v1", "symbol": "GER40", "timeframe": "M15"}
WRONG = {"setup_id": "IB_rade_v1", "symbol": "GER4O", "timeframe": "M15", "start": "2025-05-30"}
WRONG_COMMAND = ("backtest", "-s", "IB_rade_v1", "-p", "GER4O", "-i", "M15", "--last", "3m")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a desk that has run a backtest and a look."""
    home = tmp_path_factory.mktemp("desk")
    desk = open_inline(load_settings({"SETUPDESK_HOME": str(home)}), Door.CLI)
    desk.simulate_bars({"symbol": "GER40", "start": "2025-03-01", "end": "2025-05-30", "seed": 1})
    assert desk.ask(RIGHT | {"start": "2025-05-01", "end": "2025-05-30"})["run_id"]
    assert desk.ask(RIGHT | {"mode": "live"})["run_id"]
    desk.desk.close()
    return home


@pytest.fixture(scope="module")
def api(home: Path) -> Iterator[httpx.Client]:
    with serving(home) as client:
        yield client


def call(
    home: Path, *words: str, exit_code: int = 0, **environment: str
) -> subprocess.CompletedProcess[str]:
    usual = {"SETUPDESK_HOME": str(home), "COLUMNS": "200"}
    environment = {**os.environ, **usual, **environment}  # noqa: TID251 (passed on)
    done = run_command(*words, environment=environment)
    assert done.returncode == exit_code, done.stdout + done.stderr
    return done


def find_run(api: httpx.Client, mode: str) -> str:
    found = api.get("/runs").json()["runs"]
    run_id: str = next(one["run_id"] for one in found if one["request"]["mode"] == mode)
    return run_id


def load_reports(api: httpx.Client, mode: str) -> list[Any]:
    path = f"/runs/{find_run(api, mode)}/result"
    return [api.get(path, headers=headers).json() for headers in ({}, RUSSIAN)]


def find_left(english: Any, russian: Any) -> list[str]:
    """Find the sentences of a report that are the same in both languages."""
    if isinstance(english, dict):
        return [left for key in english for left in find_left(english[key], russian[key])]
    if isinstance(english, list):
        return [left for pair in zip(english, russian, strict=True) for left in find_left(*pair)]
    is_sentence = isinstance(english, str) and re.search(r"[a-z]{2,} [a-z]{2,} [a-z]{2,}", english)
    return [english] if is_sentence and english == russian else []


def test_a_refusal_says_its_three_problems_in_russian(api: httpx.Client) -> None:
    english = api.post("/runs", json=WRONG)
    russian = api.post("/runs", json=WRONG, headers=RUSSIAN)

    problems = russian.json()["problems"]
    assert [(one["field"], one["message"]) for one in problems] == [
        ("setup_id", "'IB_rade_v1': такого нет. Может быть, 'IB_raid_v1'?"),
        ("symbol", "'GER4O': такого нет. Может быть, 'GER40'?"),
        ("end", "Не указано: end."),
    ]
    assert [one["code"] for one in problems] == ["unknown_setup_id", "unknown_symbol", "missing"]
    assert english.json()["problems"][2]["message"] == "end is missing."
    assert (russian.status_code, russian.headers["content-language"]) == (422, "ru")


def test_what_is_allowed_is_said_and_words_of_programs_stay(api: httpx.Client) -> None:
    wrong = RIGHT | {"start": "2020-01-01", "end": "2025-05-30", "options": {"foo": 1}}

    answer = api.post("/runs/validate", json=wrong, headers=RUSSIAN).json()

    [key, start] = answer["problems"]
    assert (key["message"], key["allowed"][0]) == ("'foo' задать нельзя.", "max_trades")
    assert start["message"] == "GER40 M15: нет баров с 2020-01-01 по 2025-03-02."
    assert re.fullmatch(r"\S+ — \S+", start["allowed"][0])
    assert re.findall(r"[a-z]{2,} [a-z]{2,}", answer["detail"]) == []


def test_what_is_stored_is_english_and_said_to_each_reader_in_his_language(
    api: httpx.Client,
) -> None:
    api.post("/runs", json=WRONG, headers=RUSSIAN)

    rows = [api.get("/audit", headers=headers).json()[0] for headers in ({}, RUSSIAN)]
    told = [row["problems"][2]["message"] for row in rows]

    assert told == ["end is missing.", "Не указано: end."]


def test_a_report_says_its_verdict_and_all_other_sentences_in_russian(api: httpx.Client) -> None:
    english, russian = load_reports(api, "backtest")

    assert re.search(r"\d+ сдел", russian["verdict"]["sentence"])
    assert russian["verdict"]["expectation"].startswith("Сетап — это гипотеза.")
    assert find_left(english, russian) == []
    assert russian["verdict"]["code"] == english["verdict"]["code"]
    assert russian["trades"] == english["trades"]


def test_a_look_says_where_a_setup_stands_in_russian(api: httpx.Client) -> None:
    english, russian = load_reports(api, "live")

    assert english["live"]["sentence"] != russian["live"]["sentence"]
    assert find_left(english, russian) == []
    assert russian["live"]["levels"] == english["live"]["levels"]


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


def test_help_is_russian_and_imports_nothing_heavy(home: Path) -> None:
    heavy = "numpy numba polars pandas fastapi sqlalchemy prefect streamlit pydantic httpx rich"
    code = (
        "import sys\nfrom setupdesk.doors.cli import main\n"
        "sys.argv = ['setupdesk', '--help']\n"
        "try: main()\nexcept SystemExit: pass\n"
        f"print([name for name in {heavy.split()} if name in sys.modules], file=sys.stderr)"
    )
    environment = {**os.environ, **RUSSIAN_MACHINE}  # noqa: TID251 (passed on)

    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    backtest = call(home, "--lang", "ru", "backtest", "--help").stdout

    assert done.stderr == "[]\n"
    assert "Собственный деск для торговых сетапов." in done.stdout
    assert re.search(r"backtest +Сделать бэктест сетапа\.", done.stdout)
    assert re.search(r"--end <str> +Последний день, включительно\.", backtest)
    assert re.search(r"-h, --help +Показать эту справку\.", backtest)
    assert (
        re.findall(r"(?<!setupdesk )\b[a-z]{3,} [a-z]{3,} [a-z]{3,}", done.stdout + backtest) == []
    )


def test_a_refused_backtest_says_why_in_the_language_of_the_machine(home: Path) -> None:
    russian = call(home, *WRONG_COMMAND, "--inline", exit_code=3, **RUSSIAN_MACHINE).stderr

    assert "ОТКАЗ" in russian
    assert "2 проблемы; ничего не запущено." in russian
    assert "'GER4O': такого нет. Может быть, 'GER40'?" in russian
    assert "Это было бы принято:\n  setupdesk backtest -s IB_raid_v1 -p GER40" in russian


def test_the_terminal_tells_a_report_and_a_look_in_russian(api: httpx.Client, home: Path) -> None:
    report, look = (
        call(home, "--lang", "ru", "show", find_run(api, mode)).stdout
        for mode in ("backtest", "live")
    )

    assert "Матожидание, 95 %" in report
    assert "Почему кандидаты отклонены" in report
    assert "Последнее закрытие" in look
    left = re.findall(r"(?<!setupdesk )\b[a-z]{3,} [a-z]{3,} [a-z]{3,}", report + look)
    assert [one for one in left if not one.startswith("setupdesk")] == []


def test_json_is_english_on_every_machine(home: Path) -> None:
    refused = call(
        home, *WRONG_COMMAND, "--inline", "--json", exit_code=3, **RUSSIAN_MACHINE
    ).stdout

    message = json.loads(refused)["problems"][1]["message"]
    assert message == "'GER4O' is not known, did you mean 'GER40'?"


def test_an_unknown_language_is_refused(home: Path) -> None:
    assert "The languages are en and ru." in call(home, "--lang", "de", exit_code=2).stderr


def test_the_language_is_that_of_the_desk_before_that_of_the_machine() -> None:
    machine = {"LANG": "ru_RU.UTF-8", "LC_ALL": ""}

    assert find_language(machine) == "ru_RU.UTF-8"
    assert find_language({**machine, "SETUPDESK_LANG": "en"}) == "en"
    assert find_language({}) == ""
