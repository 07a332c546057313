"""Each page while there is nothing, while it waits, when something is wrong, and when full."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from setupdesk.core.pairing import name_pairing
from setupdesk.core.run import Door
from setupdesk.core.sign_in import derive_key
from setupdesk.doors.ui.signed_in import open_session
from setupdesk.inline import open_inline
from setupdesk.settings import load_settings
from setupdesk.supervisor import _locked
from tests.doors.ui.asking import PAGE, go_to, looking_at, open_pages, press, read
from tests.service.serving import serving

BACKTEST = {"setup_id": "IB_raid_v1", "symbol": "GER40", "timeframe": "M15", "mode": "backtest"}
PERIOD = {"start": "2025-05-01", "end": "2025-05-30"}
FLOW_RUN = "d8174a9c-f6bd-44f1-86c8-7e7b47e132e9"


@pytest.fixture(scope="module", name="home")
def home_of_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a desk that has run a backtest, a dry run and a look."""
    home = tmp_path_factory.mktemp("desk")
    desk = open_inline(load_settings({"SETUPDESK_HOME": str(home)}), Door.CLI)
    desk.simulate_bars({"symbol": "GER40", "start": "2024-10-01", "end": "2025-05-30", "seed": 1})
    assert desk.ask(BACKTEST | PERIOD)["run_id"]
    assert desk.ask(BACKTEST | PERIOD | {"options": {"dry_run": True}})["run_id"]
    assert desk.ask(BACKTEST | {"mode": "live"})["run_id"]
    desk.desk.outbox.note_flow_run(desk.runs(1)["runs"][0]["run_id"], FLOW_RUN)
    desk.desk.close()
    return home


