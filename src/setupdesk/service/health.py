"""Health over HTTP, for who watches the desk: a bare word for all, each check for a key."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from setupdesk.service.problems import problem_json

router = APIRouter(tags=["desk"])


@router.get(
    "/health",
    response_model=dict[str, Any],
    responses={503: {"description": "Something is not well; its name is in the answer"}},
)
def show_health(request: Request) -> JSONResponse:
    """Say whether the desk can do its work now; whoever shows the key sees each check."""
    found = request.app.state.show_health()
    shown = {"checks": found["checks"]} if request.state.caller else {}
    if not found["bad"]:
        return JSONResponse({"status": found["status"], **shown})
    cause = f"Not well: {', '.join(found['bad'])}."
    return problem_json(503, found["status"], cause, **shown)
