import base64
import json
import re
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from setupdesk.adapters.ledger.database import open_database
from setupdesk.adapters.ledger.notifications import LEASE
from setupdesk.app.notifier import GIVEN_UP_AFTER, LONGEST_REST, Signer, find_wait
from setupdesk.core.channel import ChannelEvent
from setupdesk.core.standard_webhooks import is_signed
from tests.adapters.webhook_receiver import receiving, say
from tests.app.telling import NOON, Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with receiving() as receiver:
        yield Bench(open_database(tmp_path / "ledger.db"), receiver)


def test_the_end_of_a_run_is_told_once_and_signed(bench: Bench) -> None:
    bench.add()
    run_id = bench.end_run()

    assert bench.tell()
    assert not bench.tell()

    [received] = bench.receiver.received
    said = json.loads(received.body)
    assert said["event"] == "run_finished"
    assert (said["run_id"], said["state"]) == (run_id, "cancelled")
    assert (said["setup_id"], said["symbol"], said["timeframe"]) == ("IB_raid_v1", "GER40", "M15")
    assert said["links"] == {"run": f"/api/v1/runs/{run_id}"}
    secret = Signer(lambda: "master", bench.now).derive("channel_1")
    assert re.fullmatch("note_[0-9a-f]{32}", said["id"])
    assert received.headers["webhook-id"] == said["id"] == bench.log()[0]["message_id"]
    assert is_signed(
        secret,
        received.headers["webhook-id"],
        received.headers["webhook-timestamp"],
        received.headers["webhook-signature"],
        received.body,
        NOON,
    )
    assert base64.b64encode(secret) not in received.body
    [row] = bench.log()
    assert (row["outcome"], row["attempts"], row["done_at"]) == ("delivered", 1, NOON)


def test_a_channel_is_told_of_its_owners_runs_and_of_its_events_only(bench: Bench) -> None:
    bench.add(events=(ChannelEvent.RUN_FAILED,))
    bench.end_run()
    bench.end_run("bob", failed=True)
    failed = bench.end_run(failed=True)

    while bench.tell():
        pass

    [received] = bench.receiver.received
    said = json.loads(received.body)
    assert (said["event"], said["run_id"]) == ("run_failed", failed)
    assert said["reason"] == "Prefect is broken"


def test_a_receiver_that_fails_is_told_the_same_again_later(bench: Bench) -> None:
    bench.add()
    bench.end_run()
    statuses = [500, 302, 204]
    bench.receiver.answer = lambda handler, _: say(handler, statuses.pop(0))

    assert bench.tell()
    assert not bench.tell()
    bench.at += find_longest_wait(0)
    assert bench.tell()
    assert not bench.tell()
    bench.at += find_longest_wait(1)
    assert bench.tell()

    first, _, last = bench.receiver.received
    assert first.body == last.body
    assert first.headers["webhook-id"] == last.headers["webhook-id"]
    assert first.headers["webhook-timestamp"] != last.headers["webhook-timestamp"]
    [row] = bench.log()
    assert (row["outcome"], row["attempts"], row["last_error"]) == ("delivered", 3, None)


def find_longest_wait(attempts: int) -> timedelta:
    return timedelta(seconds=5 * 2**attempts)


def test_each_wait_is_twice_the_one_before_up_to_three_hours() -> None:
    for attempts in range(30):
        longest = min(find_longest_wait(attempts), timedelta(hours=3))

        assert longest / 2 <= find_wait(attempts) <= longest


def test_a_receiver_that_asks_to_be_left_alone_is(bench: Bench) -> None:
    bench.add()
    bench.end_run()
    bench.receiver.answer = lambda handler, _: say(handler, 429, retry_after="600")

    bench.tell()

    assert bench.log()[0]["due_at"] == NOON + timedelta(seconds=600)
    bench.at += timedelta(seconds=599)
    assert not bench.tell()
    bench.receiver.answer = lambda handler, _: say(handler, 503, retry_after=str(10**9))
    bench.at += timedelta(seconds=1)
    assert bench.tell()
    assert bench.log()[0]["due_at"] == bench.at + LONGEST_REST


def test_a_receiver_that_is_gone_is_given_up_at_once(bench: Bench) -> None:
    bench.add()
    bench.end_run()
    bench.receiver.answer = lambda handler, _: say(handler, 410)

    bench.tell()

    [row] = bench.log()
    assert (row["outcome"], row["attempts"]) == ("given_up", 1)
    assert row["last_error"].startswith("it answered 410")


