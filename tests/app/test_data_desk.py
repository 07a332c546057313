from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from setupdesk.adapters.bar_files import write_bars
from setupdesk.adapters.bar_store import BarStore
from setupdesk.adapters.calendar import ExchangeCalendar
from setupdesk.adapters.catalogue import load_catalogue
from setupdesk.adapters.importers import read_bars
from setupdesk.app.data_desk import DataDesk
from setupdesk.core.errors import (
    BarsDisagreeError,
    ClockNeededError,
    ClockUnsureError,
    InvalidImportError,
)

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


def write(offset_hours: int, *, naive: bool, rows: slice = slice(None), factor: int = 1) -> bytes:
    steps = np.random.default_rng(3).integers(-900, 901, 600)
    lines = ["time,open,high,low,close"]
    prices = (3_000_000 + np.cumsum(steps)) * factor
    for row, price in list(enumerate(prices.tolist()))[rows]:
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
    desk.import_bars(write(0, naive=False, rows=slice(500)), "utc.csv", "BTCUSD", "M5")

    done = desk.import_bars(write(3, naive=True), "wall.csv", "BTCUSD", "M5", accept_clock=True)

    assert (done["file"]["clock"], done["added"]) == ("NY+7", 100)
    (stored,) = desk.data_sets()
    assert "The clock was not declared" in stored["warnings"][0]


def test_an_unsure_clock_is_not_accepted_and_nothing_is_stored(tmp_path: Path) -> None:
    desk = open_desk(tmp_path)

    with pytest.raises(ClockUnsureError):
        desk.import_bars(write(3, naive=True), "wall.csv", "BTCUSD", "M5", accept_clock=True)

    assert desk.data_sets() == []


def test_a_declared_clock_makes_the_bars_those_of_utc(tmp_path: Path) -> None:
    desk = open_desk(tmp_path)
    desk.import_bars(write(0, naive=False), "utc.csv", "BTCUSD", "M5")

    again = desk.import_bars(write(3, naive=True), "wall.csv", "BTCUSD", "M5", "NY+7")

    assert again["outcome"] == "unchanged"


def test_the_answer_tells_of_the_file_and_of_the_data_set(tmp_path: Path) -> None:
    desk = open_desk(tmp_path)
    desk.import_bars(write(0, naive=False, rows=slice(500)), "a.csv", "BTCUSD", "M5")

    done = desk.import_bars(
        write(3, naive=True, rows=slice(400, 600)), "b.csv", "BTC/USD", "5m", "NY+7"
    )

    assert (done["outcome"], done["added"], done["disagreeing"]) == ("merged", 100, 0)
    assert (done["rows"], done["figure"], done["disagreeing_days"]) == (600, 66.6, [])
    assert {key: done["file"][key] for key in ("source_file", "clock", "clock_found", "rows")} == {
        "source_file": "b.csv",
        "clock": "NY+7",
        "clock_found": "declared",
        "rows": 200,
    }
    assert done["file"]["first"] == "2025-05-13T07:20:00+00:00"
    assert [(each["source_file"], each["clock"]) for each in done["sources"]] == [
        ("a.csv", "UTC"),
        ("b.csv", "NY+7"),
    ]


@pytest.mark.parametrize("rows", [slice(None), slice(None, None, -1), slice(100, 300)])
def test_bars_that_are_stored_already_change_nothing_and_are_judged_themselves(
    tmp_path: Path, rows: slice
) -> None:
    desk = open_desk(tmp_path)
    doubled = write(0, naive=False) + b"\n" + write(0, naive=False).split(b"\n", 1)[1]
    before = desk.import_bars(doubled, "doubled.csv", "BTCUSD", "M5")
    raw = write(0, naive=False, rows=rows)

    again = desk.import_bars(raw, "again.csv", "BTCUSD", "M5")

    assert before["file"]["quality"]["duplicates"] == 600
    assert again["outcome"] == "unchanged"
    assert (again["added"], again["disagreeing"]) == (0, 0)
    assert again["file"]["source_file"] == "again.csv"
    assert again["file"]["quality"]["duplicates"] == 0
    assert again["file"]["rows"] == len(raw.splitlines()) - 1
    assert again["sources"] == before["sources"]
    assert [each["fingerprint"] for each in desk.data_set("BTCUSD", "M5")["versions"]] == [
        before["fingerprint"]
    ]


