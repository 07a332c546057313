"""The page of setups: each rule as it is told, and a rule of one's own checked, mended, added."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from setupdesk.core.run import Door
from setupdesk.inline import open_inline
from setupdesk.settings import load_settings
from setupdesk.setups.template import fill_template
from tests.doors.ui.asking import looking_at, open_pages, press, read

BACKTEST = {"setup_id": "IB_raid_v1", "symbol": "GER40", "timeframe": "M15", "mode": "backtest"}
PERIOD = {"start": "2025-05-01", "end": "2025-05-09"}


@pytest.fixture(scope="module")
def patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module", name="home", autouse=True)
def serve(tmp_path_factory: pytest.TempPathFactory, patch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Serve a desk with a run, a rule of its owner's, and a file that cannot be used."""
    home = tmp_path_factory.mktemp("desk")
    desk = open_inline(load_settings({"SETUPDESK_HOME": str(home)}), Door.CLI)
    desk.simulate_bars({"symbol": "GER40", "start": "2025-03-01", "end": "2025-05-09", "seed": 1})
    assert desk.ask(BACKTEST | PERIOD | {"options": {"dry_run": True}})["run_id"]
    # Its gate compiles what the others use too.
    assert desk.add_setup(fill_template("kept_v1"), "kept_v1.yaml", dry_run=False)["gate"]["passed"]
    desk.desk.close()
    (home / "setups").mkdir(exist_ok=True)
    (home / "setups" / "broken_v1.yaml").write_text("id: broken_v1\n")
    with looking_at(home, patch):
        yield home


def write(app: AppTest, text: str) -> AppTest:
    return app.text_area(key="rule_text").set_value(text).run()


def test_a_rule_is_told_drawn_and_has_its_runs() -> None:
    app = open_pages("setups.py", setup="IB_raid_v1")
    text = read(app)

    assert app.radio(key="setup_chosen").value == "IB_raid_v1"
    assert "high and low of the initial balance (the first hour)" in text
    assert "a bar closes back inside within `45m`" in text
    assert "`sweep.extreme + side_out*0.05*ib.range`" in text
    assert "`ib.opposite`" in text
    assert "'Usual value': ['opposite', '45m', '0.05', '1.0']" in text
    assert "'Symbol': ['GER40']" in text
    assert "sweep.extreme + side_out*stop_buffer*ib.range" in app.code[0].value
    assert len(app.get("image")) == 1


def test_a_file_that_cannot_be_used_is_named_and_a_setup_that_nobody_has_run_says_so() -> None:
    text = read(open_pages("setups.py"))

    assert "Nobody has run it yet." in text
    assert "broken_v1.yaml cannot be used." in text
    assert "it is missing" in text


def test_a_setup_that_is_not_there_is_said_in_words() -> None:
    assert "There is no setup Nothing_v9." in read(open_pages("setups.py", setup="Nothing_v9"))


def test_a_setup_is_taken_to_its_backtest() -> None:
    app = open_pages("setups.py", setup="Gap_fill_v1")

    press(app, "Backtest it")

    assert app.selectbox(key="form_setup").value == "Gap_fill_v1"
    assert len(app.get("image")) == 1


def test_the_runs_of_a_setup_are_one_click_away() -> None:
    app = open_pages("setups.py", setup="IB_raid_v1")

    press(app, "All its runs")

    assert app.selectbox(key="runs_setup").value == "IB_raid_v1"


def test_a_rule_of_ones_own_is_mended_by_its_buttons_and_added() -> None:
    app = open_pages("setups.py")
    offered = app.text_area(key="rule_text").value
    sound = fill_template("mine_v1")
    write(
        app, sound.replace("[ib.high, ib.low]", "[ib.hgh, ib.low]").replace("0.15*atr", "0.15*att")
    )
    wrong = read(app.button(key="rule_check").click().run())
    press(app, "Take ib.high")
    mended = app.text_area(key="rule_text").value
    changed = read(app)
    write(app, str(mended).replace("att", "atr"))
    checked = read(app.button(key="rule_check").click().run())
    added = read(app.button(key="rule_add").click().run())

    assert offered == fill_template("my_setup_v1")
    assert "2 mistakes: nothing was added." in wrong
    assert "**Line 33**  \ntrigger.levels: 'ib.hgh' is not known" in wrong
    assert "filters: 'att' is not known" in wrong
    assert "levels: [ib.high, ib.low]" in str(mended)
    assert "The rule has changed since it was checked." in changed
    assert "mine_v1 is sound." in checked
    assert "mine_v1 is added." in added
    assert "the next version, such as mine_v2" in added
    assert "mine_v1" in app.radio(key="setup_chosen").options


def test_a_published_rule_is_not_changed_and_the_next_version_is_proposed() -> None:
    app = open_pages("setups.py")
    write(app, fill_template("kept_v1"))
    again = read(app.button(key="rule_add").click().run())
    write(app, fill_template("kept_v1").replace("45m", "30m"))
    refused = read(app.button(key="rule_add").click().run())
    press(app, "Take kept_v2")

    assert "kept_v1 was added before, just as it is." in again
    assert "was published with other content and stays as it is" in refused
    assert "id: kept_v2" in str(app.text_area(key="rule_text").value)


def test_the_page_speaks_russian_and_a_desk_that_is_down_is_said_in_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    russian = read(open_pages("setups.py", setup="IB_raid_v1", lang="ru"))
    monkeypatch.setenv("SETUPDESK_SERVER", "http://127.0.0.1:1")
    down = read(open_pages("setups.py"))

    assert "начальный баланс (первый час)" in russian
    assert "The desk cannot be reached now." in down
