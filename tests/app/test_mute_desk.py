import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import NullPool, create_engine

from setupdesk.adapters.ledger import database
from setupdesk.adapters.ledger.changes import Changes
from setupdesk.adapters.ledger.database import open_database
from setupdesk.adapters.ledger.mutes import Mutes
from setupdesk.app.channel_desk import ChannelDesk
from setupdesk.app.mute_desk import MuteDesk
from setupdesk.core.caller import HOME, Caller, Role
from setupdesk.core.errors import NotFoundError
from setupdesk.core.manner import USUAL, Quiet
from setupdesk.core.symbol import Catalogue
from setupdesk.core.timeframe import Timeframe
from setupdesk.core.watch import Watch, WatchTerms
from setupdesk.wiring.opened import open_symbols
from tests.adapters.webhook_receiver import receiving, say
from tests.app.telling import NOON, Bench

ANN = Caller(user="ann", role=Role.TRADER)
MIDNIGHT = datetime(2025, 5, 1, 22, tzinfo=UTC)
"""In Berlin."""

NEW_YORK_MIDNIGHT = datetime(2025, 5, 2, 4, tzinfo=UTC)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with receiving() as receiver:
        yield Bench(open_database(tmp_path / "ledger.db"), receiver)


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    return Catalogue(open_symbols(tmp_path_factory.mktemp("symbols")))


def watch(*symbols: str, user: str = "ann") -> Watch:
    terms = WatchTerms(
        setups=("IB_raid_v1",),
        symbols=symbols,
        timeframe=Timeframe.M15,
        options={},
        extra={},
        feeds=dict.fromkeys(symbols, "push"),
        replay=None,
        expires=timedelta(minutes=30),
    )
    return Watch(
        watch_id="watch_1",
        name="raids",
        user=user,
        key_id=None,
        terms=terms,
        schedule_id=None,
        parity_schedule_id=None,
        created_at=NOON,
    )


def open_desk(bench: Bench, catalogue: Catalogue, *watches: Watch) -> MuteDesk:
    notifier, mutes = bench.open(), Mutes(bench.ledger, bench.now)
    channels = ChannelDesk(
        bench.channels,
        bench.notifications,
        notifier.sender,
        notifier.signer,
        bench.now,
        mutes.load_all,
    )
    return MuteDesk(channels, mutes, lambda: list(watches), catalogue, bench.now)


def test_a_muted_setup_is_not_told_there_and_says_so(bench: Bench, catalogue: Catalogue) -> None:
    bench.add("channel_1")
    bench.add("channel_2")
    desk = open_desk(bench, catalogue, watch("GER40"))

    shown = desk.mute("channel_1", {"setup_id": "IB_raid_v1"}, ANN)
    bench.raise_alerts()
    bench.raise_alerts(setup_id="ORB_v1")
    bench.raise_alerts(kind="stale", setup_id=None)
    bench.tell_all()

    assert shown["mutes"] == [
        {"setup_id": "IB_raid_v1", "until": "2025-05-01T22:00:00Z", "zone": "Europe/Berlin"}
    ]
    assert bench.list_outcomes() == ["muted", "delivered", "delivered"]
    assert [row["outcome"] for row in bench.notifications.load_log(["channel_2"], 9)] == [
        *["delivered"] * 3
    ]


def test_it_is_told_again_from_the_next_day_of_its_market_on(
    bench: Bench, catalogue: Catalogue
) -> None:
    bench.add()
    desk = open_desk(bench, catalogue, watch("GER40"))
    desk.mute("channel_1", {"setup_id": "IB_raid_v1"}, ANN)

    for bench.at in (MIDNIGHT - timedelta(seconds=1), MIDNIGHT):
        bench.raise_alerts()
        bench.tell_all()

    assert bench.list_outcomes() == ["muted", "delivered"]
    assert desk.channel_desk.show("channel_1", ANN)["mutes"] == []


