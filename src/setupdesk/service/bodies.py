"""Bodies over HTTP: none is read for longer than anything that may be asked for is long."""

from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from setupdesk.core.errors import InvalidRequestError
from setupdesk.service.problems import answer_error, problem_json
from setupdesk.service.strict_json import WrongShapeError, read_object

MOST_BYTES = 1_048_576
"""Of a body; a rule of 65,536 letters, each written as an escape, has less than half of it."""

PAYLOADS = ("/runs", "/runs/validate")
"""Where whatever comes is refused with a Receipt, or with Problems."""

STRICT = ("/keys", "/hooks", "/channels", "/data/simulated", "/data/fetch")
"""JSON that FastAPI reads, which would take the last of two equal names, and NaN."""

MOST_STRICT_BYTES = 16_384

MEASURED_ELSEWHERE = ("/data/import",)
"""Files, of which large ones are right."""


@dataclass(frozen=True, slots=True)
class LimitBodies:
    """Answers 413 to a body that is too long, whether it says so or only turns out to be.

    And 415 to one that is wrapped in what nothing here unwraps.
    """

    app: ASGIApp
    prefix: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and no more of its body than may be read."""
        if scope["type"] != "http" or scope["path"] in self._payloads:
            await self.app(scope, receive, send)
        elif wrapped := _find_wrapping(scope):
            await problem_json(415, "http_error", wrapped)(scope, receive, send)
        elif scope["path"] in self._exempt:
            await self.app(scope, receive, send)
        elif _read_length(scope) > MOST_BYTES:
            await problem_json(413, "http_error", _MESSAGE)(scope, receive, send)
        elif scope["method"] == "POST" and scope["path"] in self._strict:
            await self._pass_strictly(scope, receive, send)
        else:
            await self.app(scope, _counting(receive), send)

    async def _pass_strictly(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = bytearray()
        async for chunk in Request(scope, receive).stream():
            body += chunk
            if len(body) > MOST_STRICT_BYTES:
                message = f"The body was longer than {MOST_STRICT_BYTES:,} bytes."
                await problem_json(413, "http_error", message)(scope, receive, send)
                return
        try:
            # That one is missing is said by the route, if the role does.
            read_object(bytes(body) or b"{}")
        except WrongShapeError as wrong:
            await answer_error(InvalidRequestError([wrong.problem]))(scope, receive, send)
            return

        read: list[Message] = [{"type": "http.request", "body": bytes(body), "more_body": False}]

        async def receive_again() -> Message:
            return read.pop() if read else await receive()

        await self.app(scope, receive_again, send)

    @property
    def _payloads(self) -> tuple[str, ...]:
        return tuple(self.prefix + path for path in PAYLOADS)

    @property
    def _strict(self) -> tuple[str, ...]:
        return tuple(self.prefix + path for path in STRICT)

    @property
    def _exempt(self) -> tuple[str, ...]:
        return tuple(self.prefix + path for path in MEASURED_ELSEWHERE)


_MESSAGE = f"The body was longer than {MOST_BYTES:,} bytes, the most that is read."


def _read_length(scope: Scope) -> int:
    said = Request(scope).headers.get("content-length", "")
    return int(said) if said.isascii() and said.isdigit() else 0


def _find_wrapping(scope: Scope) -> str | None:
    headers = Request(scope).headers
    coding = headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("", "identity"):
        return f"The body was encoded as {coding[:20]!r}: send it as it is."
    if headers.get("content-type", "").strip().lower().startswith("multipart/"):
        return "The body was a form of several parts: send the file or the JSON alone."
    return None


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
