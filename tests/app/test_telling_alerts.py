import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import NullPool, create_engine

from setupdesk.adapters.ledger import database
from setupdesk.adapters.ledger.database import open_database
from setupdesk.app.channel_desk import ChannelDesk
from setupdesk.core.caller import HOME
from setupdesk.core.channel import LOG_URL
from setupdesk.core.manner import SHORTEST_HOLD, USUAL, Loudness, Manner, Quiet
from setupdesk.core.mute import Mute
from setupdesk.core.watch import AlertKind
from tests.adapters.webhook_receiver import receiving, say
from tests.app.telling import NOON, Bench

NIGHT = Quiet(time(22), time(7), "Europe/Berlin")
LATE = datetime(2025, 5, 1, 21, 30, tzinfo=UTC)  # 23:30 in Berlin
MORNING = datetime(2025, 5, 2, 5, tzinfo=UTC)  # 07:00 there


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with receiving() as receiver:
        yield Bench(open_database(tmp_path / "ledger.db"), receiver)


def fail(handler: Any, _received: Any) -> None:
    say(handler, 500)


def wanting(**other: Any) -> Manner:
    return replace(USUAL, **other)


def show_log(bench: Bench) -> list[dict[str, Any]]:
    """Show the log as a door does."""
    notifier = bench.open()
    desk = ChannelDesk(
        bench.channels,
        bench.notifications,
        notifier.sender,
        notifier.signer,
        bench.now,
        list[Mute],
    )
    return desk.log("channel_1", 100, replace(HOME, user="ann"))


def test_an_alert_is_told_once_with_all_that_it_said(bench: Bench) -> None:
    bench.add()
    [alert_id] = bench.raise_alerts()

    assert bench.tell_all() == 1

    [body] = bench.read_bodies()
    alert = body.pop("alert")
    assert body == {
        "event": "alert",
        "id": bench.log()[0]["message_id"],
        "text": "GER40 M15 IB_raid_v1: short below 24060.0",
        "silent": False,
        "repeat": False,
    }
    assert (alert["alert_id"], alert["kind"], alert["watch_id"]) == (alert_id, "signal", "watch_1")
    assert (alert["setup_id"], alert["symbol"], alert["side"]) == ("IB_raid_v1", "GER40", "short")
    assert (alert["bar_at"], alert["created_at"]) == (
        "2025-05-01T11:45:00Z",
        "2025-05-01T12:00:00Z",
    )
    assert (alert["sentence"], alert["stop"]) == ("short below 24060.0", 24_100.0)
    assert (bench.log()[0]["outcome"], bench.log()[0]["alert_id"]) == ("delivered", alert_id)


def test_an_alert_of_a_feed_needs_no_setup(bench: Bench) -> None:
    bench.add()
    said = {"sentence": "no new bars since 11:30"}
    bench.raise_alerts(kind="stale", setup_id=None, setup_hash=None, side=None, said=said)

    bench.tell_all()

    assert bench.read_bodies()[0]["text"] == "GER40 M15: no new bars since 11:30"


def test_each_kind_is_told_as_loud_as_its_channel_wants(bench: Bench) -> None:
    kinds = {AlertKind.SIGNAL: Loudness.OFF, AlertKind.STALE: Loudness.SILENT}
    bench.add("channel_1")
    bench.add("channel_2", manner=wanting(kinds={**USUAL.kinds, **kinds}))
    for kind in AlertKind:
        bench.raise_alerts(kind=kind)

    bench.tell_all()

    told = [
        (row["channel_id"], body["alert"]["kind"], body["silent"])
        for row in bench.log()
        for body in bench.read_bodies()
        if body["id"] == row["message_id"]
    ]
    assert sorted(told) == [
        ("channel_1", "signal", False),
        ("channel_1", "stale", False),
        ("channel_2", "stale", True),
    ]


def test_a_retry_after_a_plain_failure_is_the_same_and_no_repeat(bench: Bench) -> None:
    bench.add()
    bench.raise_alerts()
    statuses = [500, 503, 204]
    bench.receiver.answer = lambda handler, _: say(handler, statuses.pop(0))

    for _ in range(3):
        assert bench.tell()
        bench.at += timedelta(minutes=1)

    first, *others = bench.receiver.received
    assert len(others) == 2
    assert all(other.body == first.body for other in others)
    assert not any(body["repeat"] for body in bench.read_bodies())


def test_what_somebody_died_telling_is_marked_from_then_on(bench: Bench) -> None:
    bench.add()
    bench.raise_alerts()
    bench.receiver.answer = fail
    bench.tell()
    bench.at += timedelta(minutes=1)
    assert bench.notifications.take_due(())

    bench.notifications.take_over()
    bench.tell()
    bench.receiver.answer = lambda handler, _: say(handler, 204)
    bench.at += timedelta(minutes=1)
    bench.tell()

    first, *repeats = bench.read_bodies()
    assert not first["repeat"]
    assert [one["repeat"] for one in repeats] == [True, True]
    assert all(one["text"] == f"{first['text']} (repeat?)" for one in repeats)


