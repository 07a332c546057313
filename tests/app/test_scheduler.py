from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text, update
from sqlalchemy.exc import IntegrityError

from setupdesk.adapters.ledger.changes import Changes
from setupdesk.adapters.ledger.database import writing
from setupdesk.adapters.ledger.tables import schedule
from setupdesk.core.caller import Caller, Role
from setupdesk.core.errors import InvalidRequestError, NotFoundError
from setupdesk.core.rhythm import Every
from setupdesk.core.run import Door
from setupdesk.core.schedule import (
    MOST_CAUGHT_UP,
    ON_TIME,
    Fate,
    Outcome,
    Overlap,
    Schedule,
    Terms,
    judge_due,
    judge_overlap,
)
from tests.app.scheduled import ANN, BACKTEST, EVERY_MINUTE, LIVE, NOON, ScheduledDesk

MINUTE = timedelta(minutes=1)
BOB = Caller(user="bob", role=Role.TRADER)


@pytest.fixture
def desk(tmp_path: Path) -> ScheduledDesk:
    return ScheduledDesk(tmp_path)


def test_a_due_tick_is_fired_once_as_a_run_of_the_owner_by_the_scheduler(
    desk: ScheduledDesk,
) -> None:
    made = desk.add()
    desk.pass_time(MINUTE)
    desk.scheduler.work_once()

    [tick] = desk.desk.list_ticks(made, 10, ANN)

    assert tick["outcome"] == "fired"
    assert tick["due_at"] == "2026-01-05T12:01:00Z"
    assert tick["run_ids"] == ["run_2026_01_05_001"]
    assert desk.count_runs() == 1


def test_a_batch_is_one_tick_with_a_run_for_each_request(desk: ScheduledDesk) -> None:
    made = desk.add(payload=None, payloads=[BACKTEST, {**BACKTEST, "symbol": "US500"}])
    desk.pass_time(MINUTE)

    [tick] = desk.desk.list_ticks(made, 10, ANN)

    assert len(tick["run_ids"]) == 2


def test_a_clock_that_goes_back_repeats_no_tick(desk: ScheduledDesk) -> None:
    made = desk.add()
    desk.pass_time(MINUTE)
    desk.now -= timedelta(hours=1)
    for _ in range(90):
        desk.pass_time(MINUTE)

    assert desk.outcomes(made) == ["fired"] * 31
    assert desk.count_runs() == 31


@pytest.mark.parametrize(("catch_up", "fired"), [("none", 1), ("last", 1), ("all(5)", 5)])
def test_what_was_missed_is_caught_up_as_told_and_every_tick_has_its_row(
    desk: ScheduledDesk, catch_up: str, fired: int
) -> None:
    made = desk.add(catch_up=catch_up, start_deadline="30m")
    desk.pass_time(timedelta(hours=2))

    outcomes = desk.outcomes(made)

    assert len(outcomes) == 120
    assert outcomes[:89] == ["missed_late"] * 89
    assert outcomes.count("fired") == fired
    assert desk.count_runs() == outcomes.count("fired")


def test_days_of_missed_minutes_is_accounted_for_piece_by_piece(desk: ScheduledDesk) -> None:
    made = desk.add()
    desk.pass_time(timedelta(days=3))
    for _ in range(5):
        desk.scheduler.work_once()

    outcomes = desk.outcomes(made)

    assert len(outcomes) == 3 * 1440
    assert outcomes.count("fired") == 1
    assert outcomes[-1] == "fired"


def test_a_live_scan_that_is_a_period_late_is_missed(desk: ScheduledDesk) -> None:
    made = desk.add(payload=LIVE, every="15m")
    desk.pass_time(timedelta(minutes=44))

    assert desk.outcomes(made) == ["missed_late", "fired"]


def test_a_tick_is_skipped_while_the_run_before_is_under_way(desk: ScheduledDesk) -> None:
    made = desk.add(overlap="skip")
    desk.pass_time(MINUTE)
    desk.pass_time(MINUTE)
    desk.finish_runs()
    desk.pass_time(MINUTE)

    assert desk.outcomes(made) == ["fired", "skipped_overlap", "fired"]


