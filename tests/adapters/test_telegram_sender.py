"""The way out to Telegram: to paired users only, and without the token in any error."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from setupdesk.adapters.telegram_sender import TelegramSender
from setupdesk.core.errors import NotFoundError, UndeliveredError
from tests.doors.telegram.bot_api import TOKEN, BotApi, Trouble, serving_bot_api

TEXT = {"event": "alert", "id": "m", "text": "GER40 M15 IB_raid_v1: long (repeat?)", "silent": True}


def find_pairing(telegram_id: int) -> Mapping[str, Any]:
    if telegram_id != 7:
        raise NotFoundError("pairing", str(telegram_id))
    return {"user": "anna"}


def build(api: BotApi, token: str = TOKEN) -> TelegramSender:
    return TelegramSender(lambda: token, api.address, find_pairing)


def test_a_paired_user_is_told_as_loudly_as_he_wants() -> None:
    with serving_bot_api() as api:
        answer = build(api).send("telegram:7:en", json.dumps(TEXT).encode())
        build(api).send("telegram:7:ru", json.dumps({"event": "test", "id": "t"}).encode())
        sent = [said for method, said in api.calls if method == "sendMessage"]

    assert answer.status == 200
    assert sent[0] == {"chat_id": 7, "text": TEXT["text"], "disable_notification": True}
    assert sent[1]["text"] == "Это проверка."


def test_who_is_not_paired_any_more_is_gone() -> None:
    with serving_bot_api() as api:
        answer = build(api).send("telegram:8", json.dumps(TEXT).encode())

    assert answer.status == 410
    assert api.calls == []


def test_it_waits_as_long_as_telegram_says() -> None:
    with serving_bot_api() as api:
        api.troubles["sendMessage"] = [Trouble(retry_after=9), Trouble(502)]
        answers = [build(api).send("telegram:7", json.dumps(TEXT).encode()) for _ in range(2)]

    assert [(one.status, one.retry_after) for one in answers] == [(429, 9.0), (502, None)]


def test_no_error_has_the_token() -> None:
    sender = TelegramSender(lambda: TOKEN, "http://127.0.0.1:1", find_pairing)

    with pytest.raises(UndeliveredError) as failed:
        sender.send("telegram:7", json.dumps(TEXT).encode())

    assert TOKEN not in f"{failed.value!r}{failed.value.__cause__!r}"


@pytest.mark.parametrize("url", ["telegram:8", "telegram:", "telegram:7:de", "telegram:-100"])
def test_a_url_of_nobody_who_is_paired_is_refused(url: str) -> None:
    with serving_bot_api() as api, pytest.raises(UndeliveredError):
        build(api).check(url)


def test_without_a_bot_nobody_can_be_told() -> None:
    with serving_bot_api() as api, pytest.raises(UndeliveredError, match="has no bot"):
        build(api, token="").check("telegram:7")
