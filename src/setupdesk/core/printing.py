"""Printing: text of any origin as one line that drives no terminal and forges no second line."""

import json
from collections.abc import Mapping
from typing import Any

HEADING = ("at", "level", "process", "run_id", "event", "traceback")
"""What every event of a log may have; its other fields belong to what happened."""


def escape(text: str) -> str:
    r"""Write what cannot be printed as JSON does: a line break as ``\n``, U+202E as ``\u202e``."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in text)


def tell(event: Mapping[str, Any]) -> str:
    """Say in a line what happened, with its fields; a traceback has lines of its own."""
    fields = [f"{name}={_show(event[name])}" for name in event if name not in HEADING]
    words = "  ".join([str(event["event"]), *fields])
    traceback = str(event.get("traceback") or "").splitlines()
    return "\n".join(escape(line) for line in (words, *(f"    {line}" for line in traceback)))


def tell_story(events: list[dict[str, Any]]) -> str:
    """Write the events of a log for people: when, by which process, what."""
    return "\n".join(
        escape(f"{_tell_moment(event.get('at'))}  {event.get('process') or '':<10}") + tell(event)
        for event in events
    )


def _tell_moment(at: object) -> str:
    moment = str(at or "").removesuffix("Z").replace("T", " ")
    return f"{moment[:23]:<23}"


def _show(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