def test_one_tick_waits_for_the_run_before_and_later_ones_do_not(desk: ScheduledDesk) -> None:
    made = desk.add(overlap="queue_one")
    for _ in range(3):
        desk.pass_time(MINUTE)
    waiting = desk.outcomes(made)
    runs = desk.count_runs()
    desk.finish_runs()
    desk.scheduler.work_once()

    assert waiting == ["fired", "due", "skipped_overlap"]
    assert runs == 1
    assert desk.outcomes(made) == ["fired", "fired", "skipped_overlap"]


def test_a_tick_can_end_the_run_before(desk: ScheduledDesk) -> None:
    made = desk.add(overlap="cancel_previous")
    desk.pass_time(MINUTE)
    [first] = desk.desk.list_ticks(made, 1, ANN)[0]["run_ids"]
    desk.pass_time(MINUTE)
    under_way = desk.ticks.find_under_way(desk.schedules.load_all()[0])

    assert desk.outcomes(made) == ["fired", "fired"]
    assert first not in under_way


def test_ticks_of_a_paused_schedule_have_rows_and_are_not_made_up_for(desk: ScheduledDesk) -> None:
    made = desk.add()
    desk.desk.change(made, {"paused": True}, ANN)
    desk.pass_time(3 * MINUTE)
    desk.desk.change(made, {"paused": False}, ANN)
    desk.pass_time(MINUTE)

    assert desk.outcomes(made) == ["paused"] * 3 + ["fired"]


def test_what_is_due_when_a_schedule_changes_is_accounted_for_as_it_was(
    desk: ScheduledDesk,
) -> None:
    made = desk.add()
    desk.now += 2 * MINUTE
    desk.desk.change(made, {"every": "1h", "name": "seldom"}, ANN)
    desk.scheduler.work_once()
    changed = desk.desk.show(made, ANN)

    assert desk.outcomes(made) == ["coalesced", "fired"]
    assert changed["name"] == "seldom"
    assert changed["next"][0]["at"] == "2026-01-05T13:00:00Z"


def test_a_tick_that_crashed_between_start_and_its_row_is_healed_without_a_second_run(
    desk: ScheduledDesk,
) -> None:
    made = desk.add(overlap="skip")
    desk.now += MINUTE
    one = desk.schedules.load_all()[0]
    desk.ticks.claim([(one, [Fate(desk.now, Outcome.DUE)])], desk.now)
    key = one.name_request(desk.now, 0)
    first = desk.start(BACKTEST, user="ann", door=Door.SCHEDULER, key=key)
    desk.scheduler.work_once()

    [tick] = desk.desk.list_ticks(made, 10, ANN)

    assert tick["outcome"] == "fired"
    assert tick["run_ids"] == [first.run_id]
    assert desk.count_runs() == 1


def test_a_payload_that_was_changed_between_keeps_the_run_that_was_started(
    desk: ScheduledDesk,
) -> None:
    made = desk.add()
    desk.now += MINUTE
    one = desk.schedules.load_all()[0]
    desk.ticks.claim([(one, [Fate(desk.now, Outcome.DUE)])], desk.now)
    desk.start(BACKTEST, user="ann", door=Door.SCHEDULER, key=one.name_request(desk.now, 0))
    desk.desk.change(made, {"payload": {**BACKTEST, "symbol": "US500"}}, ANN)
    desk.scheduler.work_once()

    assert desk.outcomes(made) == ["fired"]
    assert desk.count_runs() == 1


def test_what_was_judged_of_a_schedule_before_it_changed_is_not_written(
    desk: ScheduledDesk,
) -> None:
    made = desk.add()
    stale = desk.schedules.load_all()[0]
    desk.now += timedelta(seconds=1)
    desk.desk.change(made, {"every": "1h"}, ANN)
    desk.now += 59 * timedelta(seconds=1)
    desk.ticks.claim([(stale, [Fate(desk.now, Outcome.DUE)])], desk.now)
    desk.scheduler.work_once()

    assert desk.outcomes(made) == []
    assert desk.count_runs() == 0


