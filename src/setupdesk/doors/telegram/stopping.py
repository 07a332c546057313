"""What stops something is asked once more; what lets it go on is done at once."""

from dataclasses import replace

from setupdesk.client import Client
from setupdesk.core.run import UNDER_WAY
from setupdesk.doors.telegram.answer import Answer, Asked, Button
from setupdesk.doors.telegram.card import draw_card, name_run
from setupdesk.doors.telegram.reading import list_schedules
from setupdesk.doors.telegram.speech import say
from setupdesk.doors.telegram.watched import list_watches

SURE = "yes"
_LOOKED_AT = 50


def cancel(asked: Asked) -> Answer:
    """Stop a run, the newest one under way unless named."""
    desk, words = asked.desk, asked.words
    run_id = name_run(desk, words[0]) if words else _find_under_way(desk)
    if run_id is None:
        return Answer(say("Nothing runs or waits."))
    if desk.run(run_id)["state"] not in UNDER_WAY:
        return draw_card(desk, run_id)
    if not _is_sure(asked):
        question = say("Stop {run}? Its row stays.", run=run_id)
        return _ask_once_more(question, f"cancel {run_id}", f"status {run_id}")
    desk.cancel(run_id)
    return draw_card(desk, run_id)


def _find_under_way(desk: Client) -> str | None:
    newest = (run for run in desk.runs(_LOOKED_AT)["runs"] if run["state"] in UNDER_WAY)
    return next((str(run["run_id"]) for run in newest), None)


def unwatch(asked: Asked) -> Answer:
    """End a watch."""
    if not asked.words:
        return list_watches(asked)
    named = asked.words[0]
    if not _is_sure(asked):
        watch = asked.desk.watch(named)
        question = say("End the watch {name}? It looks no more.", name=watch["name"])
        return _ask_once_more(question, f"unwatch {named}", f"watches {named}")
    asked.desk.end_watch(named)
    return list_watches(replace(asked, words=()))


def pause(asked: Asked) -> Answer:
    """Pause a schedule."""
    if not asked.words:
        return list_schedules(asked)
    named = asked.words[0]
    if not _is_sure(asked):
        schedule = asked.desk.schedule(named)
        question = say("Pause the schedule {name}?", name=schedule["name"])
        return _ask_once_more(question, f"pause {named}", "schedules")
    asked.desk.change_schedule(named, {"paused": True})
    return list_schedules(asked)


def resume(asked: Asked) -> Answer:
    """Let a schedule go on."""
    if asked.words:
        asked.desk.change_schedule(asked.words[0], {"paused": False})
    return list_schedules(asked)


def _is_sure(asked: Asked) -> bool:
    return asked.words[1:2] == (SURE,)


def _ask_once_more(question: str, line: str, back: str) -> Answer:
    return Answer(question, ((Button(say("Yes"), f"{line} {SURE}"), Button(say("No"), back)),))
