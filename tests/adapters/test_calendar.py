import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from setupdesk.adapters.calendar import ExchangeCalendar
from setupdesk.adapters.catalogue import load_catalogue
from setupdesk.core.errors import InvalidRequestError
from setupdesk.core.symbol import Symbol
from setupdesk.market.sessions import Session

CATALOGUE = load_catalogue()
GER40 = CATALOGUE["GER40"]
BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture(scope="module")
def calendar(tmp_path_factory: pytest.TempPathFactory) -> ExchangeCalendar:
    return ExchangeCalendar(tmp_path_factory.mktemp("calendars"))


def hours(session: Session, zone: str) -> tuple[datetime, datetime]:
    at = (session.opens_ms, session.closes_ms)
    opens, closes = (datetime.fromtimestamp(ms / 1000, ZoneInfo(zone)) for ms in at)
    return opens, closes


def weekdays_closed(sessions: list[Session], year: int) -> list[str]:
    open_days = {session.day for session in sessions}
    days = [date(year, 1, 1) + timedelta(days=n) for n in range(365)]
    return [f"{day:%m-%d}" for day in days if day.weekday() < 5 and day not in open_days]


def test_xetra_had_253_sessions_in_2025(calendar: ExchangeCalendar) -> None:
    sessions = calendar.sessions(GER40, date(2025, 1, 1), date(2025, 12, 31))

    closed = weekdays_closed(sessions, 2025)

    assert len(sessions) == 253
    assert closed == ["01-01", "04-18", "04-21", "05-01", "12-24", "12-25", "12-26", "12-31"]


def test_a_symbol_may_be_traded_on_holidays(calendar: ExchangeCalendar) -> None:
    cfd = replace(GER40, trade_on_holidays=True)

    sessions = calendar.sessions(cfd, date(2025, 1, 1), date(2025, 12, 31))

    local = {tuple(at.time() for at in hours(session, "Europe/Berlin")) for session in sessions}
    assert weekdays_closed(sessions, 2025) == []
    assert local == {(time(9), time(17, 30))}


def test_an_unknown_calendar_is_refused_with_the_nearest(calendar: ExchangeCalendar) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        calendar.sessions(replace(GER40, calendar="XETRA"), date(2025, 1, 1), date(2025, 1, 2))

    [problem] = refused.value.problems
    assert (problem.code, problem.suggestion) == ("unknown_calendar", "XETR")


def test_xetra_closes_seven_weekdays_in_2026(calendar: ExchangeCalendar) -> None:
    sessions = calendar.sessions(GER40, date(2026, 1, 1), date(2026, 12, 31))

    closed = weekdays_closed(sessions, 2026)

    assert closed == ["01-01", "04-03", "04-06", "05-01", "12-24", "12-25", "12-31"]


def test_xetra_trades_from_nine_to_half_past_five_and_shorter_before_new_year(
    calendar: ExchangeCalendar,
) -> None:
    sessions = calendar.sessions(GER40, date(2025, 1, 1), date(2025, 12, 31))

    local = [hours(session, "Europe/Berlin") for session in sessions]
    short = [closes for _, closes in local if closes.time() != time(17, 30)]

    assert {opens.time() for opens, _ in local} == {time(9)}
    assert short == [datetime(2025, 12, 30, 14, tzinfo=BERLIN)]


def test_sessions_follow_the_change_of_clocks(calendar: ExchangeCalendar) -> None:
    before, after = calendar.sessions(GER40, date(2025, 3, 28), date(2025, 3, 31))

    assert datetime.fromtimestamp(before.opens_ms / 1000, UTC).hour == 8
    assert datetime.fromtimestamp(after.opens_ms / 1000, UTC).hour == 7


def test_both_ends_of_the_period_are_included(calendar: ExchangeCalendar) -> None:
    sessions = calendar.sessions(GER40, date(2025, 10, 27), date(2025, 10, 27))

    assert [session.day for session in sessions] == [date(2025, 10, 27)]