def test_a_refused_tick_says_why(desk: ScheduledDesk) -> None:
    made = desk.add()
    one = desk.schedules.load_all()[0]
    broken = {"terms": {**one.terms.to_json(), "payloads": [{**BACKTEST, "symbol": "GER4"}]}}
    with writing(desk.ledger) as connection:
        connection.execute(update(schedule).values(broken))
    desk.pass_time(MINUTE)

    [tick] = desk.desk.list_ticks(made, 10, ANN)

    assert tick["outcome"] == "refused"
    assert "1 of 1 refused" in tick["reason"]


def test_no_nightly_backtest_comes_after_a_holiday_or_a_weekend(desk: ScheduledDesk) -> None:
    made = desk.add(every=None, cron="0 22 * * *", only_on_sessions=None, payload=BACKTEST)
    one = desk.schedules.load(made)
    assert one
    ticks = desk.timetable.after(one.terms, datetime(2026, 4, 1, tzinfo=UTC))

    days = [next(ticks).date().isoformat() for _ in range(4)]

    # Easter: Xetra is closed from Good Friday, the 3rd, to Monday, the 6th.
    assert days == ["2026-04-01", "2026-04-02", "2026-04-07", "2026-04-08"]


def test_bars_that_close_outside_the_session_are_no_ticks(desk: ScheduledDesk) -> None:
    made = desk.add(every=None, at_bar_close="M15 + 3s", only_on_sessions=True, payload=LIVE)
    one = desk.schedules.load(made)
    assert one
    ticks = desk.timetable.after(one.terms, datetime(2026, 1, 5, 1, tzinfo=UTC))
    first = next(ticks)

    of_the_day = [first, *(next(ticks) for _ in range(33))]

    assert first == datetime(2026, 1, 5, 8, 15, 3, tzinfo=UTC)  # 09:00 to 09:15 in Frankfurt
    assert of_the_day[-1] == datetime(2026, 1, 5, 16, 30, 3, tzinfo=UTC)
    assert next(ticks).date().isoformat() == "2026-01-06"


def test_a_scheduler_that_is_behind_or_met_a_clock_ahead_is_known(desk: ScheduledDesk) -> None:
    made = desk.add()
    well = desk.scheduler.find_fault()
    desk.now += 3 * MINUTE
    behind = desk.scheduler.find_fault()
    desk.pass_time(timedelta(days=30))
    desk.now -= timedelta(days=30)
    ahead = desk.scheduler.find_fault()
    for paused in (True, False):
        desk.desk.change(made, {"paused": paused}, ANN)

    assert well == ""
    assert behind == "a tick is due for 120 s"
    assert made in ahead
    assert desk.scheduler.find_fault() == ""


def test_run_now_starts_at_once_and_has_a_row_also_when_paused(desk: ScheduledDesk) -> None:
    made = desk.add(paused=True)

    tick = desk.desk.run_now(made, ANN)

    assert tick["outcome"] == "fired"
    assert "ann" in tick["reason"]
    assert desk.count_runs() == 1


def test_a_removed_schedule_starts_nothing_and_keeps_its_ticks(desk: ScheduledDesk) -> None:
    made = desk.add()
    desk.pass_time(MINUTE)
    desk.desk.remove(made, ANN)
    desk.pass_time(5 * MINUTE)

    assert desk.outcomes(made) == ["fired"]
    assert len(desk.desk.list_ticks(made, 10, ANN)) == 1
    assert desk.desk.list_schedules(ANN) == []


