"""The queue over HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from setupdesk.service.security import TheCaller, TheDesk

router = APIRouter(prefix="/queue", tags=["runs"])


@router.get("")
def show_queue(
    desk: TheDesk, caller: TheCaller, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> dict[str, Any]:
    """Show who runs and who waits: position, what is ahead, what it waits for, and until when.

    Of other users' runs all but an admin see their place only, and not what they are.
    """
    return desk.show_queue(limit, seen_by=caller)
