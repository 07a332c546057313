"""Messages that follow a run to its end, over restarts of the bot and of the desk."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from telegram.error import ChatMigrated, TelegramError

from setupdesk.core.errors import DeskUnavailableError, SetupdeskError
from setupdesk.doors.telegram.answer import Answer
from setupdesk.doors.telegram.card import draw_card
from setupdesk.doors.telegram.chat import Chat, Place
from setupdesk.doors.telegram.memory import Card, Memory
from setupdesk.doors.telegram.people import People
from setupdesk.doors.telegram.speech import speaking, spoken
from setupdesk.doors.telegram.turns import Turns

log = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
"""How often the runs of open messages are looked at; Telegram takes about one message a second."""


@dataclass(slots=True)
class Following:
    """Looks at the runs of open messages, and brings each message up to date."""

    people: People
    memory: Memory
    chat: Chat
    look_seconds: float = LOOK_SECONDS
    turns: Turns = field(default_factory=Turns)

    def begin(self, answer: Answer, place: Place, message: int, owner: int) -> None:
        """Follow the run of an answer in its message; one without a run follows nothing more."""
        if answer.run_id is None:
            self.memory.drop_card(place.chat, message)
            return
        self.memory.keep_card(
            Card(
                chat=place.chat,
                message=message,
                run_id=answer.run_id,
                owner=owner,
                language=spoken(),
                text=answer.text,
            )
        )

    async def work(self) -> None:
        """Look again and again, until it is cancelled."""
        while True:
            await asyncio.sleep(self.look_seconds)
            chats = dict[int, list[Card]]()
            for card in self.memory.load_cards():
                chats.setdefault(card.chat, []).append(card)
            for chat, cards in chats.items():
                self.turns.begin(chat, partial(self._refresh_all, cards))

    async def stop(self) -> None:
        """Leave the messages as they are."""
        await self.turns.stop()

    async def _refresh_all(self, cards: Sequence[Card]) -> None:
        for card in cards:
            try:
                await self._refresh(card)
            except ChatMigrated:
                log.info("a message of %s is left: its chat has another id", card.run_id)
                self.memory.drop_card(card.chat, card.message)
            except (DeskUnavailableError, TelegramError) as failed:
                log.warning("a message of %s waits: %s", card.run_id, type(failed).__name__)
            except SetupdeskError as gone:
                log.info("a message of %s is left: %s", card.run_id, gone.code)
                self.memory.drop_card(card.chat, card.message)
            except Exception:
                log.exception("a bug, at the message of %s", card.run_id)
                self.memory.drop_card(card.chat, card.message)

    async def _refresh(self, card: Card) -> None:
        with speaking(card.language):
            if await asyncio.to_thread(self.people.find, card.owner) is None:
                self.memory.drop_card(card.chat, card.message)
                return
            desk = self.people.open_desk(card.owner, card.language)
            answer = await asyncio.to_thread(draw_card, desk, card.run_id)
            if answer.text == card.text:
                return
            is_there = await self.chat.change(answer, Place(card.chat), card.message, card.owner)
            if is_there and answer.run_id:
                self.memory.keep_card(replace(card, text=answer.text))
            else:
                self.memory.drop_card(card.chat, card.message)