def test_a_user_has_so_many_schedules_and_others_have_their_own(desk: ScheduledDesk) -> None:
    few = replace(desk.desk, most=1)
    first = few.add(EVERY_MINUTE, ANN)
    few.add(EVERY_MINUTE, BOB)

    with pytest.raises(InvalidRequestError, match="ann has 1 schedules, the most"):
        few.add(EVERY_MINUTE, ANN)
    few.remove(first["schedule_id"], ANN)

    assert few.add(EVERY_MINUTE, ANN)["user"] == "ann"


def test_schedules_of_others_are_not_there(desk: ScheduledDesk) -> None:
    made = desk.add()

    assert desk.desk.list_schedules(BOB) == []
    assert desk.desk.list_next(5, BOB) == []
    for ask in (desk.desk.show, desk.desk.remove, desk.desk.run_now):
        with pytest.raises(NotFoundError):
            ask(made, BOB)


def test_everything_that_is_wrong_with_a_schedule_is_told_at_once(desk: ScheduledDesk) -> None:
    said = {
        "name": "",
        "payload": {**BACKTEST, "symbol": "GER4O"},
        "cron": "61 * * * *",
        "timezone": "Europe/Berlni",
        "catch_up": "all",
        "overlap": "skipp",
        "start_deadline": "soon",
        "pause": True,
    }

    with pytest.raises(InvalidRequestError) as refused:
        desk.desk.add(said, ANN)

    found = {problem.field: problem.suggestion for problem in refused.value.problems}
    assert found == {
        "name": None,
        "payload.symbol": "GER40",
        "cron": None,
        "timezone": "Europe/Berlin",
        "catch_up": "all(24)",
        "overlap": "skip",
        "start_deadline": "12h",
        "pause": "paused",
    }


def test_the_coming_ticks_of_all_are_in_order_and_in_market_time(desk: ScheduledDesk) -> None:
    desk.add(name="hourly", every="1h")
    desk.add(name="close", every=None, cron="30 17 * * *")

    coming = desk.desk.list_next(7, ANN)

    assert [tick["name"] for tick in coming] == ["hourly"] * 4 + ["close", "hourly", "hourly"]
    assert coming[4]["at"] == "2026-01-05T16:30:00Z"
    assert coming[4]["market_time"] == "2026-01-05T17:30:00+01:00"
    assert coming[4]["timezone"] == "Europe/Berlin"


def test_a_watch_looks_from_the_night_before_a_session_and_not_at_weekends(
    desk: ScheduledDesk,
) -> None:
    terms = Terms(
        payloads=({"mode": "live", "watch": "watch_1"},),
        rhythm=Every(timedelta(hours=1)),
        zone="Europe/Berlin",
        catch_up=1,
        overlap=Overlap.SKIP,
        start_deadline=None,
        only_on_sessions=True,
        markets=("GER40",),
    )
    friday = datetime(2026, 1, 9, 12, tzinfo=UTC)
    ticks = list(
        takewhile(
            lambda tick: tick < friday + timedelta(days=4), desk.timetable.after(terms, friday)
        )
    )

    # XETR is open from 9:00 to 17:30 in Berlin, 8:00 to 16:30 UTC.
    hours = {day: [one.hour for one in ticks if one.weekday() == day] for day in (4, 5, 6, 0)}
    assert hours[4] == [13, 14, 15, 16, 17]
    assert hours[5] == []
    assert hours[6] == [20 + one for one in range(1, 4)]
    assert hours[0] == [*range(18), 21, 22, 23]


def test_who_made_changed_and_removed_a_schedule_is_written_down_for_good(
    tmp_path: Path,
) -> None:
    desk = ScheduledDesk(tmp_path)
    schedule_id = desk.add(name="often")
    admin = Caller(user="root", role=Role.ADMIN)
    desk.desk.change(schedule_id, {"paused": True}, admin)
    desk.desk.remove(schedule_id, ANN)
    desk.add(name="other")
    told = Changes(desk.ledger).load(10)

    assert [(row["user"], row["deed"]) for row in told] == [
        ("ann", "schedule made"),
        ("ann", "schedule removed"),
        ("root", "schedule changed"),
        ("ann", "schedule made"),
    ]
    assert told[2]["said"] == {"paused": True}
    assert {row["subject"] for row in told[1:]} == {schedule_id}
    assert not Changes(desk.ledger).load(10, "root")
    for deed in ("UPDATE change_log SET user = 'eve'", "DELETE FROM change_log"):
        with pytest.raises(IntegrityError), writing(desk.ledger) as connection:
            connection.execute(text(deed))


