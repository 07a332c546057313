"""Keys over HTTP: who has one, give one out, take one back."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from setupdesk.core.caller import NewKey, Role
from setupdesk.service.security import ADMIN, TheCaller, TheDesk

router = APIRouter(tags=["keys"])

Bound = Annotated[int, Field(ge=1, le=2**31)] | None


class Wanted(BaseModel):
    """A key that is asked for."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(max_length=64, description="What it is for")
    user: str = Field(max_length=64, description="Whose runs it asks for and sees")
    role: Role = Field(strict=False)
    days: Annotated[int, Field(ge=1, le=3_650)] | None = Field(
        365, description="How long it opens the desk; null for ever"
    )
    requests_per_minute: Bound = 600
    most_waiting: Bound = Field(20, description="Runs that wait at once")
    most_running: Bound = Field(2, description="Runs that are carried out at once")
    most_bars: Bound = Field(None, description="Bars that a run may take")


@router.get("/whoami")
def show_caller(caller: TheCaller) -> dict[str, Any]:
    """Say whose key this is, and what it allows."""
    return {"user": caller.user, "role": caller.role, **asdict(caller.quota)}


@router.get("/keys")
def list_keys(desk: TheDesk, caller: TheCaller) -> list[dict[str, Any]]:
    """List the keys that were given out: an admin sees all, others their own."""
    return desk.key_desk.keys_of(caller)


@router.post("/keys", status_code=201, openapi_extra=ADMIN)
def add_key(wanted: Wanted, desk: TheDesk, caller: TheCaller) -> dict[str, Any]:
    """Make a key; the answer is the only place where it is ever shown."""
    return desk.key_desk.add(NewKey(**wanted.model_dump()), caller.user)


@router.post(
    "/keys/{key_id}/revoke",
    responses={409: {"description": "The key in the desk's home is kept"}},
    openapi_extra=ADMIN,
)
def revoke_key(key_id: str, desk: TheDesk, caller: TheCaller) -> dict[str, Any]:
    """Take a key back with its hooks, at once and for good; its schedules are paused."""
    return desk.key_desk.revoke(key_id, caller.user)