@pytest.mark.parametrize(
    ("raw", "cause"),
    [
        (write(-5, naive=False), "The same prices are stored 5 hours later"),
        (write(0, naive=False, factor=10), "Its prices are 10 times the stored ones"),
    ],
)
def test_a_file_with_a_wrong_clock_or_scale_is_refused_until_it_replaces(
    tmp_path: Path, raw: bytes, cause: str
) -> None:
    desk = open_desk(tmp_path)
    right = desk.import_bars(write(0, naive=False), "right.csv", "BTCUSD", "M5")

    with pytest.raises(BarsDisagreeError, match=cause):
        desk.import_bars(raw, "wrong.csv", "BTCUSD", "M5")
    kept = desk.data_set("BTCUSD", "M5")
    done = desk.import_bars(raw, "wrong.csv", "BTCUSD", "M5", replace=True)

    assert kept["fingerprint"] == right["fingerprint"]
    assert done["outcome"] == "replaced"
    assert [each["source_file"] for each in done["sources"]] == ["wrong.csv"]
    assert len(desk.data_set("BTCUSD", "M5")["versions"]) == 2


def test_a_file_named_after_another_symbol_is_imported_with_a_warning_that_stays(
    tmp_path: Path,
) -> None:
    desk = open_desk(tmp_path)

    done = desk.import_bars(write(0, naive=False), "FOREXCOM_GER40_M5.csv", "BTCUSD", "M5")

    says = "FOREXCOM_GER40_M5.csv has bars of GER40 by its name, but was imported as BTCUSD."
    assert done["file"]["warnings"] == [says]
    assert desk.data_set("BTCUSD", "M5")["sources"][0]["warnings"] == [says]


def test_a_data_set_in_doubt_is_no_reference_whichever_source_is_in_doubt(tmp_path: Path) -> None:
    desk = open_desk(tmp_path)
    desk.import_bars(write(0, naive=False, rows=slice(300)), "GER40.csv", "BTCUSD", "M5")
    desk.import_bars(write(0, naive=False), "good.csv", "BTCUSD", "M5")

    with pytest.raises(ClockNeededError) as refused:
        desk.import_bars(write(-4, naive=True), "wall.csv", "BTCUSD", "M5")

    assert "correlate" not in refused.value.evidence


def test_each_stage_of_an_import_is_told(tmp_path: Path) -> None:
    stages: list[str] = []

    open_desk(tmp_path).import_bars(
        write(0, naive=False), "a.csv", "BTCUSD", "M5", note_stage=stages.append
    )

    assert stages == ["parsing", "storing"]


def write_until(last: str, close: float = 110_001) -> bytes:
    rows = [f"2025-10-31T{hour}Z,110000,110009,109990,110001" for hour in ("11:15:00", "11:30:00")]
    lines = ["time,open,high,low,close", *rows, f"2025-10-31T{last}Z,110000,110009,109990,{close}"]
    return "\n".join(lines).encode()


def test_a_bar_that_has_not_closed_by_the_clock_is_left_out_and_counted(tmp_path: Path) -> None:
    desk = open_desk(tmp_path)

    done = desk.import_bars(write_until("12:00:00"), "open.csv", "BTCUSD", "M15")

    assert (done["rows"], done["last"]) == (2, "2025-10-31T11:30:00+00:00")
    assert (done["file"]["rows"], done["file"]["quality"]["not_closed"]) == (2, 1)


def test_a_bar_that_closes_at_this_moment_is_finished(tmp_path: Path) -> None:
    desk = open_desk(tmp_path)

    done = desk.import_bars(write_until("11:45:00"), "closed.csv", "BTCUSD", "M15")

    assert done["rows"] == 3
    assert "not_closed" not in done["file"]["quality"]


def test_a_file_of_nothing_but_an_open_bar_is_refused(tmp_path: Path) -> None:
    desk = open_desk(tmp_path)
    raw = b"time,open,high,low,close\n2025-10-31T12:00:00Z,110000,110009,109990,110001\n"

    with pytest.raises(InvalidImportError, match=r"its only bar.*has not closed yet"):
        desk.import_bars(raw, "open.csv", "BTCUSD", "M15")

    assert desk.data_sets() == []


