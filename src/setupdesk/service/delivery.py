"""Deliveries over HTTP: a payload and its key as they came, and what is wrong with their shape.

What has the wrong shape is no error of HTTP here: START writes it down, as any other refusal.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any

from fastapi import Depends, Header, HTTPException, Request
from starlette.requests import ClientDisconnect

from setupdesk.core.errors import InvalidRequestError
from setupdesk.core.problem import Problem
from setupdesk.core.run import REQUEST_KEY
from setupdesk.service.strict_json import WrongShapeError, read_object

MOST_BYTES = 16_384
"""Of a payload; the longest that asks for a run has less than a thousand."""

SECRETS = ("sdk_", "whsec_")
"""How secrets begin; the key of a request is written down as it is."""

MOST_KEPT = 2_000
"""Characters that are kept of a body that is no payload."""

JSON_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Payload"}}},
    }
}
"""What the API's own description says of the body, which is read here and not by FastAPI."""

Key = Annotated[
    str | None,
    Header(alias="Idempotency-Key", description="1 to 200 printable ASCII characters, no space"),
]


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came by HTTP."""

    payload: dict[str, Any]
    """What is asked for; of a body that asks for nothing, what is kept of it."""

    key: str | None
    problems: tuple[Problem, ...]
    """Why it cannot be a request at all."""


async def read_delivery(request: Request, key: Key = None) -> Delivery:
    """Read body and key, whatever they are."""
    return _judge(await read_body(request), key)


async def read_changes(request: Request, key: Key = None) -> Delivery:
    """Read what is to be different from an earlier payload, and the key; no body is no change."""
    return _judge(await read_body(request) or b"{}", key)


async def read_said(request: Request) -> dict[str, Any]:
    """Read a body that is no payload but a JSON object too; raises ``InvalidRequestError``."""
    try:
        return read_object(await request.body())
    except ClientDisconnect as gone:
        raise HTTPException(400, _GONE) from gone
    except WrongShapeError as wrong:
        raise InvalidRequestError([wrong.problem]) from wrong


TheDelivery = Annotated[Delivery, Depends(read_delivery)]
TheChanges = Annotated[Delivery, Depends(read_changes)]
TheObject = Annotated[dict[str, Any], Depends(read_said)]

_GONE = "The sender was gone before the body had come."


async def read_body(request: Request, most: int = MOST_BYTES) -> bytes:
    """Read a body, and of one that is longer than *most* bytes no more than shows that it is."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > most:
                break
    except ClientDisconnect as gone:
        raise HTTPException(400, _GONE) from gone
    return bytes(body[: most + 1])


def _judge(body: bytes, key: str | None) -> Delivery:
    problems = []
    try:
        payload = read_payload(body)
    except WrongShapeError as wrong:
        payload = keep(body)
        problems.append(wrong.problem)
    if wrong_key := _judge_key(key):
        problems.append(wrong_key)
        key = None
    return Delivery(payload, key, tuple(problems))


def _judge_key(key: str | None) -> Problem | None:
    if key is None or (REQUEST_KEY.fullmatch(key) and not key.startswith(SECRETS)):
        return None
    shown = f"{key[:4]}..." if key.startswith(SECRETS) else key[:50]
    message = (
        f"The key was {shown!r}; it has to be 1 to 200 printable ASCII characters "
        "without a space, and no secret."
    )
    return Problem(field="header.Idempotency-Key", code="wrong_key", message=message)


def read_key(key: Key = None) -> str | None:
    """Read the key of a body that is no payload; raises ``InvalidRequestError``."""
    if problem := _judge_key(key):
        raise InvalidRequestError([problem])
    return key


TheKey = Annotated[str | None, Depends(read_key)]


def read_payload(body: bytes) -> dict[str, Any]:
    """Read the object that a body is; raises ``WrongShapeError`` where it is none."""
    if len(body) > MOST_BYTES:
        raise WrongShapeError(
            f"The payload was longer than {MOST_BYTES:,} bytes, the most that is read."
        )
    return read_object(body, "payload")


def keep(body: bytes) -> dict[str, Any]:
    """Give what is kept of a body that is no payload."""
    # Its hash tells two long ones apart that begin alike.
    text = body.decode("utf-8", "replace")
    return {"unreadable": text[:MOST_KEPT], "bytes": len(body), "sha256": sha256(body).hexdigest()}
