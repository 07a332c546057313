"""The pages of all runs and of runs side by side: choosing, comparing, noting, cancelling."""

from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from setupdesk.core.run import Door
from setupdesk.inline import open_inline
from setupdesk.settings import load_settings
from tests.doors.ui.asking import go_to, looking_at, open_pages, press, read

BACKTEST = {"setup_id": "IB_raid_v1", "symbol": "GER40", "timeframe": "M15", "mode": "backtest"}
MAY = {"start": "2025-05-01", "end": "2025-05-30"}


@pytest.fixture(scope="module", name="runs")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """Serve a desk with two backtests, one without trades and a look; give their ids."""
    home = tmp_path_factory.mktemp("desk")
    desk = open_inline(load_settings({"SETUPDESK_HOME": str(home)}), Door.CLI)
    desk.simulate_bars({"symbol": "GER40", "start": "2024-10-01", "end": "2025-05-30", "seed": 1})
    asked: list[dict[str, Any]] = [
        BACKTEST | MAY,
        BACKTEST | MAY | {"options": {"rr_target": 2}},
        BACKTEST | {"start": "2025-05-29", "end": "2025-05-29"},
        BACKTEST | {"mode": "live"},
    ]
    ids = [desk.ask(one)["run_id"] for one in asked]
    desk.desk.close()
    with pytest.MonkeyPatch.context() as patch, looking_at(home, patch):
        yield ids


def compare(*run_ids: str) -> AppTest:
    app = open_pages()
    app.query_params["run"] = list(run_ids)
    return app.switch_page("compare.py").run()


def choose(app: AppTest, *rows: int) -> AppTest:
    app.session_state["runs_table"] = {"selection": {"rows": list(rows)}}
    return app.run()


def test_two_runs_stand_side_by_side(runs: list[str]) -> None:
    text = read(compare(*runs[:2]))

    for part in (
        *("2 runs side by side", "What differs", "RR target", "The same bars", "The same rule"),
        *("Expectancy", "Interval, 95 %", "Trades that differ", "another result", "ib.high"),
    ):
        assert part in text, part


def test_a_run_without_trades_is_compared_too(runs: list[str]) -> None:
    text = read(compare(runs[2], runs[0]))

    assert "0 trades are the same." in text
    assert "'A': ['0'" in text


@pytest.mark.parametrize(
    ("places", "said"),
    [
        ((0, 3), "cannot be compared: it is one look at the market"),
        ((0, 0), "was named twice"),
        ((0,), "Choose two to six completed backtests"),
    ],
)
def test_what_cannot_be_compared_is_said_with_a_way_back(
    runs: list[str], places: tuple[int, ...], said: str
) -> None:
    assert said in read(compare(*(runs[place] for place in places)))


def test_a_run_that_is_not_there_cannot_be_compared(runs: list[str]) -> None:
    assert "There is no run" in read(compare(runs[0], "run_2020_01_01_001"))


@pytest.mark.usefixtures("runs")
def test_runs_that_are_chosen_in_the_list_are_compared() -> None:
    app = choose(open_pages("runs.py"), 2, 3)

    text = read(press(app, "Compare"))

    assert "2 runs side by side" in text
    assert "RR target" in text


def test_the_list_shows_intervals_and_is_filtered_by_what_was_noted(runs: list[str]) -> None:
    app = choose(open_pages("runs.py"), 3)
    press(app, "Notes and tags")
    app.text_input[-1].set_value("the first one")
    app.multiselect[-1].set_value(["keep"])
    press(app, "Save")
    app.text_input(key="runs_tag").set_value("KEEP").run()
    found = app.dataframe[0].value
    app.selectbox(key="runs_door").set_value("webhook").run()

    assert list(found["Run"]) == [runs[0]]
    assert list(found["Notes"]) == ["the first one keep"]
    assert " to " in found["Interval, 95 %"][0]
    assert "No run is as searched for." in read(app)


def test_a_wrong_tag_is_said_at_the_form(runs: list[str]) -> None:
    app = open_pages("run.py", run=runs[1])
    app.multiselect[-1].set_value(["<b>"])

    text = read(press(app, "Save"))

    assert "The tag was '&#60;b>'." in text


@pytest.mark.usefixtures("runs")
def test_a_run_that_waits_shows_its_place_and_changes_its_turn_and_is_stopped_when_sure() -> None:
    run_id = press(open_pages(), "Start").query_params["run"]
    app = go_to(open_pages(), "run.py", run=run_id)
    waiting = read(app)
    app.segmented_control(key=f"priority_{run_id}").set_value("nightly").run()
    priority = app.segmented_control(key=f"priority_{run_id}").value
    press(app, "Cancel")
    asked = read(app)
    press(app, "Yes, stop it")

    assert "Prefect cannot be reached" in waiting
    assert priority == "nightly"
    assert ":yellow-badge[queued]" in asked
    assert ":gray-badge[cancelled]" in read(app)


@pytest.mark.usefixtures("runs")
def test_a_request_is_saved_used_and_forgotten() -> None:
    app = open_pages()
    app.number_input(key="form_max_trades").set_value(3).run()
    app.text_input(key="saved_name").set_value("Morning")
    press(app, "Save")
    app.text_input(key="saved_name").set_value("MORNING")
    press(app, "Save")
    taken = read(app)

    other = open_pages()
    press(other, "Use")
    used = other.number_input(key="form_max_trades").value
    period = other.segmented_control(key="form_period").value
    press(other, "Remove")
    press(other, "Yes, forget it")

    assert "'MORNING' is saved already" in taken
    assert (used, period) == (3, "6m")
    assert "No request is saved yet" in read(other)