def test_an_older_file_puts_no_unfinished_bar_over_a_finished_one(tmp_path: Path) -> None:
    early = replace(open_desk(tmp_path), clock=lambda: NOW - timedelta(minutes=5))
    early.import_bars(write_until("11:45:00", 109_995), "early.csv", "BTCUSD", "M15")
    open_desk(tmp_path).import_bars(write_until("11:45:00"), "late.csv", "BTCUSD", "M15")

    again = early.import_bars(write_until("11:45:00", 109_995), "early.csv", "BTCUSD", "M15")

    assert (again["outcome"], again["rows"]) == ("unchanged", 3)


def test_an_export_of_the_simulated_market_is_never_taken_for_a_real_one(tmp_path: Path) -> None:
    desk = open_desk(tmp_path / "a")
    made = desk.simulate_bars(
        {"symbol": "GER40", "start": "2025-05-05", "end": "2025-05-06", "seed": 7}
    )
    raw = desk.export_bars("GER40", "M1", "csv")

    same = desk.import_bars(raw, "ger40.csv", "GER40", "M1")
    other = open_desk(tmp_path / "b").import_bars(raw, "ger40.csv", "GER40", "M1")

    assert same["outcome"] == "unchanged"
    assert (other["simulated"], other["seed"]) == (True, 7)
    assert other["fingerprint"] == made["fingerprint"]


def test_a_dry_run_says_what_a_file_is_and_stores_nothing(tmp_path: Path) -> None:
    desk = open_desk(tmp_path)

    look = desk.import_bars(write(0, naive=False), "utc.csv", "BTCUSD", "M5", dry_run=True)

    assert look["outcome"] == "checked"
    assert look["file"]["rows"] == 600
    assert [bar["at"] for bar in look["first_bars"]] == [
        f"2025-05-11T22:{minute:02}:00+00:00" for minute in (0, 5, 10, 15, 20)
    ]
    assert look["first_bars"][0]["open"] == look["first_bars"][0]["close"] > 29_000
    assert desk.data_sets() == []


def test_a_dry_run_asks_the_same_questions(tmp_path: Path) -> None:
    desk = open_desk(tmp_path)
    desk.import_bars(write(0, naive=False), "utc.csv", "BTCUSD", "M5")

    with pytest.raises(ClockNeededError) as refused:
        desk.import_bars(write(-4, naive=True), "wall.csv", "BTCUSD", "M5", dry_run=True)

    [problem] = refused.value.problems
    assert (problem.field, problem.code) == ("clock", "clock_needed")
    assert problem.suggestion == "America/New_York"
    assert problem.allowed == ("America/New_York",)
    assert problem.message == refused.value.evidence


def test_the_answers_that_an_unsure_clock_and_other_prices_want_are_named(tmp_path: Path) -> None:
    desk = open_desk(tmp_path)
    with pytest.raises(ClockUnsureError) as unsure:
        desk.import_bars(write(0, naive=True), "wall.csv", "BTCUSD", "M5")
    desk.import_bars(write(0, naive=False), "right.csv", "BTCUSD", "M5")
    with pytest.raises(BarsDisagreeError) as disagreeing:
        desk.import_bars(write(0, naive=False, factor=2), "wrong.csv", "BTCUSD", "M5")

    assert unsure.value.problems[0].allowed == unsure.value.clocks
    assert len(unsure.value.clocks) > 1
    [problem] = disagreeing.value.problems
    assert problem.field == "replace"
    assert "of them with other prices" in problem.message
    assert "--" not in problem.message


def test_coverage_counts_the_bars_of_each_session(tmp_path: Path) -> None:
    desk = open_desk(tmp_path)
    market = {"symbol": "GER40", "start": "2025-05-05", "end": "2025-05-07", "seed": 1}
    desk.simulate_bars(market)
    lines = desk.export_bars("GER40", "M1", "csv").decode().splitlines()
    desk.delete_bars("GER40", "M1", "ann")
    # Frankfurt trades from 09:00 to 17:30; ten of its minutes are missing, and one whole day.
    kept = [
        line.rsplit(",", 1)[0]
        for line in lines
        if not line.startswith(("2025-05-05T08:0", "2025-05-06"))
    ]
    desk.import_bars("\n".join(kept).encode(), "holes.csv", "GER40", "M1")

    found = desk.coverage("GER40", "M1")

    assert found["days"] == ["2025-05-05", "2025-05-06", "2025-05-07"]
    assert found["expected"] == [510, 510, 510]
    assert found["present"] == [500, 0, 510]
    assert not found["simulated"]
