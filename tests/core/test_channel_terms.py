from datetime import UTC, datetime
from typing import Any

import pytest

from setupdesk.core.channel import Channel, ChannelEvent
from setupdesk.core.channel_terms import Wanted, parse_change, parse_channel
from setupdesk.core.errors import InvalidRequestError
from setupdesk.core.manner import USUAL
from setupdesk.core.problem import Problem

SAID = {"name": "phone", "url": "https://example.com/", "events": ["alert"]}
QUIET = {"from": "22:00", "to": "07:00", "zone": "Europe/Berlin"}
MANNER = {"kinds": {"stale": "silent"}, "quiet": QUIET, "most_per_hour": 20}
UNSAFE = Problem(field="url", code="unsafe_url", message="Nothing can be sent there.")


def parse(said: Any) -> Wanted:
    return parse_channel(said, lambda _: [])


def refuse(said: Any) -> list[Problem]:
    with pytest.raises(InvalidRequestError) as refused:
        parse_channel(said, lambda _: [UNSAFE])
    return [one for one in refused.value.problems if one is not UNSAFE]


def make(said: Any) -> Channel:
    wanted = parse(said)
    return Channel(
        channel_id="channel_1",
        name=wanted.name,
        user="ann",
        url=wanted.url,
        events=wanted.events,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        manner=wanted.manner,
    )


def test_a_channel_that_says_nothing_of_its_manner_has_the_usual_one() -> None:
    for said in (SAID, {**SAID, "manner": None}, {**SAID, "manner": {"quiet": None}}):
        assert parse(said) == Wanted(
            name="phone", url="https://example.com/", events=(ChannelEvent.ALERT,), manner=USUAL
        )


def test_what_is_not_said_of_a_manner_is_as_usual() -> None:
    assert parse({**SAID, "manner": MANNER}).manner.to_json() == {
        "kinds": {"signal": "on", "further": "off", "stale": "silent"},
        "quiet": QUIET,
        "most_per_hour": 20,
    }


@pytest.mark.parametrize(
    ("manner", "field", "code", "suggestion"),
    [
        ("loud", "manner", "wrong_type", None),
        ({"kind": {}}, "manner.kind", "unknown_key", "kinds"),
        ({"kinds": "on"}, "manner.kinds", "wrong_type", None),
        ({"kinds": {"signals": "on"}}, "manner.kinds.signals", "unknown_key", "signal"),
        ({"kinds": {"signal": "silence"}}, "manner.kinds.signal", "unknown_loudness", "silent"),
        ({"kinds": {"signal": True}}, "manner.kinds.signal", "unknown_loudness", None),
        ({"quiet": "22:00-07:00"}, "manner.quiet", "wrong_type", None),
        ({"quiet": {**QUIET, "until": "7"}}, "manner.quiet.until", "unknown_key", None),
        ({"quiet": {**QUIET, "from": "24:00"}}, "manner.quiet.from", "wrong_time", None),
        ({"quiet": {**QUIET, "from": "2200"}}, "manner.quiet.from", "wrong_time", "22:00"),
        ({"quiet": {**QUIET, "to": 7}}, "manner.quiet.to", "wrong_time", "07:00"),
        ({"quiet": {**QUIET, "to": "22:00"}}, "manner.quiet.to", "out_of_bounds", None),
        ({"quiet": {**QUIET, "to": None}}, "manner.quiet.to", "missing", None),
        ({"quiet": {**QUIET, "zone": None}}, "manner.quiet.zone", "missing", None),
        (
            {"quiet": {**QUIET, "zone": "Europe/Belin"}},
            "manner.quiet.zone",
            "unknown_timezone",
            "Europe/Berlin",
        ),
        ({"most_per_hour": 0}, "manner.most_per_hour", "out_of_bounds", "1"),
        ({"most_per_hour": 3601}, "manner.most_per_hour", "out_of_bounds", "3600"),
        ({"most_per_hour": True}, "manner.most_per_hour", "out_of_bounds", None),
        ({"most_per_hour": "20"}, "manner.most_per_hour", "out_of_bounds", None),
    ],
)
def test_what_is_wrong_of_a_manner_is_said_with_the_nearest_right_value(
    manner: Any, field: str, code: str, suggestion: str | None
) -> None:
    [problem] = refuse({**SAID, "manner": manner})

    assert (problem.field, problem.code, problem.suggestion) == (field, code, suggestion)


