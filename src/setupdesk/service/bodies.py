"""Bodies over HTTP: none is read for longer than anything that may be asked for is long."""

from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from setupdesk.service.problems import problem_json

MOST_BYTES = 1_048_576
"""Of a body; a rule of 65,536 letters, each written as an escape, has less than half of it."""

MEASURED_ELSEWHERE = ("/runs", "/runs/validate", "/data/import")
"""Payloads, which are refused with a Receipt, and files, of which large ones are right."""


@dataclass(frozen=True, slots=True)
class LimitBodies:
    """Answers 413 to a body that is too long, whether it says so or only turns out to be."""

    app: ASGIApp
    prefix: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and no more of its body than may be read."""
        if scope["type"] != "http" or scope["path"] in self._exempt:
            await self.app(scope, receive, send)
        elif _read_length(scope) > MOST_BYTES:
            await problem_json(413, "http_error", _MESSAGE)(scope, receive, send)
        else:
            await self.app(scope, _counting(receive), send)

    @property
    def _exempt(self) -> tuple[str, ...]:
        return tuple(self.prefix + path for path in MEASURED_ELSEWHERE)


_MESSAGE = f"The body was longer than {MOST_BYTES:,} bytes, the most that is read."


def _read_length(scope: Scope) -> int:
    said = Request(scope).headers.get("content-length", "")
    return int(said) if said.isascii() and said.isdigit() else 0


def _counting(receive: Receive) -> Receive:
    seen = 0

    async def receive_some() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > MOST_BYTES:
            raise HTTPException(413, _MESSAGE)
        return message

    return receive_some
