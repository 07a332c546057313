"""The way out to Telegram: to paired users only, and without the token in any error."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from setupdesk.adapters.telegram_sender import Draw, TelegramSender
from setupdesk.core.errors import NotFoundError, UndeliveredError
from tests.doors.telegram.bot_api import TOKEN, BotApi, Trouble, serving_bot_api

TEXT = {"event": "digest", "id": "m", "text": "2 alerts were held (repeat?)", "silent": True}
LINE = "GER40 M15 IB_raid_v1: short at ib.high 24060, 10:45."
EVIDENCE = [
    {"name": "levels", "text": "ib.high 24060", "met": True},
    {"name": "one side", "text": "only short", "met": True},
    {"name": "limits", "text": "a trade was open", "met": False},
]
ALERT = {
    "alert_id": "alert_5b0e62",
    "watch_id": "watch_1",
    "setup_id": "IB_raid_v1",
    "evidence": EVIDENCE,
}
TOLD = {"event": "alert", "id": "n", "text": LINE, "silent": False, "alert": ALERT}
PNG = b"\x89PNG\r\n\x1a\n of candles"
WEB = "https://desk.example.org"


def find_pairing(telegram_id: int) -> Mapping[str, Any]:
    if telegram_id != 7:
        raise NotFoundError("pairing", str(telegram_id))
    return {"user": "anna"}


def draw(alert: Mapping[str, Any], language: str) -> bytes:
    return PNG + f"{alert['alert_id']} {language}".encode()


def build(
    api: BotApi, token: str = TOKEN, draws: Draw = draw, web_desk: str | None = None
) -> TelegramSender:
    return TelegramSender(lambda: token, api.address, find_pairing, draws, web_desk)


def list_sent(api: BotApi) -> list[tuple[str, Any]]:
    return [call for call in api.calls if call[0].startswith("send")]


def list_labels(sent: Mapping[str, Any]) -> list[str]:
    return [one["text"] for row in sent["reply_markup"]["inline_keyboard"] for one in row]


def test_a_paired_user_is_told_as_loudly_as_he_wants() -> None:
    with serving_bot_api() as api:
        answer = build(api).send("telegram:7:en", json.dumps(TEXT).encode())
        build(api).send("telegram:7:ru", json.dumps({"event": "test", "id": "t"}).encode())
        sent = [said for method, said in api.calls if method == "sendMessage"]

    assert answer.status == 200
    assert sent[0] == {"chat_id": 7, "text": TEXT["text"], "disable_notification": True}
    assert sent[1]["text"] == "Это проверка."


def test_an_alert_is_a_picture_with_what_happened_and_why_and_buttons() -> None:
    with serving_bot_api() as api:
        for language in ("en", "ru"):
            told = json.dumps(TOLD | {"silent": language == "ru"}).encode()
            build(api, web_desk=WEB).send(f"telegram:7:{language}", told)
        (method, english), (_, russian) = list_sent(api)

    assert method == "sendPhoto"
    assert english["photo"] == PNG + b"alert_5b0e62 en"
    assert english["caption"] == f"{LINE}\n\n✓ only short\n✗ a trade was open"
    assert russian["caption"].splitlines()[2:] == ["✓ только шорт", "✗ была открыта сделка"]
    assert [one["disable_notification"] for one in (english, russian)] == ["false", "true"]
    labels = ["Mute this setup today", "Analyze now", "Open in the web desk"]
    assert list_labels(english) == labels
    assert not {*list_labels(russian)} & {*labels}
    [mute], [look], [web] = english["reply_markup"]["inline_keyboard"]
    assert mute["callback_data"] == "mute:alert_5b0e62"
    assert look["callback_data"] == "analyze:alert_5b0e62"
    assert web["url"] == f"{WEB}/live?watch=watch_1"


def test_a_long_alert_is_cut_between_its_lines() -> None:
    many = [{"name": "filter", "text": f"{number} {'x' * 90}", "met": True} for number in range(20)]
    with serving_bot_api() as api:
        told = TOLD | {"alert": ALERT | {"evidence": many}}
        build(api).send("telegram:7", json.dumps(told).encode())
        build(api).send("telegram:7", json.dumps(TEXT | {"text": "x" * 5_000}).encode())
        (_, photo), (_, text) = list_sent(api)

    assert len(photo["caption"]) <= 1_024
    assert photo["caption"].splitlines()[-1] == f"✓ 8 {'x' * 90} …"
    assert text["text"] == f"{'x' * 3_998} …"


def test_an_alert_of_a_feed_has_no_picture_and_nothing_to_mute() -> None:
    feed = {"alert_id": "alert_1", "watch_id": "watch_1", "setup_id": None}
    with serving_bot_api() as api:
        build(api, web_desk=WEB).send("telegram:7", json.dumps(TOLD | {"alert": feed}).encode())
        build(api).send("telegram:7", json.dumps(TOLD | {"alert": feed}).encode())
        (method, linked), (_, bare) = list_sent(api)

    assert method == "sendMessage"
    assert list_labels(linked) == ["Open in the web desk"]
    assert "reply_markup" not in bare


def fail_to_draw(*_: object) -> bytes:
    raise ZeroDivisionError


def find_no_bars(*_: object) -> bytes:
    raise NotFoundError("bars", "GER40")


@pytest.mark.parametrize(
    ("draws", "level"), [(fail_to_draw, "ERROR"), (find_no_bars, "INFO")], ids=["bug", "no bars"]
)
def test_an_alert_that_cannot_be_drawn_is_told_in_words(
    draws: Draw, level: str, caplog: pytest.LogCaptureFixture
) -> None:
    with serving_bot_api() as api, caplog.at_level("INFO", "setupdesk.adapters.telegram_sender"):
        answer = build(api, draws=draws).send("telegram:7", json.dumps(TOLD).encode())
        [(method, sent)] = list_sent(api)

    assert (answer.status, method) == (200, "sendMessage")
    assert sent["text"].startswith(LINE)
    assert list_labels(sent) == ["Mute this setup today", "Analyze now"]
    [said] = [one for one in caplog.records if "without a picture" in one.getMessage()]
    assert (said.levelname, "alert_5b0e62" in said.getMessage()) == (level, True)


def test_what_telegram_refuses_is_sent_with_less_of_it_and_comes_in_the_end() -> None:
    refused = Trouble(400)
    with serving_bot_api() as api:
        api.troubles = {"sendPhoto": [refused] * 2, "sendMessage": [refused] * 2}
        answer = build(api, web_desk=WEB).send("telegram:7", json.dumps(TOLD).encode())
        forms = [
            (method, len(sent.get("reply_markup", {}).get("inline_keyboard", ())))
            for method, sent in list_sent(api)
        ]
        [shown] = api.texts()

    assert answer.status == 200
    assert forms == [
        *(("sendPhoto", 3), ("sendPhoto", 2), ("sendMessage", 3), ("sendMessage", 2)),
        ("sendMessage", 0),
    ]
    assert shown.startswith(LINE)


def test_it_waits_as_long_as_telegram_says() -> None:
    with serving_bot_api() as api:
        api.troubles["sendPhoto"] = [Trouble(retry_after=9), Trouble(502)]
        answers = [build(api).send("telegram:7", json.dumps(TOLD).encode()) for _ in range(2)]
        sent = list_sent(api)

    assert [(one.status, one.retry_after) for one in answers] == [(429, 9.0), (502, None)]
    assert [method for method, _ in sent] == ["sendPhoto", "sendPhoto"]


def test_an_answer_that_is_lost_is_no_answer() -> None:
    with serving_bot_api() as api:
        api.troubles["sendPhoto"] = [Trouble(lost=True)]
        with pytest.raises(UndeliveredError):
            build(api).send("telegram:7", json.dumps(TOLD).encode())

    assert len(api.messages) == 1


def test_who_is_not_paired_any_more_is_gone() -> None:
    with serving_bot_api() as api:
        answer = build(api).send("telegram:8", json.dumps(TOLD).encode())

    assert answer.status == 410
    assert api.calls == []


def test_no_error_has_the_token() -> None:
    sender = TelegramSender(lambda: TOKEN, "http://127.0.0.1:1", find_pairing, draw)

    for told in (TEXT, TOLD):
        with pytest.raises(UndeliveredError) as failed:
            sender.send("telegram:7", json.dumps(told).encode())
        assert TOKEN not in f"{failed.value!r}{failed.value.__cause__!r}"


@pytest.mark.parametrize("url", ["telegram:8", "telegram:", "telegram:7:de", "telegram:-100"])
def test_a_url_of_nobody_who_is_paired_is_refused(url: str) -> None:
    with serving_bot_api() as api, pytest.raises(UndeliveredError):
        build(api).check(url)


def test_without_a_bot_nobody_can_be_told() -> None:
    with serving_bot_api() as api, pytest.raises(UndeliveredError, match="has no bot"):
        build(api, token="").check("telegram:7")
