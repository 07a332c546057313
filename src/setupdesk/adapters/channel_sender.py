"""The way out to channels: webhooks, messages of the bot, and the service's own log."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from setupdesk.adapters.telegram_sender import TelegramSender
from setupdesk.adapters.webhook_sender import Answer, WebhookSender
from setupdesk.core.channel import LOG_URL
from setupdesk.core.pairing import TELEGRAM

log = logging.getLogger(__name__)

WRITTEN = Answer(204, None)


@dataclass(frozen=True, slots=True)
class ChannelSender:
    """Sends to where a URL points; ``log:`` needs no network and no signature."""

    webhooks: WebhookSender
    telegram: TelegramSender

    def check(self, url: str) -> None:
        """Raise ``UnsafeUrlError`` for what must not be sent to, now or ever."""
        if url.startswith(TELEGRAM):
            self.telegram.check(url)
        elif url != LOG_URL:
            self.webhooks.check(url)

    def find_user(self, url: str) -> str | None:
        """Find the only user who may be told there; None where that is anybody."""
        return self.telegram.find_user(url) if url.startswith(TELEGRAM) else None

    def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send *body* once; raises ``UndeliveredError`` if nobody answered."""
        if url.startswith(TELEGRAM):
            return self.telegram.send(url, body)
        if url != LOG_URL:
            return self.webhooks.send(url, headers, body)
        _write(json.loads(body))
        return WRITTEN


def _write(said: Mapping[str, Any]) -> None:
    told = {"told": said["event"], "message_id": said["id"], "repeat": said.get("repeat")}
    if "run_id" in said:
        # It belongs to the run's own log too, by this name.
        log.info("the run is %s", said["state"], extra={**told, "run_id": said["run_id"]})
    else:
        alert_id = said.get("alert", {}).get("alert_id")
        log.info("%s", said.get("text", "this is a test"), extra={**told, "alert_id": alert_id})
