"""The watches: when each has looked last, where its looks stand, and what each poll came to."""

from datetime import datetime

from setupdesk.doors.telegram.answer import Answer, Asked, Button, Json, cut
from setupdesk.doors.telegram.figures import moment, seconds, ticks
from setupdesk.doors.telegram.line import tell_changes
from setupdesk.doors.telegram.names import SIGNS
from setupdesk.doors.telegram.speech import name, say
from setupdesk.words.figures import NONE
from setupdesk.words.names import STATES

_LISTED = 10
_POLLS = 3


def list_watches(asked: Asked) -> Answer:
    """List the watches that look at the market, or show the one that is named."""
    if asked.words:
        return show_watch(asked)
    watches = asked.desk.watches()
    make = Button(say("Watch something"), "watch")
    if not watches:
        return Answer(say("No watches yet."), ((make,),))
    lines = [_tell_watch(one) for one in watches]
    rows = [
        (
            Button(one["name"][:60], f"watches {one['watch_id']}"),
            Button(say("End the watch"), f"unwatch {one['watch_id']}"),
        )
        for one in watches[:_LISTED]
    ]
    return Answer(cut("\n".join(lines)), (*rows, (Button(say("Refresh"), "watches"), make)))


def show_watch(asked: Asked) -> Answer:
    """Show where each look of a watch stands, and its newest polls."""
    watch, polls = asked.desk.watch(asked.words[0]), asked.desk.polls(asked.words[0], _POLLS)
    stand = [f"• {one['setup_id']} {one['symbol']}: {_tell_stand(one)}" for one in watch["stand"]]
    asof = say("As of {at}", at=moment(watch["as_of"], is_exact=True))
    lines = [_tell_watch(watch), asof, "", *stand, "", *map(_tell_poll, polls)]
    line = f"watches {watch['watch_id']}"
    end = (
        () if watch["ended_at"] else (Button(say("End the watch"), f"unwatch {watch['watch_id']}"),)
    )
    buttons = ((Button(say("Refresh"), line), *end), (Button(say("All watches"), "watches"),))
    return Answer(cut("\n".join(lines)), buttons)


def _tell_watch(watch: Json) -> str:
    parts = [_tell_last(watch), _tell_next(watch)]
    parts += [say("looks, with trouble")] if watch["troubled"] else []
    named = " ".join(filter(None, (watch["name"], tell_changes(watch))))
    return f"👁 {named}: {', '.join(parts)}"


def _tell_last(watch: Json) -> str:
    poll = watch["last_poll"]
    if poll is None:
        return say("has not looked yet")
    as_of, at = (datetime.fromisoformat(one) for one in (watch["as_of"], poll["accepted_at"]))
    age = seconds(max(0.0, (as_of - at).total_seconds()))
    state = name(STATES, poll["state"])
    return say("looked {time} ago: {state}", time=age, state=state)


def _tell_next(watch: Json) -> str:
    if watch["ended_at"]:
        return say("ended")
    return say("looks next at {at}", at=ticks([watch["next"]])) if watch["next"] else say("paused")


def _tell_stand(one: Json) -> str:
    said = one["standing"]["sentence"] if one["standing"] else say("has not looked yet")
    return f"{said} ⚠ {one['trouble']}" if one["trouble"] else said


def _tell_poll(poll: Json) -> str:
    sign = SIGNS.get(poll["state"], "")
    summary = poll["summary"] or {}
    alerts = summary.get("alerts")
    told = say("alerts: {count}", count=alerts) if alerts is not None else poll["reason"] or NONE
    return f"{sign} {moment(poll['accepted_at'])}: {told}"
