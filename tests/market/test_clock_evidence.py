from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from setupdesk.market.clock_evidence import Proposal, propose_clock
from tests.market.weeks import (
    BTCUSD,
    EURUSD,
    US500,
    YEAR,
    crypto,
    ms,
    shown_by,
    trade,
    trade_cash,
)


def near(proposal: Proposal) -> str:
    return " ".join(proposal.caveats)


@pytest.mark.parametrize(
    "name", ["UTC", "NY+7", "Europe/Athens", "Europe/London", "America/New_York", "-05:00"]
)
def test_a_year_of_weeks_tells_the_clock(name: str) -> None:
    proposal = propose_clock(shown_by(name, YEAR), EURUSD)

    assert (proposal.clock.name, proposal.confidence) == (name, "sure")


@pytest.mark.parametrize(("name", "rival"), [("NY+7", "Europe/Athens"), ("Europe/Athens", "NY+7")])
def test_the_weeks_in_which_two_clocks_differ_are_the_evidence(name: str, rival: str) -> None:
    proposal = propose_clock(shown_by(name, YEAR), EURUSD)

    assert "The week's last bar opens Friday 23:45 in" in proposal.explain()
    assert f"in which {rival} differs, the usual hours are kept" in proposal.explain()
    assert f"and 0 times as {rival}" in proposal.explain()


def test_clocks_that_do_not_differ_in_these_weeks_cannot_be_told_apart() -> None:
    summer = trade(date(2025, 5, 1), date(2025, 8, 1))

    proposal = propose_clock(shown_by("NY+7", summer), EURUSD)

    assert (proposal.clock.name, proposal.confidence) == ("NY+7", "likely")
    assert "Cannot tell NY+7 from Europe/Athens, +03:00: no bars in the weeks" in near(proposal)


def test_a_file_whose_newest_bar_is_first_is_the_same() -> None:
    proposal = propose_clock(shown_by("NY+7", YEAR)[::-1], EURUSD)

    assert (proposal.clock.name, proposal.confidence) == ("NY+7", "sure")


@pytest.mark.parametrize(
    ("shown", "minutes"), [("America/New_York", 1), ("Europe/Berlin", 5), ("UTC", 15)]
)
def test_cash_hours_of_a_few_days_tell_the_clock_by_the_first_and_last_bar(
    shown: str, minutes: int
) -> None:
    bars = trade_cash(date(2025, 6, 2), 4, minutes)

    proposal = propose_clock(shown_by(shown, bars), US500)

    assert (proposal.clock.name, proposal.confidence) == (shown, "likely")
    assert f"As {shown} the day closes 16:00 New York in 3 of 3 days and opens 09:30 in 3" in (
        proposal.explain()
    )


def test_cash_hours_of_many_days_across_a_change_of_the_clocks_are_sure() -> None:
    bars = trade_cash(date(2025, 2, 17), 70, 15)

    proposal = propose_clock(shown_by("Europe/Athens", bars), US500)

    assert (proposal.clock.name, proposal.confidence) == ("Europe/Athens", "sure")
    assert "closes 16:00 New York in 49 of 49 days and opens 09:30 in 49" in proposal.explain()


def test_days_of_other_hours_than_the_session_tell_no_clock() -> None:
    bars = trade_cash(date(2025, 6, 2), 4, 15, opens=8 * 60, closes=19 * 60)

    proposal = propose_clock(bars, US500)

    assert proposal.confidence == "unsure"
    assert "with none its days are those of US500" in near(proposal)


def test_bars_without_a_weekend_tell_nothing() -> None:
    proposal = propose_clock(YEAR[:50], EURUSD)

    assert proposal.confidence == "unsure"
    assert "there is no weekend" in near(proposal)


def test_a_reference_decides_and_gives_its_correlation() -> None:
    reference = YEAR[4_000:9_000]

    proposal = propose_clock(shown_by("+05:30", YEAR[3_000:8_000]), EURUSD, reference)

    assert (proposal.clock.name, proposal.confidence) == ("+05:30", "sure")
    assert "returns correlate 1.00 with the stored bars" in proposal.explain()


def test_a_reference_tells_ny_7_from_athens_only_where_they_differ() -> None:
    wall = shown_by("NY+7", YEAR)
    march = YEAR.between(ms(date(2025, 3, 1)), ms(date(2025, 4, 15)))
    summer = trade(date(2025, 6, 1), date(2025, 7, 1))

    decided = propose_clock(wall, EURUSD, march)
    undecided = propose_clock(shown_by("NY+7", summer), EURUSD, summer)

    assert (decided.clock.name, decided.confidence) == ("NY+7", "sure")
    assert undecided.confidence == "likely"
    assert "Cannot tell NY+7 from Europe/Athens" in near(undecided)


def test_a_reference_of_another_market_decides_nothing() -> None:
    noise = np.random.default_rng(1).permutation(YEAR.close)

    proposal = propose_clock(shown_by("NY+7", YEAR), EURUSD, replace(YEAR, close=noise))

    assert proposal.clock.name == "NY+7"
    assert "The stored bars do not tell more" in near(proposal)


@pytest.mark.parametrize(
    "span", [(date(2025, 3, 20), date(2025, 4, 5)), (date(2025, 10, 20), date(2025, 11, 1))]
)
def test_a_market_that_never_closes_shows_the_hour_that_its_clock_left_out_or_doubled(
    span: tuple[date, date],
) -> None:
    proposal = propose_clock(shown_by("Europe/Athens", crypto(*span)), BTCUSD)

    assert (proposal.clock.name, proposal.confidence) == ("Europe/Athens", "likely")


def test_a_market_that_never_closes_else_tells_nothing_without_a_reference() -> None:
    bars = crypto(date(2025, 5, 1), date(2025, 5, 20))

    alone = propose_clock(shown_by("Europe/Athens", bars), BTCUSD)
    beside = propose_clock(shown_by("Europe/Athens", bars), BTCUSD, bars)

    assert (alone.clock.name, alone.confidence) == ("UTC", "unsure")
    assert "Cannot tell UTC from NY+7, Europe/Athens" in near(alone)
    assert beside.clock.name in {"NY+7", "Europe/Athens", "+03:00"}
    assert "Cannot tell" in near(beside)
