import json
import re
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from setupdesk.app.report_page.candles import AFTER, BEFORE, MOST_BARS, cut_span, pick_candles
from setupdesk.app.report_page.page import PARTS, SCRIPTS, VENDOR, build_page
from setupdesk.core.timeframe import Timeframe
from setupdesk.engine.report import build_report
from setupdesk.engine.statistics import summarize
from setupdesk.market.bars import Bars
from setupdesk.market.sessions import Session
from tests.engine.results import MIXED, MONDAY, make_candidates, make_result

HOSTILE = (
    "</script><script>alert(1)</script><!--<img src=x onerror=alert(2)>{{script}}\u2028&amp;\\u003c"
)
RUN: dict[str, Any] = {
    "run_id": "run_2025_10_31_001",
    "request": {
        "setup_id": "IB_raid_v1",
        "symbol": "GER40",
        "timeframe": "M15",
        "start": "2025-05-01",
        "end": "2025-10-31",
        "options": {},
        "extra": {},
    },
    "user": "anna",
    "door": "cli",
    "accepted_at": "2025-10-31T10:00:00Z",
    "finished_at": None,
    "plan": {"secret": "not told"},
}
QUARTER = Timeframe.M15.milliseconds


def report_of(results: Sequence[float] = ()) -> dict[str, Any]:
    result = make_result(
        results,
        sessions=max(len(results), 3),
        candidates=make_candidates((MONDAY,), ["rr_below_min"], ["RR 0.6 is below 1"]),
    )
    zone = "Europe/Berlin"
    return build_report(result, summarize(result, zone), tick=0.1, zone=zone)


def read_told(page: str) -> dict[str, Any]:
    found = re.search(
        r'<script type="application/json" id="report">(.*?)</script>', page, re.DOTALL
    )
    assert found
    told: dict[str, Any] = json.loads(found[1])
    return told


def make_sessions(count: int) -> list[Session]:
    opens = [7 * 3_600_000 + day * 86_400_000 for day in range(count)]
    first = date(1970, 1, 1)
    return [
        Session(first + timedelta(days=day), at, at + 34 * QUARTER) for day, at in enumerate(opens)
    ]


def make_bars(count: int) -> Bars:
    random = np.random.default_rng(7)
    time = np.arange(count, dtype=np.int64) * QUARTER
    body = 240_000 + np.cumsum(random.integers(-30, 30, count + 1))
    opened, closed = body[:-1] + random.integers(-3, 4, count), body[1:]
    high = np.maximum(opened, closed) + random.integers(0, 20, count)
    low = np.minimum(opened, closed) - random.integers(0, 20, count)
    return Bars(Timeframe.M15, 0.1, time, opened, high, low, closed, np.full(count, np.nan))


def decode(candles: dict[str, Any]) -> list[tuple[int, ...]]:
    rows: list[tuple[int, ...]] = []
    minute, last = candles["start"] - candles["minutes"], 0
    for gap, rise, above, below, body in np.array(candles["bars"]).reshape(-1, 5).tolist():
        minute += candles["minutes"] + gap
        opened = last + rise
        last = opened + body
        rows.append((minute, opened, max(opened, last) + above, min(opened, last) - below, last))
    return rows


def told_of(*days: int, traded: tuple[int, ...] = ()) -> dict[str, Any]:
    named = [(date(1970, 1, 1) + timedelta(days=day)).isoformat() for day in range(1_000)]
    return {
        "trades": [{"day": named[day]} for day in traded],
        "candidates": [{"day": named[day]} for day in days],
    }


def test_a_page_holds_the_run_and_its_report_and_nothing_of_the_desk() -> None:
    report = report_of(MIXED)

    told = read_told(build_page(RUN, report, "none", None))

    assert told["report"] == report
    assert told["run"]["user"] == "anna"
    assert "plan" not in told["run"]


@pytest.mark.parametrize("field", ["user", "run_id", "title", "note", "candles", "setup_id"])
def test_no_text_from_outside_becomes_markup(field: str) -> None:
    request = RUN["request"] | {"setup_id": HOSTILE if field == "setup_id" else "IB_raid_v1"}
    run = RUN | {"request": request} | ({field: HOSTILE} if field in RUN else {})
    note = {"code": "x", "severity": "alarm", "sentence": HOSTILE if field == "note" else "ok"}
    report = report_of(MIXED) | {"notes": [note]}
    setup = {"title": {"en": HOSTILE if field == "title" else "Raid"}, "description": None}

    page = build_page(run, report, HOSTILE if field == "candles" else "none", setup)

    # The elements of the template, and no more.
    assert page.count("<script") == page.count("</script") == 3
    assert "<img" not in page
    assert "<!--" not in page
    assert HOSTILE in json.dumps(read_told(page), ensure_ascii=False).replace("\\\\", "\\")