def test_a_receiver_that_is_gone_is_told_of_no_later_run(bench: Bench) -> None:
    bench.add("channel_1")
    bench.add("channel_2", user="bob")
    bench.end_run()
    bench.end_run()
    bench.receiver.answer = lambda handler, _: say(handler, 410)

    assert bench.tell()
    assert not bench.tell()
    bench.end_run()
    assert not bench.tell()

    assert len(bench.receiver.received) == 1
    assert [row["outcome"] for row in bench.log()] == ["given_up", "given_up"]
    assert all("the channel was revoked" in row["last_error"] for row in bench.log())
    [other, gone] = sorted(bench.channels.load_all(), key=lambda one: one.user, reverse=True)
    assert (other.revoked_at, gone.revoked_at) == (None, bench.at)


def test_an_id_of_a_message_is_not_used_again_by_an_older_ledger(
    bench: Bench, tmp_path: Path
) -> None:
    bench.add()
    other = Bench(open_database(tmp_path / "restored.db"), bench.receiver)
    other.add()
    bench.end_run()
    other.end_run()

    assert bench.log()[0]["notification_id"] == other.log()[0]["notification_id"]
    assert bench.log()[0]["message_id"] != other.log()[0]["message_id"]


def test_a_receiver_that_fails_for_three_days_is_given_up(bench: Bench) -> None:
    bench.add(port=1)
    bench.end_run()

    tried = 0
    while bench.log()[0]["outcome"] is None:
        tried += bench.tell()
        bench.at += timedelta(minutes=30)

    hours = timedelta(hours=4)
    assert NOON + GIVEN_UP_AFTER - hours < bench.at < NOON + GIVEN_UP_AFTER + hours
    assert tried > 20
    assert bench.log()[0]["attempts"] == tried


def test_a_revoked_channel_is_told_nothing_more(bench: Bench) -> None:
    bench.add()
    bench.end_run()
    bench.channels.revoke("channel_1")
    bench.end_run()

    assert not bench.tell()
    [row] = bench.log()
    assert (row["outcome"], row["last_error"]) == ("given_up", "the channel was revoked")
    assert bench.receiver.received == []


def test_what_a_dead_teller_held_is_told_when_its_lease_ends(bench: Bench) -> None:
    bench.add()
    bench.end_run()
    held = bench.notifications.take_due(())
    assert held

    assert not bench.tell()
    bench.at += LEASE
    assert bench.tell()
    # The one that was too slow changes nothing any more.
    bench.notifications.postpone(held, "too slow", timedelta(seconds=1))
    bench.notifications.finish(held, "given_up", "too slow")

    [row] = bench.log()
    assert (row["outcome"], row["attempts"]) == ("delivered", 1)


def test_a_new_notifier_takes_over_what_an_earlier_one_held(bench: Bench) -> None:
    bench.add()
    bench.end_run()
    assert bench.notifications.take_due(())

    bench.notifications.take_over()

    assert bench.tell()


def test_a_clock_that_went_back_leaves_nothing_untold(bench: Bench) -> None:
    bench.add()
    bench.end_run()

    bench.at -= timedelta(days=30)

    assert bench.tell()


def test_a_channel_that_hangs_delays_no_other(bench: Bench) -> None:
    with receiving() as slow:
        held = Event()

        def hang(handler: Any, _received: Any) -> None:
            held.wait(20)
            say(handler, 204)

        slow.answer = hang
        bench.add("channel_1", port=slow.port)
        bench.add("channel_2")
        for _ in range(5):
            bench.end_run()
        stop = Event()
        notifier = Thread(target=bench.open().run_for_ever, args=(stop,))
        notifier.start()
        deadline = time.monotonic() + 10
        while len(bench.receiver.received) < 5:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        told = len(slow.received)
        held.set()
        stop.set()
        notifier.join()

    assert told == 1


def test_what_is_shown_and_logged_has_no_part_of_a_url(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.add()
    bench.end_run()
    bench.receiver.answer = lambda handler, _: say(handler, 410)
    with caplog.at_level("INFO", logger="setupdesk"):
        bench.tell()

    assert "channel_1 is revoked" in caplog.text
    assert "hidden" not in caplog.text
    assert "hidden" not in str(bench.log())
