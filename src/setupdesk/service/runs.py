"""Runs over HTTP: ask for one, look at it, cancel it."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from setupdesk.core.errors import InvalidRequestError
from setupdesk.core.request import Mode
from setupdesk.core.run import Door, Priority, RunState
from setupdesk.service.delivery import JSON_BODY, TheDelivery
from setupdesk.service.security import ANY, OwnRun, TheCaller, TheDesk, TheDoor

router = APIRouter(prefix="/runs", tags=["runs"])


@router.post(
    "/validate",
    responses={422: {"description": "It would be refused, with every Problem"}},
    openapi_extra=JSON_BODY | ANY,
)
def validate(
    delivery: TheDelivery, desk: TheDesk, door: TheDoor, caller: TheCaller
) -> dict[str, Any]:
    """Say what would become of the payload; nothing is written or started."""
    if delivery.problems:
        raise InvalidRequestError(delivery.problems)
    return desk.preflight(delivery.payload, user=caller.user, door=door, quota=caller.quota)


def _one_of(words: type[StrEnum], *, many: bool = False) -> WithJsonSchema:
    one = {"type": "string", "enum": list(words)}
    return WithJsonSchema({"type": "array", "items": one} if many else one)


RETRY_AFTER_SECONDS = "10"
"""A place or two are free again by then: most runs take less."""


@router.post(
    "",
    status_code=202,
    response_model=dict[str, Any],
    responses={
        409: {"description": "The key belongs to another request"},
        422: {"description": "Refused, with Problems"},
        429: {"description": "Refused for now: too many runs wait"},
    },
    openapi_extra=JSON_BODY,
)
def ask_for_run(delivery: TheDelivery, desk: TheDesk, door: TheDoor, caller: TheCaller) -> Response:
    """Hand the payload to START; the answer is its Receipt, accepted or refused.

    Sent again with the same ``Idempotency-Key`` it starts nothing, and is answered as before.
    """
    user, key = caller.user, delivery.key
    if delivery.problems:
        receipt = desk.start.refuse(
            delivery.payload, delivery.problems, user=user, door=door, key=key
        )
    else:
        receipt = desk.start(delivery.payload, user=user, door=door, key=key, quota=caller.quota)
    answer = Response(receipt.to_text(), 202, media_type="application/json")
    if receipt.is_too_early:
        answer.status_code = 429
        answer.headers["Retry-After"] = RETRY_AFTER_SECONDS
    elif receipt.status == "refused":
        answer.status_code = 422
    else:
        answer.headers["Location"] = f"/api/v1/runs/{receipt.run_id}"
    return answer


class Wanted(BaseModel):
    """What runs are searched for. The values are checked as those of any other door."""

    model_config = ConfigDict(extra="forbid")

    state: Annotated[list[str], _one_of(RunState, many=True)] = Field([], max_length=9)
    setup_id: str | None = None
    symbol: str | None = None
    timeframe: str | None = None
    mode: Annotated[str | None, _one_of(Mode)] = None
    door: Annotated[str | None, _one_of(Door)] = None
    user: str | None = None
    since: str | None = Field(None, description="First day of acceptance, UTC, YYYY-MM-DD")
    until: str | None = Field(None, description="Last day of acceptance, inclusive")
    search: str | None = Field(None, description="Words of ids, market, user or reason")
    cursor: str | None = Field(None, description="The next_cursor of the page before")
    limit: int = Field(20, ge=1, le=1000)


@router.get("", response_model=dict[str, Any])
def list_runs(desk: TheDesk, caller: TheCaller, wanted: Annotated[Wanted, Query()]) -> JSONResponse:
    """Give a page of the runs that are as wanted, the last accepted first.

    An admin finds those of all users, others their own.
    """
    said = wanted.model_dump(exclude={"limit"})
    # Written as it is: to check a thousand rows once more takes longer than to find them.
    return JSONResponse(desk.find_runs(said, wanted.limit, seen_by=caller))


@router.get("/{run_id}")
def show_run(run_id: OwnRun, desk: TheDesk) -> dict[str, Any]:
    """Give all that is known of a run except its report."""
    return desk.queries.run(run_id)


@router.get("/{run_id}/result")
def show_result(run_id: OwnRun, desk: TheDesk) -> dict[str, Any]:
    """Give the report of a completed run."""
    return desk.queries.result(run_id)


@router.get("/{run_id}/report.html", response_class=HTMLResponse)
def show_report_page(run_id: OwnRun, desk: TheDesk) -> str:
    """Give the report of a completed run as one HTML file."""
    return desk.write_report_page(run_id)


@router.get("/{run_id}/trades")
def list_trades(run_id: OwnRun, desk: TheDesk) -> list[dict[str, Any]]:
    """List the trades of a completed run."""
    return desk.queries.trades(run_id)


@router.get("/{run_id}/logs")
def list_log_events(run_id: OwnRun, desk: TheDesk) -> list[dict[str, Any]]:
    """Give the log of a run, event by event."""
    return desk.queries.log_events(run_id)


class Change(BaseModel):
    """What can be changed of a run."""

    model_config = ConfigDict(extra="forbid")

    priority: Literal["live", "manual", "nightly"]


@router.patch("/{run_id}")
def change_run(
    run_id: OwnRun, change: Change, desk: TheDesk, door: TheDoor, caller: TheCaller
) -> dict[str, Any]:
    """Change the priority of a run that waits."""
    return desk.prioritize(run_id, Priority[change.priority.upper()], caller.user, door)


@router.post("/{run_id}/cancel", status_code=202)
def cancel_run(run_id: OwnRun, desk: TheDesk, door: TheDoor, caller: TheCaller) -> dict[str, Any]:
    """Stop a run; its row stays."""
    return desk.cancel(run_id, caller.user, door)