@given(
    count=st.integers(1, 60),
    lateness=st.integers(0, 59),
    catch_up=st.integers(0, 10),
    deadline=st.integers(1, 90),
)
def test_catch_up_is_as_a_model_in_words_says(
    count: int, lateness: int, catch_up: int, deadline: int
) -> None:
    terms = Terms(
        payloads=(BACKTEST,),
        rhythm=Every(MINUTE),
        zone="UTC",
        catch_up=catch_up,
        overlap=Overlap.ALLOW,
        start_deadline=deadline * MINUTE,
        only_on_sessions=False,
        markets=("GER40",),
    )
    one = Schedule(
        schedule_id="s",
        name="s",
        user="ann",
        key_id=None,
        terms=terms,
        paused=False,
        created_at=NOON,
        changed_at=NOON,
        accounted_until=NOON,
    )
    due = [NOON + n * MINUTE for n in range(1, count + 1)]
    now = due[-1] + timedelta(seconds=lateness)

    fates = judge_due(one, due, now)
    fired = [fate.tick for fate in fates if fate.outcome is Outcome.DUE]

    assert [fate.tick for fate in fates] == due
    # What starts is the last ones, no more than may be caught up, none of them too late.
    assert fired == due[len(due) - len(fired) :]
    assert 1 <= len(fired) <= max(catch_up, 1)
    assert all(now - tick <= max(deadline * MINUTE, ON_TIME) for tick in fired)
    in_time = [tick for tick in due if now - tick <= max(deadline * MINUTE, ON_TIME)]
    assert len(fired) == min(len(in_time), max(catch_up, 1))
    late = [fate.tick for fate in fates if fate.outcome is Outcome.MISSED_LATE]
    if catch_up:
        assert late == [tick for tick in due if tick not in in_time]
    paused = judge_due(replace(one, paused=True), due, now)
    assert {fate.outcome for fate in paused} == {Outcome.PAUSED}


@given(
    due=st.lists(st.booleans(), min_size=1, max_size=20),
    waiting=st.integers(0, 2),
    under_way=st.booleans(),
    overlap=st.sampled_from(list(Overlap)),
)
def test_overlap_is_as_a_model_in_words_says(
    due: list[bool],
    waiting: int,
    *,
    under_way: bool,
    overlap: Overlap,
) -> None:
    fates = [
        Fate(NOON + n * MINUTE, Outcome.DUE if is_due else Outcome.COALESCED)
        for n, is_due in enumerate(due)
    ]

    judged = judge_overlap(overlap, fates, waiting=waiting, under_way=under_way)
    starts = sum(fate.outcome is Outcome.DUE for fate in judged)
    room = {Overlap.SKIP: 1, Overlap.QUEUE_ONE: 2}.get(overlap, 100)

    assert [fate.tick for fate in judged] == [fate.tick for fate in fates]
    assert starts == min(sum(due), max(room - waiting - under_way, 0))
    skipped = [fate for fate in judged if fate.outcome is Outcome.SKIPPED_OVERLAP]
    assert len(skipped) == sum(due) - starts
    assert sum(fate.outcome is Outcome.COALESCED for fate in judged) == due.count(False)


def test_of_very_many_only_the_oldest_are_judged_together(desk: ScheduledDesk) -> None:
    desk.add()
    one = desk.schedules.load_all()[0]
    due = [NOON + n * MINUTE for n in range(1, 2 * MOST_CAUGHT_UP + 2)]

    fates = judge_due(one, due, due[-1])

    assert len(fates) == MOST_CAUGHT_UP
    assert Outcome.DUE not in {fate.outcome for fate in fates}