def test_the_end_of_a_run_that_may_have_been_told_is_marked_too(bench: Bench) -> None:
    bench.add()
    bench.end_run()
    assert bench.notifications.take_due(())

    bench.notifications.take_over()
    bench.tell()

    [body] = bench.read_bodies()
    assert (body["event"], body["repeat"]) == ("run_finished", True)


def test_an_alert_that_is_too_old_to_act_on_is_not_told(bench: Bench) -> None:
    bench.add()
    bench.raise_alerts(expires_at=NOON + timedelta(minutes=15))
    bench.raise_alerts(expires_at=NOON + timedelta(minutes=15, seconds=1))

    bench.at += timedelta(minutes=15)
    bench.tell_all()

    assert bench.list_outcomes() == ["expired", "delivered"]
    assert [body["alert"]["alert_id"] for body in bench.read_bodies()] == ["alert_001"]
    assert [row["attempts"] for row in bench.log()] == [1, 0]


def test_an_alert_expires_between_two_attempts(bench: Bench) -> None:
    bench.add()
    bench.raise_alerts(expires_at=NOON + timedelta(seconds=30))
    bench.receiver.answer = fail

    bench.tell()
    bench.at += timedelta(minutes=1)

    assert not bench.tell()
    [row] = bench.log()
    assert (row["outcome"], row["attempts"]) == ("expired", 1)
    assert row["last_error"] == "it answered 500"


def test_more_old_alerts_than_are_put_aside_at_once_keep_no_new_one_back(bench: Bench) -> None:
    bench.add()
    bench.raise_alerts(150, expires_at=NOON + timedelta(minutes=1))
    bench.at += timedelta(minutes=1)
    bench.raise_alerts()

    for _ in range(3):
        bench.tell()

    assert bench.list_outcomes() == ["expired"] * 150 + ["delivered"]


def test_alerts_of_quiet_hours_are_held_and_told_at_once_when_these_end(bench: Bench) -> None:
    bench.add(manner=wanting(quiet=NIGHT))
    bench.at = LATE
    bench.raise_alerts(3)
    bench.raise_alerts(symbol="US500")
    bench.end_run()

    told_at_night = bench.tell_all()
    [digest] = [row for row in bench.log() if row["event"] == "digest"]
    bench.at = MORNING - timedelta(seconds=1)
    before = bench.tell()
    bench.at = MORNING
    assert bench.tell_all() == 1

    assert (told_at_night, before, digest["due_at"]) == (1, False, MORNING)
    run, body = bench.read_bodies()
    assert (run["event"], body["event"]) == ("run_finished", "digest")
    assert body["text"] == (
        "4 alerts were held: 3 x GER40 M15 IB_raid_v1, 1 x US500 M15 IB_raid_v1"
    )
    assert (body["count"], body["silent"], body["repeat"]) == (4, False, False)
    assert [one["alert_id"] for one in body["alerts"]] == [
        f"alert_00{number}" for number in (3, 2, 1, 0)
    ]
    assert body["alerts"][0]["created_at"] == "2025-05-01T21:30:00Z"
    held = [row for row in bench.log() if row["outcome"] == "held"]
    assert {row["digest_id"] for row in held} == {digest["notification_id"]}


def test_a_digest_that_fails_tells_the_same_again_and_later_alerts_make_another(
    bench: Bench,
) -> None:
    bench.add(manner=wanting(quiet=NIGHT))
    bench.at = LATE
    bench.raise_alerts(2)
    bench.tell_all()
    bench.at = MORNING
    bench.receiver.answer = fail
    bench.tell()
    bench.at = LATE + timedelta(days=1)
    bench.raise_alerts()
    assert not bench.tell()
    bench.receiver.answer = lambda handler, _: say(handler, 204)
    bench.at = MORNING + timedelta(days=1)

    assert bench.tell_all() == 2

    first, again, other = bench.receiver.received
    assert first.body == again.body
    assert json.loads(again.body)["count"] == 2
    assert [one["alert_id"] for one in json.loads(other.body)["alerts"]] == ["alert_002"]


def test_a_digest_that_somebody_died_telling_is_marked_and_tells_the_same(bench: Bench) -> None:
    bench.add(manner=wanting(quiet=NIGHT))
    bench.at = LATE
    bench.raise_alerts(2)
    bench.tell_all()
    bench.at = MORNING
    dead = bench.notifications.take_due(())
    assert dead
    assert dead.digest

    bench.notifications.take_over()
    bench.tell()

    [body] = bench.read_bodies()
    assert (body["repeat"], body["count"], dead.digest.count) == (True, 2, 2)
    assert body["text"].endswith(" (repeat?)")


