"""The candles of a run on its page, while its bars are there, changed or gone."""

from pathlib import Path

import pytest
import streamlit as st

from setupdesk.core.run import Door
from setupdesk.inline import open_inline
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


def test_the_page_of_a_run_has_its_candles_as_long_as_there_are_bars(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = open_inline(load_settings({"SETUPDESK_HOME": str(tmp_path)}), Door.CLI)
    desk.simulate_bars(MARKET)
    run_id = desk.ask(BACKTEST)["run_id"]

    with looking_at(tmp_path, monkeypatch):
        whole = read(open_pages("run.py", run=run_id))
        desk.delete_bars("GER40", "M1")
        st.cache_data.clear()
        gone = read(open_pages("run.py", run=run_id))
        desk.simulate_bars(MARKET | {"seed": 2})
        changed = read(open_pages("run.py", run=run_id))
    desk.desk.close()

    assert "Candles" in whole
    assert "Times are those of the market: Europe/Berlin." in whole
    assert CHANGED not in whole
    assert GONE not in whole
    assert CHANGED in changed
    assert GONE in gone
