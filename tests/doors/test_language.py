"""The command line speaks Russian to who wants it, and JSON to programs all the same."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SETUPDESK = Path(sys.executable).with_name("setupdesk")
BACKTEST = ("backtest", "-s", "IB_raid_v1", "-p", "GER40", "-i", "M15", "--inline")
SHORT = ("--start", "2025-05-01", "--end", "2025-05-30")
RUSSIAN_MACHINE = {"LANG": "ru_RU.UTF-8", "SETUPDESK_LANG": ""}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a home with a simulated market and no running desk."""
    home = tmp_path_factory.mktemp("home")
    call(home, "data", "simulate", "--start", "2025-03-01", "--end", "2025-05-30")
    return home


def call(
    home: Path, *words: str, exit_code: int = 0, **environment: str
) -> subprocess.CompletedProcess[str]:
    usual = {"SETUPDESK_HOME": str(home), "COLUMNS": "200"}
    done = subprocess.run(
        [SETUPDESK, *words],
        env={**os.environ, **usual, **environment},  # noqa: TID251 (passed on)
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == exit_code, done.stdout + done.stderr
    return done


def test_help_is_russian_by_a_flag_and_imports_nothing_heavy(home: Path) -> None:
    heavy = "numpy numba polars pandas fastapi sqlalchemy prefect streamlit pydantic httpx rich"
    code = (
        "import sys\nfrom setupdesk.doors.cli import app\n"
        "try: app(['--lang', 'ru', '--help'])\nexcept SystemExit: pass\n"
        f"print([name for name in {heavy.split()} if name in sys.modules], file=sys.stderr)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    backtest = call(home, "--lang", "ru", "backtest", "--help").stdout

    assert done.stderr == "[]\n"
    assert "Собственный деск для торговых сетапов." in done.stdout
    assert re.search(r"backtest +Сделать бэктест сетапа\.", done.stdout)
    assert re.search(r"--end <str> +Последний день, включительно\.", backtest)
    assert re.search(r"-h, --help +Показать эту справку\.", backtest)
    assert re.findall(r"[a-z]{3,} [a-z]{3,}", done.stdout + backtest) == []


def test_a_refused_backtest_says_why_in_the_language_of_the_machine(home: Path) -> None:
    words = ("backtest", "-s", "IB_rade_v1", "-p", "GER4O", "-i", "M15", "--inline", *SHORT)
    russian = call(home, *words, exit_code=3, **RUSSIAN_MACHINE).stderr
    english = call(home, *words, exit_code=3, **RUSSIAN_MACHINE | {"SETUPDESK_LANG": "en"}).stderr

    assert "ОТКАЗ" in russian
    assert "2 проблемы; ничего не запущено." in russian
    assert "'GER4O': такого нет. Может быть, 'GER40'?" in russian
    assert "Это было бы принято:\n  setupdesk backtest -s IB_raid_v1 -p GER40" in russian
    assert "'GER4O' is not known, did you mean 'GER40'?" in english


def test_a_report_and_a_look_are_told_in_russian(home: Path) -> None:
    report = call(home, "--lang", "ru", *BACKTEST, *SHORT).stdout
    look = call(home, "--lang", "ru", "analyze", *BACKTEST[1:]).stdout

    assert "Матожидание, 95 %" in report
    assert re.search(r"(Мало для вывода|Не доказано|Выше нуля|Ниже нуля): \d+ сдел", report)
    assert "Почему кандидаты отклонены" in report
    assert "Последнее закрытие" in look
    assert re.findall(r"[a-z]{3,} [a-z]{3,} [a-z]{3,}", report + look) == []


def test_json_is_the_same_in_every_language(home: Path) -> None:
    wrong = ("backtest", "-s", "IB_raid_v1", "-p", "GER4O", "-i", "M15", "--inline", *SHORT)
    asked = (("symbols",), ("setups",), ("show", "run_2020_01_01_001"))
    for words in asked:
        code = 4 if "show" in words else 0
        answers = [
            call(home, "--lang", language, *words, "--json", exit_code=code).stdout
            for language in ("en", "ru")
        ]
        assert answers[0] == answers[1]
    refused = json.loads(call(home, "--lang", "ru", *wrong, "--json", exit_code=3).stdout)

    assert refused["problems"][0]["message"] == "'GER4O' is not known, did you mean 'GER40'?"


def test_an_unknown_language_is_refused(home: Path) -> None:
    assert "The languages are en and ru." in call(home, "--lang", "de", exit_code=2).stderr
