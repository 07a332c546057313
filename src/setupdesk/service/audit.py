"""The audit log over HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from setupdesk.core.audit_search import Outcome
from setupdesk.core.run import Door
from setupdesk.service.runs import one_of
from setupdesk.service.security import ADMIN, TheCaller, TheDesk

router = APIRouter(prefix="/audit", tags=["audit"])

Limit = Annotated[int, Query(ge=1, le=1000)]


class Wanted(BaseModel):
    """What requests are searched for. The values are checked as those of any other door."""

    model_config = ConfigDict(extra="forbid")

    door: Annotated[str | None, one_of(Door)] = None
    outcome: Annotated[str | None, one_of(Outcome)] = None
    user: str | None = None
    since: str | None = Field(None, description="First day, UTC, YYYY-MM-DD")
    until: str | None = Field(None, description="Last day, inclusive")
    search: str | None = Field(None, description="Words of run_id, user, payload or Problems")
    polls: bool = Field(False, description="Also the polls of watches")
    before: int | None = Field(
        None, ge=1, le=2**62, description="The last audit_id of the page before"
    )
    limit: int = Field(20, ge=1, le=1000)


@router.get("")
def list_audit_log(
    desk: TheDesk, caller: TheCaller, wanted: Annotated[Wanted, Query()]
) -> list[dict[str, Any]]:
    """List the newest requests, accepted and refused: all for an admin, to others their own."""
    said = wanted.model_dump(exclude={"limit"})
    user = None if caller.sees_all else caller.user
    return desk.queries.audit_log(wanted.limit, user, said)


@router.get("/changes")
def list_changes(desk: TheDesk, caller: TheCaller, limit: Limit = 20) -> list[dict[str, Any]]:
    """List the newest changes of schedules, watches and mutes: all for an admin, else yours."""
    return desk.list_changes(limit, None if caller.sees_all else caller.user)


@router.get("/turned-away", openapi_extra=ADMIN)
def list_turned_away(desk: TheDesk, limit: Limit = 20) -> list[dict[str, Any]]:
    """List what came without a right key, counted by hour, address and reason."""
    return desk.turned_away.load(limit)


@router.get("/check", openapi_extra=ADMIN)
def check_audit_log(desk: TheDesk) -> dict[str, Any]:
    """Say whether any row was changed or removed, and which is the first."""
    return desk.anchors.check()
