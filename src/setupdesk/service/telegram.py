"""Telegram over HTTP: who of its users speaks to this desk, and as whom."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from setupdesk.app.queries import show_row
from setupdesk.core.caller import Role
from setupdesk.core.free_text import LONGEST_NAME
from setupdesk.core.period import to_iso
from setupdesk.service.security import ADMIN, TheCaller, TheDesk

router = APIRouter(prefix="/telegram", tags=["telegram"])

WRONG_CODES_PER_MINUTE = 10
"""Codes that are tried, of one user of Telegram and of all together."""

Number = Annotated[int, Field(ge=1, le=2**53)]


class Wanted(BaseModel):
    """A code that is asked for."""

    model_config = ConfigDict(extra="forbid", strict=True)

    user: str = Field(max_length=64, description="Whose runs he asks for and sees")
    role: Role = Field(strict=False)


class Said(BaseModel):
    """What a user of Telegram has said to the bot."""

    model_config = ConfigDict(extra="forbid", strict=True)

    code: str = Field(max_length=64)
    telegram_id: Number
    name: str = Field(max_length=LONGEST_NAME, description="His name at Telegram")
    language: Literal["en", "ru"] = Field("en", description="In which he is told of alerts")


class Stranger(BaseModel):
    """A user of Telegram whom the desk does not know."""

    model_config = ConfigDict(extra="forbid", strict=True)

    telegram_id: Number


class Forgery(BaseModel):
    """What came to the webhook of the bot, without its secret."""

    model_config = ConfigDict(extra="forbid", strict=True)

    address: str = Field(min_length=1, max_length=64, description="From where it came")


@router.post("/codes", status_code=201, openapi_extra=ADMIN)
def add_code(wanted: Wanted, desk: TheDesk) -> dict[str, Any]:
    """Make a code that pairs one user of Telegram, once and within ten minutes."""
    made = desk.pairings.add_code(wanted.user, wanted.role)
    expires = to_iso(made.expires_at)
    return {"code": made.code, "user": made.user, "role": made.role, "expires_at": expires}


@router.get("/pairings", openapi_extra=ADMIN)
def list_pairings(desk: TheDesk) -> list[dict[str, Any]]:
    """List who of Telegram's users speaks to the desk, and as whom."""
    return [show_row(row) for row in desk.pairings.load_all()]


@router.post(
    "/pairings",
    status_code=201,
    responses={403: {"description": "The code is wrong, used or too old"}},
    openapi_extra=ADMIN,
)
def pair(said: Said, desk: TheDesk, request: Request) -> dict[str, Any]:
    """Pair the user of Telegram who sent a code to the bot; alerts are told him by a channel."""
    pace = request.app.state.codes
    pace.take(str(said.telegram_id), WRONG_CODES_PER_MINUTE)
    pace.take("all", 3 * WRONG_CODES_PER_MINUTE)
    paired = desk.pairings.pair(said.code, said.telegram_id, said.name)
    user = str(paired["user"])
    channel = desk.channel_desk.keep_pairing(said.telegram_id, said.language, user)
    return {**show_row(paired), "channel_id": channel}


@router.get("/pairings/{telegram_id}", openapi_extra=ADMIN)
def show_pairing(telegram_id: int, desk: TheDesk) -> dict[str, Any]:
    """Say as whom a user of Telegram speaks to the desk."""
    return show_row(desk.pairings.find(telegram_id))


@router.post("/pairings/{telegram_id}/revoke", openapi_extra=ADMIN)
def revoke_pairing(telegram_id: int, desk: TheDesk, caller: TheCaller) -> dict[str, Any]:
    """Let a user of Telegram say nothing more, at once; his schedules are paused."""
    desk.channel_desk.end_pairing(telegram_id)
    at, hooks, schedules = desk.pairings.revoke(telegram_id)
    ended = {"hooks": hooks, "schedules": schedules, "by": caller.user}
    return {"telegram_id": telegram_id, "revoked_at": to_iso(at), **ended}


@router.post("/strangers", openapi_extra=ADMIN)
def count_stranger(stranger: Stranger, desk: TheDesk) -> dict[str, Any]:
    """Count a message of somebody whom the desk does not know: one row an hour for each."""
    address = f"telegram:{stranger.telegram_id}"
    desk.turned_away.count(address, "not_paired", "telegram")
    return {"telegram_id": stranger.telegram_id}


@router.post("/forgeries", openapi_extra=ADMIN)
def count_forgery(forgery: Forgery, desk: TheDesk) -> dict[str, Any]:
    """Count what came to the bot's webhook without its secret: one row an hour for an address."""
    desk.turned_away.count(forgery.address, "wrong_secret", "the bot's webhook")
    return {"address": forgery.address}
