"""The way out to Telegram: a message at a time, sent anew until it has got there."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, InputMediaPhoto, Message
from telegram.error import BadRequest, Forbidden, NetworkError, RetryAfter

from setupdesk.doors.telegram.answer import LONGEST_CAPTION, Answer, Button, File, cut
from setupdesk.doors.telegram.memory import Memory

log = logging.getLogger(__name__)

Sent = TypeVar("Sent")

ATTEMPTS = 6
FIRST_PAUSE = 0.5
"""Seconds before the second attempt; each further pause is twice as long."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an answer goes: a chat, and in a group with topics one of them."""

    chat: int
    topic: int | None = None


@dataclass(frozen=True, slots=True)
class Chat:
    """Says answers, and changes what was said before."""

    bot: Bot
    memory: Memory
    first_pause: float = FIRST_PAUSE
    turns: defaultdict[int, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))
    """Of each chat: whoever is told to wait there lets no other overtake him."""

    async def say(self, answer: Answer, place: Place, owner: int) -> int:
        """Send an answer; gives the id of its message."""
        if answer.file is not None:
            return await self._send_file(answer.file, answer.text, place)
        keyboard = self._draw(answer, owner)
        if answer.picture is not None:
            try:
                return await self._send_file(answer.picture, answer.text, place, keyboard)
            except BadRequest as refused:
                _note_refusal(refused)

        def send() -> Awaitable[Message]:
            return self.bot.send_message(
                place.chat,
                cut(answer.text),
                reply_markup=keyboard,
                message_thread_id=place.topic,
                disable_web_page_preview=True,
            )

        return (await self._insist(place.chat, send)).message_id

    async def change(self, answer: Answer, place: Place, message: int, owner: int) -> bool:
        """Put an answer in the place of an earlier message; False where it is there no more."""
        keyboard = self._draw(answer, owner)
        try:
            if answer.picture is None or not await self._add_picture(
                answer.picture, answer.text, place, message, keyboard
            ):
                await self._change_text(answer.text, place, message, keyboard)
        except BadRequest as refused:
            return "not modified" in str(refused)
        except Forbidden:
            return False
        return True

    async def _change_text(
        self, text: str, place: Place, message: int, keyboard: InlineKeyboardMarkup | None
    ) -> None:
        def edit() -> Awaitable[Message | bool]:
            return self.bot.edit_message_text(
                cut(text), place.chat, message, reply_markup=keyboard, disable_web_page_preview=True
            )

        await self._insist(place.chat, edit)

    async def _add_picture(
        self,
        picture: File,
        text: str,
        place: Place,
        message: int,
        keyboard: InlineKeyboardMarkup | None,
    ) -> bool:
        """Put a picture into a message, above its text; False where Telegram refuses it."""
        media = InputMediaPhoto(
            picture.content, caption=cut(text, LONGEST_CAPTION), filename=picture.name
        )

        def edit() -> Awaitable[Message | bool]:
            return self.bot.edit_message_media(media, place.chat, message, reply_markup=keyboard)

        try:
            await self._insist(place.chat, edit)
        except BadRequest as refused:
            _note_refusal(refused)
            return False
        return True

    async def confirm(self, query_id: str, text: str = "") -> None:
        """Let a button that was pressed stop turning; one that is old needs no answer any more."""
        try:
            await self._try(lambda: self.bot.answer_callback_query(query_id, text or None))
        except BadRequest:
            log.info("a button was pressed long ago")

    async def _send_file(
        self, file: File, text: str, place: Place, keyboard: InlineKeyboardMarkup | None = None
    ) -> int:
        caption = cut(text, LONGEST_CAPTION)

        def send_picture() -> Awaitable[Message]:
            return self.bot.send_photo(
                place.chat,
                file.content,
                caption=caption,
                reply_markup=keyboard,
                message_thread_id=place.topic,
                filename=file.name,
            )

        def send() -> Awaitable[Message]:
            return self.bot.send_document(
                place.chat,
                file.content,
                filename=file.name,
                caption=caption,
                message_thread_id=place.topic,
            )

        is_picture = file.name.endswith(".png")
        return (await self._insist(place.chat, send_picture if is_picture else send)).message_id

    def _draw(self, answer: Answer, owner: int) -> InlineKeyboardMarkup | None:
        if not answer.buttons:
            return None
        return InlineKeyboardMarkup([self._draw_row(row, owner) for row in answer.buttons])

    def _draw_row(self, row: tuple[Button, ...], owner: int) -> list[InlineKeyboardButton]:
        tokens = self.memory.keep_buttons(row, owner)
        return [
            InlineKeyboardButton(button.label, callback_data=token)
            for button, token in zip(row, tokens, strict=True)
        ]

    async def _insist(self, chat: int, send: Callable[[], Awaitable[Sent]]) -> Sent:
        async with self.turns[chat]:
            return await self._try(send)

    async def _try(self, send: Callable[[], Awaitable[Sent]]) -> Sent:
        """Send until there is an answer; of an answer that was lost, the message may come twice."""
        pause = self.first_pause
        for _ in range(ATTEMPTS - 1):
            try:
                return await send()
            except RetryAfter as slow:
                await asyncio.sleep(read_seconds(slow))
            except (BadRequest, Forbidden):
                raise
            except NetworkError as lost:
                log.warning("Telegram did not take a message: %s", type(lost).__name__)
                await asyncio.sleep(pause)
                pause *= 2
        return await send()


def _note_refusal(refused: BadRequest) -> None:
    # The text is what was waited for: it comes without its picture.
    log.error("Telegram refused a picture: %s", refused)


def read_seconds(slow: RetryAfter) -> float:
    """Read how long Telegram lets somebody wait, in seconds."""
    wait = slow.retry_after
    return float(wait) if isinstance(wait, int | float) else wait.total_seconds()
