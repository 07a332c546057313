"""The way out to Telegram: what a channel is told becomes a message to a paired user."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from setupdesk.adapters.webhook_sender import Answer
from setupdesk.core.errors import NotFoundError, UndeliveredError
from setupdesk.core.pairing import TELEGRAM
from setupdesk.words.interpreter import interpret

SECONDS = 10.0
GONE = 410
LONGEST = 4_000

_URL = re.compile(rf"{TELEGRAM}([1-9][0-9]{{0,15}})(?::(en|ru))?")


@dataclass(frozen=True, slots=True)
class TelegramSender:
    """Sends to ``telegram:ID`` and ``telegram:ID:ru``, as long as that user is paired."""

    load_token: Callable[[], str]
    address: str
    """Of the Bot API."""

    find_pairing: Callable[[int], Mapping[str, Any]]

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
        """Send once; who is not paired any more is gone for good."""
        number, language = _read(url)
        try:
            self.find_pairing(number)
        except NotFoundError:
            return Answer(GONE, None)
        said = json.loads(body)
        text = "\n".join(interpret(line, language) for line in _tell(said))
        message = {"chat_id": number, "text": text[:LONGEST]}
        return self._post(message | {"disable_notification": bool(said.get("silent"))})

    def _post(self, message: Mapping[str, Any]) -> Answer:
        # The address has the token: no error of the library, which names it, may get out.
        path = f"{self.address}/bot{self.load_token()}/sendMessage"
        try:
            answer = httpx.post(path, json=message, timeout=SECONDS)
        except httpx.HTTPError as failed:
            raise UndeliveredError(f"Telegram: {type(failed).__name__}") from None
        return Answer(answer.status_code, _read_wait(answer))


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


def _tell(said: Mapping[str, Any]) -> list[str]:
    if "text" in said:
        return [str(said["text"])]
    if "run_id" not in said:
        return ["This is a test."]
    named = (said.get(name) for name in ("setup_id", "symbol", "timeframe"))
    market = " ".join(str(one) for one in named if one)
    mark = " (repeat?)" if said.get("repeat") else ""
    return [f"{said['run_id']} {said['state']}{mark}", market, str(said["reason"] or "")]
