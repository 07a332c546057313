"""How updates come from Telegram: it is asked for them, or sends them; the inbox keeps both."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from telegram import Bot
from telegram.error import BadRequest, Conflict, InvalidToken, RetryAfter, TelegramError

from setupdesk.doors.telegram.chat import read_seconds
from setupdesk.doors.telegram.inbox import Inbox
from setupdesk.doors.telegram.webhook import Receiver, Webhook, receiving

log = logging.getLogger(__name__)

DELIVERED = ("message", "callback_query")

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds before what has failed is tried again."""


_SILENT = "Telegram does not answer: %s"
_RIVAL = "another program asks for messages with the same token, and some come to it alone: %s"


@dataclass(slots=True)
class Delivery:
    """Brings updates into the inbox, which keeps them before Telegram hears that they have come."""

    bot: Bot
    inbox: Inbox
    has_rival: bool = False
    """Whether Telegram says that another program asks for the same messages."""

    async def poll(self, poll_seconds: int) -> None:
        """Ask for updates; Telegram may wait so long with an answer that there is nothing."""
        # Who asks is told nothing, for as long as there is a webhook.
        await self._insist(self.bot.delete_webhook)
        offset, pause = 0, FIRST_PAUSE
        while True:
            try:
                updates = await self.bot.get_updates(
                    offset,
                    timeout=poll_seconds,
                    read_timeout=poll_seconds + 10,
                    allowed_updates=DELIVERED,
                )
            except RetryAfter as slow:
                await asyncio.sleep(read_seconds(slow))
            except InvalidToken:
                raise
            except TelegramError as failed:
                self.has_rival = isinstance(failed, Conflict)
                log.warning(_RIVAL if self.has_rival else _SILENT, type(failed).__name__)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            else:
                self.has_rival = False
                self.inbox.take(updates)
                offset, pause = max([offset, *(one.update_id + 1 for one in updates)]), FIRST_PAUSE

    async def receive(self, webhook: Webhook, count: Callable[[str], None]) -> None:
        """Have updates sent, until it is cancelled.

        *count* counts an address from which something came without the secret.
        """
        receiver = Receiver(webhook, self.bot, lambda update: self.inbox.take([update]), count)
        async with receiving(receiver):
            await self._insist(lambda: self._set(webhook))
            await asyncio.Event().wait()

    def _set(self, webhook: Webhook) -> Awaitable[bool]:
        return self.bot.set_webhook(
            webhook.address,
            # One after the other, as it was said.
            max_connections=1,
            allowed_updates=DELIVERED,
            secret_token=webhook.secret,
        )

    async def _insist(self, ask: Callable[[], Awaitable[bool]]) -> None:
        """Ask until it is done; what Telegram refuses may be right later, such as a new name."""
        pause = FIRST_PAUSE
        while True:
            try:
                await ask()
            except InvalidToken:
                raise
            except TelegramError as failed:
                said = failed if isinstance(failed, BadRequest) else type(failed).__name__
                log.warning("Telegram did not take how it is to deliver: %s", said)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            else:
                return
