"""Deliveries over HTTP: a payload and its key as they came, and what is wrong with their shape.

What has the wrong shape is no error of HTTP here: START writes it down, as any other refusal.
"""

import json
import math
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any

from fastapi import Depends, Header, HTTPException, Request
from starlette.requests import ClientDisconnect

from setupdesk.core.problem import Problem
from setupdesk.core.run import REQUEST_KEY

MOST_BYTES = 65_536
"""Of a payload; the longest that asks for a run has less than a thousand."""

MOST_LEVELS = 20
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
    body = await read_body(request)
    payload, reason = parse(body)
    problems = [] if reason is None else [Problem(field="", code="wrong_shape", message=reason)]
    if key is not None and not REQUEST_KEY.fullmatch(key):
        message = (
            f"The key was {key[:50]!r}; it has to be 1 to 200 printable ASCII characters "
            "without a space."
        )
        problems.append(Problem(field="header.Idempotency-Key", code="wrong_key", message=message))
        key = None
    return Delivery(payload if reason is None else keep(body), key, tuple(problems))


TheDelivery = Annotated[Delivery, Depends(read_delivery)]


async def read_body(request: Request, most: int = MOST_BYTES) -> bytes:
    """Read a body, and of one that is longer than *most* bytes no more than shows that it is."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > most:
                break
    except ClientDisconnect as gone:
        raise HTTPException(400, "The sender was gone before the payload had come.") from gone
    return bytes(body[: most + 1])


def parse(body: bytes) -> tuple[dict[str, Any], str | None]:
    """Give the payload, or why the body is none."""
    if len(body) > MOST_BYTES:
        return {}, f"The payload was longer than {MOST_BYTES:,} bytes, the most that is read."
    try:
        payload = json.loads(body, parse_constant=_read_finite, parse_float=_read_finite)
    except (ValueError, RecursionError) as mistake:
        return {}, f"The payload was not JSON: {str(mistake)[:100]}."
    if not isinstance(payload, dict):
        return {}, f"The payload was {_KINDS[type(payload)]}; it has to be a JSON object."
    if _is_deep(payload, MOST_LEVELS):
        return {}, f"The payload had more than {MOST_LEVELS} levels."
    return payload, None


_KINDS = {
    list: "a list",
    str: "a text",
    int: "a number",
    float: "a number",
    bool: "a truth value",
    type(None): "null",
}


def _read_finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is not a finite number")
    return number


def _is_deep(value: object, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deep(one, levels - 1) for one in inner)


def keep(body: bytes) -> dict[str, Any]:
    """Give what is kept of a body that is no payload."""
    # Its hash tells two long ones apart that begin alike.
    text = body.decode("utf-8", "replace")
    return {"unreadable": text[:MOST_KEPT], "bytes": len(body), "sha256": sha256(body).hexdigest()}