def test_every_problem_is_said_at_once() -> None:
    manner = {"kinds": {"signal": "loud"}, "quiet": {"from": "x"}, "most_per_hour": -1}

    found = [one.field for one in refuse({"nam": "a", "events": ["alarm"], "manner": manner})]

    assert found == [
        *("nam", "name", "url", "events", "manner.kinds.signal"),
        *("manner.quiet.from", "manner.quiet.to", "manner.quiet.zone", "manner.most_per_hour"),
    ]


@pytest.mark.parametrize("events", [None, [], "alert", {}, [[]], [None], ["alert", "alarm"]])
def test_events_are_a_list_of_those_that_are_known(events: Any) -> None:
    problems = refuse({**SAID, "events": events})

    assert {one.field for one in problems} == {"events"}
    assert problems[0].allowed == tuple(ChannelEvent)


def test_a_url_is_judged_with_all_else_and_said_nowhere() -> None:
    with pytest.raises(InvalidRequestError) as refused:
        parse_channel({**SAID, "name": "", "url": "https://hidden"}, lambda _: [UNSAFE])

    assert {one.field for one in refused.value.problems} == {"name", "url"}
    assert "hidden" not in str(refused.value.problems)


def test_a_change_leaves_what_it_does_not_name() -> None:
    one = make({**SAID, "manner": MANNER})

    changed = parse_change(one, {"manner": {"quiet": {"to": "06:30"}, "kinds": {"signal": "off"}}})

    assert (changed.name, changed.events, changed.url) == (one.name, one.events, one.url)
    assert changed.manner.to_json() == {
        "kinds": {"signal": "off", "further": "off", "stale": "silent"},
        "quiet": {**QUIET, "to": "06:30"},
        "most_per_hour": 20,
    }


def test_null_gives_what_is_usual_again() -> None:
    one = make({**SAID, "manner": MANNER})

    no_quiet = parse_change(one, {"manner": {"quiet": None, "most_per_hour": None}}).manner
    loud = parse_change(one, {"manner": {"kinds": {"stale": None}}}).manner

    assert (no_quiet.quiet, no_quiet.most_per_hour) == (None, 60)
    assert no_quiet.kinds == one.manner.kinds
    assert loud.kinds == USUAL.kinds
    assert parse_change(one, {"manner": None}).manner == USUAL


def test_a_channel_keeps_its_url_and_needs_a_name_and_events() -> None:
    said = {"url": "https://example.org/", "name": None, "events": None, "x": 1}

    with pytest.raises(InvalidRequestError) as refused:
        parse_change(make(SAID), said)

    assert [one.field for one in refused.value.problems] == ["url", "x", "name", "events"]


@pytest.mark.parametrize("url", ["telegram:7:ru", "telegram:7"])
def test_a_channel_of_telegram_is_told_in_another_language(url: str) -> None:
    one = make({**SAID, "url": "telegram:7:en", "manner": MANNER})

    changed = parse_change(one, {"url": url})

    assert (changed.url, changed.manner) == (url, one.manner)


@pytest.mark.parametrize("url", ["telegram:8:ru", "telegram:7:de", "https://example.org/", 7, None])
def test_a_channel_of_telegram_stays_with_its_user(url: object) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        parse_change(make({**SAID, "url": "telegram:7:en"}), {"url": url})

    assert [one.code for one in refused.value.problems] == ["not_changeable"]
