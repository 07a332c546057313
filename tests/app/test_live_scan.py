"""One look at the market: what is told of a moment was known then, and past days are counted."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from setupdesk.core.errors import InvalidRequestError
from setupdesk.core.run import Door
from setupdesk.inline import InlineDesk, open_inline
from setupdesk.settings import load_settings

SETUP = {"setup_id": "IB_raid_v1", "symbol": "GER40", "timeframe": "M15"}
MARKET = {"symbol": "GER40", "start": "2024-10-01", "end": "2025-05-30", "seed": 1}
DAY = "2025-05-14"
CLOCKS = ("09:30", "10:00", "10:15", "11:00", "12:30", "15:45", "21:59")
RULES = [
    *[("IB_raid_v1", "M15"), ("IB_breakout_v1", "M15")],
    *[("ORB15_break_v1", "M5"), ("PDHL_sweep_v1", "M5")],
]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InlineDesk]:
    home = tmp_path_factory.mktemp("home")
    opened = open_inline(load_settings({"SETUPDESK_HOME": str(home)}), Door.CLI)
    opened.simulate_bars(MARKET)
    yield opened
    opened.desk.close()


def run(desk: InlineDesk, **asked: Any) -> dict[str, Any]:
    receipt = desk.ask(SETUP | asked)
    assert receipt["status"] == "accepted", receipt["problems"]
    return desk.result(receipt["run_id"])


def read(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(("setup_id", "timeframe"), RULES)
def test_a_look_back_sees_what_was_known_then_and_nothing_else(
    desk: InlineDesk, setup_id: str, timeframe: str
) -> None:
    rule = {"setup_id": setup_id, "timeframe": timeframe}
    whole = run(desk, **rule, start=DAY, end=DAY)["candidates"]
    seen = 0
    for clock in CLOCKS:
        asked = f"{DAY} {clock}"
        report = run(desk, **rule, mode="live", at=asked)

        as_of = read(report["live"]["as_of"])
        assert report["live"]["as_of_local"].startswith(DAY)
        assert report["live"]["as_of_local"][11:16] <= clock
        known = [one for one in whole if read(one["known_at"]) <= as_of]
        assert tell(report["candidates"]) == tell(known)
        seen += len(known)
    assert seen


def tell(candidates: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    names = ("level", "side", "known_at", "started_at")
    return [tuple(one[name] for name in names) for one in candidates]


def test_where_price_is_to_the_levels_is_as_the_bars_have_it(desk: InlineDesk) -> None:
    live = run(desk, mode="live", at=f"{DAY} 12:30")["live"]
    [first, second] = live["edges"]

    assert {first["level"], second["level"]} == {"ib.high", "ib.low"}
    assert abs(first["distance"]) <= abs(second["distance"])
    for edge in live["edges"]:
        assert edge["price"] == live["levels"][edge["level"]]
        assert edge["distance"] == pytest.approx(edge["price"] - live["price"])
        assert edge["passed_at"] == find_passed(desk, live, edge)
        is_beyond = edge["distance"] < 0 if edge["level"] == "ib.high" else edge["distance"] > 0
        assert edge["is_beyond"] == is_beyond
    assert "ib.high" in live["sentence"] or live["state"] != "waiting"


def find_passed(desk: InlineDesk, live: dict[str, Any], edge: dict[str, Any]) -> str | None:
    """Find it bar by bar."""
    bars = desk.desk.show_bars("GER40", "M15", start=DAY, end=DAY, limit=5_000, cursor=None)
    for at, high, low in zip(bars["time"], bars["high"], bars["low"], strict=True):
        opened, closed = at / 1000, at / 1000 + 900
        if opened < read(live["levels_known_at"]).timestamp():
            continue
        if closed > read(live["as_of"]).timestamp():
            return None
        if high > edge["price"] if edge["level"] == "ib.high" else low < edge["price"]:
            return f"{datetime.fromtimestamp(closed, UTC).isoformat()[:19]}Z"
    return None


@pytest.mark.parametrize("clock", ["10:15", "12:30", "15:45"])
def test_the_base_rate_is_what_a_backtest_of_the_days_before_counts(
    desk: InlineDesk, clock: str
) -> None:
    rate = run(desk, mode="live", at=f"{DAY} {clock}")["live"]["base_rate"]
    had_one = bool(run(desk, mode="live", at=f"{DAY} {clock}")["candidates"])
    before = run(desk, start="2024-10-14", end="2025-05-13")
    by_day: dict[str, list[dict[str, Any]]] = {
        one["day"]: [] for one in before["sessions"] if not one["skipped"]
    }
    for number, one in enumerate(before["candidates"]):
        if one["day"] in by_day:
            by_day[one["day"]].append({**one, "number": number})

    alike, triggered, traded = 0, 0, 0
    for found in by_day.values():
        early = [one for one in found if one["known_local"][11:16] <= clock]
        late = [one for one in found if one["known_local"][11:16] > clock]
        if bool(early) == had_one:
            alike += 1
            triggered += bool(late)
            traded += sum(one["verdict"] == "traded" for one in late)

    assert (rate["alike"], rate["triggered_later"]) == (alike, triggered)
    assert (rate["sessions"], rate["traded_later"]) == (len(by_day), traded)
    low, high = rate["triggered_later_interval"]
    assert low <= triggered / alike <= high


def test_without_a_past_there_is_no_base_rate(desk: InlineDesk) -> None:
    assert run(desk, mode="live", at="2024-10-02 12:00")["live"]["base_rate"] is None


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"at": "noon"}, "wrong_time"),
        ({"at": 5}, "wrong_time"),
        ({"at": "0001-01-01 00:00"}, "wrong_time"),
        ({"at": "2031-01-01 10:00"}, "no_bars"),
        ({"at": "2019-01-01 10:00"}, "no_bars"),
        ({"at": DAY, "mode": "backtest", "start": DAY, "end": DAY}, "only_for_live"),
    ],
)
def test_a_moment_that_cannot_be_looked_at_is_refused(
    desk: InlineDesk, asked: dict[str, Any], code: str
) -> None:
    receipt = desk.ask({**SETUP, "mode": "live", **asked})

    assert [one["code"] for one in receipt["problems"]] == [code]
    assert receipt["problems"][0]["field"] == "at"
    with pytest.raises(InvalidRequestError):
        desk.desk.preflight({**SETUP, "mode": "live", **asked}, user="ann", door=Door.CLI)


def test_a_moment_without_an_offset_is_on_the_clock_of_the_market(desk: InlineDesk) -> None:
    forms = (f"{DAY} 10:45", f"{DAY}T08:45:00Z", f"{DAY}T10:45:00+02:00")

    asked = {desk.ask({**SETUP, "mode": "live", "at": form})["request"]["at"] for form in forms}

    assert asked == {f"{DAY}T08:45:00Z"}
