"""The bot beside a real service and a Bot API with its troubles: who may speak, what is said."""

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from setupdesk.doors.telegram.commands import COMMANDS, DESCRIBED
from tests.doors.telegram.bot_api import TOKEN, Trouble
from tests.doors.telegram.speaking import Talk, talking, working

NEUTRAL = ["symbols", "version", "tg_info"]
"""What they answer is in no language."""

LINE = "/bt IB_raid_v1 GER40 M15 1w"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Talk]:
    with talking(tmp_path_factory.mktemp("desk")) as talk:
        talk.pair()
        yield talk


@pytest.fixture
def talk(desk: Talk) -> Iterator[Talk]:
    with working(desk):
        yield desk


def test_a_stranger_gets_his_own_id_once_and_nothing_else(talk: Talk) -> None:
    answer = talk.ask("/runs", user=99)
    talk.api.hear(LINE, user=99)
    talk.api.hear("hello", user=99)
    talk.settle()

    assert answer["text"] == "Your Telegram id: 99"
    assert [one["text"] for one in talk.api.messages.values() if one["chat"]["id"] == 99] == [
        "Your Telegram id: 99"
    ]
    [row] = [
        one for one in talk.desk.get("/audit/turned-away").json() if one["address"] == "telegram:99"
    ]
    assert row["count"] == 3


def test_a_code_pairs_who_sends_it_and_who_is_unpaired_is_a_stranger_at_once(talk: Talk) -> None:
    made = talk.desk.post("/telegram/codes", json={"user": "bob", "role": "viewer"}).json()
    wrong = talk.ask("/start AAAAA-BBBBB", user=42)
    right = talk.ask(f"/start {made['code']}", user=42)
    known = talk.ask("/whoami", user=42)
    refused = talk.ask(LINE, user=42)
    talk.desk.post("/telegram/pairings/42/revoke")
    after = talk.ask("/whoami", user=42)

    assert wrong["text"].startswith("This code is wrong, used or too old")
    assert right["text"].startswith("You speak to the desk as bob, viewer.")
    assert known["text"].startswith("You are bob, viewer.")
    assert "role" in refused["text"]
    assert after["text"] == "Your Telegram id: 42"


def test_who_is_paired_is_paired_anew_by_another_code(talk: Talk) -> None:
    talk.pair(43, "dora", "viewer")
    made = talk.desk.post("/telegram/codes", json={"user": "dora", "role": "trader"}).json()
    answer = talk.ask(f"/start {made['code']}", user=43)
    used = talk.ask(f"/start {made['code']}", user=43)

    assert answer["text"].startswith("You speak to the desk as dora, trader.")
    assert used["text"].startswith("This code is wrong, used or too old")


def test_a_stranger_learns_nothing_by_wrong_codes_and_others_buttons(talk: Talk) -> None:
    message = talk.ask("/runs")
    label = next(iter(talk.api.find_buttons(message["message_id"])))
    first = talk.ask("/start AAAAA-BBBBB", user=98)
    talk.api.hear("/start AAAAA-CCCCC", user=98)
    talk.api.press(message["message_id"], label, user=98)
    talk.settle()
    talk.api.wait_for(lambda: talk.api.answered)

    assert first["text"].startswith("This code is wrong, used or too old")
    assert talk.count_messages(98) == 1
    assert not talk.api.answered[-1].get("text")
    rows = talk.desk.get("/audit/turned-away").json()
    assert [one["count"] for one in rows if one["address"] == "telegram:98"] == [3]


def test_what_telegram_refuses_stops_no_chat(talk: Talk) -> None:
    talk.api.troubles["sendMessage"] = [Trouble(400)]
    talk.api.hear("/version")
    after = talk.ask("/whoami")
    long = talk.ask(f"/status {'🟡' * 2_040}")
    inner = [talk.ask(text)["text"] for text in ("/step", "/vary", "/look", "/")]
    talk.api.deliver({"message": {"message_id": 9, "date": 1, "chat": {"id": 7, "type": "x"}}})
    talk.settle()

    assert after["text"].startswith("You are anna")
    assert len(long["text"].encode("utf-16-le")) <= 2 * 4_096
    assert not any("bug" in one for one in inner)


