"""What may be asked for, over HTTP: setups and timeframes."""

from typing import Any

from fastapi import APIRouter

from setupdesk.service.security import TheDesk

router = APIRouter(tags=["catalogue"])


@router.get("/setups")
def list_setups(desk: TheDesk) -> list[dict[str, Any]]:
    """List the setups of the Rule Registry."""
    return desk.queries.setups()


@router.get("/setups/{setup_id}")
def show_setup(setup_id: str, desk: TheDesk) -> dict[str, Any]:
    """Give one setup with its rule as published."""
    return desk.queries.setup(setup_id)


@router.get("/timeframes")
def list_timeframes(desk: TheDesk) -> list[str]:
    """List the timeframes."""
    return desk.queries.timeframes()
