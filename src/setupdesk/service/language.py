"""Languages over HTTP: the sentences of an answer are said as its ``Accept-Language`` wishes.

Words for programs, and whatever users wrote, stay as they are; so does an answer in English.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from setupdesk.words import choose_language
from setupdesk.words.interpreter import interpret

SAID = frozenset(
    {
        *("message", "detail", "sentence", "reason", "text", "example", "passed", "fill_rules"),
        *("sample_size", "expectation", "profit_factor_note", "waits_for"),
        *("seen", "remedy", "trouble", "last_error", "warnings", "suspicions"),
    }
)
"""The fields whose texts, and lists of texts, are sentences for people."""

_SAYS = re.compile(rb'"(?:%s)"\s*:' % b"|".join(name.encode() for name in sorted(SAID)))


@dataclass(frozen=True, slots=True)
class SpeakLanguages:
    """Passes answers on, those in JSON in the language of who asks."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http":
            wanted = Headers(scope=scope).get("accept-language")
            language = choose_language(wanted and re.split("[,;]", wanted)[0].strip())
            if language != "en":
                send = _Saying(send, language)
        await self.app(scope, receive, send)


@dataclass(slots=True)
class _Saying:
    send: Send
    language: str
    start: Message | None = None
    body: bytearray = field(default_factory=bytearray)

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_json(message):
            self.start = message
        elif self.start and message["type"] == "http.response.body":
            self.body += message.get("body", b"")
            if not message.get("more_body"):
                await self._send_said(self.start)
        else:
            await self.send(message)

    async def _send_said(self, start: Message) -> None:
        body = bytes(self.body)
        if _SAYS.search(body):
            said = await run_in_threadpool(say_fields, json.loads(body), self.language)
            body = json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
        headers = MutableHeaders(scope=start)
        headers["content-length"] = str(len(body))
        headers["content-language"] = self.language
        await self.send(start)
        await self.send({"type": "http.response.body", "body": body})


def _is_json(start: Message) -> bool:
    kind = Headers(raw=start["headers"]).get("content-type", "").partition(";")[0]
    return kind in ("application/json", "application/problem+json")


def say_fields(answer: Any, language: str, name: str = "") -> Any:
    """Say the sentences of an answer in a language."""
    if isinstance(answer, dict):
        return {key: say_fields(value, language, key) for key, value in answer.items()}
    if isinstance(answer, list):
        return [say_fields(one, language, name) for one in answer]
    # A word that is allowed is one for programs; a span or a phrase is for people.
    said = name in SAID or (name == "allowed" and " " in answer)
    return interpret(answer, language) if isinstance(answer, str) and said else answer
