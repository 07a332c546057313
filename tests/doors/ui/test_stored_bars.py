"""The page of bars: nothing, everything, an import with its questions, a fetch, a deletion."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from streamlit.testing.v1 import AppTest

from setupdesk.core.run import Door
from setupdesk.doors.ui.coverage_map import build_days, build_weeks, list_years
from setupdesk.inline import InlineDesk, open_inline
from setupdesk.settings import load_settings
from tests.doors.ui.asking import looking_at, open_pages, press, read

MARKET = {"symbol": "GER40", "start": "2025-03-01", "end": "2025-05-30", "seed": 1}


def open_desk(home: Path) -> InlineDesk:
    return open_inline(load_settings({"SETUPDESK_HOME": str(home)}), Door.CLI)


@pytest.fixture(scope="module")
def patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module", name="broker_file")
def write_broker_file(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Write bars of FRA40 as many brokers do: on a clock that they do not name, NY+7."""
    desk = open_desk(tmp_path_factory.mktemp("broker"))
    desk.simulate_bars(MARKET | {"symbol": "FRA40"})
    lines = desk.export_bars("FRA40", "M1", "csv").decode().splitlines()[1:]
    desk.desk.close()
    rows = ["time,open,high,low,close", *map(write_row, lines)]
    return "\n".join(rows).encode()


def write_row(line: str) -> str:
    at, *prices, _ = line.split(",")
    local = datetime.fromisoformat(at).astimezone(ZoneInfo("America/New_York"))
    local += timedelta(hours=7)
    return ",".join((f"{local:%Y-%m-%d %H:%M}", *prices))


