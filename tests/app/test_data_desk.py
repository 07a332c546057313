from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from setupdesk.adapters.bar_files import write_bars
from setupdesk.adapters.bar_store import BarStore
from setupdesk.adapters.calendar import ExchangeCalendar
from setupdesk.adapters.catalogue import load_catalogue
from setupdesk.adapters.importers import read_bars
from setupdesk.app.data_desk import DataDesk
from setupdesk.core.errors import ClockNeededError

NOW = datetime(2025, 10, 31, 12, tzinfo=UTC)
START = 1_747_000_800
"""2025-05-11 22:00 UTC."""


def open_desk(folder: Path) -> DataDesk:
    return DataDesk(
        load_catalogue(),
        read_bars,
        BarStore(folder),
        lambda: NOW,
        ExchangeCalendar(folder),
        write_bars,
    )


def write(offset_hours: int, *, naive: bool) -> bytes:
    steps = np.random.default_rng(3).integers(-900, 901, 600)
    lines = ["time,open,high,low,close"]
    for row, price in enumerate((8_000_000 + np.cumsum(steps)).tolist()):
        moment = datetime.fromtimestamp(START + 300 * row + 3600 * offset_hours, UTC)
        text = f"{moment:%Y-%m-%d %H:%M:%S}{'' if naive else 'Z'}"
        lines.append(f"{text},{price / 100},{price / 100},{price / 100},{price / 100}")
    return "\n".join(lines).encode()


def test_stored_bars_of_the_symbol_tell_the_clock_of_a_new_file(tmp_path: Path) -> None:
    desk = open_desk(tmp_path)
    desk.import_bars(write(0, naive=False), "utc.csv", "BTCUSD", "M5")

    with pytest.raises(ClockNeededError) as refused:
        desk.import_bars(write(-4, naive=True), "wall.csv", "BTCUSD", "M5")

    assert refused.value.clock == "America/New_York"
    assert "returns correlate 1.00 with the stored bars" in refused.value.evidence


def test_an_accepted_clock_and_its_warnings_stay_with_the_data_set(tmp_path: Path) -> None:
    desk = open_desk(tmp_path)

    imported = desk.import_bars(write(3, naive=True), "wall.csv", "BTCUSD", "M5", accept_clock=True)

    (stored,) = desk.data_sets()
    assert imported["clock"] == stored["clock"] == "UTC"
    assert "The clock was not declared" in stored["warnings"][0]


def test_a_declared_clock_makes_the_bars_those_of_utc(tmp_path: Path) -> None:
    desk = open_desk(tmp_path)
    desk.import_bars(write(0, naive=False), "utc.csv", "BTCUSD", "M5")

    again = desk.import_bars(write(3, naive=True), "wall.csv", "BTCUSD", "M5", "NY+7")

    assert again["outcome"] == "unchanged"
