"""Answers that take a while: one line of JSON for each step, what came of it last."""

import json
import logging
from collections.abc import Callable, Iterator
from itertools import chain
from queue import SimpleQueue
from threading import Thread
from typing import Any

from fastapi.responses import StreamingResponse

from setupdesk.core.errors import SetupdeskError

log = logging.getLogger(__name__)

Event = dict[str, Any]
Stage = Callable[[str, int, int], None]


MEDIA_TYPE = "application/x-ndjson"
LINES: dict[int | str, dict[str, Any]] = {200: {"content": {MEDIA_TYPE: {}}}}
"""What the API's own description says of such an answer."""


def stream_lines(events: Iterator[Event]) -> StreamingResponse:
    """Answer with a line for each event."""
    return StreamingResponse(_write_lines(events), media_type=MEDIA_TYPE)


def with_progress(work: Callable[[Stage], Event]) -> Iterator[Event]:
    """Do *work* and give what it notes, as it does; the last event is what it gives back.

    What goes wrong before the first note is raised here, when there is still a status to send.
    """
    events: SimpleQueue[Event | Exception] = SimpleQueue()

    def note(stage: str, done: int, total: int) -> None:
        events.put({"event": "progress", "stage": stage, "done": done, "total": total})

    def do() -> None:
        try:
            events.put({"event": "done", **work(note)})
        except Exception as error:  # noqa: BLE001 (raised again where it is waited for)
            events.put(error)

    Thread(target=do, name="with progress", daemon=True).start()
    return chain([_take(events)], _follow(events))


def _follow(events: "SimpleQueue[Event | Exception]") -> Iterator[Event]:
    event: Event = {"event": ""}
    while event["event"] != "done":
        event = _take(events)
        yield event


def _take(events: "SimpleQueue[Event | Exception]") -> Event:
    event = events.get()
    if isinstance(event, Exception):
        raise event
    return event


def _write_lines(events: Iterator[Event]) -> Iterator[str]:
    # The status was sent with the first line, so what goes wrong later is a line too.
    try:
        for event in events:
            yield json.dumps(event) + "\n"
    except SetupdeskError as error:
        problems = [problem.to_json() for problem in getattr(error, "problems", ())]
        yield json.dumps(_tell_error(error.code, str(error), problems)) + "\n"
    except Exception:
        log.exception("a bug in an answer of several lines")
        message = "A bug of ours; the service's log has the traceback."
        yield json.dumps(_tell_error("bug", message, [])) + "\n"


def _tell_error(code: str, message: str, problems: list[Event]) -> Event:
    return {"event": "error", "code": code, "message": message, "problems": problems}