def test_the_page_allows_its_own_two_scripts_and_no_network() -> None:
    page = build_page(RUN, report_of(MIXED), "none", None)

    found = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert found
    policy = dict(part.strip().split(" ", 1) for part in found[1].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["img-src"] == "data:"
    assert len(re.findall("'sha256-[A-Za-z0-9+/]{43}='", policy["script-src"])) == 2
    assert not re.search(r'(src|href)="(?!data:)', page.split("<body>")[0])


def test_our_scripts_write_text_and_never_markup() -> None:
    scripts = "\n".join((PARTS / f"{name}.js").read_text() for name in SCRIPTS)

    assert not re.search(
        "innerHTML|outerHTML|insertAdjacentHTML|document.write|eval|fetch", scripts
    )
    assert {path.stem for path in PARTS.glob("*.js")} == set(SCRIPTS)
    assert all("\r" not in path.read_text() for path in VENDOR.iterdir())


def test_the_chart_comes_with_its_licence_and_its_notice() -> None:
    page = build_page(RUN, report_of(), "none", None)

    assert "TradingView" in (VENDOR / "NOTICE").read_text()
    assert "Apache License" in (VENDOR / "LICENSE").read_text()
    assert "Licensed under Apache License 2.0" in page
    assert "attributionLogo: true" in page
    assert "https://www.tradingview.com/" in page


@pytest.mark.parametrize("results", [(), (1.5,), (0.0,) * 40, MIXED])
def test_every_report_makes_a_page_that_a_browser_can_read(results: Sequence[float]) -> None:
    report = report_of(results)

    assert read_told(build_page(RUN, report, "none", None))["report"] == report


def test_a_figure_that_is_no_number_is_refused() -> None:
    report = report_of(MIXED)
    report["statistics"]["total_r"] = float("nan")

    with pytest.raises(ValueError, match="JSON compliant"):
        build_page(RUN, report, "none", None)


def test_candles_are_the_very_bars_around_the_days_that_say_something() -> None:
    bars, sessions = make_bars(96 * 9), make_sessions(9)

    candles = pick_candles(told_of(2, 3, 6, traded=(3,)), bars, sessions)

    rows = decode(candles)
    assert [day[0] for day in candles["days"]] == ["1970-01-03", "1970-01-04", "1970-01-07"]
    for day, first, stop, opens, closes in candles["days"]:
        session = next(one for one in sessions if one.day.isoformat() == day)
        shown = bars.between(
            session.opens_ms - BEFORE * QUARTER, session.closes_ms + AFTER * QUARTER
        )
        columns = (shown.time // 60_000, shown.open, shown.high, shown.low, shown.close)
        assert rows[first:stop] == list(zip(*(each.tolist() for each in columns), strict=True))
        assert (opens, closes) == (session.opens_ms // 1000, session.closes_ms // 1000)
    assert candles["left_out"] == 0


def test_a_year_of_candles_is_small() -> None:
    days = range(250)

    candles = pick_candles(told_of(*days), make_bars(96 * 250), make_sessions(250))

    assert len(json.dumps(candles, separators=(",", ":"))) < 500_000


def test_too_many_candles_leave_out_days_without_trades_and_old_ones_first() -> None:
    count, days = 1_000, range(1_000)
    traded = tuple(range(0, 1_000, 2))

    candles = pick_candles(
        told_of(*days, traded=traded), make_bars(96 * count), make_sessions(count)
    )

    shown = [int((date.fromisoformat(day[0]) - date(1970, 1, 1)).days) for day in candles["days"]]
    assert len(candles["bars"]) / 5 <= MOST_BARS
    assert set(traded) <= set(shown)
    assert candles["left_out"] == count - len(shown) > 0
    others = [day for day in shown if day not in traded]
    assert others
    assert others == [day for day in days if day not in traded][-len(others) :]


def test_days_whose_bars_are_missing_have_no_candles_and_break_nothing() -> None:
    bars, sessions = make_bars(96), make_sessions(9)

    candles = pick_candles(told_of(8), bars[:0], sessions)

    assert candles["bars"] == []
    assert candles["days"][0][1:3] == [0, 0]


def test_bars_of_a_run_are_made_from_finer_ones_as_in_the_run() -> None:
    from setupdesk.adapters.catalogue import load_catalogue

    bars = make_bars(96 * 4)

    hours = cut_span(bars, Timeframe.H1, load_catalogue()["GER40"], make_sessions(3))

    assert hours.timeframe is Timeframe.H1
    assert int(hours.high[0]) == int(bars.high[:4].max())
