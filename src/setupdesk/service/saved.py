"""Saved requests over HTTP: keep a payload under a name, look at it, forget it."""

from typing import Any

from fastapi import APIRouter

from setupdesk.core.free_text import LONGEST_NAME
from setupdesk.service.delivery import TheObject
from setupdesk.service.security import TheCaller, TheDesk

router = APIRouter(prefix="/saved-requests", tags=["runs"])

_BODY: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME},
        "payload": {"$ref": "#/components/schemas/Payload"},
        "replaces": {"type": "boolean", "description": "Take the place of the one of this name"},
    },
    "required": ["name", "payload"],
    "additionalProperties": False,
}
_DESCRIBED: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": _BODY}}}
}


@router.post("", status_code=201, openapi_extra=_DESCRIBED)
def save_request(said: TheObject, desk: TheDesk, caller: TheCaller) -> dict[str, Any]:
    """Keep a payload under a name, as it was said: its ``last`` is that of the day of asking."""
    return desk.saved_desk.add(said, caller)


@router.get("")
def list_saved_requests(desk: TheDesk, caller: TheCaller) -> list[dict[str, Any]]:
    """List your saved requests, by name."""
    return desk.saved_desk.list_saved(caller)


@router.get("/{saved_id}")
def show_saved_request(saved_id: str, desk: TheDesk, caller: TheCaller) -> dict[str, Any]:
    """Give one of your saved requests, by its id or its name."""
    return desk.saved_desk.show(saved_id, caller)


@router.delete("/{saved_id}")
def remove_saved_request(saved_id: str, desk: TheDesk, caller: TheCaller) -> dict[str, Any]:
    """Forget a saved request; runs that were asked for with it stay."""
    return desk.saved_desk.remove(saved_id, caller)
