"""Channels over HTTP: where the desk tells of your runs and alerts, and what it has told there."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Depends, Query, Request

from setupdesk.core.channel import ChannelEvent
from setupdesk.core.channel_terms import CHANGED, FIELDS
from setupdesk.core.free_text import LONGEST_NAME
from setupdesk.core.manner import MOST_PER_HOUR, USUAL_KINDS, USUAL_PER_HOUR, Loudness
from setupdesk.service.delivery import TheObject
from setupdesk.service.security import TheCaller, TheDesk

router = APIRouter(tags=["channels"])


MOST_OUTWARD = 4
"""Requests that wait for other machines at once, in threads of their own: others wait for none."""


def get_outward(request: Request) -> CapacityLimiter:
    """Give the places of those who wait for other machines."""
    outward: CapacityLimiter = request.app.state.outward
    return outward


Outward = Annotated[CapacityLimiter, Depends(get_outward)]


_KINDS: dict[str, Any] = {
    "type": "object",
    "properties": {
        kind.value: {
            "anyOf": [{"type": "string", "enum": list(Loudness)}, {"type": "null"}],
            "description": f"{usual}, unless said",
        }
        for kind, usual in USUAL_KINDS.items()
    },
    "additionalProperties": False,
}
_TIME: dict[str, Any] = {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"}
_QUIET: dict[str, Any] = {
    "type": "object",
    "properties": {
        "from": _TIME,
        "to": _TIME,
        "zone": {"type": "string", "maxLength": 64, "description": "IANA, such as Europe/Berlin"},
    },
    "additionalProperties": False,
    "description": "Hours in which alerts are held; none, unless said",
}
_PER_HOUR: dict[str, Any] = {
    "type": "integer",
    "minimum": 1,
    "maximum": MOST_PER_HOUR,
    "description": f"Alerts; {USUAL_PER_HOUR}, unless said. What is more is held",
}


def _or_usual(field: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [field, {"type": "null"}]}


_NAME: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 64}
_FIELDS: dict[str, Any] = {
    "name": {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME},
    "url": {
        "type": "string",
        "maxLength": 2_000,
        "description": "https, reachable by anybody; telegram: and the id of a user who is paired; "
        "or log: for the service's log",
    },
    "events": {
        "type": "array",
        "items": {"type": "string", "enum": list(ChannelEvent)},
        "minItems": 1,
        "maxItems": len(ChannelEvent),
    },
    "manner": _or_usual(
        {
            "type": "object",
            "properties": {
                "kinds": _or_usual(_KINDS),
                "quiet": _or_usual(_QUIET),
                "most_per_hour": _or_usual(_PER_HOUR),
            },
            "additionalProperties": False,
        }
    ),
}


def _describe(names: Sequence[str], *required: str) -> dict[str, Any]:
    # The body is read by the core, and not by FastAPI.
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {name: _FIELDS[name] for name in names},
        "additionalProperties": False,
    }
    if required:
        schema["required"] = list(required)
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


@router.post(
    "/channels",
    status_code=201,
    responses={422: {"description": "Refused, with every Problem"}},
    openapi_extra=_describe(FIELDS, "name", "url", "events"),
)
async def add_channel(
    said: TheObject, desk: TheDesk, caller: TheCaller, outward: Outward
) -> dict[str, Any]:
    """Make a channel of your runs and alerts; its secret is in this answer and in no other."""
    make = partial(desk.channel_desk.add, said, caller.user)
    return await to_thread.run_sync(make, limiter=outward)


@router.get("/channels")
def list_channels(desk: TheDesk, caller: TheCaller) -> list[dict[str, Any]]:
    """List your channels, the newest first, of their URLs the host only."""
    return desk.channel_desk.list_channels(caller)


@router.patch("/channels/{channel_id}", openapi_extra=_describe(CHANGED))
def change_channel(
    channel_id: str, said: TheObject, desk: TheDesk, caller: TheCaller
) -> dict[str, Any]:
    """Change the fields that are named, down to one kind; null gives one its usual value again."""
    return desk.channel_desk.change(channel_id, said, caller)


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


_MUTE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "setup_id": _NAME | {"description": "One that you watch"},
                        "symbol": _or_usual(_NAME | {"description": "Whose day counts; all"}),
                    },
                    "required": ["setup_id"],
                    "additionalProperties": False,
                }
            }
        },
    }
}


@router.post("/channels/{channel_id}/mutes", openapi_extra=_MUTE)
def mute_setup(
    channel_id: str, said: TheObject, desk: TheDesk, caller: TheCaller
) -> dict[str, Any]:
    """Tell a channel nothing of a setup until the day of its market is over."""
    return desk.mute_desk.mute(channel_id, said, caller)


@router.delete("/channels/{channel_id}/mutes/{setup_id}")
def unmute_setup(
    channel_id: str, setup_id: str, desk: TheDesk, caller: TheCaller
) -> dict[str, Any]:
    """Tell a channel of a setup again; to do it again changes nothing."""
    return desk.mute_desk.unmute(channel_id, setup_id, caller)


@router.get("/notifications", responses={404: {"description": "There is no such channel"}})
def list_notifications(
    desk: TheDesk,
    caller: TheCaller,
    channel_id: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 20,
) -> list[dict[str, Any]]:
    """List what your channels were told, and what they are to be told, the newest first."""
    return desk.channel_desk.log(channel_id, limit, caller)
