"""Hooks over HTTP: make and revoke them, and the one address that wants no key but its token."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, HTTPException, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from setupdesk.app.hook_desk import Signed, Wanted
from setupdesk.core.hook import HookKind
from setupdesk.service.delivery import keep, read_body, read_payload
from setupdesk.service.runs import answer_with
from setupdesk.service.security import TheCaller, TheDesk
from setupdesk.service.strict_json import WrongShapeError

router = APIRouter(prefix="/hooks", tags=["hooks"])
public = APIRouter(prefix="/hooks", tags=["hooks"])

MOST_BYTES = 16_384
"""Of a delivery; TradingView sends at most 4,096 characters."""


class NewHook(BaseModel):
    """What a hook is to do."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=100)]
    kind: HookKind = HookKind.TRADINGVIEW
    payload: Annotated[dict[str, Any], Field(description="The saved request, as of POST /runs")]
    fields: Annotated[
        list[Annotated[str, Field(max_length=64)]],
        Field(max_length=40, description="What a delivery may set: symbol, options.rr_target"),
    ] = []
    senders: Annotated[
        list[Annotated[str, Field(max_length=64)]],
        Field(max_length=40, description="Addresses or networks it may come from; any if empty"),
    ] = []


@router.post("", status_code=201)
def add_hook(new: NewHook, desk: TheDesk, caller: TheCaller) -> dict[str, Any]:
    """Make a hook; its token, secret and template are in this answer and in no other."""
    return desk.hook_desk.add(Wanted(**dict(new)), caller)


@router.get("")
def list_hooks(desk: TheDesk, caller: TheCaller) -> list[dict[str, Any]]:
    """List your hooks, the newest first; an admin sees those of all."""
    return desk.hook_desk.list_hooks(caller)


@router.post("/{hook_id}/revoke")
def revoke_hook(hook_id: str, desk: TheDesk, caller: TheCaller) -> dict[str, Any]:
    """Let a hook start nothing more; to do it again changes nothing."""
    return desk.hook_desk.revoke(hook_id, caller)


async def _read_body(request: Request) -> bytes:
    body = await read_body(request, MOST_BYTES)
    if len(body) > MOST_BYTES:
        raise HTTPException(413, f"The delivery was longer than {MOST_BYTES:,} bytes.")
    return body


@public.post(
    "/{token}",
    status_code=202,
    response_model=dict[str, Any],
    responses={
        401: {"description": "Not signed with the hook's secret"},
        403: {"description": "From an address that the hook does not admit"},
        404: {"description": "There is no such hook, or it was revoked"},
        409: {"description": "The webhook-id belongs to another delivery"},
        413: {"description": f"Longer than {MOST_BYTES:,} bytes"},
        422: {"description": "Refused, with Problems"},
        429: {"description": "Refused for now: too many runs wait"},
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": {"type": "object"}},
                "text/plain": {"schema": {"type": "string"}},
            },
        }
    },
)
def deliver(  # noqa: PLR0913, PLR0917 (the headers that Standard Webhooks sign)
    token: Annotated[str, Path(description="The secret part of the hook's address")],
    body: Annotated[bytes, Depends(_read_body)],
    request: Request,
    desk: TheDesk,
    webhook_id: Annotated[str, Header()] = "",
    webhook_timestamp: Annotated[str, Header()] = "",
    webhook_signature: Annotated[str, Header()] = "",
) -> Response:
    """Ask for the hook's run; a delivery that comes again is answered as before."""
    address = request.client.host if request.client else ""
    signed = Signed(
        message_id=webhook_id,
        timestamp=webhook_timestamp,
        signatures=webhook_signature,
        body=body,
    )
    hook = desk.hook_desk.find(token, address, signed)
    plain = body.replace(token.encode(), b"***")
    try:
        said = read_fields(plain)
    except WrongShapeError as wrong:
        return answer_with(desk.hook_desk.refuse(hook, keep(plain), [wrong.problem]))
    return answer_with(desk.hook_desk.deliver(hook, said, webhook_id))


def read_fields(body: bytes) -> dict[str, Any]:
    """Read a JSON object, or words such as ``symbol=GER40``, whatever the content type says.

    Gives values by their names; raises ``WrongShapeError`` where they cannot be read.
    """
    text = body.strip()
    pairs = _flatten(read_payload(text)) if text.startswith(b"{") else _split(text)
    names = [name for name, _ in pairs]
    if twice := [name for name in names if names.count(name) > 1]:
        raise WrongShapeError(f"{twice[0][:64]!r} was said twice.")
    return dict(pairs)


def _flatten(payload: Mapping[str, Any]) -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = []
    for name, value in payload.items():
        if name in ("options", "extra") and isinstance(value, dict):
            pairs += [(f"{name}.{param}", one) for param, one in value.items()]
        else:
            pairs.append((name, value))
    return pairs


def _split(text: bytes) -> list[tuple[str, Any]]:
    try:
        words = text.decode().split()
    except UnicodeDecodeError as mistake:
        raise WrongShapeError("The delivery was no text in UTF-8.") from mistake
    if text.startswith((b"[", b'"')):
        raise WrongShapeError("The delivery was JSON, but no object: it has to be {...}.")
    if wrong := next((word for word in words if not re.match("[^=]+=", word)), None):
        raise WrongShapeError(
            f"The delivery had the word {wrong[:50]!r}; it has to be a JSON object, or words "
            "such as symbol=GER40."
        )
    return [(name, value) for name, _, value in (word.partition("=") for word in words)]
