"""Runs over HTTP: ask for one, look at it, cancel it."""

from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from setupdesk.app.compare_runs import FEWEST, MOST
from setupdesk.core.caller import Caller
from setupdesk.core.errors import InvalidRequestError
from setupdesk.core.free_text import LONGEST_NAME
from setupdesk.core.request import Mode
from setupdesk.core.run import Door, Priority, Receipt, RunState
from setupdesk.core.run_change import LONGEST_NOTES, LONGEST_TAG, MOST_TAGS
from setupdesk.service.delivery import JSON_BODY, Delivery, TheChanges, TheDelivery, TheObject
from setupdesk.service.security import (
    ANY,
    OwnRun,
    TheCaller,
    TheDesk,
    TheDoor,
    find_own_run,
    need_admin,
)
from setupdesk.wiring.desk import Desk

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


def one_of(words: type[StrEnum], *, many: bool = False) -> WithJsonSchema:
    """Describe a value that is one of some words, or a list of them; it is checked elsewhere."""
    one = {"type": "string", "enum": list(words)}
    return WithJsonSchema({"type": "array", "items": one} if many else one)


UNFINISHED: dict[int | str, dict[str, Any]] = {
    409: {"description": "The run has no result, or none yet"},
    500: {"description": "The stored report is not as it was written"},
}
"""Of what is read from a report."""

RETRY_AFTER_SECONDS = "10"
"""A place or two are free again by then: most runs take less."""


ANSWERS: dict[int | str, dict[str, Any]] = {
    409: {"description": "The key belongs to another request"},
    422: {"description": "Refused, with Problems"},
    429: {"description": "Refused for now: too many runs wait"},
}
"""To a request, beside its acceptance."""


@router.post(
    "",
    status_code=202,
    response_model=dict[str, Any],
    responses=ANSWERS,
    openapi_extra=JSON_BODY,
)
def ask_for_run(delivery: TheDelivery, desk: TheDesk, door: TheDoor, caller: TheCaller) -> Response:
    """Hand the payload to START; the answer is its Receipt, accepted or refused.

    Sent again with the same ``Idempotency-Key`` it starts nothing, and is answered as before.
    """
    if delivery.problems:
        return answer_with(_refuse(delivery, desk, door, caller))
    return answer_with(
        desk.start(
            delivery.payload, user=caller.user, door=door, key=delivery.key, quota=caller.quota
        )
    )


def _refuse(delivery: Delivery, desk: Desk, door: Door, caller: Caller) -> Receipt:
    return desk.start.refuse(
        delivery.payload, delivery.problems, user=caller.user, door=door, key=delivery.key
    )


def answer_with(receipt: Receipt) -> Response:
    """Build the answer that hands a Receipt out."""
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

    state: Annotated[list[str], one_of(RunState, many=True)] = Field([], max_length=9)
    setup_id: str | None = None
    symbol: str | None = None
    timeframe: str | None = None
    mode: Annotated[str | None, one_of(Mode)] = None
    door: Annotated[str | None, one_of(Door)] = None
    user: str | None = None
    since: str | None = Field(None, description="First day of acceptance, UTC, YYYY-MM-DD")
    until: str | None = Field(None, description="Last day of acceptance, inclusive")
    search: str | None = Field(
        None, description="Words of ids, market, user, reason, name, notes or tags"
    )
    tag: list[str] = Field([], max_length=10, description="It has each of them")
    watch: str | None = Field(None, description="Its polls and comparisons, by its id")
    polls: bool = Field(
        default=False, description="Also polls of watches, of which there may be very many"
    )
    cursor: str | None = Field(None, description="The next_cursor of the page before")
    limit: int = Field(20, ge=1, le=1000)


@router.get(
    "",
    response_model=dict[str, Any],
    responses={404: {"description": "The cursor is of another ledger"}},
)
def list_runs(desk: TheDesk, caller: TheCaller, wanted: Annotated[Wanted, Query()]) -> JSONResponse:
    """Give a page of the runs that are as wanted, the last accepted first.

    An admin finds those of all users, others their own.
    """
    said = wanted.model_dump(exclude={"limit"})
    # Written as it is: to check a thousand rows once more takes longer than to find them.
    return JSONResponse(desk.find_runs(said, wanted.limit, seen_by=caller))


Compared = Annotated[
    list[str],
    Query(
        alias="run",
        description=f"{FEWEST} to {MOST} completed backtests, each by its run_id",
        json_schema_extra={"minItems": FEWEST, "maxItems": MOST},
    ),
]


