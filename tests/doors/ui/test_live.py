"""The page of live watches: without any, before the first poll, and when one has looked."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from setupdesk.core.run import Door
from setupdesk.inline import open_inline
from setupdesk.settings import load_settings
from tests.doors.test_watch_command import play_until
from tests.doors.ui.asking import looking_at, open_pages, press, read

TWO = {
    "name": "two looks",
    "setups": ["IB_raid_v1", "IB_breakout_v1"],
    "symbols": ["GER40"],
    "timeframe": "M15",
    "feed": "replay",
    "replay_from": "2025-05-12 09:00",
    "speed": 1,
    "every": "1h",
}


@pytest.fixture(scope="module", name="home")
def home_of_watches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a desk with a watch that has looked for four days, and was compared."""
    home = tmp_path_factory.mktemp("desk")
    desk = open_inline(load_settings({"SETUPDESK_HOME": str(home)}), Door.CLI)
    desk.simulate_bars({"symbol": "GER40", "start": "2025-03-01", "end": "2025-05-30", "seed": 1})
    watch_id = desk.add_watch(TWO)["watch_id"]
    for days in (0, 1, 3, 4):
        play_until(home, watch_id, datetime(2025, 5, 12, 7, 15, tzinfo=UTC) + timedelta(days=days))
    desk.ask({"mode": "backtest", "watch": watch_id})
    desk.add_watch(TWO | {"name": "one <b>look</b> ![x](http://x)", "setups": ["IB_raid_v1"]})
    desk.desk.close()
    return home


