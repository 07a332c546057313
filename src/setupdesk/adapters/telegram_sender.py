"""The way out to Telegram: what a channel is told becomes a message to a paired user."""

import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from setupdesk.adapters.telegram_message import (
    LONGEST,
    LONGEST_CAPTION,
    build_keyboard,
    cut,
    tell,
)
from setupdesk.adapters.webhook_sender import Answer
from setupdesk.core.errors import NotFoundError, UndeliveredError
from setupdesk.core.pairing import TELEGRAM

log = logging.getLogger(__name__)

SECONDS = 10.0
REFUSED, GONE = 400, 410

Message = dict[str, Any]
Draw = Callable[[Mapping[str, Any], str], bytes]
"""Draws an alert as it is told, in a language, as PNG; raises ``NotFoundError`` without bars."""

_URL = re.compile(rf"{TELEGRAM}([1-9][0-9]{{0,15}})(?::(en|ru))?")


@dataclass(frozen=True, slots=True)
class TelegramSender:
    """Sends to ``telegram:ID`` and ``telegram:ID:ru``, as long as that user is paired."""

    load_token: Callable[[], str]
    address: str
    """Of the Bot API."""

    find_pairing: Callable[[int], Mapping[str, Any]]
    draw: Draw
    web_desk: str | None = None
    """Where phones open it; None where they cannot."""

    def check(self, url: str) -> None:
        """Raise ``UndeliveredError`` where nothing can be sent."""
        self.find_user(url)
        if not self.load_token():
            raise UndeliveredError("the desk has no bot: docs/telegram.md tells how to give it one")

    def find_user(self, url: str) -> str:
        """Find which user of the desk is told; raises ``UndeliveredError`` if none is."""
        number, _ = _read(url)
        try:
            return str(self.find_pairing(number)["user"])
        except NotFoundError as nobody:
            raise UndeliveredError(f"{number} is not paired with this desk") from nobody

    def send(self, url: str, body: bytes) -> Answer:
        """Send once; who is not paired any more is gone for good.

        What Telegram refuses for its form is sent with less of it, down to the bare text.
        """
        number, language = _read(url)
        try:
            self.find_pairing(number)
        except NotFoundError:
            return Answer(GONE, None)
        said = json.loads(body)
        to = {"chat_id": number, "disable_notification": bool(said.get("silent"))}
        *fuller, bare = self._list_forms(said, language)
        for message, picture in fuller:
            answer = self._post(to | message, picture)
            if answer.status != REFUSED:
                return answer
            log.warning("Telegram refused a form of %s", said.get("id"))
        return self._post(to | bare[0], bare[1])

    def _list_forms(
        self, said: Mapping[str, Any], language: str
    ) -> Iterator[tuple[Message, bytes | None]]:
        """List the forms of a message, the fullest first: with picture and buttons, then less."""
        lines, alert = tell(said, language), said.get("alert")
        text = {"text": cut(lines, LONGEST)}
        if alert is not None:
            linked = _frame(build_keyboard(alert, language, self.web_desk))
            frames = [linked, _frame(build_keyboard(alert, language))]
            if (picture := self._draw(alert, language)) is not None:
                caption = {"caption": cut(lines, LONGEST_CAPTION)}
                yield from ((caption | frame, picture) for frame in frames)
            yield from ((text | frame, None) for frame in frames)
        yield text, None

    def _draw(self, alert: Mapping[str, Any], language: str) -> bytes | None:
        if not alert.get("setup_id"):
            return None
        try:
            return self.draw(alert, language)
        except NotFoundError as gone:
            log.info("%s is told without a picture: %s", alert["alert_id"], gone)
        except Exception:
            # A picture is worth less than the alert, which is told all the same.
            log.exception("%s is told without a picture: a bug of ours", alert["alert_id"])
        return None

    def _post(self, message: Message, picture: bytes | None) -> Answer:
        # The address has the token: no error of the library, which names it, may get out.
        method = "sendMessage" if picture is None else "sendPhoto"
        path = f"{self.address}/bot{self.load_token()}/{method}"
        try:
            if picture is None:
                answer = httpx.post(path, json=message, timeout=SECONDS)
            else:
                fields = {name: _write_field(value) for name, value in message.items()}
                photo = {"photo": ("alert.png", picture, "image/png")}
                answer = httpx.post(path, data=fields, files=photo, timeout=SECONDS)
        except httpx.HTTPError as failed:
            raise UndeliveredError(f"Telegram: {type(failed).__name__}") from None
        return Answer(answer.status_code, _read_wait(answer))


def _frame(keyboard: list[list[dict[str, str]]]) -> Message:
    return {"reply_markup": {"inline_keyboard": keyboard}} if keyboard else {}


def _write_field(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _read(url: str) -> tuple[int, str]:
    found = _URL.fullmatch(url)
    if found is None:
        raise UndeliveredError("it has to be telegram: and the id of a paired user")
    return int(found[1]), found[2] or "en"


def _read_wait(answer: httpx.Response) -> float | None:
    try:
        return float(answer.json()["parameters"]["retry_after"])
    except (ValueError, KeyError, TypeError):
        return None
