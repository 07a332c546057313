"""What becomes of a run over HTTP, as it happens: server-sent events."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Annotated

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Depends, Header, HTTPException, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from setupdesk.app.follow_run import FollowRun, Told
from setupdesk.core.caller import OWN_KEY, Caller
from setupdesk.core.errors import SetupdeskError
from setupdesk.service.security import OwnRun, TheCaller, TheDesk
from setupdesk.wiring.desk import Desk

router = APIRouter(prefix="/runs", tags=["runs"])

MOST_STREAMS, MOST_OF_A_KEY = 100, 25
RETRY_AFTER_SECONDS = "10"

LONGEST_SECONDS = 300.0
"""Of a stream; whoever comes back is asked for the key again, which may be revoked by now."""

SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 1.0
"""Seconds between two looks; the longer nothing happens the longer."""


@dataclass(slots=True)
class Streams:
    """The open streams of a service, and what they share."""

    is_stopping: Callable[[], bool] = lambda: False
    """Says whether the service is told to end, for which no listener may keep it waiting."""

    open: Counter[str] = field(default_factory=Counter)
    """By the key that opened them."""

    threads: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(4))
    """Threads of their own, so that other routes never wait for one."""


async def take_stream(request: Request, caller: TheCaller) -> AsyncIterator[Streams]:
    """Take one of the streams that there may be, for as long as the answer lasts."""
    streams: Streams = request.app.state.streams
    key, later = caller.quota.key_id or "", {"Retry-After": RETRY_AFTER_SECONDS}
    if streams.open.total() >= MOST_STREAMS:
        raise HTTPException(503, f"{MOST_STREAMS} streams are open, the most there may be.", later)
    if streams.open[key] >= MOST_OF_A_KEY and key != OWN_KEY:
        raise HTTPException(429, f"{MOST_OF_A_KEY} streams of this key are open, its most.", later)
    streams.open[key] += 1
    try:
        yield streams
    finally:
        streams.open[key] -= 1


TheStreams = Annotated[Streams, Depends(take_stream)]
LastEventId = Annotated[
    str | None, Header(alias="Last-Event-ID", description="The id of the last event that was heard")
]


@router.get("/{run_id}/events", response_class=EventSourceResponse)
async def follow_run(
    run_id: OwnRun,
    desk: TheDesk,
    streams: TheStreams,
    caller: TheCaller,
    last_event_id: LastEventId = None,
) -> AsyncIterator[ServerSentEvent]:
    """Tell what becomes of a run as it happens: state, progress, log lines, and last its end."""
    listener = desk.run_desk.follow(run_id, last_event_id)
    pause, until = SHORTEST_PAUSE, asyncio.get_running_loop().time() + LONGEST_SECONDS
    while not streams.is_stopping() and asyncio.get_running_loop().time() < until:
        told = await to_thread.run_sync(_look, listener, desk, caller, limiter=streams.threads)
        if told is None:
            return
        for one in told:
            yield _write(one)
        if told and told[-1].event == "end":
            return
        pause = SHORTEST_PAUSE if told else min(pause * 1.5, LONGEST_PAUSE)
        await asyncio.sleep(pause)


def _look(listener: FollowRun, desk: Desk, caller: Caller) -> list[Told] | None:
    """Give what is new; None if the key was revoked since the stream began."""
    key_id = caller.quota.key_id
    try:
        is_right = key_id is None or desk.keys.still_opens(key_id)
        return listener.look() if is_right else None
    except SetupdeskError:
        # The ledger is locked for a while; the next look finds what this one did not.
        return []


def _write(told: Told) -> ServerSentEvent:
    # ASCII alone: some readers take other characters for the end of a line.
    return ServerSentEvent(
        event=told.event, id=told.position.write(), raw_data=json.dumps(told.said)
    )
