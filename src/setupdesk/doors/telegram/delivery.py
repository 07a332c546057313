"""How updates come from Telegram: it is asked for them, or sends them; both go the same road."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from telegram import Bot, Update
from telegram.error import BadRequest, InvalidToken, NetworkError, RetryAfter, TelegramError

from setupdesk.doors.telegram.memory import Memory
from setupdesk.doors.telegram.webhook import Receiver, Webhook, receiving

log = logging.getLogger(__name__)

DELIVERED = ("message", "callback_query")

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds before what has failed is tried again."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """Brings updates to *take*, which gives from where on nothing has come yet.

    What it raises of is brought again: it knows what it has handled.
    """

    bot: Bot
    memory: Memory
    take: Callable[[Sequence[Update]], Awaitable[int]]
    poll_seconds: int
    """How long Telegram may wait with an answer that there is nothing."""

    async def poll(self) -> None:
        """Ask for updates; what was taken is confirmed with the next question."""
        # Who asks is told nothing, for as long as there is a webhook.
        await self._insist(self.bot.delete_webhook)
        await self._take_kept()
        offset, pause = 0, FIRST_PAUSE
        while True:
            try:
                updates = await self.bot.get_updates(
                    offset,
                    timeout=self.poll_seconds,
                    read_timeout=self.poll_seconds + 10,
                    allowed_updates=DELIVERED,
                )
                offset, pause = max(offset, await self.take(updates)), FIRST_PAUSE
            except RetryAfter as slow:
                await asyncio.sleep(float(str(slow.retry_after)))
            except NetworkError as lost:
                log.warning("Telegram does not answer: %s", type(lost).__name__)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)

    async def receive(self, webhook: Webhook, count: Callable[[str], None]) -> None:
        """Have updates sent; each is kept before it is confirmed, and taken in its order.

        *count* counts an address from which something came without the secret.
        """
        come = asyncio.Event()

        def keep(update: Update, said: str) -> None:
            self.memory.keep_update(update.update_id, said)
            come.set()

        async with receiving(Receiver(webhook, self.bot, keep, count)):
            await self._insist(lambda: self._set(webhook))
            while True:
                await self._take_kept()
                await come.wait()
                come.clear()

    def _set(self, webhook: Webhook) -> Awaitable[bool]:
        return self.bot.set_webhook(
            webhook.address,
            # One after the other, as it was said.
            max_connections=1,
            allowed_updates=DELIVERED,
            secret_token=webhook.secret,
        )

    async def _take_kept(self) -> None:
        """Take what was kept, by this process or one before it, until there is nothing more."""
        pause = FIRST_PAUSE
        while kept := self.memory.load_updates():
            try:
                await self.take([Update.de_json(json.loads(one), self.bot) for one in kept])
            except (NetworkError, RetryAfter) as lost:
                log.warning("an answer waits: %s", type(lost).__name__)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)

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
