"""The candles of a run on its page, while its bars are there, changed or gone."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from setupdesk.core.run import Door
from setupdesk.doors.ui import candles
from setupdesk.inline import InlineDesk, open_inline
from setupdesk.settings import load_settings
from tests.doors.ui.asking import looking_at, open_pages, read

BACKTEST = {
    "setup_id": "IB_raid_v1",
    "symbol": "GER40",
    "timeframe": "M15",
    "mode": "backtest",
    "start": "2025-05-01",
    "end": "2025-05-30",
}
MARKET = {"symbol": "GER40", "start": "2024-10-01", "end": "2025-05-30", "seed": 1}
CHANGED = "The bars were changed after this run: these are the new ones."
GONE = "There are no candles: the bars of this run are not stored any more."


@pytest.fixture(scope="module", name="home")
def home_of_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("desk")
    with opening(home) as desk:
        desk.simulate_bars(MARKET)
        desk.ask(BACKTEST)
    return home


@contextmanager
def opening(home: Path) -> Iterator[InlineDesk]:
    inline = open_inline(load_settings({"SETUPDESK_HOME": str(home)}), Door.CLI)
    yield inline
    inline.desk.close()


def find_run(home: Path) -> str:
    with opening(home) as desk:
        run_id: str = desk.runs(1)["runs"][0]["run_id"]
    return run_id


def find_picture(app: AppTest) -> dict[str, Any]:
    [chart] = app.get("bidi_component")
    picture: dict[str, Any] = json.loads(chart.proto.json)
    return picture


def test_the_chart_has_the_bars_the_sessions_and_the_trades_of_the_run(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = find_run(home)
    with opening(home) as desk:
        report = desk.result(run_id)

    with looking_at(home, monkeypatch):
        picture = find_picture(open_pages("run.py", run=run_id))

    assert [one["number"] for one in picture["trades"]] == [
        one["number"] for one in report["trades"]
    ]
    assert len(picture["sessions"]) == len(report["sessions"])
    assert {one["name"] for one in picture["levels"]} == {"ib.high", "ib.mid", "ib.low"}
    assert picture["chosen"] is None
    assert picture["zone"] == "Europe/Berlin"


def test_a_trade_before_the_bars_that_are_shown_brings_those_around_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = find_run(home)
    monkeypatch.setattr(candles, "MOST_BARS", 1_000)
    st.cache_data.clear()

    with looking_at(home, monkeypatch):
        app = open_pages("run.py", run=run_id)
        newest, text = find_picture(app), read(app)
        app.session_state[f"trades_{run_id}"] = {"selection": {"rows": [0]}}
        earlier = find_picture(app.run())

    assert newest["bars"]["count"] == 1_000
    assert "1,000 bars are shown. Choose an earlier trade, and the chart goes there." in text
    assert 1 not in [one["number"] for one in newest["trades"]]
    assert earlier["chosen"] == 1
    assert 1 in [one["number"] for one in earlier["trades"]]


def test_the_page_of_a_run_has_its_candles_as_long_as_there_are_bars(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = find_run(home)
    st.cache_data.clear()

    with opening(home) as desk, looking_at(home, monkeypatch):
        whole = read(open_pages("run.py", run=run_id))
        desk.delete_bars("GER40", "M1")
        st.cache_data.clear()
        gone = read(open_pages("run.py", run=run_id))
        desk.simulate_bars(MARKET | {"seed": 2})
        changed = read(open_pages("run.py", run=run_id))

    assert "Candles" in whole
    assert "Times are those of the market: Europe/Berlin." in whole
    assert CHANGED not in whole
    assert GONE not in whole
    assert CHANGED in changed
    assert GONE in gone
