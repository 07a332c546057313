"""Links that sign in, over HTTP: one for whoever asks; the web desk takes it, once."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from setupdesk.service.security import ADMIN, ANY, TheCaller, TheDesk, TheDoor

router = APIRouter(prefix="/sign-in-links", tags=["sign-in"])

_WRONG: dict[int | str, dict[str, Any]] = {403: {"description": "The link was used, or is too old"}}


class Shown(BaseModel):
    """What a browser has shown to the web desk."""

    model_config = ConfigDict(extra="forbid", strict=True)

    token: str = Field(max_length=64)


@router.post(
    "",
    status_code=201,
    responses={409: {"description": "There is no web desk, or the key can be shown to it"}},
    openapi_extra=ANY,
)
def add_link(desk: TheDesk, caller: TheCaller, door: TheDoor) -> dict[str, Any]:
    """Make a link that signs in at the web desk as whoever asks, once and within five minutes."""
    return desk.link_desk.add(caller, door)


@router.post("/find", responses=_WRONG, openapi_extra=ADMIN)
def find_link(shown: Shown, desk: TheDesk) -> dict[str, Any]:
    """Say whom a link lets in; it is not used up."""
    return desk.link_desk.find(shown.token)


@router.post("/use", responses=_WRONG, openapi_extra=ADMIN)
def use_link(shown: Shown, desk: TheDesk, door: TheDoor) -> dict[str, Any]:
    """Take a link, which opens nothing from then on; the web desk knows the key of this id."""
    return desk.link_desk.use(shown.token, door)
