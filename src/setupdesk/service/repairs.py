"""Repairs over HTTP: what the desk has put right by itself."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from setupdesk.service.security import ADMIN, TheDesk

router = APIRouter(prefix="/repairs", tags=["desk"])


@router.get("", openapi_extra=ADMIN)
def list_repairs(
    desk: TheDesk, limit: Annotated[int, Query(ge=1, le=1000)] = 20
) -> list[dict[str, Any]]:
    """List the newest repairs: what was found, and what was done about it."""
    return desk.queries.repairs(limit)
