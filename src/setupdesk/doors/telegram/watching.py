"""Making a watch: with words at once, without them step by step, summed up before it starts."""

from collections.abc import Mapping, Sequence
from typing import Any

from setupdesk.client import DeskAnswerError
from setupdesk.core.channel import ChannelEvent
from setupdesk.core.offer import REPLAY
from setupdesk.doors.telegram.answer import Answer, Asked, Button, Json, cut
from setupdesk.doors.telegram.correcting import tell_correction
from setupdesk.doors.telegram.figures import moment, ticks
from setupdesk.doors.telegram.line import DRY, tell_changes
from setupdesk.doors.telegram.offering import (
    ACROSS,
    list_known_symbols,
    list_setup_ids,
    list_timeframes,
    offer,
)
from setupdesk.doors.telegram.requests import tell_problems
from setupdesk.doors.telegram.speech import say, say_many
from setupdesk.doors.telegram.told import is_here
from setupdesk.doors.telegram.watch_line import (
    USUAL,
    correct_watch,
    find_wish,
    read_watch,
    write_watch,
)
from setupdesk.words import mark

_NEEDED = ("setups", "symbols", "timeframe")
_SPANS = ("1m", "5m", "15m")
_QUESTIONS = {
    "setups": mark("Which setup?"),
    "symbols": mark("Which symbol?"),
    "timeframe": mark("Which timeframe?"),
    "rhythm": mark("When does it look?"),
    "feed": mark("From where do its bars come?"),
}
_MOST_TICKS = 3


def watch(asked: Asked) -> Answer:
    """Make a watch, ask for what is missing of it, or sum it up where it is ``dry``."""
    said = read_watch(asked.words)
    if missing := _find_missing(said, asked):
        return _offer(said, missing, asked)
    try:
        return _sum_up(said, asked) if said.get(DRY) else _make(said, asked)
    except DeskAnswerError as error:
        if not error.problems:
            raise
        return _refuse(said, error.problems)


def _find_missing(said: Json, asked: Asked) -> str | None:
    needed = next((one for one in _NEEDED if not said.get(one)), None)
    # Who names all three knows what he wants: only who goes by buttons is asked for the rest.
    if needed or not said.get(DRY):
        return needed
    if not any(one in said for one in ("every", "at_bar_close")):
        return "rhythm"
    has_feed = any(one in said for one in ("feed", "replay_from", "speed"))
    return None if has_feed or not _list_feeds(said, asked) else "feed"


def _offer(said: Json, missing: str, asked: Asked) -> Answer:
    words = write_watch({**said, DRY: True})
    choices = (
        Button(label, f"watch {words} {word}")
        for label, word in _list_choices(missing, said, asked)
    )
    across = 1 if missing in ("setups", "feed") else ACROSS
    head = " ".join(filter(None, (_name(said), tell_changes(said))))
    return offer(head, say(_QUESTIONS[missing]), choices, across=across)


def _list_choices(missing: str, said: Json, asked: Asked) -> list[tuple[str, str]]:
    if missing == "rhythm":
        spans = ((say("every {span}", span=one), f"every={one}") for one in _SPANS)
        return [(say("at bar close"), f"at_bar_close={USUAL}"), *spans]
    if missing == "feed":
        return _list_feeds(said, asked)
    if missing == "setups":
        found = list_setup_ids(asked)
    elif missing == "symbols":
        found = list_known_symbols(asked)
    else:
        found = list_timeframes(asked, said["setups"])
    return [(one, f"{missing}={one}") for one in found]


def _list_feeds(said: Json, asked: Asked) -> list[tuple[str, str]]:
    """List from where bars may come; nothing where there is no choice."""
    try:
        feeds = asked.desk.validate_watch(find_wish(said))["feeds"]
    except DeskAnswerError:
        # What is wrong with it is told in the end, with all the rest.
        return []
    stored = {one["symbol"] for one in asked.desk.data_sets()}
    if REPLAY in feeds.values() or not stored.issuperset(feeds):
        return []
    usual = ", ".join(dict.fromkeys(feeds.values()))
    return [
        (say("{feed}, as they come", feed=usual), f"feed={USUAL}"),
        (say("replay: stored bars, played as if they came now"), f"feed={REPLAY}"),
    ]