def test_a_question_that_is_left_open_keeps_no_run_from_its_end(talk: Talk) -> None:
    message = talk.ask(LINE)
    before = set(talk.api.messages)
    talk.api.press(message["message_id"], "Cancel")
    talk.api.wait_for(lambda: set(talk.api.messages) - before)
    [run] = talk.desk.get("/runs?limit=1").json()["runs"]
    talk.desk.post(f"/runs/{run['run_id']}/cancel")
    talk.api.wait_for(lambda: "cancelled" in talk.api.messages[message["message_id"]]["text"])
    over = talk.ask(f"/cancel {run['run_id']}")
    unknown = talk.ask("/cancel run_2020_01_01_001")

    assert "cancelled" in over["text"]
    assert unknown["text"].startswith("There is no run")


def test_every_command_is_known_and_answered_in_both_languages(talk: Talk) -> None:
    talk.pair(8, "carl")
    others = ("start", "backtest", "st")
    asked = [one for one in (*DESCRIBED, *others) if one != "language"]
    before = set(talk.api.messages)
    for command in asked:
        talk.api.hear(f"/{command}")
        talk.api.hear(f"/{command}", user=8, language="ru")
    talk.settle(30)
    new = [one for number, one in sorted(talk.api.messages.items()) if number not in before]
    english, russian = (
        dict(zip(asked, (one["text"] for one in new if one["chat"]["id"] == chat), strict=True))
        for chat in (7, 8)
    )

    assert set(DESCRIBED) - {"language", "tg_info"} <= set(COMMANDS)
    assert [one for one, text in english.items() if not text or "I do not know" in text] == []
    assert not any("None" in text.split() or "nan" in text for text in english.values())
    assert not any("`" in one for one in (*english.values(), *russian.values()))
    assert "GER40 M1" in english["data"]
    assert "IB_raid_v1" in english["setups"]
    assert english["start"] == english["help"]
    assert [one for one in asked if not re.search(r"[\u0430-\u044f]{3}", russian[one])] == NEUTRAL


def test_a_backtest_with_arguments_is_asked_for_at_once_and_can_be_stopped(talk: Talk) -> None:
    card = talk.ask(f"{LINE} rr=2")
    run = talk.desk.get("/runs?limit=1").json()["runs"][0]
    question = talk.press_for_file(card, "Cancel")
    stopped = talk.press(question, "Yes")

    assert run["run_id"] in card["text"]
    assert "queued" in card["text"]
    assert "IB_raid_v1 GER40 M15 rr=2" in card["text"]
    assert (run["user"], run["door"]) == ("anna", "telegram")
    assert run["request"]["options"]["rr_target"] == 2
    assert question["text"] or stopped["text"]
    talk.api.wait_for(lambda: "cancelled" in talk.api.messages[card["message_id"]]["text"])


def test_the_message_of_a_run_follows_it_when_somebody_else_stops_it(talk: Talk) -> None:
    card = talk.ask(LINE)
    run = talk.desk.get("/runs?limit=1").json()["runs"][0]
    talk.desk.post(f"/runs/{run['run_id']}/cancel")
    talk.api.wait_for(lambda: "cancelled" in talk.api.messages[card["message_id"]]["text"])

    assert set(talk.api.find_buttons(card["message_id"])) == {"Rerun with…", "Refresh"}


def test_a_refusal_has_every_problem_and_a_button_that_asks_rightly(talk: Talk) -> None:
    before = talk.count_runs()
    refused = talk.ask("/bt IB_rade_v1 GER4O M15 1w")
    [label] = talk.api.find_buttons(refused["message_id"])
    accepted = talk.press(refused, label)

    assert "'IB_rade_v1' is not known" in refused["text"]
    assert "'GER4O' is not known" in refused["text"]
    assert label == "Ask with setup=IB_raid_v1, symbol=GER40"
    assert "queued" in accepted["text"]
    assert talk.count_runs() == before + 1


def test_words_in_another_order_are_asked_for_in_theirs_by_a_button(talk: Talk) -> None:
    refused = talk.ask("/bt GER40 IB_raid_v1 M15 1w rr=2,5")
    [label] = talk.api.find_buttons(refused["message_id"])
    accepted = talk.press(refused, label)
    partial = talk.ask("/bt M15 IB_raid_v1")

    assert partial["text"] == "IB_raid_v1 M15\n\nWhich symbol?"
    assert label == "Ask for IB_raid_v1 GER40 M15 rr=2.5 1w"
    assert "IB_raid_v1 GER40 M15 rr=2.5" in accepted["text"]