def test_of_several_markets_it_is_the_last_day_unless_one_is_named(
    bench: Bench, catalogue: Catalogue
) -> None:
    bench.add()
    desk = open_desk(bench, catalogue, watch("GER40", "US500"), watch("USTEC", user="bob"))
    wanted = {"setup_id": "IB_raid_v1"}

    [of_both] = desk.mute("channel_1", wanted, ANN)["mutes"]
    [of_one] = desk.mute("channel_1", {**wanted, "symbol": "GER40"}, ANN)["mutes"]

    assert of_both["until"] == f"{NEW_YORK_MIDNIGHT:%Y-%m-%dT%H:%M:%SZ}"
    assert of_one["until"] == f"{MIDNIGHT:%Y-%m-%dT%H:%M:%SZ}"


def test_a_mute_can_be_taken_back_and_all_of_it_is_on_record(
    bench: Bench, catalogue: Catalogue
) -> None:
    bench.add()
    desk = open_desk(bench, catalogue, watch("GER40"))
    desk.mute("channel_1", {"setup_id": "IB_raid_v1"}, ANN)
    bench.raise_alerts()
    bench.tell_all()

    shown = desk.unmute("channel_1", "IB_raid_v1", replace(HOME, user="root"))
    desk.unmute("channel_1", "IB_raid_v1", ANN)
    bench.raise_alerts()
    bench.tell_all()

    assert shown["mutes"] == []
    assert bench.list_outcomes() == ["muted", "delivered"]
    changes = [(one["deed"], one["user"], one["owner"]) for one in Changes(bench.ledger).load(9)]
    assert changes == [("setup unmuted", "root", "ann"), ("setup muted", "ann", "ann")]


def test_what_waits_for_another_attempt_is_muted_too_and_a_digest_has_none_of_it(
    bench: Bench, catalogue: Catalogue
) -> None:
    night = Quiet(NOON.time(), MIDNIGHT.time(), "UTC")
    bench.add("channel_1")
    bench.add("channel_2", manner=replace(USUAL, quiet=night))
    desk = open_desk(bench, catalogue, watch("GER40"))
    bench.receiver.answer = lambda handler, _: say(handler, 500)
    desk.mute("channel_2", {"setup_id": "IB_raid_v1"}, ANN)
    bench.raise_alerts()
    bench.tell_all()

    desk.mute("channel_1", {"setup_id": "IB_raid_v1"}, ANN)
    bench.at += timedelta(minutes=1)
    bench.tell_all()

    assert bench.list_outcomes() == ["muted"]
    assert [row["event"] for row in bench.notifications.load_log(["channel_2"], 9)] == ["alert"]


def test_nobody_mutes_for_somebody_else_or_where_nothing_is_told(
    bench: Bench, catalogue: Catalogue
) -> None:
    bench.add("channel_1")
    bench.add("channel_2")
    bench.channels.revoke("channel_2")
    desk = open_desk(bench, catalogue, watch("GER40"))

    for channel_id, caller in (("channel_1", replace(ANN, user="bob")), ("channel_2", ANN)):
        with pytest.raises(NotFoundError):
            desk.mute(channel_id, {"setup_id": "IB_raid_v1"}, caller)
        with pytest.raises(NotFoundError):
            desk.unmute(channel_id, "IB_raid_v1", caller)


def test_notifications_of_an_older_desk_stay_with_their_digests(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    at = NOON.isoformat()
    channel = ("channel_1", "n8n", "ann", "log:", '["alert"]', at, json.dumps(USUAL.to_json()))
    with create_engine(f"sqlite:///{path}", poolclass=NullPool).begin() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys = ON")
        config.attributes["connection"] = connection
        command.upgrade(config, "0009")
        connection.exec_driver_sql(
            "INSERT INTO channel (channel_id, name, user, url, events, created_at, manner) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            channel,
        )
        for row in ((9, "digest", "delivered", None), (8, "alert", "held", 9)):
            connection.exec_driver_sql(
                "INSERT INTO notification (notification_id, event, outcome, digest_id, "
                "channel_id, created_at, due_at, done_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (*row, "channel_1", at, at, at),
            )

    with receiving() as receiver:
        bench = Bench(open_database(path), receiver)
        bench.raise_alerts()
        bench.tell_all()

        told = [(row["notification_id"], row["outcome"], row["digest_id"]) for row in bench.log()]
    assert told == [(10, "delivered", None), (9, "delivered", None), (8, "held", 9)]
