"""Alerts on Telegram: they come by a channel of a pairing, and buttons do something about them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from setupdesk.client import Client
from setupdesk.core.pairing import name_pairing
from setupdesk.core.sign_in import derive_key
from setupdesk.doors.telegram.told import speak_in
from tests.doors.telegram.bot_api import Json
from tests.doors.telegram.speaking import ANNA, Talk, talking, working
from tests.doors.test_watch_command import play_until

BOB = 8
WATCH = {
    "setups": ["IB_raid_v1"],
    "symbols": ["GER40"],
    "timeframe": "M15",
    "feed": "replay",
    "replay_from": "2025-05-12 09:00",
    "speed": 1,
    "every": "1m",
    "options": {"rr_target": 1.5},
}
BUTTONS = {"Mute this setup today", "Analyze now"}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Talk]:
    with talking(tmp_path_factory.mktemp("desk")) as talk:
        talk.pair(user=talk.desk.get("/whoami").json()["user"])
        talk.pair(BOB, "bob")
        yield talk


@pytest.fixture(scope="module")
def alert(desk: Talk) -> Json:
    """Have an alert raised; gives the message of it."""
    watch = desk.desk.post("/watches", json=WATCH).json()
    play_until(desk.home, watch["watch_id"], datetime(2025, 5, 12, 8, 46, tzinfo=UTC))
    find = desk.api.wait_for(lambda: [one for one in desk.api.messages.values() if "photo" in one])
    return dict(find[0])


@pytest.fixture
def talk(desk: Talk) -> Iterator[Talk]:
    with working(desk):
        yield desk


def show_channel(talk: Talk) -> Any:
    found = talk.desk.get("/channels").json()
    return next(one for one in found if one["url"].startswith(f"telegram:{ANNA}"))


def press(talk: Talk, message: Json, label: str) -> Json:
    return talk.press_for_file(message, label)


def test_a_pairing_makes_a_channel_of_alerts_that_can_be_tried(desk: Talk) -> None:
    key = derive_key("the-key", name_pairing(BOB))
    mine = {"Authorization": f"Bearer {key}"}
    [channel] = desk.desk.get("/channels", headers=mine).json()
    tried = desk.desk.post(f"/channels/{channel['channel_id']}/test", headers=mine)

    assert (channel["url"], channel["events"]) == ("telegram:8:en", ["alert"])
    assert tried.json()["answered"] == 200
    assert desk.api.texts()[-1] == "This is a test."


def test_nobody_else_can_have_a_user_of_telegram_told(desk: Talk) -> None:
    wanted = {"name": "his", "url": "telegram:8", "events": ["alert"]}
    refused = desk.desk.post("/channels", json=wanted)
    unknown = desk.desk.post("/channels", json=wanted | {"url": "telegram:9"})

    assert refused.json()["problems"][0]["message"].endswith("paired with another user.")
    assert "9 is not paired with this desk" in unknown.json()["problems"][0]["message"]


def test_an_alert_comes_with_its_candles_its_reasons_and_its_buttons(
    desk: Talk, alert: Json
) -> None:
    [raised] = desk.desk.get("/alerts").json()
    told = f"/alerts/{raised['alert_id']}"
    desk.api.wait_for(lambda: desk.desk.get(told).json()["told"][0]["outcome"] == "delivered")

    assert alert["photo"].startswith(b"\x89PNG")
    assert alert["text"].startswith(f"GER40 M15 IB_raid_v1: {raised['said']['sentence']}\n\n✓ ")
    assert ", 2025-05-12 10:45 Europe/Berlin" in alert["text"]
    assert desk.api.find_buttons(alert["message_id"]).keys() == BUTTONS
    assert desk.desk.get(told).json() == raised | {"told": desk.desk.get(told).json()["told"]}


def test_its_setup_is_muted_for_the_day_by_a_button_and_told_again_by_another(
    talk: Talk, alert: Json
) -> None:
    muted = press(talk, alert, "Mute this setup today")
    shown = talk.ask("/whoami")["text"]
    held = show_channel(talk)["mutes"]
    told = talk.press(muted, "Unmute IB_raid_v1")
    again = talk.press(told, "Mute IB_raid_v1 today")
    talk.press(again, "Unmute IB_raid_v1")

    assert muted["text"].startswith("IB_raid_v1 is muted until ")
    assert muted["text"].endswith(" 00:00 Europe/Berlin.")
    assert muted["text"] in shown
    assert [one["setup_id"] for one in held] == ["IB_raid_v1"]
    assert told["text"] == "You are told of IB_raid_v1 again."
    assert show_channel(talk)["mutes"] == []
    assert talk.api.messages[alert["message_id"]]["text"] == alert["text"]


def test_a_look_is_asked_for_by_each_press_and_once_however_often_it_is_delivered(
    talk: Talk, alert: Json
) -> None:
    before = talk.count_runs()
    update = talk.api.press(alert["message_id"], "Analyze now")
    talk.settle()
    talk.api.deliver(update)
    talk.settle()
    once = talk.count_runs()
    card = press(talk, alert, "Analyze now")
    run = talk.desk.get("/runs?limit=1").json()["runs"][0]

    assert (once, talk.count_runs()) == (before + 1, before + 2)
    assert (run["door"], run["request"]["mode"]) == ("telegram", "live")
    assert run["request"]["options"]["rr_target"] == 1.5
    assert run["run_id"] in card["text"]


def test_the_buttons_of_an_alert_are_its_owners_and_one_of_no_alert_says_so(
    talk: Talk, alert: Json
) -> None:
    talk.api.press(alert["message_id"], "Mute this setup today", user=BOB)
    talk.settle()
    foreign = talk.api.wait_for(lambda: talk.api.answered)[-1]
    of_bob = {**alert, "chat": {"id": BOB, "type": "private"}}
    for data in (talk.api.find_buttons(alert["message_id"])["Analyze now"], "mute:alert_00"):
        talk.api.press_data(of_bob, data, user=BOB)
        talk.settle()
    said = [one["text"] for one in talk.api.messages.values() if one["chat"]["id"] == BOB][-2:]

    assert foreign["text"] == "This button is somebody else's."
    assert all(text.startswith("There is no alert 'alert_") for text in said)
    assert show_channel(talk)["mutes"] == []


def test_kinds_and_quiet_hours_are_changed_from_the_phone(talk: Talk) -> None:
    channel = show_channel(talk)
    shown = talk.ask("/notify")
    silent = talk.press(shown, "🔕 feed")
    loud = talk.press(silent, "🔔 further")
    quiet = talk.ask("/notify quiet 22:00-07:00 Europe/Berlin")
    changed = show_channel(talk)["manner"]
    dashes = [
        talk.ask(f"/notify quiet {hours}")["text"]
        for hours in ("23:00\u201307:30", "21:15 - 06:00 UTC", "22-7")
    ]
    talk.press(quiet, "No quiet hours")
    wrong = talk.ask("/notify signal loud")
    unread = [talk.ask(f"/notify {said}")["text"] for said in ("quiet", "quiet 25-7", "loud")]
    off = talk.ask("/notify off")["text"]
    talk.ask("/notify on")
    spoken = talk.ask("/notify feed off")["text"]
    usual = talk.desk.patch(f"/channels/{channel['channel_id']}", json={"manner": None})
    russian = talk.ask("/notify", language="ru")

    assert "🔔 signal: the rule trades it\n🚫 further" in shown["text"]
    assert "✓ 🔕 feed" in talk.api.find_buttons(loud["message_id"])
    assert changed["kinds"] == {"signal": "on", "further": "on", "stale": "silent"}
    assert changed["quiet"] == {"from": "22:00", "to": "07:00", "zone": "Europe/Berlin"}
    assert "Quiet hours: 22:00-07:00 Europe/Berlin" in quiet["text"]
    assert "'loud' is not known" in wrong["text"]
    assert "Quiet hours: 23:00-07:30 Europe/Berlin" in dashes[0]
    assert "Quiet hours: 21:15-06:00 UTC" in dashes[1]
    assert "Quiet hours: 22:00-07:00 UTC" in dashes[2]
    assert all(one.endswith("/notify quiet none") and "manner" not in one for one in unread)
    assert off.count("🚫") == 4
    assert "🔔 further" in spoken
    assert "🚫 feed" in spoken
    assert usual.json()["manner"] == channel["manner"]
    assert "✓ 🔔 сигнал" in talk.api.find_buttons(russian["message_id"])


def test_the_newest_alerts_are_listed_and_each_is_shown_with_its_picture(
    talk: Talk, alert: Json
) -> None:
    listed = talk.ask("/alerts 20")
    [label] = [one for one in talk.api.find_buttons(listed["message_id"]) if one[0] == "#"][-1:]
    picture = press(talk, listed, label)
    muted = press(talk, picture, "Mute this setup today")
    talk.press(muted, "Unmute IB_raid_v1")

    assert alert["text"].partition(": ")[2].partition("\n")[0] in listed["text"]
    assert listed["text"].count("10:45") == 1
    assert picture["photo"].startswith(b"\x89PNG")
    assert muted["text"].startswith("IB_raid_v1 is muted until ")


def test_in_a_topic_of_a_group_an_alert_is_shown_there_and_muted_by_who_asked_for_it(
    talk: Talk, alert: Json
) -> None:
    group = {"id": -100, "type": "supergroup", "title": "Traders", "is_forum": True}
    topic = {"chat": group, "message_thread_id": 5, "is_topic_message": True}
    listed = talk.ask("/alerts", **topic)
    label = next(one for one in talk.api.find_buttons(listed["message_id"]) if one[0] == "#")
    picture = press(talk, listed, label)
    talk.api.press(picture["message_id"], "Mute this setup today", user=BOB)
    talk.settle()
    foreign = talk.api.answered[-1]["text"]
    muted = press(talk, picture, "Mute this setup today")
    talk.press(muted, "Unmute IB_raid_v1")

    assert [int(one["message_thread_id"]) for one in (listed, picture, muted)] == [5, 5, 5]
    assert {one["chat"]["id"] for one in (listed, picture, muted)} == {-100}
    assert foreign == "This button is somebody else's."
    assert muted["text"].startswith("IB_raid_v1 is muted until ")
    assert alert["chat"]["id"] == ANNA


def test_what_was_raised_while_it_was_muted_is_listed_as_such(talk: Talk, alert: Json) -> None:
    talk.ask("/mute IB_raid_v1")
    watch_id = talk.desk.get("/watches").json()[0]["watch_id"]
    play_until(talk.home, watch_id, datetime(2025, 5, 14, 8, 31, tzinfo=UTC))
    newest = f"/alerts/{talk.desk.get('/alerts').json()[0]['alert_id']}"
    talk.api.wait_for(lambda: talk.desk.get(newest).json()["told"][0]["outcome"] == "muted")
    first, second, *_ = talk.ask("/alerts 2")["text"].splitlines()
    talk.ask("/unmute IB_raid_v1")

    assert first.startswith("🔇 #")
    assert not second.startswith("🔇")
    assert len([one for one in talk.api.messages.values() if one["text"] == alert["text"]]) == 1


def test_alerts_are_told_in_the_language_that_is_chosen_and_nothing_else_changes(
    talk: Talk,
) -> None:
    before = show_channel(talk)
    key = derive_key("the-key", name_pairing(ANNA))
    with Client(str(talk.desk.base_url).removesuffix("/api/v1"), key) as desk:
        speak_in(desk, ANNA, "ru")
        speak_in(desk, ANNA, "ru")
        after = show_channel(talk)
        speak_in(desk, ANNA, "en")

    assert after == before | {"url": f"telegram:{ANNA}:ru"}
    assert show_channel(talk) == before


def test_who_has_no_channel_is_told_so_and_gets_one_by_a_button(talk: Talk) -> None:
    talk.desk.post(f"/channels/{show_channel(talk)['channel_id']}/revoke")
    none = talk.ask("/notify")
    muted = talk.ask("/mute IB_raid_v1")
    some = talk.press(none, "Tell me of alerts")

    assert none["text"] == muted["text"] == "You are told of no alerts here."
    assert some["text"].startswith("Which alerts you are told of here:")
    assert [one["url"] for one in talk.desk.get("/channels").json()].count("telegram:7:en") == 2


def test_who_is_unpaired_is_told_nothing_more(desk: Talk) -> None:
    desk.desk.post(f"/telegram/pairings/{BOB}/revoke")
    found = desk.desk.get("/channels").json()

    assert all(one["revoked_at"] for one in found if one["url"].startswith(f"telegram:{BOB}"))