def test_an_alert_that_may_have_been_told_before_it_was_held_is_marked_in_the_digest(
    bench: Bench,
) -> None:
    bench.add(manner=wanting(quiet=NIGHT))
    bench.at = LATE - timedelta(hours=2)
    bench.raise_alerts()
    assert bench.notifications.take_due(())
    bench.at = LATE
    bench.raise_alerts()
    bench.tell_all()
    bench.at = MORNING
    bench.tell_all()

    [body] = bench.read_bodies()
    assert [one["repeat"] for one in body["alerts"]] == [False, True]


def test_a_digest_shows_fifty_alerts_in_full_and_counts_all(bench: Bench) -> None:
    bench.add(manner=wanting(quiet=NIGHT))
    bench.at = LATE
    for number in range(7):
        bench.raise_alerts(10 + number, symbol=f"S{number}")
    while bench.tell() or None in bench.list_outcomes():
        pass
    bench.at = MORNING
    bench.tell_all()

    [body] = bench.read_bodies()
    assert (body["count"], len(body["alerts"])) == (91, 50)
    assert body["text"] == (
        "91 alerts were held: 16 x S6 M15 IB_raid_v1, 15 x S5 M15 IB_raid_v1, "
        "14 x S4 M15 IB_raid_v1, 13 x S3 M15 IB_raid_v1, 12 x S2 M15 IB_raid_v1, 21 more"
    )
    assert body["alerts"][0]["alert_id"] == "alert_090"


def test_held_alerts_may_expire_meanwhile_and_are_told_all_the_same(bench: Bench) -> None:
    bench.add(manner=wanting(quiet=NIGHT))
    bench.at = LATE
    bench.raise_alerts(expires_at=LATE + timedelta(minutes=30))
    bench.tell_all()
    bench.at = MORNING
    bench.tell_all()

    [body] = bench.read_bodies()
    assert body["alerts"][0]["expires_at"] == "2025-05-01T22:00:00Z"
    assert body["text"] == "1 alert was held: 1 x GER40 M15 IB_raid_v1"


def test_of_too_many_alerts_the_rest_is_told_at_once_when_the_hour_is_over(bench: Bench) -> None:
    bench.add(manner=wanting(most_per_hour=3))
    bench.raise_alerts(2)
    bench.tell_all()
    bench.at += timedelta(minutes=20)
    bench.raise_alerts(4)
    told = bench.tell_all()
    [digest] = [row for row in bench.log() if row["event"] == "digest"]
    bench.at = NOON + timedelta(hours=1)
    bench.raise_alerts(2)

    assert bench.tell_all() == 3

    assert (told, digest["due_at"]) == (1, NOON + timedelta(hours=1))
    assert [body["event"] for body in bench.read_bodies()].count("digest") == 1
    assert bench.list_outcomes() == [*["delivered"] * 3, *["held"] * 3, *["delivered"] * 2]


def test_only_alerts_count_for_the_most_of_an_hour(bench: Bench) -> None:
    bench.add(manner=wanting(most_per_hour=1))
    for _ in range(3):
        bench.end_run()
    bench.raise_alerts()

    assert bench.tell_all() == 4
    assert bench.list_outcomes() == ["delivered"] * 4


def test_an_hour_that_frees_within_minutes_makes_no_flood_of_digests(bench: Bench) -> None:
    bench.add(manner=wanting(most_per_hour=12))
    for number in range(48):
        bench.at = NOON + timedelta(minutes=2.5) * number
        bench.raise_alerts()
        bench.tell_all()

    told = [body["event"] for body in bench.read_bodies()]
    assert told.count("alert") == 24
    assert 0 < told.count("digest") <= 2 * (timedelta(hours=1) / SHORTEST_HOLD)


def test_what_is_too_much_before_quiet_hours_is_told_after_them(bench: Bench) -> None:
    bench.add(manner=wanting(quiet=NIGHT, most_per_hour=1))
    bench.at = LATE - timedelta(hours=2)
    bench.raise_alerts(2)

    bench.tell_all()

    [digest] = [row for row in bench.log() if row["event"] == "digest"]
    assert digest["due_at"] == MORNING


def test_a_digest_that_is_due_in_quiet_hours_by_now_waits_for_their_end(bench: Bench) -> None:
    bench.add(manner=wanting(most_per_hour=1))
    bench.at = LATE - timedelta(minutes=30)
    bench.raise_alerts(2)
    bench.tell_all()
    manner = wanting(quiet=NIGHT)
    bench.change("channel_1", manner)
    bench.at = LATE + timedelta(hours=1)

    told_at_night = bench.tell()
    bench.at = MORNING
    assert bench.tell()

    assert not told_at_night
    assert not bench.read_bodies()[-1]["repeat"]
    assert bench.log()[0]["attempts"] == 1


