"""What stops something is asked once more; what lets it go on is done at once."""

from dataclasses import replace

from setupdesk.doors.telegram.answer import Answer, Asked, Button
from setupdesk.doors.telegram.card import draw_card, find_newest, show_none
from setupdesk.doors.telegram.reading import list_schedules
from setupdesk.doors.telegram.speech import say
from setupdesk.doors.telegram.watched import list_watches

SURE = "yes"


def cancel(asked: Asked) -> Answer:
    """Stop a run, the newest one unless named."""
    run_id = asked.words[0] if asked.words else find_newest(asked.desk)
    if run_id is None:
        return show_none()
    if not _is_sure(asked):
        question = say("Stop {run}? Its row stays.", run=run_id)
        return _ask_once_more(question, f"cancel {run_id}", f"status {run_id}")
    asked.desk.cancel(run_id)
    return draw_card(asked.desk, run_id)


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
