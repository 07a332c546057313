"""The bot's work: takes what Telegram delivers, answers it, and follows runs in their messages."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from telegram import (
    Bot,
    BotCommand,
    CallbackQuery,
    MaybeInaccessibleMessage,
    Message,
    Update,
    User,
)
from telegram.constants import ChatType
from telegram.error import NetworkError, RetryAfter

from setupdesk.core.alert_button import AlertButton, read_button
from setupdesk.core.errors import DeskUnavailableError, SetupdeskError
from setupdesk.core.free_text import LONGEST_NAME
from setupdesk.doors.telegram.answer import Answer, Asked, Button, Json, cut
from setupdesk.doors.telegram.chat import Chat, Place
from setupdesk.doors.telegram.commands import COMMANDS, DESCRIBED, is_apart, tell_help
from setupdesk.doors.telegram.delivery import Delivery
from setupdesk.doors.telegram.following import Following
from setupdesk.doors.telegram.inbox import Inbox
from setupdesk.doors.telegram.line import split_words
from setupdesk.doors.telegram.memory import Memory
from setupdesk.doors.telegram.people import People
from setupdesk.doors.telegram.speech import name as name_of
from setupdesk.doors.telegram.speech import say, speaking, spoken
from setupdesk.doors.telegram.told import speak_in
from setupdesk.doors.telegram.webhook import Webhook
from setupdesk.words import LANGUAGES, choose_language
from setupdesk.words.interpreter import interpret
from setupdesk.words.names import ROLES

log = logging.getLogger(__name__)

POLL_SECONDS = 25
"""How long Telegram may wait with an answer that there is nothing."""

STRANGER_SECONDS = 60.0
"""How often somebody who may not speak is told so."""

_OF_THE_BOT = ("language", "tg_info")
"""Commands that need no desk."""

_INNER = ("step", "vary", "look", "again", "alert")
"""Commands of buttons, which mean nothing without more words."""

_BUTTONS = {AlertButton.MUTE: "mute", AlertButton.ANALYZE: "look"}


@dataclass(slots=True)
class DeskBot:
    """The bot of one desk."""

    bot: Bot
    people: People
    memory: Memory
    chat: Chat
    following: Following
    webhook: Webhook | None = None
    """Where Telegram sends what is said; it is asked for it where there is none."""

    poll_seconds: int = POLL_SECONDS
    told: dict[int, float] = field(default_factory=dict)
    """When each stranger was told that he is one."""

    delivery: Delivery | None = None
    """As long as it works."""

    async def work(self) -> None:
        """Answer and follow, until it is cancelled."""
        await self._sign_in()
        inbox = Inbox(self.bot, self.memory, self._handle, self.chat.first_pause)
        try:
            await self._introduce()
            inbox.go_on()
            delivered = asyncio.ensure_future(self._have_delivered(inbox))
            try:
                await asyncio.gather(delivered, self.following.work())
            finally:
                # Of those who are cancelled together, only the first to end is waited for.
                delivered.cancel()
                await asyncio.wait([delivered])
        finally:
            await inbox.stop()
            await self.following.stop()
            await self.bot.shutdown()
            # Who is asking the desk in a thread has what it needs until it is done.
            await asyncio.get_running_loop().shutdown_default_executor()
            self.people.close()

    async def _have_delivered(self, inbox: Inbox) -> None:
        self.delivery = Delivery(self.bot, inbox)
        if self.webhook:
            await self.delivery.receive(self.webhook, self.people.count_forgery)
        else:
            await self.delivery.poll(self.poll_seconds)

    async def _sign_in(self) -> None:
        pause = 0.5
        while True:
            try:
                await self.bot.initialize()
            except NetworkError as lost:
                log.warning("Telegram cannot be reached: %s", type(lost).__name__)
                await asyncio.sleep(pause)
                pause = min(2 * pause, 30.0)
            else:
                return

    async def _introduce(self) -> None:
        for language in LANGUAGES:
            with speaking(language):
                menu = [BotCommand(one, say(text)[:256]) for one, text in DESCRIBED.items()]
            code = None if language == "en" else language
            try:
                await self.bot.set_my_commands(menu, language_code=code)
            except (NetworkError, RetryAfter) as failed:
                log.warning("the menu of commands was not set: %s", type(failed).__name__)

    async def _handle(self, update: Update) -> None:
        if update.callback_query is not None:
            await self._press(update.callback_query, update.update_id)
        elif update.message is not None:
            await self._hear(update.message, update.update_id)

    async def _hear(self, message: Message, update_id: int) -> None:
        user, line = message.from_user, self._read_line(message)
        if user is None or user.is_bot or line is None:
            return
        place = Place(
            message.chat.id, message.message_thread_id if message.is_topic_message else None
        )
        with speaking(self._find_language(user)):
            answer = await self._answer(user, line, f"tg:{self.bot.id}:{update_id}", place)
            if answer is not None:
                sent = await self.chat.say(answer, place, user.id)
                self.following.begin(answer, place, sent, user.id)

    async def _press(self, query: CallbackQuery, update_id: int) -> None:
        user, message = query.from_user, query.message
        with speaking(self._find_language(user)):
            if await self._is_stranger(user):
                await self.chat.confirm(query.id)
                return
            of_alert = _read_alert_button(query)
            known = of_alert or self.memory.find_button(query.data or "")
            if message is None or known is None:
                await self.chat.confirm(query.id, say("This button is too old. Ask again: /help"))
                return
            owner, line = known
            if owner != user.id:
                await self.chat.confirm(query.id, say("This button is somebody else's."))
                return
            await self.chat.confirm(query.id)
            # By the button and not by the press, so that two presses are one request; but the
            # button under an alert asks anew each time.
            key = f"tg:{self.bot.id}:{update_id if of_alert else query.data}"
            await self._do(user, line, key, message, stays=of_alert is not None)

    async def _do(
        self, user: User, line: str, key: str, message: MaybeInaccessibleMessage, *, stays: bool
    ) -> None:
        """Do what a button stands for; the answer takes the place of its message, if it can."""
        topic = getattr(message, "message_thread_id", None)
        place = Place(
            message.chat.id, topic if getattr(message, "is_topic_message", False) else None
        )
        answer = await self._answer(user, line, key, place)
        if answer is None:
            return
        # What stands in a picture or is the end of a run stays, and is answered below it.
        if stays or answer.file or is_apart(line) or getattr(message, "photo", None):
            shown = await self.chat.say(answer, place, user.id)
        elif await self.chat.change(answer, place, message.message_id, user.id):
            shown = message.message_id
        else:
            shown = await self.chat.say(answer, place, user.id)
        self.following.begin(answer, place, shown, user.id)

    async def _is_stranger(self, user: User) -> bool:
        """Say whether somebody may not speak, and count him; a desk that is away tells later."""
        try:
            if await asyncio.to_thread(self.people.find, user.id) is not None:
                return False
            await asyncio.to_thread(self.people.count_stranger, user.id)
        except DeskUnavailableError:
            return False
        return True

    def _read_line(self, message: Message) -> str | None:
        """Read the command of a message; None where it is not for this bot."""
        text, is_private = (message.text or message.caption or "").strip(), _is_private(message)
        if not text.startswith("/"):
            return "help" if text and is_private else None
        command, _, rest = text[1:].replace("\n", " ").partition(" ")
        named, _, at = command.partition("@")
        if at and at.lower() != self.bot.username.lower():
            return None
        # In a group others have commands too.
        is_ours = at or is_private or named.lower() in {*COMMANDS, *_OF_THE_BOT}
        return f"{named.lower()} {rest}".strip() if is_ours else None

    def _find_language(self, user: User) -> str:
        return self.memory.find_language(user.id) or choose_language(user.language_code)

    async def _answer(self, user: User, line: str, key: str, place: Place) -> Answer | None:
        command, *words = split_words(line) or ["help"]
        try:
            return await self._find_answer(user, command, words, key, place)
        except DeskUnavailableError:
            return Answer(say("The desk cannot be reached now. Try again in a minute."))
        except SetupdeskError as error:
            return Answer(cut(interpret(str(error), spoken())))
        except Exception:
            log.exception("a bug, at /%s", command[:32])
            return Answer(say("A bug of ours; the log of the bot has it."))

    async def _find_answer(
        self, user: User, command: str, words: Sequence[str], key: str, place: Place
    ) -> Answer | None:
        person = await asyncio.to_thread(self.people.find, user.id)
        if command == "start" and words:
            return await self._pair(user, words[0], is_known=person is not None)
        if person is None:
            return await self._meet(user)
        if special := self._answer_self(user, command, words, place):
            await self._have_told(person, command, words)
            return special
        return await asyncio.to_thread(self._carry_out, person, command, tuple(words), key)

    def _answer_self(
        self, user: User, command: str, words: Sequence[str], place: Place
    ) -> Answer | None:
        if command == "tg_info":
            ids = f"chat {place.chat}, topic {place.topic or '--'}, user {user.id}"
            return Answer(ids)
        if command == "web" and place.chat != user.id:
            return Answer(say("Ask me for that in a chat of our own: here others could come in."))
        if command != "language":
            return None
        if not words or words[0] not in LANGUAGES:
            each = tuple(Button(title, f"language {code}") for code, title in LANGUAGES.items())
            return Answer(say("Which language?"), (each,))
        self.memory.choose_language(user.id, words[0])
        with speaking(words[0]):
            return Answer(say("I speak English now."))

    async def _have_told(self, person: Json, command: str, words: Sequence[str]) -> None:
        """Have alerts said in the language that somebody has chosen; a viewer changes none."""
        number, language = person["telegram_id"], words[0] if words else ""
        if command == "language" and language in LANGUAGES and person["role"] != "viewer":
            desk = self.people.open_desk(number, language)
            await asyncio.to_thread(speak_in, desk, number, language)

    def _carry_out(self, person: Json, command: str, words: tuple[str, ...], key: str) -> Answer:
        known = COMMANDS.get(command)
        if known is None or (command in _INNER and not words):
            return Answer(
                say("I do not know /{command}. All commands: /help", command=command[:32])
            )
        desk = self.people.open_desk(person["telegram_id"], spoken())
        return known(Asked(desk=desk, person=person, words=words, key=key))

    async def _pair(self, user: User, code: str, *, is_known: bool) -> Answer | None:
        """Pair who sends a code, anew where he is paired; a stranger's wrong one is no more."""
        name = user.full_name[:LONGEST_NAME] or str(user.id)
        try:
            person = await asyncio.to_thread(self.people.pair, code, user.id, name, spoken())
        except SetupdeskError as wrong:
            if is_known or isinstance(wrong, DeskUnavailableError):
                raise
            refused = Answer(cut(interpret(str(wrong), spoken())))
            return refused if await self._meet(user) else None
        self.told.pop(user.id, None)
        role = name_of(ROLES, person["role"])
        welcome = say("You speak to the desk as {user}, {role}.", user=person["user"], role=role)
        helped = tell_help()
        return replace(helped, text=f"{welcome}\n\n{helped.text}")

    async def _meet(self, user: User) -> Answer | None:
        """Count a stranger, and tell him no more than his own id, and that now and then."""
        await asyncio.to_thread(self.people.count_stranger, user.id)
        now = asyncio.get_running_loop().time()
        if now - self.told.get(user.id, -STRANGER_SECONDS) < STRANGER_SECONDS:
            return None
        if len(self.told) > 10_000:
            self.told.clear()
        self.told[user.id] = now
        return Answer(say("Your Telegram id: {id}", id=user.id))


def _is_private(message: Message) -> bool:
    return message.chat.type == ChatType.PRIVATE


def _read_alert_button(query: CallbackQuery) -> tuple[int, str] | None:
    """Read whose a button under an alert is, and the command that it stands for."""
    found = read_button(query.data or "")
    if found is None or query.message is None:
        return None
    # The outbox sends alerts to nobody but their owner, and so to no other chat than his own.
    button, alert_id = found
    return query.message.chat.id, f"{_BUTTONS[button]} {alert_id}"
