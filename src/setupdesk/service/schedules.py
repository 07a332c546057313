"""Schedules over HTTP: make, change and remove them, and see what became of their ticks."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from setupdesk.app.schedule_desk import SHOWN
from setupdesk.core.schedule import Overlap
from setupdesk.core.schedule_terms import LONGEST_NAME, MOST_PAYLOADS
from setupdesk.service.delivery import TheKey, TheObject
from setupdesk.service.security import TheCaller, TheDesk

router = APIRouter(prefix="/schedules", tags=["schedules"])

Limit = Annotated[int, Query(ge=1, le=1000)]
Coming = Annotated[int, Query(ge=1, le=100, description="How many of the next ticks")]

_TEXT: dict[str, Any] = {"type": "string", "maxLength": 200}
_FIELDS: dict[str, Any] = {
    "name": {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME},
    "payload": {"type": "object", "description": "The request, as of POST /runs"},
    "payloads": {
        "type": "array",
        "items": {"type": "object"},
        "minItems": 1,
        "maxItems": MOST_PAYLOADS,
        "description": "A batch of requests, in the place of payload",
    },
    "cron": _TEXT | {"description": "Five fields, on the clock of the timezone: 30 22 * * 1-5"},
    "every": _TEXT | {"description": "5m, 1h: real time, counted from midnight UTC"},
    "at_bar_close": _TEXT | {"description": "M15, or M15 + 3s"},
    "timezone": _TEXT | {"description": "That of the symbol's market, unless said"},
    "catch_up": _TEXT | {"description": "none, last or all(24); last, unless said"},
    "overlap": {
        "type": "string",
        "enum": list(Overlap),
        "description": "queue_one, unless said; skip where all requests are live",
    },
    "start_deadline": _TEXT
    | {"description": "15m, 12h; 12h unless said, and one period where all requests are live"},
    "only_on_sessions": {
        "type": "boolean",
        "description": "No tick without a session since the one before; true, unless said",
    },
    "paused": {"type": "boolean"},
}


def _describe(*required: str) -> dict[str, Any]:
    # null gives what is usual; the body is read by the core, and not by FastAPI.
    fields = {
        name: field if name == "name" else {"anyOf": [field, {"type": "null"}]}
        for name, field in _FIELDS.items()
    }
    schema: dict[str, Any] = {
        "type": "object",
        "properties": fields,
        "additionalProperties": False,
    }
    if required:
        schema["required"] = list(required)
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


@router.post(
    "",
    status_code=201,
    responses={409: {"description": "The key belongs to another schedule"}},
    openapi_extra=_describe("name"),
)
def add_schedule(said: TheObject, desk: TheDesk, caller: TheCaller, key: TheKey) -> dict[str, Any]:
    """Make a schedule; it is due from now on.

    Sent again with the same ``Idempotency-Key`` it is the same schedule.
    """
    return desk.schedule_desk.add(said, caller, key)


@router.post("/validate", openapi_extra=_describe("name"))
def validate_schedule(said: TheObject, desk: TheDesk, caller: TheCaller) -> dict[str, Any]:
    """Say what a schedule would be, with its next ticks; nothing is written."""
    return desk.schedule_desk.validate(said, caller)


@router.get("")
def list_schedules(desk: TheDesk, caller: TheCaller) -> list[dict[str, Any]]:
    """List your schedules, the newest first, each with its next tick; an admin sees all."""
    return desk.schedule_desk.list_schedules(caller)


@router.get("/next")
def list_next_ticks(desk: TheDesk, caller: TheCaller, limit: Limit = 20) -> list[dict[str, Any]]:
    """List the coming ticks of your schedules, the next one first, in UTC and market time."""
    return desk.schedule_desk.list_next(limit, caller)


@router.get("/{schedule_id}")
def show_schedule(
    schedule_id: str, desk: TheDesk, caller: TheCaller, coming: Coming = SHOWN
) -> dict[str, Any]:
    """Give a schedule with its next ticks, five unless said."""
    return desk.schedule_desk.show(schedule_id, caller, coming)


@router.patch("/{schedule_id}", openapi_extra=_describe())
def change_schedule(
    schedule_id: str, said: TheObject, desk: TheDesk, caller: TheCaller
) -> dict[str, Any]:
    """Change the fields that are named, such as paused; null gives one its usual value again."""
    return desk.schedule_desk.change(schedule_id, said, caller)


@router.post("/{schedule_id}/run-now", status_code=202)
def run_schedule_now(schedule_id: str, desk: TheDesk, caller: TheCaller) -> dict[str, Any]:
    """Ask at once for what the schedule asks for; the answer is the row of this tick."""
    return desk.schedule_desk.run_now(schedule_id, caller)


@router.delete("/{schedule_id}")
def remove_schedule(schedule_id: str, desk: TheDesk, caller: TheCaller) -> dict[str, Any]:
    """Let a schedule start nothing more; its ticks are kept."""
    return desk.schedule_desk.remove(schedule_id, caller)


@router.get("/{schedule_id}/ticks")
def list_ticks(
    schedule_id: str, desk: TheDesk, caller: TheCaller, limit: Limit = 20
) -> list[dict[str, Any]]:
    """List what became of the ticks, the newest first: fired, skipped_overlap, missed_late, ..."""
    return desk.schedule_desk.list_ticks(schedule_id, limit, caller)