def test_a_word_too_many_is_refused_and_a_bound_is_no_suggestion(talk: Talk) -> None:
    surplus = talk.ask(f"{LINE} 2m")
    bound = talk.ask(f"{LINE} rr=0")

    assert "'2m' cannot be set" in surplus["text"]
    assert surplus["text"].endswith("timeframe and period, in this order.")
    assert "Allowed: 1 to 100" in bound["text"]
    assert not any("reply_markup" in one for one in (surplus, bound))


def test_a_request_is_put_together_by_buttons_over_a_restart_and_starts_once(desk: Talk) -> None:
    with working(desk):
        message = desk.ask("/bt")
        message = desk.press(message, "IB_raid_v1")
        message = desk.press(message, "GER40")
    with working(desk):
        message = desk.press(message, "M15")
        message = desk.press(message, "1m")
        summary = message["text"]
        before = desk.count_runs()
        data = desk.api.find_buttons(message["message_id"])["Start"]
        old = dict(message)
        desk.api.press_data(old, data)
        desk.api.press_data(old, data)
        desk.settle()
        number = message["message_id"]
        desk.api.wait_for(lambda: "queued" in desk.api.messages[number]["text"])

    assert "IB_raid_v1 GER40 M15" in summary
    period = {"setup_id": "IB_raid_v1", "symbol": "GER40", "timeframe": "M15", "last": "1m"}
    plan = desk.desk.post("/runs/validate", json={**period, "mode": "backtest"}).json()["plan"]
    assert f"Sessions: {plan['sessions']}\n" in summary
    assert f"Bars: {plan['bars'] - plan['warm_up_bars']:,}\n" in summary
    assert desk.count_runs() == before + 1


def test_a_button_is_its_owners_and_an_unknown_one_says_so(talk: Talk) -> None:
    talk.pair(8, "carl")
    message = talk.ask("/runs")
    label = next(iter(talk.api.find_buttons(message["message_id"])))
    talk.api.press(message["message_id"], label, user=8)
    talk.api.press_data(message, "forgotten")
    talk.settle()
    talk.api.wait_for(lambda: len(talk.api.answered) >= 2)

    said = [one.get("text", "") for one in talk.api.answered[-2:]]
    assert said == ["This button is somebody else's.", "This button is too old. Ask again: /help"]


def test_what_is_delivered_again_starts_no_second_run_and_is_answered_once(desk: Talk) -> None:
    with working(desk):
        before, sent = desk.count_runs(), len(desk.api.messages)
        first = desk.api.hear(LINE)
        desk.settle()
        desk.api.wait_for(lambda: len(desk.api.messages) == sent + 1)
        desk.api.deliver(first)
        desk.settle()
    with working(desk):
        desk.api.deliver(first)
        desk.settle()

    assert desk.count_runs() == before + 1
    assert len(desk.api.messages) == sent + 1


def test_an_update_whose_handling_was_cut_off_starts_nothing_again(desk: Talk) -> None:
    before = desk.count_runs()
    desk.api.troubles["sendMessage"] = [Trouble(502)] * 1000
    update = desk.api.hear(LINE)
    with working(desk, is_cut_off=True):
        desk.api.wait_for(lambda: desk.count_runs() == before + 1)
    desk.api.troubles.clear()
    with working(desk):
        desk.api.wait_for(lambda: any("queued" in one for one in desk.api.texts()[-1:]))
        desk.settle()

    assert desk.count_runs() == before + 1
    assert update not in desk.api.updates


@pytest.mark.parametrize(
    "trouble", [Trouble(502), Trouble(retry_after=1), Trouble(lost=True), Trouble(500)]
)
def test_an_answer_arrives_through_trouble(talk: Talk, trouble: Trouble) -> None:
    talk.api.troubles["sendMessage"] = [trouble]
    talk.api.troubles["getUpdates"] = [trouble]
    before = len(talk.api.messages)
    talk.api.hear("/version")
    talk.settle()
    wanted = before + 1 + trouble.lost

    talk.api.wait_for(lambda: len(talk.api.messages) == wanted)
    assert talk.api.texts()[-1].startswith("Setupdesk ")


def test_a_chat_that_telegram_lets_wait_keeps_no_message_of_a_run_waiting(talk: Talk) -> None:
    talk.pair(8, "carl")
    cards = [talk.ask(LINE, user=user)["message_id"] for user in (7, 8)]
    runs = [one["run_id"] for one in talk.desk.get("/runs?limit=2").json()["runs"]]
    talk.api.troubles["editMessageText"] = [Trouble(retry_after=5, chat=7)]
    for run_id in reversed(runs):
        talk.desk.post(f"/runs/{run_id}/cancel")
    talk.api.wait_for(lambda: not talk.api.troubles["editMessageText"])
    talk.api.wait_for(lambda: "cancelled" in talk.api.messages[cards[1]]["text"], 1)

    assert "queued" in talk.api.messages[cards[0]]["text"]


