"""Channels over HTTP: where the desk tells of your runs, and what it has told there."""

from functools import partial
from typing import Annotated, Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from setupdesk.core.channel import ChannelEvent
from setupdesk.service.security import TheCaller, TheDesk

router = APIRouter(tags=["channels"])


MOST_OUTWARD = 4
"""Requests that wait for other machines at once, in threads of their own: others wait for none."""


def get_outward(request: Request) -> CapacityLimiter:
    """Give the places of those who wait for other machines."""
    outward: CapacityLimiter = request.app.state.outward
    return outward


Outward = Annotated[CapacityLimiter, Depends(get_outward)]


class NewChannel(BaseModel):
    """Where to tell what."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=100)]
    url: Annotated[str, Field(max_length=2_000, description="https, reachable by anybody")]
    events: Annotated[list[ChannelEvent], Field(min_length=1, max_length=3)]


@router.post(
    "/channels", status_code=201, responses={422: {"description": "Refused, with every Problem"}}
)
async def add_channel(
    new: NewChannel, desk: TheDesk, caller: TheCaller, outward: Outward
) -> dict[str, Any]:
    """Make a channel of your runs; its secret is in this answer and in no other."""
    make = partial(desk.channel_desk.add, new.name, new.url, new.events, caller.user)
    return await to_thread.run_sync(make, limiter=outward)


@router.get("/channels")
def list_channels(desk: TheDesk, caller: TheCaller) -> list[dict[str, Any]]:
    """List your channels, the newest first, of their URLs the host only."""
    return desk.channel_desk.list_channels(caller)


@router.post("/channels/{channel_id}/revoke")
def revoke_channel(channel_id: str, desk: TheDesk, caller: TheCaller) -> dict[str, Any]:
    """Tell a channel nothing more; to do it again changes nothing."""
    return desk.channel_desk.revoke(channel_id, caller)


@router.post(
    "/channels/{channel_id}/test",
    responses={
        409: {"description": "It is being tested already"},
        502: {"description": "It could not be told"},
    },
)
async def test_channel(
    channel_id: str, desk: TheDesk, caller: TheCaller, outward: Outward
) -> dict[str, Any]:
    """Tell a channel at once that this is a test."""
    test = partial(desk.channel_desk.test, channel_id, caller)
    return await to_thread.run_sync(test, limiter=outward)


@router.get("/notifications", responses={404: {"description": "There is no such channel"}})
def list_notifications(
    desk: TheDesk,
    caller: TheCaller,
    channel_id: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 20,
) -> list[dict[str, Any]]:
    """List what your channels were told, and what they are to be told, the newest first."""
    return desk.channel_desk.log(channel_id, limit, caller)