def test_what_is_held_is_told_at_once_when_quiet_hours_are_taken_back(bench: Bench) -> None:
    bench.add(manner=wanting(quiet=NIGHT))
    bench.at = LATE
    bench.raise_alerts(2)
    bench.tell_all()

    bench.change("channel_1", USUAL)

    assert bench.tell()
    assert bench.read_bodies()[0]["count"] == 2


def test_a_clock_that_goes_back_holds_no_alert_for_ever(bench: Bench) -> None:
    bench.add(manner=wanting(most_per_hour=1))
    bench.raise_alerts()
    bench.tell_all()

    bench.at -= timedelta(days=30)
    bench.raise_alerts()

    assert bench.tell_all() == 1


def test_a_revoked_channel_is_told_no_digest(bench: Bench) -> None:
    bench.add(manner=wanting(quiet=NIGHT))
    bench.at = LATE
    bench.raise_alerts()
    bench.tell_all()

    bench.channels.revoke("channel_1")
    bench.at = MORNING

    assert not bench.tell()
    assert [row["outcome"] for row in bench.log()] == ["given_up", "held"]


def test_the_log_of_the_service_can_be_a_channel(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.add(url=LOG_URL)
    bench.raise_alerts()
    run_id = bench.end_run()
    with caplog.at_level("INFO", logger="setupdesk.adapters.channel_sender"):
        bench.tell_all()

    alert, run = [one for one in caplog.records if one.name.endswith("channel_sender")]
    assert alert.getMessage() == "GER40 M15 IB_raid_v1: short below 24060.0"
    assert (alert.told, alert.alert_id) == ("alert", "alert_000")  # type: ignore[attr-defined]
    assert (run.getMessage(), run.run_id) == (  # type: ignore[attr-defined]
        "the run is cancelled",
        run_id,
    )
    assert bench.list_outcomes() == ["delivered", "delivered"]
    assert bench.receiver.received == []


def test_a_channel_of_an_older_desk_is_told_what_it_was_to_be_told_and_of_alerts(
    tmp_path: Path,
) -> None:
    with receiving() as receiver:
        make_older_desk(tmp_path / "ledger.db", f"http://127.0.0.1:{receiver.port}/")
        bench = Bench(open_database(tmp_path / "ledger.db"), receiver)
        bench.private.append(f"127.0.0.1:{receiver.port}")
        for kind in AlertKind:
            bench.raise_alerts(kind=kind)

        bench.tell_all()

        assert bench.channels.load_all()[0].manner == USUAL
        first, *alerts = bench.read_bodies()
        assert (first["id"], first["run_id"], first["repeat"]) == ("note_1", OLD_RUN, False)
        assert [one["alert"]["kind"] for one in alerts] == ["signal", "stale"]
        assert [row["notification_id"] for row in bench.log()] == [9, 8, 7]


OLD_RUN = "run_2025_04_01_001"


def make_older_desk(path: Path, url: str) -> None:
    """Make a ledger as it was before there were watches, with a run whose end is to be told."""
    at = "2025-04-01T12:00:00.000000+00:00"
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    old = create_engine(f"sqlite:///{path}", poolclass=NullPool)
    with old.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0006")
        connection.exec_driver_sql(
            "INSERT INTO channel (channel_id, name, user, url, events, created_at) "
            "VALUES ('channel_1', 'n8n', 'ann', ?, '[\"run_finished\", \"alert\"]', ?)",
            (url, at),
        )
        connection.exec_driver_sql(
            "INSERT INTO run (run_id, flow_type, state, request, user, door, accepted_at, "
            "finished_at) VALUES (?, 'backtest_flow', 'cancelled', '{}', 'ann', 'cli', ?, ?)",
            (OLD_RUN, at, at),
        )
        connection.exec_driver_sql(
            "INSERT INTO notification (notification_id, message_id, channel_id, event, run_id, "
            "created_at, due_at, attempts, fence) "
            "VALUES (7, 'note_1', 'channel_1', 'run_finished', ?, ?, ?, 2, 2)",
            (OLD_RUN, at, at),
        )
    old.dispose()


def test_the_log_of_deliveries_says_what_may_have_been_told_twice(bench: Bench) -> None:
    bench.add()
    bench.raise_alerts(2)
    under_way = bench.notifications.take_due(())
    assert under_way
    during = [row["repeat"] for row in show_log(bench)]

    bench.notifications.take_over()
    bench.tell_all()

    rows = show_log(bench)
    assert during == [False, False]
    assert [row["repeat"] for row in rows] == [False, True]
    assert [row["alert_id"] for row in rows] == ["alert_001", "alert_000"]
    assert all(row["done_at"] for row in rows)