@pytest.mark.parametrize(
    ("name", "day", "opens", "closes"),
    [
        ("UK100", date(2025, 12, 24), time(8), time(12, 30)),
        ("US500", date(2025, 11, 28), time(9, 30), time(13)),
        ("JPN225", date(2025, 6, 2), time(9), time(15, 30)),
        ("JPN225", date(2024, 6, 3), time(9), time(15)),
    ],
)
def test_an_index_keeps_the_hours_of_its_exchange(
    calendar: ExchangeCalendar, name: str, day: date, opens: time, closes: time
) -> None:
    symbol = CATALOGUE[name]

    (session,) = calendar.sessions(symbol, day, day)

    assert tuple(at.time() for at in hours(session, symbol.zone)) == (opens, closes)


@pytest.mark.parametrize("symbol", list(CATALOGUE), ids=lambda symbol: symbol.name)
def test_every_symbol_has_the_hours_of_its_catalogue_entry(
    calendar: ExchangeCalendar, symbol: Symbol
) -> None:
    (session,) = calendar.sessions(symbol, date(2025, 6, 4), date(2025, 6, 4))

    opens, closes = hours(session, symbol.session.zone)

    assert session.day == date(2025, 6, 4)
    assert (opens.time(), closes.time()) == (symbol.session.start, symbol.session.end)
    assert session.opens_ms < session.closes_ms


def test_a_currency_day_begins_the_evening_before_in_new_york(calendar: ExchangeCalendar) -> None:
    monday, *_, friday = calendar.sessions(CATALOGUE["EURUSD"], date(2025, 6, 1), date(2025, 6, 7))

    assert hours(monday, "America/New_York")[0] == datetime(2025, 6, 1, 17, tzinfo=NEW_YORK)
    assert hours(friday, "America/New_York")[1] == datetime(2025, 6, 6, 17, tzinfo=NEW_YORK)


def test_a_round_the_clock_market_trades_every_day_until_midnight(
    calendar: ExchangeCalendar,
) -> None:
    week = calendar.sessions(CATALOGUE["BTCUSD"], date(2025, 6, 1), date(2025, 6, 7))

    opens, closes = hours(week[0], "UTC")

    assert len(week) == 7
    assert (opens, closes) == (datetime(2025, 6, 1, tzinfo=UTC), datetime(2025, 6, 2, tzinfo=UTC))


@pytest.mark.parametrize(
    ("first", "last", "wrong"),
    [
        (date(1999, 12, 1), date(2000, 2, 1), "start"),
        (date(2025, 1, 1), date(2099, 1, 1), "end"),
    ],
)
def test_days_that_no_calendar_knows_are_refused(
    calendar: ExchangeCalendar, first: date, last: date, wrong: str
) -> None:
    with pytest.raises(InvalidRequestError, match="The sessions of XETR are known from") as refused:
        calendar.sessions(GER40, first, last)

    assert [problem.field for problem in refused.value.problems] == [wrong]


def test_a_code_is_judged_without_a_symbol(calendar: ExchangeCalendar) -> None:
    problem = calendar.find_problem("XETRA")

    assert problem is not None
    assert (problem.field, problem.suggestion) == ("calendar", "XETR")
    assert calendar.find_problem("XETR") is None


def test_a_second_process_needs_no_pandas(calendar: ExchangeCalendar) -> None:
    expected = calendar.sessions(GER40, date(2025, 1, 1), date(2025, 12, 31))
    script = (
        "import sys; from datetime import date; from pathlib import Path;"
        "from setupdesk.adapters.calendar import ExchangeCalendar;"
        "from setupdesk.adapters.catalogue import load_catalogue;"
        "calendar = ExchangeCalendar(Path(sys.argv[1]));"
        "ger40 = load_catalogue()['GER40'];"
        "print(len(calendar.sessions(ger40, date(2025, 1, 1), date(2025, 12, 31))));"
        "print('pandas' in sys.modules)"
    )

    command = [sys.executable, "-c", script, str(calendar.folder)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()

    assert printed == [str(len(expected)), "False"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"first": "2000-01-01"}'])
def test_a_broken_file_is_made_anew(
    calendar: ExchangeCalendar, tmp_path: Path, content: str
) -> None:
    expected = calendar.sessions(GER40, date(2025, 1, 1), date(2025, 1, 31))
    (kept,) = calendar.folder.glob("XETR-*.json")
    broken = tmp_path / kept.name
    broken.write_text(content, encoding="utf-8")

    sessions = ExchangeCalendar(tmp_path).sessions(GER40, date(2025, 1, 1), date(2025, 1, 31))

    assert sessions == expected
    assert broken.read_bytes() == kept.read_bytes()
