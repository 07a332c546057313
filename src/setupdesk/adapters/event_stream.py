"""Event streams: what a desk tells of a run as it happens, heard to the end over broken lines."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

from setupdesk.core.errors import DeskUnavailableError

RECONNECTS, RECONNECT_SECONDS = 20, 0.5


def follow_stream(listen: Callable[[str], Iterator[str]]) -> Iterator[dict[str, Any]]:
    """Give ``{event, id, data}`` after each other, until the one that is ``end``.

    *listen* gives the lines of a stream that goes on behind the event of an id. Where a stream
    ends, or cannot be had for a while, it is asked for another one.
    """
    heard, failures = "", 0
    while True:
        try:
            for event in read_events(listen(heard)):
                heard, failures = event["id"], 0
                yield event
                if event["event"] == "end":
                    return
        except DeskUnavailableError:
            failures += 1
            if failures > RECONNECTS:
                raise
        time.sleep(RECONNECT_SECONDS)


def read_events(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    """Read the events of a stream's lines; one that was cut short is none."""
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        if name:
            fields[name] = value
        elif "data" in fields:
            yield {"event": fields["event"], "id": fields["id"], "data": json.loads(fields["data"])}
            fields = {}