def _name(of: Mapping[str, Any]) -> str:
    parts = (", ".join(of.get("setups") or ()), ", ".join(of.get("symbols") or ()))
    return " ".join(filter(None, (*parts, of.get("timeframe"))))


def _sum_up(said: Json, asked: Asked) -> Answer:
    answer = asked.desk.validate_watch(find_wish(said))
    due = [one["at"] for one in answer["next"][:_MOST_TICKS]]
    coming = [say("The next polls: {list}", list=ticks(due))] if due else []
    lines = [*_describe(answer), *coming, "", *_tell_channels(asked)]
    start = Button(say("Start"), f"watch {write_watch({**said, DRY: None})}")
    leave = Button(say("Leave it"), "drop")
    note = say("This was a dry run: nothing looks yet.")
    return Answer(cut("\n".join([*lines, "", note])), ((start, leave),))


def _describe(of: Json) -> list[str]:
    looks = len(of["setups"]) * len(of["symbols"])
    named = of["name"] if of["name"] != _name(of) else ""
    lines = [
        *filter(None, (named, _name(of), tell_changes(of))),
        say_many("{count} look at each poll", "{count} looks at each poll", looks),
        *_tell_rhythm(of),
        _tell_feeds(of),
    ]
    life = say("An alert is sent for {span} after its bar has closed.", span=of["expires"])
    return [*lines, life]


def _tell_rhythm(of: Json) -> list[str]:
    if "every" in of:
        return [say("A poll every {span}", span=of["every"])]
    close = of.get("at_bar_close")
    return [say("A poll at the close of {bar}", bar=close)] if close else []


def _tell_feeds(of: Json) -> str:
    if of["replay_from"]:
        speed = f"{of['speed']:g}"
        at = moment(of["replay_from"])
        return say("Stored bars from {at} on, {speed} times as fast", at=at, speed=speed)
    return say("Bars come from {feeds}", feeds=", ".join(dict.fromkeys(of["feeds"].values())))


def _make(said: Json, asked: Asked) -> Answer:
    made = asked.desk.add_watch(find_wish(said), asked.key)
    schedule = asked.desk.schedule(made["schedule_id"]) if made["next"] else {}
    rhythm = {one: schedule[one] for one in ("every", "at_bar_close") if schedule.get(one)}
    first = say("looks next at {at}", at=ticks([made["next"]])) if made["next"] else say("ended")
    head = f"👁 {made['name']}: {first}"
    described = _describe({**made, **rhythm, "name": _name(made)})
    lines = [head, "", *described, "", *_tell_channels(asked)]
    look = Button(say("Look"), f"watches {made['watch_id']}")
    return Answer(
        cut("\n".join(lines)),
        ((look, Button(say("End the watch"), f"unwatch {made['watch_id']}")),),
    )


def _tell_channels(asked: Asked) -> list[str]:
    others, is_told_here = [], False
    for one in asked.desk.channels():
        if one["revoked_at"] or one["user"] != asked.person["user"]:
            continue
        if ChannelEvent.ALERT not in one["events"]:
            continue
        if is_here(one, asked.person["telegram_id"]):
            is_told_here = True
        else:
            others.append(one["name"])
    here = [say("Its alerts come to you here, in the chat with me.")] if is_told_here else []
    there = [say("They are told to {names} too.", names=", ".join(others))] if others else []
    return [*here, *there] or [say("Nobody is told of its alerts: /watches shows them.")]


def _refuse(said: Json, problems: Sequence[Json]) -> Answer:
    buttons = []
    if (corrected := correct_watch(said, problems)) is not None:
        told = ", ".join(tell_correction(one, said) for one in problems)
        line = f"watch {write_watch(corrected)}"
        buttons.append((Button(say("Ask with {values}", values=told)[:60], line),))
    return Answer(tell_problems(problems), tuple(buttons))
