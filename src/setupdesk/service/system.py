"""The desk itself over HTTP: its processes, versions and files, and what the doctor says."""

from typing import Any

from fastapi import APIRouter

from setupdesk.adapters.machine import list_versions
from setupdesk.service.security import ADMIN, TheDesk
from setupdesk.supervisor import find_desk
from setupdesk.upkeep.doctor import examine

router = APIRouter(tags=["desk"])


@router.get("/desk", openapi_extra=ADMIN)
def show_desk(desk: TheDesk) -> dict[str, Any]:
    """Show processes, versions, bounds of the queue, and where the files are."""
    settings = desk.settings
    running = find_desk(settings) or {"processes": {}}
    return {
        "owner": settings.owner,
        "versions": list_versions(),
        "processes": [{"name": name, **one} for name, one in running["processes"].items()],
        "most_waiting": settings.most_waiting,
        "most_waiting_per_user": settings.most_waiting_per_user,
        "places": settings.places,
        "files": {
            "home": str(settings.home),
            "ledger": str(settings.ledger),
            "bars": str(settings.bars),
            "runs": str(settings.runs),
            "setups": str(settings.setups),
            "symbols": str(settings.symbols),
            "logs": str(settings.logs),
        },
    }


@router.get("/doctor", openapi_extra=ADMIN)
def examine_desk(desk: TheDesk) -> dict[str, Any]:
    """Check everything of the desk, and say what to do; every report is read, nothing changed."""
    return examine(desk.settings)