@router.get("/compare", response_model=dict[str, Any], responses=UNFINISHED)
def compare_runs(desk: TheDesk, caller: TheCaller, run_ids: Compared) -> JSONResponse:
    """Put runs side by side: parameters, bars, versions, figures, equity, trades that differ."""
    for run_id in run_ids[: MOST + 1]:
        find_own_run(run_id, desk, caller)
    return JSONResponse(desk.compare_runs(run_ids))


@router.get("/{run_id}")
def show_run(run_id: OwnRun, desk: TheDesk) -> dict[str, Any]:
    """Give all that is known of a run except its report."""
    return desk.queries.run(run_id)


@router.get("/{run_id}/result", responses=UNFINISHED)
def show_result(run_id: OwnRun, desk: TheDesk) -> dict[str, Any]:
    """Give the report of a completed run."""
    return desk.queries.result(run_id)


@router.get("/{run_id}/report.html", response_class=HTMLResponse, responses=UNFINISHED)
def show_report_page(run_id: OwnRun, desk: TheDesk) -> str:
    """Give the report of a completed run as one HTML file."""
    return desk.write_report_page(run_id)


@router.get("/{run_id}/trades", responses=UNFINISHED)
def list_trades(run_id: OwnRun, desk: TheDesk) -> list[dict[str, Any]]:
    """List the trades of a completed run."""
    return desk.queries.trades(run_id)


@router.get("/{run_id}/equity", responses=UNFINISHED)
def list_equity(run_id: OwnRun, desk: TheDesk) -> list[dict[str, Any]]:
    """Give the sum of R after each trade of a completed run, and how far it is below its high."""
    return desk.queries.equity(run_id)


@router.get("/{run_id}/signals", responses=UNFINISHED)
def list_signals(run_id: OwnRun, desk: TheDesk) -> list[dict[str, Any]]:
    """List the candidates of a completed run, each with its verdict and why."""
    return desk.queries.signals(run_id)


@router.get("/{run_id}/evidence", responses=UNFINISHED)
def list_evidence(
    run_id: OwnRun, desk: TheDesk, candidate: Annotated[int | None, Query(ge=1)] = None
) -> list[dict[str, Any]]:
    """Give what was asked of each candidate of a completed run, or of one, with the values."""
    return desk.queries.evidence(run_id, candidate)


@router.get("/{run_id}/logs")
def list_log_events(run_id: OwnRun, desk: TheDesk) -> list[dict[str, Any]]:
    """Give the log of a run, event by event."""
    return desk.queries.log_events(run_id)


def _or_null(**schema: Any) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


CHANGE_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "minProperties": 1,
                    "additionalProperties": False,
                    "properties": {
                        "priority": {"type": "string", "enum": [one.word for one in Priority]},
                        "name": _or_null(type="string", maxLength=LONGEST_NAME),
                        "notes": _or_null(type="string", maxLength=LONGEST_NOTES),
                        "tags": _or_null(
                            type="array",
                            maxItems=MOST_TAGS,
                            items={"type": "string", "maxLength": LONGEST_TAG},
                        ),
                    },
                }
            }
        },
    }
}
"""What the API's own description says of the body, which is read here and not by FastAPI."""


@router.patch(
    "/{run_id}",
    responses={409: {"description": "The run does not wait any more"}},
    openapi_extra=CHANGE_BODY,
)
def change_run(
    run_id: OwnRun, said: TheObject, desk: TheDesk, door: TheDoor, caller: TheCaller
) -> dict[str, Any]:
    """Change a run's name, notes or tags, or the priority of one that waits; null clears."""
    if said.get("priority") == Priority.LIVE.word:
        # It would go before what everybody else asked for.
        need_admin(caller)
    return desk.run_desk.change(run_id, said, user=caller.user, door=door)


CHANGES_BODY = {
    "requestBody": {
        "content": {
            "application/json": {
                "schema": {"type": "object", "description": "Any of the fields of a Payload"}
            }
        }
    }
}
"""What the API's own description says of the body, which is read here and not by FastAPI."""


@router.post(
    "/{run_id}/rerun",
    status_code=202,
    response_model=dict[str, Any],
    responses=ANSWERS,
    openapi_extra=CHANGES_BODY,
)
def rerun(
    run_id: OwnRun, changes: TheChanges, desk: TheDesk, door: TheDoor, caller: TheCaller
) -> Response:
    """Ask for what this run was asked for, with the changes that the body names."""
    if changes.problems:
        return answer_with(_refuse(changes, desk, door, caller))
    return answer_with(desk.run_desk.rerun(run_id, changes.payload, caller, door, key=changes.key))


@router.post("/{run_id}/cancel", status_code=202)
def cancel_run(run_id: OwnRun, desk: TheDesk, door: TheDoor, caller: TheCaller) -> dict[str, Any]:
    """Stop a run; its row stays."""
    return desk.cancel(run_id, caller.user, door)
