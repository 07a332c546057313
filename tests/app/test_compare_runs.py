from collections.abc import Iterator
from typing import Any

import pytest

from setupdesk.app.compare_runs import TradeKey, compare_trades
from setupdesk.app.look_again import SignalKey
from setupdesk.core.errors import InvalidRequestError
from setupdesk.core.run import Door
from setupdesk.inline import InlineDesk, open_inline
from setupdesk.settings import load_settings

REQUEST = {"setup_id": "IB_raid_v1", "symbol": "GER40", "timeframe": "M15", "mode": "backtest"}
MAY = {"start": "2025-05-01", "end": "2025-05-30"}
YEAR = ("2025-01-01", "2025-12-31")


@pytest.fixture(scope="module", name="desk")
def open_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InlineDesk]:
    home = tmp_path_factory.mktemp("desk")
    desk = open_inline(load_settings({"SETUPDESK_HOME": str(home)}), Door.CLI)
    desk.simulate_bars({"symbol": "GER40", "start": "2024-10-01", "end": "2025-05-30", "seed": 1})
    yield desk
    desk.desk.close()


def ask(desk: InlineDesk, **changes: Any) -> str:
    run_id: str = desk.ask(REQUEST | MAY | changes)["run_id"]
    return run_id


def trade(day: str, r: float = 1.0, level: str = "ib.low") -> dict[TradeKey, dict[str, Any]]:
    at = f"2025-05-{day}T10:00:00Z"
    told = {"number": 1, "day": f"2025-05-{day}", "signal_at": at, "signal_local": at}
    found = {"entry_at": at, "entry": 1.0, "exit_at": at, "exit": 2.0, "exit_reason": "target"}
    return {TradeKey("GER40", SignalKey(int(day), "long", level)): told | found | {"r": r}}


def test_the_same_request_twice_has_the_same_trades_and_nothing_differs(desk: InlineDesk) -> None:
    found = desk.compare([ask(desk), ask(desk)])

    assert found["trades"]["same"] > 5
    assert found["trades"]["differences"] == []
    assert not [one["name"] for one in found["parameters"] if one["differs"]]
    assert not [one["name"] for one in found["ground"] if one["differs"]]
    assert found["equity"][0] == found["equity"][1]


def test_what_differs_is_named_with_figures_and_their_intervals(desk: InlineDesk) -> None:
    ids = [ask(desk), ask(desk, options={"rr_target": 2})]

    found = desk.compare(ids)

    differ = {one["name"]: one["values"] for one in found["parameters"] if one["differs"]}
    figures = {one["name"]: one for one in found["figures"]}
    assert [run["run_id"] for run in found["runs"]] == ids
    assert differ == {"options.rr_target": [None, 2.0]}
    assert found["trades"]["other_result"] > 0
    assert figures["total_r"]["values"] == [
        desk.result(one)["statistics"]["total_r"] for one in ids
    ]
    assert len(figures["expectancy_r"]["intervals"][1]) == 2


def test_other_bars_under_the_same_request_are_seen(desk: InlineDesk) -> None:
    before = ask(desk)
    said = {"symbol": "GER40", "start": "2024-10-01", "end": "2025-05-30"}
    desk.delete_bars("GER40", "M1")
    desk.simulate_bars(said | {"seed": 2})

    found = desk.compare([before, ask(desk)])

    assert "bars_fingerprint" in {one["name"] for one in found["ground"] if one["differs"]}
    assert found["trades"]["only"][0] > 0
    desk.delete_bars("GER40", "M1")
    desk.simulate_bars(said | {"seed": 1})


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"options": {"dry_run": True}}, "it is planned, and has no report"),
        ({"mode": "live", "start": None, "end": None}, "it is one look at the market"),
    ],
)
def test_what_has_no_statistics_is_refused_in_words(
    desk: InlineDesk, changes: dict[str, Any], why: str
) -> None:
    other = ask(desk, **changes)

    with pytest.raises(InvalidRequestError, match=why):
        desk.compare([ask(desk), other])


def test_two_to_six_different_runs_are_wanted(desk: InlineDesk) -> None:
    run_id = ask(desk)

    for run_ids, code in (([run_id], "wrong_count"), ([run_id] * 2, "twice"), (["a"] * 7, "")):
        with pytest.raises(InvalidRequestError) as refused:
            desk.compare(run_ids)
        assert refused.value.problems[0].code == (code or "wrong_count")


def test_trades_are_paired_by_their_signal_and_only_where_they_were_asked_for() -> None:
    first = trade("05") | trade("06") | trade("07") | trade("28")
    second = trade("05") | trade("06", r=2.0) | trade("08") | trade("07", level="ib.high")

    found = compare_trades([first, second], [YEAR, ("2025-05-01", "2025-05-20")])

    kinds = {(one["signal_at"][8:10], one["level"]): one["kind"] for one in found["differences"]}
    assert kinds == {
        ("06", "ib.low"): "other_result",
        ("07", "ib.low"): "only",
        ("07", "ib.high"): "only",
        ("08", "ib.low"): "only",
    }
    assert (found["same"], found["not_asked"], found["only"]) == (1, 1, [1, 2])


def test_a_trade_that_some_of_three_have_is_told_apart_from_one_that_a_single_run_has() -> None:
    found = compare_trades([trade("05"), trade("05"), {}], [YEAR] * 3)

    assert (found["some"], found["only"]) == (1, [0, 0, 0])
    assert [one["asked"] for one in found["differences"]] == [[True, True, True]]
