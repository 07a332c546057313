"""The audit log over HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from setupdesk.service.security import ADMIN, TheCaller, TheDesk

router = APIRouter(prefix="/audit", tags=["audit"])

Limit = Annotated[int, Query(ge=1, le=1000)]


@router.get("")
def list_audit_log(desk: TheDesk, caller: TheCaller, limit: Limit = 20) -> list[dict[str, Any]]:
    """List the newest requests, accepted and refused: all for an admin, to others their own."""
    return desk.queries.audit_log(limit, None if caller.sees_all else caller.user)


@router.get("/changes")
def list_changes(desk: TheDesk, caller: TheCaller, limit: Limit = 20) -> list[dict[str, Any]]:
    """List the newest changes of schedules and watches: of all for an admin, else of your own."""
    return desk.list_changes(limit, None if caller.sees_all else caller.user)


@router.get("/turned-away", openapi_extra=ADMIN)
def list_turned_away(desk: TheDesk, limit: Limit = 20) -> list[dict[str, Any]]:
    """List what came without a right key, counted by hour, address and reason."""
    return desk.turned_away.load(limit)


@router.get("/check", openapi_extra=ADMIN)
def check_audit_log(desk: TheDesk) -> dict[str, Any]:
    """Say whether any row was changed or removed, and which is the first."""
    return desk.anchors.check()
