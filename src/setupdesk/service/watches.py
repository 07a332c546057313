"""Watches over HTTP: make and end them, see where they stand and what they have raised."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from setupdesk.app.bar_pages import MOST_BARS
from setupdesk.core.watch_terms import LONGEST_NAME, MOST_LOOKS
from setupdesk.service.delivery import TheKey, TheObject
from setupdesk.service.security import TheCaller, TheDesk

router = APIRouter(prefix="/watches", tags=["watches"])
alerts = APIRouter(tags=["watches"])

Limit = Annotated[int, Query(ge=1, le=1000)]
Ended = Annotated[bool, Query(description="Also those that look no more")]

_TEXT: dict[str, Any] = {"type": "string", "maxLength": 200}
_NAMES: dict[str, Any] = {
    "type": "array",
    "items": {"type": "string", "minLength": 1, "maxLength": 64},
    "minItems": 1,
    "maxItems": MOST_LOOKS,
}
_OPTIONAL: dict[str, Any] = {
    "name": {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME},
    "options": {"type": "object", "description": "As of POST /runs, for every setup"},
    "extra": {"type": "object", "description": "As of POST /runs, for every setup"},
    "feed": _TEXT | {"description": "replay, push or a vendor; that of the stored bars by default"},
    "replay_from": _TEXT | {"description": "Of a replay: where it begins, market time"},
    "speed": {
        "type": "number",
        "description": "Of a replay: how many times as fast; 60",
    },
    "expires": _TEXT | {"description": "30m: an older alert is shown, and not sent; 2 bars"},
    "every": _TEXT | {"description": "10s, 1m: in the place of at_bar_close"},
    "at_bar_close": _TEXT | {"description": "M15 + 3s: 3 s after each bar of the timeframe"},
}
_BODY: dict[str, Any] = {
    "type": "object",
    "properties": {
        "setups": _NAMES,
        "symbols": _NAMES,
        "timeframe": {"type": "string"},
        **{name: {"anyOf": [field, {"type": "null"}]} for name, field in _OPTIONAL.items()},
    },
    "required": ["setups", "symbols", "timeframe"],
    "additionalProperties": False,
}
_DESCRIBED: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": _BODY}}}
}


@router.post(
    "",
    status_code=201,
    responses={409: {"description": "The key belongs to another watch"}},
    openapi_extra=_DESCRIBED,
)
def add_watch(said: TheObject, desk: TheDesk, caller: TheCaller, key: TheKey) -> dict[str, Any]:
    """Watch setups on symbols as bars close; all its looks of one tick are one run.

    Sent again with the same ``Idempotency-Key`` it is the same watch.
    """
    return desk.watch_desk.add(said, caller, key)


@router.post("/validate", openapi_extra=_DESCRIBED)
def validate_watch(said: TheObject, desk: TheDesk, caller: TheCaller) -> dict[str, Any]:
    """Say what would become of a watch, and when it would look; nothing is written."""
    return desk.watch_desk.validate(said, caller)


@router.get("")
def list_watches(
    desk: TheDesk,
    caller: TheCaller,
    ended: Ended = False,  # noqa: FBT002 (FastAPI's way)
) -> list[dict[str, Any]]:
    """List your watches, the newest first, each with its last poll; an admin sees all."""
    return desk.watch_desk.list_watches(caller, ended=ended)


@router.get("/{watch_id}")
def show_watch(watch_id: str, desk: TheDesk, caller: TheCaller) -> dict[str, Any]:
    """Give a watch with where each of its looks stands, and how it compares with a backtest."""
    return desk.watch_desk.show(watch_id, caller)


@router.delete("/{watch_id}")
def end_watch(watch_id: str, desk: TheDesk, caller: TheCaller) -> dict[str, Any]:
    """Let a watch look no more; what it has seen and raised stays."""
    return desk.watch_desk.end(watch_id, caller)


@router.get("/{watch_id}/bars", response_model=dict[str, Any])
def show_watched_bars(
    watch_id: str,
    desk: TheDesk,
    caller: TheCaller,
    symbol: Annotated[str | None, Query(description="The first of the watch, unless said")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_BARS)] = 300,
) -> JSONResponse:
    """Give the newest bars of a symbol as the watch saw them, with the sessions in them."""
    # Written as it is: to check so many numbers once more takes its time.
    return JSONResponse(desk.show_watched_bars(watch_id, symbol, caller, limit))


@router.get("/{watch_id}/polls")
def list_polls(
    watch_id: str, desk: TheDesk, caller: TheCaller, limit: Limit = 20
) -> list[dict[str, Any]]:
    """List the newest polls of a watch, and what came of each."""
    return desk.watch_desk.polls(watch_id, caller, limit)


@router.get("/{watch_id}/alerts")
def list_watch_alerts(
    watch_id: str, desk: TheDesk, caller: TheCaller, limit: Limit = 50
) -> list[dict[str, Any]]:
    """List the newest alerts of a watch, with their outcomes and receipts."""
    return desk.watch_desk.alerts(caller, limit, watch_id)


@alerts.get("/alerts")
def list_alerts(desk: TheDesk, caller: TheCaller, limit: Limit = 50) -> list[dict[str, Any]]:
    """List your newest alerts, with their outcomes and receipts; an admin sees all."""
    return desk.watch_desk.alerts(caller, limit)


@alerts.get("/alerts/{alert_id}", responses={404: {"description": "There is no such alert"}})
def show_alert(alert_id: str, desk: TheDesk, caller: TheCaller) -> dict[str, Any]:
    """Give one alert, with its outcome and receipts."""
    return desk.watch_desk.alert(alert_id, caller)