def test_a_chat_that_telegram_lets_wait_keeps_no_other_one_waiting(desk: Talk) -> None:
    desk.pair(8, "carl")
    desk.api.troubles["sendMessage"] = [Trouble(retry_after=5, chat=7)]
    with working(desk, is_cut_off=True):
        desk.api.hear("/version")
        desk.api.wait_for(lambda: not desk.api.troubles["sendMessage"])
        began = time.monotonic()
        answer = desk.ask("/whoami", user=8)
        took = time.monotonic() - began
    unanswered = desk.count_messages(7)
    with working(desk):
        desk.settle()

    assert answer["text"].startswith("You are carl")
    assert took < 1
    assert desk.count_messages(7) == unanswered + 1


def test_updates_that_come_in_another_order_are_all_answered(desk: Talk) -> None:
    before = len(desk.api.messages)
    updates = [desk.api.hear(text) for text in ("/version", "/whoami", "/queue")]
    desk.api.updates.reverse()
    with working(desk):
        desk.settle()
        desk.api.wait_for(lambda: len(desk.api.messages) == before + len(updates))

    assert not desk.api.updates


def test_it_speaks_the_language_of_telegram_until_another_one_is_chosen(talk: Talk) -> None:
    russian = talk.ask("/whoami", language="ru")
    chosen = talk.ask("/language en", language="ru")
    english = talk.ask("/whoami", language="ru")
    talk.ask("/language ru")
    refused = talk.ask("/bt IB_rade_v1 GER40 M15 1w")
    told_in = {one["url"] for one in talk.desk.get("/channels").json() if one["user"] == "anna"}
    talk.ask("/language en")

    assert russian["text"].startswith("Вы — anna, трейдер.")
    assert chosen["text"] == "I speak English now."
    assert english["text"].startswith("You are anna, trader.")
    assert refused["text"].startswith("Отказано:")
    assert told_in == {"telegram:7:ru"}
    assert "is not known" not in refused["text"]


def test_in_a_group_it_hears_its_own_commands_and_answers_in_the_topic(talk: Talk) -> None:
    group = {"id": -100, "type": "supergroup", "title": "Traders", "is_forum": True}
    topic: dict[str, Any] = {"chat": group, "message_thread_id": 3, "is_topic_message": True}
    answer = talk.ask("/version@desk_bot", **topic)
    before = len(talk.api.messages)
    talk.api.hear("/version@other_bot", **topic)
    talk.api.hear("good morning", **topic)
    talk.api.hear("/roll 6", **topic)
    talk.settle()

    assert (answer["chat"]["id"], int(answer["message_thread_id"])) == (-100, 3)
    assert len(talk.api.messages) == before


def test_the_menu_is_set_in_both_languages_and_no_log_has_the_token(talk: Talk) -> None:
    talk.ask("/version")
    menus = {
        said.get("language_code", "en"): said["commands"]
        for method, said in talk.api.calls
        if method == "setMyCommands"
    }
    logs = [one.read_text() for one in talk.home.rglob("*.jsonl")]

    assert {one["command"] for one in menus["ru"]} == set(DESCRIBED)
    assert menus["ru"] != menus["en"]
    assert not any(TOKEN in one for one in logs)


def test_a_link_that_signs_in_is_for_its_reader_and_for_no_group(talk: Talk) -> None:
    group = {"id": -100, "type": "supergroup", "title": "Traders"}
    answer = talk.ask("/web")
    talk.ask("/language ru")
    russian = talk.ask("/web")
    talk.ask("/language en")
    in_group = talk.ask("/web@desk_bot", chat=group)
    [token] = re.findall(r"\nhttp://127\.0\.0\.1:8501/link/([\w-]{43})\n", russian["text"])
    used = talk.desk.post("/sign-in-links/use", json={"token": token}).json()

    assert answer["text"].startswith("Sign in at the web desk as anna, once")
    assert "on the desk's own machine only" in answer["text"]
    assert answer["link_preview_options"]["is_disabled"]
    assert "Вход в веб-деск как anna" in russian["text"]
    assert "http" not in in_group["text"]
    assert (used["user"], used["role"], used["key_id"]) == ("anna", "trader", "telegram:7")
