"""The bot whose updates Telegram sends: what is confirmed is kept, and strangers get nothing in."""

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import httpx
import pytest

from setupdesk.core.pairing import derive_webhook_secret
from setupdesk.doors.telegram.memory import Memory
from setupdesk.doors.telegram.webhook import LARGEST, SECRET_HEADER, Webhook
from setupdesk.settings import InvalidSettingsError, load_settings
from tests.conftest import find_free_port
from tests.doors.telegram.bot_api import Trouble
from tests.doors.telegram.speaking import Talk, talking, working

ADDRESS = "https://desk.example.org/telegram"
LINE = "/bt IB_raid_v1 GER40 M15 1w"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Talk]:
    with talking(tmp_path_factory.mktemp("desk")) as talk:
        talk.pair()
        yield talk


@pytest.fixture
def webhook(desk: Talk) -> Webhook:
    secret, port = derive_webhook_secret("the-key", ADDRESS), find_free_port()
    desk.api.webhook = {}
    desk.api.way_in = f"http://127.0.0.1:{port}/telegram"
    return Webhook(address=ADDRESS, port=port, secret=secret)


@pytest.fixture
def talk(desk: Talk, webhook: Webhook) -> Iterator[Talk]:
    with working(desk, webhook=webhook):
        desk.api.wait_for(lambda: desk.api.webhook)
        yield desk


def count_answers(talk: Talk) -> int:
    return len(talk.api.messages)


def test_what_telegram_sends_is_answered_and_nobody_asks_for_more(
    talk: Talk, webhook: Webhook
) -> None:
    before, asked = set(talk.api.messages), len(talk.api.calls)
    talk.api.hear("/version")
    talk.api.send_updates()
    [number] = talk.api.wait_for(lambda: set(talk.api.messages) - before)
    said = talk.api.webhook

    assert talk.api.messages[number]["text"].startswith("Setupdesk ")
    assert (said["url"], said["secret_token"]) == (ADDRESS, webhook.secret)
    assert said["allowed_updates"] == ["message", "callback_query"]
    assert said["max_connections"] == "1"
    assert "getUpdates" not in [method for method, _ in talk.api.calls[asked:]]
    files = [one for one in talk.home.rglob("*") if one.is_file()]
    assert not [one for one in files if webhook.secret.encode() in one.read_bytes()]
    assert webhook.secret not in repr(webhook)


def test_nothing_gets_in_without_the_secret_or_that_is_no_update(
    talk: Talk, webhook: Webhook
) -> None:
    update = talk.api.hear("/version")
    talk.api.updates.clear()
    wrong = [
        talk.api.send_update(update, **{SECRET_HEADER: one})
        for one in ("", "guessed", f"{webhook.secret}x", webhook.secret[:-1])
    ]
    right, here = {SECRET_HEADER: webhook.secret}, talk.api.way_in
    json = right | {"Content-Type": "application/json"}
    others = [
        httpx.get(here, headers=right).status_code,
        httpx.post(f"{here}/x", headers=json, content=b"{}").status_code,
        httpx.post(here, headers=right, content=b"update_id=1").status_code,
        httpx.post(here, headers=json, content=b" " * (LARGEST + 1)).status_code,
        *(
            httpx.post(here, headers=json, content=one).status_code
            for one in (b"", b"{", b"[]", b"{}", b"\xff\xfe", b'{"update_id": "1"}', b"[" * 9_999)
        ),
    ]
    with closing(Memory(talk.home / "telegram.db")) as memory:
        kept = memory.list_waiting_chats()
    [row] = [
        one for one in talk.desk.get("/audit/turned-away").json() if one["reason"] == "wrong_secret"
    ]

    assert wrong == [403] * 4
    assert others == [405, 404, 415, 413, *[400] * 7]
    assert (row["address"], row["count"]) == ("127.0.0.1", 1)
    assert not kept


def test_an_update_that_is_sent_again_and_at_once_starts_one_run(talk: Talk) -> None:
    runs, answers = talk.count_runs(), count_answers(talk)
    update = talk.api.hear(LINE)
    sent = [threading.Thread(target=talk.api.send_update, args=(update,)) for _ in range(5)]
    for one in sent:
        one.start()
    for one in sent:
        one.join()
    talk.api.wait_for(lambda: count_answers(talk) > answers)
    talk.api.updates.clear()
    again = talk.api.send_update(update)
    later = talk.api.hear("/whoami")
    talk.api.send_updates()
    talk.api.wait_for(lambda: "You are anna" in talk.api.texts()[-1])

    assert (again, later["update_id"] > update["update_id"]) == (200, True)
    assert talk.count_runs() == runs + 1
    assert count_answers(talk) == answers + 2


def test_what_was_confirmed_is_answered_after_a_restart_by_polling_too(
    desk: Talk, webhook: Webhook
) -> None:
    before, runs = set(desk.api.messages), desk.count_runs()
    desk.api.troubles["sendMessage"] = [Trouble(502)] * 1000
    with working(desk, is_cut_off=True, webhook=webhook):
        desk.api.wait_for(lambda: desk.api.webhook)
        for said in (LINE, "/version"):
            desk.api.hear(said)
        desk.api.send_updates()
    unanswered = set(desk.api.messages) - before
    desk.api.troubles.clear()
    with working(desk):
        desk.api.wait_for(lambda: len(set(desk.api.messages) - before) == 2)
        polled = desk.ask("/whoami")

    assert not unanswered
    texts = [desk.api.messages[one]["text"] for one in sorted(set(desk.api.messages) - before)]
    assert "IB_raid_v1" in texts[0]
    assert texts[1].startswith("Setupdesk ")
    assert polled["text"].startswith("You are anna")
    assert desk.api.webhook == {}
    assert desk.count_runs() == runs + 1


def test_a_way_in_that_telegram_refuses_is_asked_for_again(desk: Talk, webhook: Webhook) -> None:
    desk.api.troubles["setWebhook"] = [Trouble(400)]
    with working(desk, webhook=replace(webhook, port=find_free_port())):
        desk.api.wait_for(lambda: desk.api.webhook)

    assert desk.api.webhook["url"] == ADDRESS


@pytest.mark.parametrize(
    "address", ["http://desk.example.org", "https://desk.example.org:9000/x", "https://a/b?c=d"]
)
def test_an_address_that_telegram_would_not_send_to_is_refused(address: str) -> None:
    with pytest.raises(InvalidSettingsError, match="telegram_webhook"):
        load_settings({"SETUPDESK_HOME": "/nowhere", "SETUPDESK_TELEGRAM_WEBHOOK": address})