@pytest.fixture(scope="module")
def patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module", name="served")
def serve(home: Path, patch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Serve that desk; give its runs, the first one first."""
    with looking_at(home, patch):
        settings = load_settings({"SETUPDESK_HOME": str(home)})
        found = open_inline(settings, Door.CLI).runs(10)["runs"]
        yield [run["run_id"] for run in reversed(found)]


def test_an_empty_desk_comes_to_its_first_backtest_in_two_clicks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with looking_at(tmp_path, monkeypatch) as app:
        empty = read(app)
        own = read(press(open_pages(), "Import a file"))
        form = read(press(app, "Make a simulated market"))
        run = read(press(app, "Start"))
        runs = read(go_to(app, "runs.py"))

    assert "There are no bars here yet." in empty
    assert "Stored bars: M1 2023-12-31 to 2025-12-31, simulated" in form
    assert "Choose a file." in own
    assert "Sessions 128" in form
    assert "bars of warm-up are read." in form
    assert "Coverage 100.0 %" in form
    assert "Not ready yet: Prefect, the executor of runs." in run
    assert ":yellow-badge[queued]" in run
    assert "asked by" in run
    assert "through web desk" in run
    assert "Prefect cannot be reached" in run
    assert "'State': ['queued']" in runs


def test_an_empty_list_of_runs_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with looking_at(tmp_path, monkeypatch):
        runs, none = read(open_pages("runs.py")), read(open_pages("run.py"))
        unknown = read(open_pages("run.py", run="run_2020_01_01_001"))
        no_id = read(open_pages("run.py", run="../../etc"))

    assert "No runs yet." in runs
    assert "No run is named." in none
    assert "There is no run run_2020_01_01_001, or it is not yours." in unknown
    assert "There is no run ../../etc" in no_id


@pytest.mark.usefixtures("served")
def test_a_refusal_stands_at_its_field_and_is_mended_by_its_button() -> None:
    app = open_pages()
    app.number_input(key="form_max_trades").set_value(-1).run()

    wrong, is_held = read(app), app.button(key="start").disabled
    press(app, "Take 1")

    assert "max_trades was -1" in wrong
    assert "It cannot start" in wrong
    assert is_held
    assert "max_trades was -1" not in read(app)
    assert app.number_input(key="form_max_trades").value == 1
    assert not app.button(key="start").disabled


@pytest.mark.usefixtures("served")
def test_a_period_without_bars_is_refused_before_it_is_asked_for() -> None:
    app = open_pages()
    app.segmented_control(key="form_period").set_value("own").run()
    usual = read(app)
    app.date_input(key="form_start").set_value(date(2010, 1, 1)).run()
    app.date_input(key="form_end").set_value(date(2010, 3, 1)).run()

    assert "2024-09-30 to 2025-05-30 inclusive" in usual or "cannot start" in usual
    assert "It cannot start" in read(app)


@pytest.mark.usefixtures("served")
def test_a_click_that_got_no_answer_and_comes_again_is_one_run() -> None:
    asked = json.dumps(BACKTEST | {"extra": {}, "last": "6m", "options": {}}, sort_keys=True)

    def start(key: str | None) -> str:
        app = open_pages()
        if key:
            app.session_state["request_key"] = (asked, key)
        return str(app.button(key="start").click().run().query_params["run"])

    first, again, another = start("of-one-click"), start("of-one-click"), start(None)

    assert first == again
    assert first != another


def test_a_completed_backtest_shows_all_of_its_report(served: list[str]) -> None:
    text = read(open_pages("run.py", run=served[0]))

    for part in (
        *(":green-badge[completed]", "2025-05-01 to 2025-05-30 inclusive", "A simulated market"),
        *("Total R", "Expectancy", "Win rate", "Profit factor", "Max drawdown", "Trades"),
        *("Where it comes from", "candidates", "No look-ahead found", "How it was made"),
        *("sessions complete; history quality", "A signal is known at the close of its bar"),
    ):
        assert part in text, part


def test_a_dry_run_shows_its_plan_and_a_look_where_the_setup_stands(served: list[str]) -> None:
    planned = read(open_pages("run.py", run=served[1]))
    look = read(open_pages("run.py", run=served[2]))

    assert "A dry run: nothing was computed." in planned
    assert "Bars before the period" in planned
    assert "As of 2025-05-30" in look
    assert "Where it may trigger, the nearest first" in look
    assert "triggered later that day" in look


def test_a_run_links_to_where_prefect_has_it(served: list[str], home: Path) -> None:
    def find_links(run_id: str) -> list[str]:
        return [one.proto.url for one in open_pages("run.py", run=run_id).get("link_button")]

    prefect_is_down, inline = find_links(served[2]), find_links(served[0])
    with running(home, {"prefect": "ready"}):
        linked = find_links(served[2])

    assert linked == [f"http://127.0.0.1:1/runs/flow-run/{FLOW_RUN}"]
    assert prefect_is_down == inline == []


def test_runs_are_listed_with_their_outcome_and_searched(served: list[str]) -> None:
    app = open_pages("runs.py")
    listed = app.dataframe[0].value
    app.text_input(key="runs_search").set_value("nothing has these words").run()
    none = read(app)
    app.text_input(key="runs_search").set_value("").run()
    app.multiselect(key="runs_state").set_value(["planned"]).run()

    assert set(served) <= set(listed["Run"])
    assert listed["Expectancy"].iloc[-1].endswith("R")
    assert "No run is as searched for." in none
    assert set(app.dataframe[0].value["State"]) == {"planned"}


def test_a_look_is_not_listed_as_a_backtest_and_kinds_are_told_apart(served: list[str]) -> None:
    app = open_pages("runs.py")
    listed = app.dataframe[0].value.set_index("Run")
    app.selectbox(key="runs_mode").set_value("live").run()
    looks = app.dataframe[0].value
    backtest, look = listed.loc[served[0]], listed.loc[served[2]]

    assert (backtest["Kind"], backtest["Period"]) == ("Backtest", "2025-05-01 ... 2025-05-30")
    assert (look["Kind"], look["Trades"], look["Stage or outcome"]) == (
        "One-shot analysis",
        "--",
        "",
    )
    assert look["Expectancy"] == look["Total R"] == "--"
    assert set(looks["Kind"]) == {"One-shot analysis"}


def test_a_run_is_changed_and_asked_for_again(served: list[str]) -> None:
    app = open_pages()
    app.number_input(key="form_max_trades").set_value(5).run()
    press(go_to(app, "run.py", run=served[0]), "Change and run again")

    text = read(app)
    assert "2025-05-01 to 2025-05-30 inclusive" in text
    assert app.segmented_control(key="form_period").value == "own"
    assert app.number_input(key="form_max_trades").value is None


@pytest.mark.usefixtures("served")
def test_the_address_keeps_the_form_over_a_reload() -> None:
    app = open_pages()
    app.selectbox(key="form_setup").set_value("IB_breakout_v1").run()
    app.segmented_control(key="form_period").set_value("own").run()
    app.date_input(key="form_start").set_value(date(2025, 5, 5)).run()
    address = {name: app.query_params[name] for name in app.query_params if "form" in name}
    again = open_pages(**address)
    odd = open_pages(form_template="x", form_setup="x", form_period="x", form_start="x")

    assert again.selectbox(key="form_setup").value == "IB_breakout_v1"
    assert again.date_input(key="form_start").value == date(2025, 5, 5)
    assert odd.segmented_control(key="form_period").value == "6m"
    assert not odd.exception


@pytest.mark.usefixtures("served")
def test_a_run_that_is_not_there_is_told_above_the_form() -> None:
    app = open_pages(**{"from": "nonsense/x"})

    assert "There is no run nonsense/x, or it is not yours." in read(app)
    assert not app.button(key="start").disabled


@pytest.mark.usefixtures("served")
def test_a_parameter_of_the_setup_is_asked_for_and_its_problem_mended() -> None:
    app = open_pages()
    app.number_input(key="form_param_IB_raid_v1_min_rr").set_value(99.0).run()
    wrong = read(app)
    take = next(one for one in app.button if one.label.startswith("Take "))
    take.click().run()

    assert "It cannot start" in wrong
    assert "It cannot start" not in read(app)


@pytest.mark.usefixtures("served")
def test_a_language_is_chosen_and_what_was_chosen_before_stays() -> None:
    app = open_pages()
    app.segmented_control(key="form_template").set_value("watch").run()
    app.segmented_control(key="lang").set_value("ru").run()

    assert "1 проверка за опрос" in read(app)
    assert app.segmented_control(key="form_template").value == "watch"


@pytest.mark.usefixtures("served")
def test_a_live_watch_is_made_of_its_form() -> None:
    app = open_pages()
    app.segmented_control(key="form_template").set_value("watch").run()
    app.selectbox(key="form_feed").set_value("replay").run()
    foreseen = read(app)

    text = read(press(app, "Watch"))

    assert "1 look at each poll" in foreseen
    assert "A poll every 5s" in foreseen
    assert "Stored bars from 2025-05-19 22:00:00 UTC on, 60 times as fast" in foreseen
    assert app.query_params["watch"].startswith("watch_")
    assert "It has not looked yet: its first poll is on its way." in text


@pytest.mark.usefixtures("served")
def test_a_single_look_is_asked_for_at_a_moment() -> None:
    app = open_pages()
    app.segmented_control(key="form_template").set_value("live").run()
    app.text_input(key="form_at").set_value("soon").run()
    wrong = read(app)
    app.text_input(key="form_at").set_value("2025-05-12 11:00").run()

    assert "It cannot start" in wrong
    assert "It cannot start" not in read(app)


def test_every_page_is_there_in_russian(served: list[str]) -> None:
    run = read(open_pages("run.py", run=served[0], lang="ru"))
    form = read(open_pages(lang="ru"))

    assert "Капитал и просадка, в R" in run
    assert "Доля прибыльных" in run
    assert "Перед запуском" in form
    assert "Рейд начального баланса" in str(open_pages(lang="ru").selectbox[0].options)


def test_a_desk_that_is_down_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETUPDESK_SERVER", "http://127.0.0.1:1")
    monkeypatch.setenv("SETUPDESK_KEY", "a-key")

    for page in ("new_request.py", "runs.py", "run.py"):
        text = read(open_pages(page, run="run_2025_10_31_001"))

        assert "The desk cannot be reached now. This page tries again by itself." in text


def test_a_desk_that_starts_says_what_it_waits_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SETUPDESK_HOME", str(tmp_path))
    monkeypatch.delenv("SETUPDESK_SERVER", raising=False)
    with running(tmp_path, {"ui": "ready", "service": "starting", "prefect": "starting"}):
        text = read(open_pages())

    assert "The desk is starting" in text
    assert ":material/check: the pages: ready" in text
    assert ":material/hourglass: Prefect: starting" in text


@pytest.mark.parametrize(
    "said",
    [
        'host = "0.0.0.0"\nhosts = ["desk.example.org"]',
        "behind_proxy = true",
        'hosts = ["desk.example.org"]',
        "ui_key = true",
    ],
)
def test_a_desk_that_is_open_to_others_wants_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    monkeypatch.setenv("SETUPDESK_HOME", str(tmp_path))
    monkeypatch.delenv("SETUPDESK_SERVER", raising=False)
    (tmp_path / "setupdesk.toml").write_text(said)
    with running(tmp_path, {"service": "ready"}):
        app = open_pages()
        app.text_input[0].set_value("sdk_wrong")
        asked = read(app)
        wrong = read(press(app, "Sign in"))

    assert "wants a key of yours" in asked
    assert "The desk cannot be reached now." in wrong


def test_who_came_by_a_link_is_himself_also_where_the_page_is_the_owners(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SETUPDESK_HOME", str(tmp_path))
    monkeypatch.delenv("SETUPDESK_SERVER", raising=False)
    (tmp_path / "api.key").write_text("the-key")
    with serving(tmp_path) as http:
        code = http.post("/telegram/codes", json={"user": "anna", "role": "viewer"}).json()["code"]
        said = {"code": code, "telegram_id": 7, "name": "Anna"}
        http.post("/telegram/pairings", json=said)
        address = str(http.base_url).removesuffix("/api/v1/")
        with running(tmp_path, {"service": "ready"}, address):
            app = AppTest.from_file(PAGE, default_timeout=20)
            app.session_state["session"] = open_session(derive_key("the-key", name_pairing(7)))
            guest = read(app.run().switch_page("system.py").run())
            http.post("/telegram/pairings/7/revoke")
            owner = read(app.run())

    assert "You are anna; your role is viewer." in guest
    assert "SQLite" not in guest
    assert "SQLite" in owner


@contextmanager
def running(
    home: Path, states: dict[str, str], address: str = "http://127.0.0.1:1"
) -> Iterator[None]:
    """Be a supervisor that says these states of its processes; nobody is at their port."""
    settings = load_settings({"SETUPDESK_HOME": str(home)})
    said = {"state": "", "pid": 1, "address": address}
    processes = {name: said | {"state": state} for name, state in states.items()}
    settings.desk_file.write_text(json.dumps({"pid": 1, "processes": processes}))
    with _locked(settings):
        yield


@pytest.mark.usefixtures("served")
def test_what_is_typed_in_counts_as_soon_as_start_is_pressed() -> None:
    app = open_pages()
    app.session_state["form_template"] = "live"
    app.run()
    app.text_input(key="form_at").set_value("2025-05-29 12:00")

    run = read(press(app, "Start"))

    assert "as of 2025-05-29 10:00:00 UTC" in run


def test_a_name_is_given_on_the_page_of_a_run(served: list[str]) -> None:
    app = open_pages("run.py", run=served[0])
    [field] = [one for one in app.text_input if one.label == "Name"]
    field.set_value("First try")
    named = read(press(app, "Save"))

    assert "**First try**" in named
    assert not app.exception
