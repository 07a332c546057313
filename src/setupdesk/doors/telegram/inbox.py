"""What Telegram has delivered: kept until it is answered, for each chat in turn."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from telegram import Bot, Update
from telegram.error import BadRequest, Forbidden, NetworkError, RetryAfter, TelegramError

from setupdesk.doors.telegram.memory import Memory
from setupdesk.doors.telegram.turns import Turns

log = logging.getLogger(__name__)

LONGEST_PAUSE = 30.0


@dataclass(slots=True)
class Inbox:
    """Keeps updates over a restart, so that Telegram itself may forget them at once."""

    bot: Bot
    memory: Memory
    answer: Callable[[Update], Awaitable[None]]
    first_pause: float = 0.5
    """Seconds before an update is tried anew; each further pause is twice as long."""

    turns: Turns = field(default_factory=Turns)

    def take(self, updates: Sequence[Update]) -> None:
        """Keep updates, and begin to answer them; those that are known change nothing."""
        self.memory.keep_updates(
            (one.update_id, one.effective_chat.id if one.effective_chat else 0, one.to_json())
            for one in updates
        )
        self.go_on()

    def go_on(self) -> None:
        """Answer what is kept, of a process before this one too."""
        for chat in self.memory.list_waiting_chats():
            self.turns.begin(chat, partial(self._answer_in_turn, chat))

    async def stop(self) -> None:
        """Leave what is not answered for the next process."""
        await self.turns.stop()

    async def _answer_in_turn(self, chat: int) -> None:
        pause = self.first_pause
        while kept := self.memory.find_first_update(chat):
            update_id, said = kept
            try:
                await self._answer_safely(update_id, said)
            except (NetworkError, RetryAfter) as failed:
                # What it has asked for is known by its id, and is not done twice.
                log.warning("an answer waits: %s", type(failed).__name__)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            else:
                self.memory.mark_handled(update_id)
                pause = self.first_pause

    async def _answer_safely(self, update_id: int, said: str) -> None:
        try:
            await self.answer(Update.de_json(json.loads(said), self.bot))
        except Forbidden:
            log.info("somebody has blocked the bot")
        except TelegramError as failed:
            # What was refused would be refused again; what is only late is tried anew.
            is_late = isinstance(failed, NetworkError | RetryAfter)
            if is_late and not isinstance(failed, BadRequest):
                raise
            log.error("Telegram refused an answer: %s", failed)  # noqa: TRY400 (no bug)
        except Exception:
            log.exception("a bug, at update %s", update_id)
