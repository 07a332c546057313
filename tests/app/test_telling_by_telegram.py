"""The outbox and Telegram: at least once, as late as it says, and marked where it may be twice."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from setupdesk.adapters.ledger.database import open_database
from setupdesk.core.manner import USUAL, Loudness, Manner
from setupdesk.core.watch import AlertKind
from tests.adapters.webhook_receiver import receiving
from tests.app.telling import PICTURE, Bench
from tests.doors.telegram.bot_api import BotApi, Trouble, serving_bot_api

LINE = "GER40 M15 IB_raid_v1: short below 24060.0"


@pytest.fixture
def api() -> Iterator[BotApi]:
    with serving_bot_api() as served:
        yield served


@pytest.fixture
def bench(tmp_path: Path, api: BotApi) -> Iterator[Bench]:
    with receiving() as receiver:
        bench = Bench(open_database(tmp_path / "ledger.db"), receiver, bot_api=api.address)
        bench.add(url="telegram:7")
        yield bench


def test_a_picture_is_sent_anew_after_every_trouble_and_is_no_repeat(
    bench: Bench, api: BotApi
) -> None:
    api.troubles["sendPhoto"] = [Trouble(retry_after=600), Trouble(502), Trouble(lost=True)]
    bench.raise_alerts()

    assert bench.tell()
    bench.at += timedelta(seconds=599)
    assert not bench.tell()
    for _ in range(3):
        bench.at += timedelta(minutes=1)
        assert bench.tell()

    photos = [said for method, said in api.calls if method == "sendPhoto"]
    assert len(photos) == 4
    assert all((one["photo"], one["caption"]) == (PICTURE, LINE) for one in photos)
    # The answer to the third was lost, and so its message stands there twice.
    assert api.texts() == [LINE, LINE]
    [row] = bench.log()
    assert (row["outcome"], row["attempts"]) == ("delivered", 4)


def test_a_picture_that_somebody_died_sending_is_marked(bench: Bench, api: BotApi) -> None:
    bench.raise_alerts()
    taken = bench.notifications.take_due(())
    assert taken
    bench.open().sender.send(taken.url, {}, taken.to_body())

    bench.notifications.take_over()
    bench.tell()

    assert api.texts() == [LINE, f"{LINE} (repeat?)"]
    assert all(said["photo"] == PICTURE for method, said in api.calls if method == "sendPhoto")


def test_a_picture_that_is_refused_comes_as_words(bench: Bench, api: BotApi) -> None:
    api.troubles["sendPhoto"] = [Trouble(400)] * 9
    bench.raise_alerts()
    bench.tell()

    [shown] = api.messages.values()
    assert ("photo" in shown, shown["text"]) == (False, LINE)
    assert bench.list_outcomes() == ["delivered"]


def test_a_kind_is_as_silent_as_its_channel_wants(bench: Bench, api: BotApi) -> None:
    kinds = {**USUAL.kinds, AlertKind.SIGNAL: Loudness.SILENT, AlertKind.FURTHER: Loudness.ON}
    bench.channels.revoke("channel_1")
    bench.add("channel_2", url="telegram:8", manner=Manner(kinds=kinds))
    for kind in (AlertKind.SIGNAL, AlertKind.FURTHER):
        bench.raise_alerts(kind=kind)
    bench.tell_all()

    assert [said["disable_notification"] for _, said in api.calls] == ["true", "false"]
