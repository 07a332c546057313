"""A watch from a phone: made by words or by buttons, once; looked at, and ended."""

import re
from collections.abc import Iterator

import pytest

from setupdesk.doors.telegram.line import split_words
from setupdesk.doors.telegram.watch_line import correct_watch, find_wish, read_watch, write_watch
from setupdesk.words import find_words
from tests.doors.telegram.speaking import Talk, talking, working

AT_CLOSE = "at bar close"
REPLAY = "replay: stored bars, played as if they came now"
LINE = "/watch IB_raid_v1 GER40 M15"


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Talk]:
    with talking(tmp_path_factory.mktemp("desk")) as found:
        found.pair()
        with working(found):
            yield found


def list_watches(talk: Talk) -> list[dict[str, object]]:
    return list(talk.desk.get("/watches").json())


def test_a_watch_with_words_is_made_at_once_and_says_when_it_looks(talk: Talk) -> None:
    made = talk.ask("/watch IB_raid_v1,ORB30_break_v1 GER40 M15 every=5m name=“two of them”")
    [watch] = list_watches(talk)

    assert (watch["user"], watch["name"]) == ("anna", "two of them")
    assert watch["setups"] == ["IB_raid_v1", "ORB30_break_v1"]
    assert made["text"].startswith("👁 two of them: looks next at ")
    assert "A poll every 5m" in made["text"]
    assert "Its alerts come to you here" in made["text"]


def test_it_is_put_together_by_buttons_and_made_once(talk: Talk) -> None:
    before = len(list_watches(talk))
    message = talk.ask("/watch")
    for label in ("IB_raid_v1", "GER40", "M15", AT_CLOSE):
        message = talk.press(message, label)
    asked = message["text"]
    summary = talk.press(message, REPLAY)
    seen = len(list_watches(talk))
    data = talk.api.find_buttons(summary["message_id"])["Start"]
    talk.api.press_data(summary, data)
    talk.api.press_data(summary, data)
    talk.settle()
    watch, *_ = list_watches(talk)

    assert asked.endswith("From where do its bars come?")
    assert "This was a dry run" in summary["text"]
    assert "The next polls: " in summary["text"]
    assert (seen, len(list_watches(talk))) == (before, before + 1)
    assert watch["feeds"] == {"GER40": "replay"}


def test_an_update_that_comes_again_makes_no_second_watch(talk: Talk) -> None:
    before = len(list_watches(talk))
    first = talk.api.hear(f"{LINE} every=15m")
    talk.settle()
    talk.forget_updates()
    talk.api.deliver(first)
    talk.settle()

    assert len(list_watches(talk)) == before + 1


def test_a_refusal_has_every_problem_and_a_button_that_asks_rightly(talk: Talk) -> None:
    before = len(list_watches(talk))
    refused = talk.ask("/watch IB_rade_v1,ORB30_break_v1 GER4O M15 max=1")
    [label] = talk.api.find_buttons(refused["message_id"])
    made = talk.press(refused, label)

    assert "'IB_rade_v1' is not known" in refused["text"]
    assert "'GER4O' is not known" in refused["text"]
    assert label == "Ask with setup=IB_raid_v1, symbol=GER40"
    assert made["text"].startswith("👁 ")
    assert len(list_watches(talk)) == before + 1


def test_the_watches_show_their_last_look_and_are_ended_after_a_second_question(talk: Talk) -> None:
    made = talk.ask(f"{LINE} name=mine rr=3")
    shown = talk.press(talk.ask("/watches"), "mine")
    question = talk.press(shown, "End the watch")
    left = talk.press(question, "Yes")

    assert "Look" in talk.api.find_buttons(made["message_id"])
    assert f"{LINE.partition(' ')[2]}\nrr=3\n" in made["text"]
    assert "👁 mine rr=3: has not looked yet, looks next at " in shown["text"]
    assert "As of " in shown["text"]
    assert "• IB_raid_v1 GER40: has not looked yet" in shown["text"]
    assert question["text"] == "End the watch mine? It looks no more."
    assert "mine" not in left["text"]
    assert "mine" not in [one["name"] for one in list_watches(talk)]


def test_a_viewer_is_told_that_he_makes_none(talk: Talk) -> None:
    talk.pair(9, "vera", "viewer")

    assert "role" in talk.ask(LINE, user=9)["text"]


def test_in_russian_it_asks_and_sums_up_in_russian(talk: Talk) -> None:
    say = find_words("ru").gettext
    message = talk.ask("/watch", language="ru")
    talk.ask("/language ru")
    for label in ("IB_raid_v1", "GER40", "M15", say(AT_CLOSE)):
        message = talk.press(message, label)
    summary = talk.press(message, say(REPLAY))
    talk.ask("/language en")

    assert message["text"].endswith("Откуда брать бары?")
    assert "Это пробный прогон" in summary["text"]
    assert list(talk.api.find_buttons(summary["message_id"])) == [say("Start"), say("Leave it")]


def test_words_and_watches_lead_to_one_another() -> None:
    typed = "IB_raid_v1,So_v1 GER40 M15 at-bar-close='M15 + 3s' from=2025-05-02 speed=900 rr=2 dry"
    said = read_watch(split_words(typed))

    assert said["setups"] == ["IB_raid_v1", "So_v1"]
    assert (said["at_bar_close"], said["replay_from"], said["speed"]) == (
        "M15 + 3s",
        "2025-05-02",
        900,
    )
    assert said["options"] == {"rr_target": 2}
    assert read_watch(split_words(write_watch(said))) == said
    assert "dry" not in find_wish(said)


def test_every_and_its_span_may_be_two_words_and_what_has_no_place_is_refused(talk: Talk) -> None:
    summary = talk.ask(f"{LINE} —dry-run every 5m feed=push rr=2,5 min_rr=1")
    refused = talk.ask(f"{LINE} every 5m nonsense")

    assert "A poll every 5m" in summary["text"]
    assert "IB_raid_v1 GER40 M15\nrr=2.5 min_rr=1\n" in summary["text"]
    assert re.search(r"The next polls: .* \d\d:\d[05] UTC", summary["text"])
    assert "'nonsense'" in refused["text"]


def test_polls_within_a_minute_are_told_with_their_seconds(talk: Talk) -> None:
    summary = talk.ask(f"{LINE} dry every=5s feed=push")
    polls = re.findall(r"\d\d:\d\d:\d[05] UTC", summary["text"])

    assert len(set(polls)) == 3


def test_of_several_names_only_the_wrong_one_is_corrected() -> None:
    problem = {"field": "symbols", "code": "unknown_symbol", "suggestion": "GER40"}
    said = {"symbols": ["GER4O", "US500"], "extra": {"min_r": 2}}
    wrong = problem | {"message": "'GER4O' is not known."}
    key = {"field": "extra.min_r", "code": "unknown_key", "suggestion": "min_rr", "message": ""}

    assert correct_watch(said, [wrong, key]) == {
        "symbols": ["GER40", "US500"],
        "extra": {"min_rr": 2},
    }
    assert correct_watch(said, [wrong | {"suggestion": None}]) is None