@pytest.fixture(scope="module")
def patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module", name="ids")
def serve(home: Path, patch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Serve that desk; give its watches by their names."""
    with looking_at(home, patch):
        desk = open_inline(load_settings({"SETUPDESK_HOME": str(home)}), Door.CLI)
        yield {one["name"].partition(" ")[0]: one["watch_id"] for one in desk.watches()}


def test_without_a_watch_the_page_leads_to_the_form_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with looking_at(tmp_path, monkeypatch):
        app = open_pages("live.py")
        empty = read(app)
        unknown = read(open_pages("live.py", watch="watch/000000000000"))
        press(app, "Watch something")

    assert "No watches yet." in empty
    assert "There is no watch watch/000000000000, or it is not yours." in unknown
    assert app.session_state["form_template"] == "watch"


def test_all_watches_are_listed_with_what_they_look_at(ids: dict[str, str]) -> None:
    app = open_pages("live.py")

    table = app.dataframe[0].value
    assert len(table) == len(ids)
    assert table["Setups"].iloc[-1] == "IB_raid_v1, IB_breakout_v1"
    assert table["Last poll"].iloc[-1].endswith("ago")
    assert table["Parity"].iloc[-1] == "Identical"
    assert "Choose a row to see where its watch stands." in read(app)


def test_a_watch_shows_its_looks_record_alerts_and_chart(ids: dict[str, str]) -> None:
    app = open_pages("live.py", watch=ids["two"])

    text = read(app)
    for part in (
        *(":green-badge[looks]", "Where it stands", "Signals ", "Total R "),
        *("feed replay", "Beside a backtest", ":green-badge[Identical]", "Choose a row: the chart"),
    ):
        assert part in text, part
    _, looks, alerts, polls = (one.value for one in app.dataframe)
    assert set(looks["Setup"]) == {"IB_raid_v1", "IB_breakout_v1"}
    assert alerts["#"].tolist() == list(range(len(alerts), 0, -1))
    assert alerts["R"].str.match(r"-?\d+\.\d\d").any()
    assert polls["What came of it"].str.contains("looked").all()


def test_an_alert_keeps_its_number_however_many_are_asked_for(
    ids: dict[str, str], home: Path
) -> None:
    desk = open_inline(load_settings({"SETUPDESK_HOME": str(home)}), Door.CLI)
    every, [newest] = desk.alerts(100, ids["two"]), desk.alerts(1, ids["two"])

    assert len(every) > 1
    assert newest["number"] == every[0]["number"] == len(every)


def test_a_watch_that_has_not_looked_yet_says_so(ids: dict[str, str]) -> None:
    text = read(open_pages("live.py", watch=ids["one"]))

    assert "It has not looked yet: its first poll is on its way." in text
    assert "It was not compared yet." in text
    assert "Nothing so far: each signal stands here" in text
    assert "!\\[x\\]" in text


def test_a_watch_is_paused_resumed_and_looks_now(ids: dict[str, str]) -> None:
    app = open_pages("live.py", watch=ids["one"])

    press(app, "Pause")
    paused = read(app)
    press(app, "Resume")
    going_on = read(app)
    press(app, "Look now")

    assert ":gray-badge[paused]" in paused
    assert ":green-badge[looks]" in going_on
    assert app.toast[0].value == "It looks now."


def test_a_watch_is_ended_after_it_was_asked_once_more(ids: dict[str, str], home: Path) -> None:
    desk = open_inline(load_settings({"SETUPDESK_HOME": str(home)}), Door.CLI)
    watch_id = desk.add_watch(TWO | {"name": "to be ended"})["watch_id"]
    app = open_pages("live.py", watch=watch_id)

    press(press(app, "End the watch"), "No, go on")
    kept = desk.watch(watch_id)["ended_at"]
    press(press(app, "End the watch"), "Yes, end it")

    assert kept is None
    assert desk.watch(watch_id)["ended_at"]
    assert ":gray-badge[ended]" in read(app)
    assert "Look now" not in [one.label for one in app.button]
    assert ids


def test_a_comparison_is_asked_for_and_its_page_is_gone_to(ids: dict[str, str]) -> None:
    app = open_pages("live.py", watch=ids["two"])

    earlier = read(press(app, "Open the comparison"))
    app = open_pages("live.py", watch=ids["two"])
    press(app, "Compare")

    assert "#### :green-badge[Identical]" in earlier
    assert "Candidates the same" in earlier
    assert app.query_params["run"].startswith("run_")
    assert "queued" in read(app)


def test_a_poll_has_a_page_that_leads_back_to_its_watch(ids: dict[str, str], home: Path) -> None:
    desk = open_inline(load_settings({"SETUPDESK_HOME": str(home)}), Door.CLI)
    poll = desk.polls(ids["two"], 5)[-1]["run_id"]

    app = open_pages("run.py", run=poll)
    text = read(app)

    assert "Looked 2" in text
    press(app, "Open the watch")
    assert app.query_params["watch"] == ids["two"]


@pytest.mark.usefixtures("ids")
def test_every_problem_of_a_watch_stands_at_its_field_and_is_mended() -> None:
    app = open_pages()
    app.segmented_control(key="form_template").set_value("watch").run()
    first, feed = read(app), app.selectbox(key="form_feed").value
    app.selectbox(key="form_feed").set_value("push").run()
    pushed = read(app)
    app.selectbox(key="form_feed").set_value("replay").run()
    app.number_input(key="form_speed").set_value(0)
    app.text_input(key="form_expires").set_value("1s").run()
    wrong, is_held = read(app), app.button(key="watch").disabled
    press(press(app, "Take 60"), "Take 30m")

    assert feed == "replay"
    assert "GER40. Stored bars: M1 2025-0" in first
    assert "none has sent any yet" not in first
    assert "none has sent any yet" in pushed
    assert "speed was 0" in wrong
    assert "expires was '1s'" in wrong
    assert is_held
    assert app.number_input(key="form_speed").value == 60
    assert not app.button(key="watch").disabled


def test_the_parameters_of_a_setup_go_into_its_watch_and_are_not_asked_of_several(
    ids: dict[str, str], home: Path
) -> None:
    app = open_pages()
    app.segmented_control(key="form_template").set_value("watch").run()
    app.number_input(key="form_param_IB_raid_v1_min_rr").set_value(11).run()
    wrong, is_held = read(app), app.button(key="watch").disabled
    app.number_input(key="form_param_IB_raid_v1_min_rr").set_value(2).run()
    app.text_input(key="form_watch_name").set_value("with parameters").run()
    press(app, "Watch")
    desk = open_inline(load_settings({"SETUPDESK_HOME": str(home)}), Door.CLI)
    made = [one for one in desk.watches() if one["name"] == "with parameters"]
    app = open_pages()
    app.segmented_control(key="form_template").set_value("watch").run()
    app.multiselect(key="form_setups").set_value(["IB_raid_v1", "IB_breakout_v1"]).run()

    assert "min_rr" in wrong
    assert is_held
    assert ids
    assert [one["extra"] for one in made] == [{"min_rr": 2.0}]
    assert "form_param_IB_raid_v1_min_rr" not in [one.key for one in app.number_input]


def test_the_page_is_there_in_russian(ids: dict[str, str]) -> None:
    text = read(open_pages("live.py", watch=ids["two"], lang="ru"))

    assert ":green-badge[наблюдает]" in text
    assert "Где сейчас сетап" in text


def test_a_desk_that_is_down_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETUPDESK_SERVER", "http://127.0.0.1:1")
    monkeypatch.setenv("SETUPDESK_KEY", "a-key")

    for page in ("live.py", "schedules.py"):
        assert "The desk cannot be reached now." in read(open_pages(page))
