"""The audit log over HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from setupdesk.service.security import TheDesk

router = APIRouter(prefix="/audit", tags=["audit"])


@router.get("")
def list_audit_log(
    desk: TheDesk, limit: Annotated[int, Query(ge=1, le=1000)] = 20
) -> list[dict[str, Any]]:
    """List the newest requests, accepted and refused."""
    return desk.queries.audit_log(limit)


@router.get("/check")
def check_audit_log(desk: TheDesk) -> dict[str, Any]:
    """Say whether any row was changed or removed, and which is the first."""
    return desk.anchors.check()