@pytest.fixture(scope="module", name="home")
def serve(tmp_path_factory: pytest.TempPathFactory, patch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Serve a desk with two simulated markets."""
    home = tmp_path_factory.mktemp("desk")
    desk = open_desk(home)
    desk.simulate_bars(MARKET)
    desk.simulate_bars(MARKET | {"symbol": "US500", "start": "2025-05-20"})
    desk.desk.close()
    with looking_at(home, patch):
        yield home


def open_view(view: str) -> AppTest:
    app = open_pages("stored_bars.py")
    return app.segmented_control(key="data_view").set_value(view).run()


def upload(name: str, content: bytes) -> AppTest:
    app = open_view("import")
    return app.file_uploader(key="import_files").set_value((name, content, "text/csv")).run()


def test_an_empty_desk_says_how_bars_come_and_makes_a_market(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with looking_at(tmp_path, monkeypatch):
        app = open_pages("stored_bars.py")
        empty = read(app)
        press(app, "Simulated market")
        app.date_input(key="simulated_start").set_value(date(2025, 5, 5)).run()
        app.date_input(key="simulated_end").set_value(date(2025, 5, 1)).run()
        wrong = read(press(app, "Make them"))
        app.date_input(key="simulated_end").set_value(date(2025, 5, 9)).run()
        made = read(press(app, "Make them"))
        app.segmented_control(key="data_view").set_value("stored").run()

        assert "No bars are stored yet." in empty
        assert "2025-05-05" in wrong
        assert "GER40 M1: " in made
        assert "'Symbol': ['GER40']" in read(app)


@pytest.mark.usefixtures("home")
def test_stored_bars_are_shown_with_coverage_quality_and_levels() -> None:
    text = read(open_pages("stored_bars.py"))

    for part in (
        *("'Source': ['simulated market']", "A simulated market: good for trying"),
        *("Figure, of 100 100", "Coverage 100.00 %", "Whole sessions 62 / 62", "Gaps 0"),
        *("initial_balance", "the session before", "asia"),
    ):
        assert part in text, part


@pytest.mark.usefixtures("home")
def test_a_day_without_a_session_has_no_levels() -> None:
    app = open_pages("stored_bars.py")
    app.date_input(key="levels_GER40_M1").set_value(date(2025, 5, 10)).run()

    assert "No level of this day is known" in read(app)


def test_levels_begin_at_the_newest_day_that_has_some_and_a_suspicion_is_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = open_desk(tmp_path)
    desk.simulate_bars(MARKET | {"start": "2025-12-15", "end": "2026-01-01"})
    lines = desk.export_bars("GER40", "M1", "csv").decode().splitlines()
    late = [write_row(line) + ",1" for line in lines[1:]]
    wrong = tmp_path / "late.csv"
    wrong.write_text("\n".join(["time,open,high,low,close,volume", *late]))
    desk.import_bars([wrong], "FRA40", "M1", {"clock": "UTC"})
    newest = desk.data_sets()
    desk.desk.close()
    with looking_at(tmp_path, monkeypatch):
        app = open_pages("stored_bars.py", data="GER40 M1")
        begun, text = app.date_input(key="levels_GER40_M1").value, read(app)
        doubted = read(open_pages("stored_bars.py", data="FRA40 M1"))

    assert begun == date(2025, 12, 30), newest
    assert "No level of this day is known" not in text
    assert "Nothing is wrong with them" in text
    assert "Suspected clock" in doubted
    assert "Nothing is wrong with them" not in doubted


@pytest.mark.usefixtures("home")
def test_a_file_is_imported_after_the_question_for_its_clock(broker_file: bytes) -> None:
    app = upload("FRA40_M1.csv", broker_file)
    guessed = (
        app.selectbox(key="import_symbol").value,
        app.segmented_control(key="import_timeframe").value,
    )
    asked, held = read(app), app.button(key="import_take_clock").disabled
    app.selectbox(key="import_clock").set_value("NY+7").run()
    press(app, "Take NY+7")
    look = read(app)
    stored = read(app.button(key="import_go").click().run())
    left = [one.key for one in app.button]
    press(app, "Show its coverage")

    assert guessed == ("FRA40", "M1")
    assert held
    assert "Proposed clock: NY+7 (unsure)" in asked
    assert "The file does not say in which time zone its times are." in asked
    assert "What was recognised" in look
    assert "Clock: NY+7" in look
    assert "FRA40 M1: The bars are stored." in stored
    assert "What was recognised" not in stored
    assert "import_go" not in left
    assert app.query_params["data"] in ("FRA40 M1", ["FRA40 M1"])
    assert "FRA40_M1.csv" in read(app)


@pytest.mark.usefixtures("home")
def test_a_clock_that_stored_bars_prove_is_proposed_and_what_is_stored_changes_nothing(
    broker_file: bytes,
) -> None:
    app = upload("again_FRA40_M1.csv", broker_file)
    press(app, "Take NY+7")
    again = read(app.button(key="import_go").click().run())

    assert "FRA40 M1: Nothing changed: all of these bars were stored already." in again


@pytest.mark.usefixtures("home")
def test_a_clock_that_the_bars_do_not_tell_has_to_be_said() -> None:
    rows = [f"2025-05-06 {hour}:00,8000,8001,7999,8000" for hour in (11, 12, 13)]
    app = upload("few.csv", "\n".join(["time,open,high,low,close", *rows]).encode())
    app.selectbox(key="import_symbol").set_value("UK100").run()
    app.segmented_control(key="import_timeframe").set_value("H1").run()
    asked, held = read(app), app.button(key="import_take_clock").disabled
    app.session_state["import_said"] = {"clock": "Mars/Phobos"}
    mistyped = read(app.run())
    press(app, "Another clock")
    app.selectbox(key="import_clock").set_value("Europe/Athens").run()
    other = read(press(app, "Take Europe/Athens"))
    press(app, "Another clock")
    app.selectbox(key="import_clock").set_value("UTC").run()
    look = read(press(app, "Take UTC"))

    assert "The file does not say in which time zone its times are." in asked
    assert held
    assert "Mars/Phobos" in mistyped
    assert "Clock: Europe/Athens" in other
    assert "Clock: UTC" in look
    assert "'Opens at': ['2025-05-06 11:00:00 UTC'" in look


@pytest.mark.usefixtures("home")
def test_other_prices_than_the_stored_ones_are_asked_for_once_more() -> None:
    app = upload("UK100_M5.csv", write_minutes(8000))
    app.button(key="import_go").click().run()
    app = upload("UK100_M5.csv", write_minutes(8040))
    refused = read(app.button(key="import_go").click().run())
    replaced = read(app.button(key="import_replace").click().run())

    assert "of them with other prices" in refused
    assert "The stored bars are kept as an older version." in refused
    assert "UK100 M5: The bars stand in the place of those that were stored." in replaced


def write_minutes(price: int) -> bytes:
    first = datetime.fromisoformat("2025-05-06T09:00+00:00")
    rows = [
        f"{first + timedelta(minutes=5 * row):%Y-%m-%dT%H:%MZ},"
        f"{price + row % 7},{price + 9},{price - 9},{price + (row + 1) % 7}"
        for row in range(40)
    ]
    return "\n".join(["time,open,high,low,close", *rows]).encode()


@pytest.mark.usefixtures("home")
def test_what_is_no_file_of_bars_is_refused_in_words() -> None:
    app = upload("GER40_M15.csv", b"nothing of that kind\n1\n")

    assert "GER40_M15.csv was not imported" in read(app)
    assert "import_go" not in [one.key for one in app.button]


@pytest.mark.usefixtures("home")
def test_bars_are_deleted_only_after_a_second_question() -> None:
    app = open_pages("stored_bars.py", data="US500 M1")
    app.button(key="delete").click().run()
    asked = read(app)
    press(app, "Keep it")
    kept = [one.key for one in app.button]
    app.button(key="delete").click().run()
    done = read(app.button(key="delete_sure").click().run())

    assert "Deleted bars do not come back." in asked
    assert "delete_sure" not in kept
    assert "US500 M1 is deleted." in done
    assert "US500" not in str(app.dataframe[0].value["Symbol"])


@pytest.mark.usefixtures("home")
def test_every_problem_of_a_fetch_is_said_and_pushed_bars_are_fetched() -> None:
    app = open_view("fetch")
    wrong = read(press(app, "Fetch"))
    app.selectbox(key="fetch_vendor").set_value("push").run()
    app.date_input(key="fetch_start").set_value(date(2025, 5, 6)).run()
    app.date_input(key="fetch_end").set_value(date(2025, 5, 7)).run()
    none = read(press(app, "Fetch"))

    assert "start" in wrong
    assert "The vendor has no bars of these days." in none


def test_the_page_speaks_russian_and_a_desk_that_is_down_is_said_in_words(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert home.exists()
    russian = read(open_pages("stored_bars.py", lang="ru"))
    unknown = read(open_pages("stored_bars.py", data="EURUSD D1", lang="ru"))
    monkeypatch.setenv("SETUPDESK_SERVER", "http://127.0.0.1:1")
    down = read(open_pages("stored_bars.py"))

    assert "Оценка из 100 100" in russian
    assert "Для EURUSD D1 баров нет." in unknown
    assert "The desk cannot be reached now." in down


COVERAGE = {
    "days": ["2024-12-30", "2024-12-31", "2025-01-02", "2025-01-03", "2025-01-06"],
    "present": [510, 0, 509, 408, 600],
    "expected": [510, 300, 510, 510, 510],
}


def test_the_map_has_a_cell_for_each_week_and_each_day() -> None:
    weeks, _ = build_weeks(COVERAGE)
    days, height = build_days(COVERAGE, 2025)

    assert list_years(COVERAGE) == [2025, 2024]
    assert weeks["yAxis"]["data"] == ["2024", "2025"]
    assert [one["value"] for one in weeks["series"][0]["data"]] == [
        [53, 0, 0.6296],
        [0, 1, 0.899],
        [1, 1, 1.0],
    ]
    cells = {one["name"]: one["value"] for one in days["series"][0]["data"]}
    assert cells["2025-01-02: 509 of 510 bars, 99.80 %"] == [1, 0, 0.998]
    assert cells["2025-01-06: 510 of 510 bars, 100.00 %"] == [5, 0, 1.0]
    assert height > 22


def test_a_share_is_not_called_whole_where_one_bar_of_many_is_missing() -> None:
    spec, _ = build_days({"days": ["2025-01-02"], "present": [99_999], "expected": [100_000]}, 2025)

    assert spec["series"][0]["data"][0]["value"][2] < 1
